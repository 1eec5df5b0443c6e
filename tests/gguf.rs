//! GGUF files of every family that llama.cpp stores: the same model as from Hugging Face's files. The names and conversions are
//! llama.cpp's, written here a second time.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::quantized::gguf_file::Value;
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use corda::model::arch::{FAMILIES, Family};
use corda::model::checkpoint::Checkpoint;
use corda::model::config::{Config, FramePart, Part};
use corda::model::decoder::logits;
use corda::model::weights::Resident;
use serde_json::json;

use crate::tiny;

const VOCABULARY: usize = 64;

/// A family with all that its `config.json` can say and a GGUF can store: names of llama.cpp, and metadata that is not the
/// same for all.
struct Case {
    family: &'static str,
    architecture: &'static str,
    /// Keys of `config.json` beside the dimensions.
    config: serde_json::Value,
    /// Keys of the metadata beside the dimensions, without the architecture.
    metadata: Vec<(&'static str, Value)>,
    /// Names of parts that are not Llama's.
    names: &'static [(&'static str, &'static str)],
}

fn cases() -> Vec<Case> {
    let f = Value::F32;
    let n = Value::U32;
    let text = |text: &str| Value::String(text.into());
    let around: &[_] = &[
        ("post_attention_layernorm", "post_attention_norm"),
        ("pre_feedforward_layernorm", "ffn_norm"),
        ("post_feedforward_layernorm", "post_ffw_norm"),
    ];
    let case = |family, architecture, config, metadata, names| Case { family, architecture, config, metadata, names };
    vec![
        case("llama", "llama", json!({"attention_bias": true, "mlp_bias": true}), vec![], &[]),
        case(
            "qwen2",
            "qwen2",
            json!({"rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}}),
            vec![
                ("rope.scaling.type", text("yarn")),
                ("rope.scaling.factor", f(4.0)),
                ("rope.scaling.original_context_length", n(32)),
            ],
            &[],
        ),
        case("qwen3", "qwen3", json!({"head_dim": 12}), vec![("attention.key_length", n(12))], &[]),
        case(
            "gemma2",
            "gemma2",
            json!({"head_dim": 12, "query_pre_attn_scalar": 12, "sliding_window": 16}),
            vec![
                ("attention.key_length", n(12)),
                ("attention.value_length", n(12)),
                ("attention.sliding_window", n(16)),
                ("attn_logit_softcapping", f(50.0)),
                ("final_logit_softcapping", f(30.0)),
            ],
            around,
        ),
        case(
            "gemma3_text",
            "gemma3",
            json!({"head_dim": 12, "query_pre_attn_scalar": 12, "sliding_window": 16, "rope_theta": 1e6,
                   "rope_scaling": {"rope_type": "linear", "factor": 8.0}}),
            vec![
                ("attention.key_length", n(12)),
                ("attention.sliding_window", n(16)),
                ("rope.freq_base", f(1e6)),
                ("rope.scaling.type", text("linear")),
                ("rope.scaling.factor", f(8.0)),
            ],
            around,
        ),
        case(
            "phi3",
            "phi3",
            json!({"partial_rotary_factor": 0.75, "sliding_window": 20, "original_max_position_embeddings": 48,
                   "rope_scaling": {"type": "longrope", "short_factor": [1.0, 1.5, 2.0], "long_factor": [2.0, 3.0, 4.0],
                                    "attention_factor": 1.25}}),
            vec![
                ("rope.dimension_count", n(6)),
                ("attention.sliding_window", n(20)),
                ("rope.scaling.original_context_length", n(48)),
                ("rope.scaling.attn_factor", f(1.25)),
            ],
            &[],
        ),
        case(
            "olmo2",
            "olmo2",
            json!({}),
            vec![],
            &[("post_attention_layernorm", "post_attention_norm"), ("post_feedforward_layernorm", "post_ffw_norm")],
        ),
        case("smollm3", "smollm3", json!({"rope_theta": 5e6}), vec![("rope.freq_base", f(5e6))], &[]),
    ]
}

/// llama.cpp's name of a tensor.
fn name(case: &Case, tensor: &str) -> String {
    let renamed = case.names.iter().fold(tensor.replace("model.layers.", "blk."), |name, (theirs, own)| {
        name.replace(&format!(".{theirs}."), &format!(".{own}."))
    });
    [
        ("model.embed_tokens", "token_embd"),
        ("model.norm", "output_norm"),
        ("lm_head", "output"),
        ("input_layernorm", "attn_norm"),
        ("post_attention_layernorm", "ffn_norm"),
        ("self_attn.q_norm", "attn_q_norm"),
        ("self_attn.k_norm", "attn_k_norm"),
        ("self_attn.qkv_proj", "attn_qkv"),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("mlp.gate_up_proj", "ffn_up"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
    ]
    .iter()
    .fold(renamed, |name, (theirs, own)| name.replace(theirs, own))
}

fn config_json(case: &Case, tied: bool) -> serde_json::Value {
    let mut config = json!({
        "model_type": case.family, "hidden_size": 32, "num_hidden_layers": 6, "num_attention_heads": 4,
        "num_key_value_heads": 2, "intermediate_size": 48, "vocab_size": VOCABULARY, "max_position_embeddings": 128,
        "rms_norm_eps": 1e-6, "tie_word_embeddings": tied, "rope_theta": 10000.0,
    });
    config.as_object_mut().unwrap().extend(case.config.as_object().unwrap().clone());
    config
}

/// Tensors under Hugging Face's names as its files hold them, and which are gains of norms.
fn weights(config: &Config) -> HashMap<String, (Tensor, bool)> {
    let mut salt = 0.0;
    let mut tensor = |dims: &[usize], gain: bool| {
        salt += 1.0;
        let offset = if gain { 1.0 - f64::from(config.shape.family.gain_offset) } else { 0.0 };
        let scale = if dims.len() == 1 { 0.2 } else { 0.4 };
        let n: usize = dims.iter().product();
        let values = (0..n).map(|i| (offset + scale * (1.3 * i as f64 + salt + (0.37 * i as f64).sin()).sin()) as f32);
        Tensor::from_vec(values.collect(), dims, &Device::Cpu).unwrap()
    };
    let mut all = HashMap::new();
    for slot in config.frame_slots() {
        let gain = slot.part == FramePart::Gain;
        all.insert(slot.name, (tensor(&slot.dims, gain), gain));
    }
    for slot in (0..config.shape.layers).flat_map(|layer| config.slots(layer)) {
        let gain = matches!(slot.part, Part::Gain(_));
        all.insert(slot.name, (tensor(&slot.dims, gain), gain));
    }
    all
}

fn write_folder(folder: &Path, config: &serde_json::Value, weights: &HashMap<String, (Tensor, bool)>) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let vocabulary: serde_json::Map<_, _> = (0..VOCABULARY).map(|id| (format!("t{id}"), id.into())).collect();
    let tokenizer = json!({"version": "1.0", "model": {"type": "BPE", "vocab": vocabulary, "merges": []}});
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let weights: HashMap<_, _> = weights.iter().map(|(name, (tensor, _))| (name.clone(), tensor.clone())).collect();
    candle_core::safetensors::save(&weights, folder.join("model.safetensors")).unwrap();
}

/// What llama.cpp's converter does to a tensor.
fn converted(config: &Config, tensor_name: &str, tensor: &Tensor, gain: bool) -> Tensor {
    let shape = &config.shape;
    let paired = ["llama", "smollm3"].contains(&shape.family.name);
    let heads = match (paired, tensor_name) {
        (true, name) if name.contains("q_proj") => shape.heads,
        (true, name) if name.contains("k_proj") => shape.kv_heads,
        _ => {
            return if gain && shape.family.name.starts_with("gemma") {
                (tensor + 1.0).unwrap()
            } else {
                tensor.clone()
            };
        }
    };
    let rows = tensor.dim(0).unwrap();
    let halves = tensor.reshape((heads, 2, rows / heads / 2, tensor.elem_count() / rows)).unwrap();
    halves.transpose(1, 2).unwrap().contiguous().unwrap().reshape(tensor.dims()).unwrap()
}

fn write_gguf(path: &Path, case: &Case, config: &Config, weights: &HashMap<String, (Tensor, bool)>) {
    let own = |key: &str| format!("{}.{key}", case.architecture);
    let number = |n: usize| Value::U32(n as u32);
    let shape = &config.shape;
    let mut metadata: BTreeMap<String, Value> = [
        ("embedding_length", number(shape.hidden)),
        ("block_count", number(shape.layers)),
        ("attention.head_count", number(shape.heads)),
        ("attention.head_count_kv", number(shape.kv_heads)),
        ("feed_forward_length", number(shape.intermediate)),
        ("context_length", number(shape.context)),
        ("rope.freq_base", Value::F32(10_000.0)),
        ("attention.layer_norm_rms_epsilon", Value::F32(1e-6)),
    ]
    .into_iter()
    .map(|(key, value)| (own(key), value))
    .collect();
    metadata.extend(case.metadata.iter().map(|(key, value)| (own(key), value.clone())));
    let tokens = (0..VOCABULARY).map(|id| Value::String(format!("t{id}"))).collect();
    metadata.extend([
        ("general.architecture".to_string(), Value::String(case.architecture.into())),
        ("tokenizer.ggml.model".into(), Value::String("gpt2".into())),
        ("tokenizer.ggml.pre".into(), Value::String("smollm".into())),
        ("tokenizer.ggml.tokens".into(), Value::Array(tokens)),
        ("tokenizer.ggml.merges".into(), Value::Array(Vec::new())),
    ]);
    let mut tensors: BTreeMap<String, QTensor> = BTreeMap::new();
    let mut add = |name: String, tensor: &Tensor| {
        tensors.insert(name, QTensor::quantize(tensor, GgmlDType::F32).unwrap());
    };
    for (tensor_name, (tensor, gain)) in weights {
        add(name(case, tensor_name), &converted(config, tensor_name, tensor, *gain));
    }
    if case.family == "phi3" {
        for (name, divisors) in
            [("rope_factors_short.weight", [1.0f32, 1.5, 2.0]), ("rope_factors_long.weight", [2.0, 3.0, 4.0])]
        {
            add(name.into(), &Tensor::new(&divisors, &Device::Cpu).unwrap());
        }
    }
    tiny::gguf::Gguf { metadata, tensors }.write(path);
}

fn outputs(path: &Path) -> Vec<f32> {
    let model = Resident::read(&Checkpoint::open_path(path).unwrap(), &Device::Cpu).unwrap();
    let tokens: Vec<u32> = (0..96).map(|t| (t * t * 7 + 3 * t + 1) % VOCABULARY as u32).collect();
    let logits = logits(&model, &tokens).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    assert!(logits.iter().all(|logit: &f32| logit.is_finite()));
    logits
}

#[test]
fn every_family_is_the_same_from_gguf_as_from_its_own_files() {
    let stored: Vec<&str> = FAMILIES.iter().filter(|family| family.gguf.is_some()).map(|family| family.name).collect();
    assert_eq!(stored, cases().iter().map(|case| case.family).collect::<Vec<_>>());
    let temporary = tempfile::tempdir().unwrap();
    for case in cases() {
        for tied in [true, false] {
            let config_json = config_json(&case, tied);
            let config = Config::from_json(&config_json.to_string()).unwrap();
            let weights = weights(&config);
            let (folder, file) = (temporary.path().join("folder"), temporary.path().join("m.gguf"));
            write_folder(&folder, &config_json, &weights);
            write_gguf(&file, &case, &config, &weights);
            let (own, gguf) = (outputs(&folder), outputs(&file));
            let worst = own.iter().zip(&gguf).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-5, "{} tied {tied}: off by {worst}", case.family);
            let stored = Checkpoint::open_path(&file).unwrap();
            assert_eq!(stored.config().shape, config.shape, "{}", case.family);
            // Exported, it is that model again, and transformers takes whole numbers for no others.
            let again = stored.config().to_json().unwrap();
            let scalar = again.get("query_pre_attn_scalar");
            assert!(scalar.is_none_or(serde_json::Value::is_u64), "{}: {scalar:?}", case.family);
            let again = Config::from_json(&serde_json::Value::from(again).to_string()).unwrap();
            assert_eq!((again.shape, again.layers, again.biased), (config.shape, config.layers, config.biased));
        }
    }
}

#[test]
fn what_a_family_needs_is_named_where_the_metadata_lacks_it() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("m.gguf");
    let error = |case: &Case, change: &dyn Fn(&mut tiny::gguf::Gguf)| {
        let config = Config::from_json(&config_json(case, true).to_string()).unwrap();
        write_gguf(&path, case, &config, &weights(&config));
        let file = std::fs::read(&path).unwrap();
        let read = candle_core::quantized::gguf_file::Content::read(&mut std::io::Cursor::new(&file)).unwrap();
        let mut cursor = std::io::Cursor::new(&file);
        let tensors =
            read.tensor_infos.keys().map(|name| (name.clone(), read.tensor(&mut cursor, name, &Device::Cpu).unwrap()));
        let tensors = tensors.collect();
        let mut gguf = tiny::gguf::Gguf { metadata: read.metadata.into_iter().collect(), tensors };
        change(&mut gguf);
        gguf.write(&path);
        Checkpoint::open_path(&path).map(|_| ()).unwrap_err().to_string()
    };
    let all = cases();
    let case = |name: &str| all.iter().find(|case| case.family == name).unwrap();
    for (family, key) in [
        ("qwen2", "qwen2.attention.head_count"),
        ("qwen2", "qwen2.rope.scaling.original_context_length"),
        ("qwen3", "qwen3.rope.freq_base"),
        ("qwen3", "qwen3.attention.key_length"),
        ("phi3", "phi3.rope.scaling.original_context_length"),
        ("gemma3_text", "gemma3.attention.sliding_window"),
        ("gemma3_text", "gemma3.context_length"),
    ] {
        let said = error(case(family), &|gguf| drop(gguf.metadata.remove(key)));
        assert!(said.contains(key), "{said}");
    }
    let said = error(case("qwen3"), &|gguf| drop(gguf.tensors.remove("blk.3.attn_q_norm.weight")));
    assert!(said.contains("blk.3.attn_q_norm.weight"), "{said}");
    let said = error(case("qwen2"), &|gguf| drop(gguf.tensors.remove("blk.0.attn_q.bias")));
    assert!(said.contains("attn_q.bias"), "{said}");
    let said = error(case("olmo2"), &|gguf| {
        gguf.metadata.insert("general.architecture".into(), Value::String("olmo3".into()));
    });
    assert!(said.contains("general.architecture") && said.contains("is `olmo2` meant?"), "{said}");
    let said = error(case("gemma2"), &|gguf| {
        gguf.metadata.insert("gemma2.attention.clamp_kqv".into(), Value::F32(3.0));
    });
    assert!(said.contains("gemma2.attention.clamp_kqv"), "{said}");
    // More tokens than rows of the embedding.
    let said = error(case("qwen3"), &|gguf| {
        let tokens = (0..VOCABULARY + 1).map(|id| Value::String(format!("t{id}"))).collect();
        gguf.metadata.insert("tokenizer.ggml.tokens".into(), Value::Array(tokens));
    });
    assert!(said.contains("65 tokens") && said.contains("64 rows"), "{said}");
    // Fewer are what padding leaves.
    let padded = case("qwen3");
    let config = Config::from_json(&config_json(padded, true).to_string()).unwrap();
    write_gguf(&path, padded, &config, &weights(&config));
    let file = std::fs::read(&path).unwrap();
    let read = candle_core::quantized::gguf_file::Content::read(&mut std::io::Cursor::new(&file)).unwrap();
    let mut cursor = std::io::Cursor::new(&file);
    let tensors =
        read.tensor_infos.keys().map(|name| (name.clone(), read.tensor(&mut cursor, name, &Device::Cpu).unwrap()));
    let mut gguf = tiny::gguf::Gguf { tensors: tensors.collect(), metadata: read.metadata.into_iter().collect() };
    let fewer = (0..VOCABULARY - 7).map(|id| Value::String(format!("t{id}"))).collect();
    gguf.metadata.insert("tokenizer.ggml.tokens".into(), Value::Array(fewer));
    gguf.write(&path);
    let checkpoint = Checkpoint::open_path(&path).unwrap();
    assert_eq!(checkpoint.config().shape.vocabulary, VOCABULARY);
    checkpoint.tokenizer().unwrap();
    assert!(Family::named("gemma3_text").is_some_and(|family| family.bos_each_window));
}
