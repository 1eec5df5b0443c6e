//! Model files written by other programs: every setting in them is read or refused by name, and none is ignored.

use std::collections::HashMap;
use std::path::Path;

use candle_core::quantized::gguf_file::Value;
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use corda::model::checkpoint::Checkpoint;
use corda::model::decoder::logits;
use corda::model::weights::Resident;
use serde_json::{Value as Json, json};

use crate::tiny::Tiny;
use crate::tiny::binary::{fails, run, succeeds};
use crate::tiny::gguf::Gguf;

mod commands;
mod folders;

pub const TIED: Tiny = Tiny { hidden: 64, layers: 3, heads: 4, kv_heads: 2, tied: true, rope_scaling: None };
pub const UNTIED: Tiny = Tiny { tied: false, ..TIED };

/// The model at this path, or why it cannot be opened.
pub fn open(path: &Path) -> Result<Checkpoint, String> {
    Checkpoint::open_path(path).map_err(|e| e.to_string())
}

/// The logits of a few tokens: they agree to the bit only if all weights and the configuration do.
pub fn fingerprint(path: &Path) -> Vec<f32> {
    let resident = Resident::read(&open(path).unwrap(), &Device::Cpu).unwrap();
    let tokens: Vec<u32> = (0..40).map(|i| i * 7 % Tiny::VOCABULARY as u32).collect();
    logits(&resident, &tokens).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

pub fn refused(path: &Path, said: &[&str]) {
    match open(path).and_then(|checkpoint| checkpoint.tokenizer().map(|_| ()).map_err(|e| e.to_string())) {
        Ok(()) => panic!("{} was read, without {said:?}", path.display()),
        Err(error) => assert!(said.iter().all(|said| error.contains(said)), "{said:?}: {error}"),
    }
}

/// Writes the model as a folder, with these keys added to config.json.
pub fn folder_with(tiny: &Tiny, keys: Json) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    tiny.write(folder.path(), false);
    let path = folder.path().join("config.json");
    let mut config: Json = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    config.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    std::fs::write(path, config.to_string()).unwrap();
    folder
}

pub fn save(weights: &HashMap<String, Tensor>, path: &Path) {
    candle_core::safetensors::save(weights, path).unwrap();
}

/// The same weights, each slightly larger: a different checkpoint.
pub fn other(weights: &HashMap<String, Tensor>) -> HashMap<String, Tensor> {
    weights.iter().map(|(name, tensor)| (name.clone(), (tensor * 1.125).unwrap())).collect()
}

#[test]
fn linear_scaling_is_the_same_in_every_spelling() {
    let expected = fingerprint(folder_with(&TIED, json!({"rope_scaling": {"type": "linear", "factor": 4.0}})).path());
    let plain = fingerprint(folder_with(&TIED, json!({})).path());
    assert_ne!(expected, plain);
    for keys in [
        json!({"rope_scaling": {"type": "linear", "rope_type": "linear", "factor": 4.0}}),
        json!({"rope_theta": null, "rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}}),
    ] {
        assert_eq!(fingerprint(folder_with(&TIED, keys).path()), expected);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    let factor = ("llama.rope.scaling.factor", Value::F32(4.0));
    let kind = |text: &str| ("llama.rope.scaling.type", Value::String(text.into()));
    for (keys, expected) in [
        (vec![("llama.rope.scale_linear", Value::F32(4.0))], &expected),
        (vec![factor.clone()], &expected),
        (vec![kind("linear"), factor.clone()], &expected),
        // The current name of a key takes precedence over the name of 2023.
        (vec![factor.clone(), ("llama.rope.scale_linear", Value::F32(8.0))], &expected),
        (vec![kind("none"), factor], &plain),
        (vec![kind("linear")], &plain),
    ] {
        let gguf = keys.into_iter().fold(Gguf::of(&TIED), |gguf, (key, value)| gguf.set(key, value));
        gguf.write(&path);
        assert_eq!(&fingerprint(&path), expected);
    }
}

#[test]
fn what_is_read_of_a_gguf_is_exported_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    Gguf::of(&UNTIED).set("llama.rope.scaling.factor", Value::F32(2.5)).write(&path);
    let gguf = Checkpoint::open_path(&path).unwrap();
    let exported = folder.path().join("exported");
    std::fs::create_dir(&exported).unwrap();
    let resident = Resident::read(&gguf, &Device::Cpu).unwrap();
    corda::model::export::write_model(&exported, &resident, &gguf).unwrap();
    assert_eq!(open(&exported).unwrap().config(), gguf.config());
    assert_eq!(fingerprint(&exported), fingerprint(&path));
}

#[test]
fn a_gguf_key_that_changes_a_number_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    let text = |text: &str| Value::String(text.into());
    for (key, value, said) in [
        ("llama.rope.scaling.type", text("yarn"), "yarn"),
        ("llama.rope.scaling.factor", Value::F32(f32::NAN), "NaN"),
        ("llama.rope.scaling.factor", Value::F32(-2.0), "-2"),
        ("llama.rope.scaling.attn_factor", Value::F32(1.2), "1.2"),
        ("llama.rope.scaling.yarn_ext_factor", Value::F32(1.0), "1"),
        ("llama.rope.scale", Value::F32(4.0), "4"),
        ("llama.rope.freq_base", Value::F32(0.0), "greater than 0"),
        ("llama.rope.dimension_count", Value::U32(8), "8"),
        ("llama.attention.value_length", Value::U32(32), "32"),
        ("llama.attention.head_dim", Value::U32(32), "only the width of a head, 16"),
        (
            "llama.rope.freq_base",
            Value::U32(10_000),
            "is 10000, which is stored as UINT32; it must be a number with a fraction (FLOAT32)",
        ),
        ("llama.rope.scaling.factor", text("4"), "stored as STRING"),
        ("llama.block_count", Value::F32(3.0), "stored as FLOAT32; it must be a whole number (UINT32)"),
        ("llama.block_count", Value::U32(0), "at least 1"),
        ("llama.context_length", Value::U32(0), "at least 1"),
        ("tokenizer.ggml.add_bos_token", Value::U8(0), "stored as UINT8; it must be true or false (BOOL)"),
        ("llama.attention.sliding_window", Value::U32(128), "128"),
        ("llama.attention.head_count_kv", Value::Array(vec![Value::U32(2), Value::U32(4)]), "differs by layer"),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(0.0), "greater than 0"),
        ("llama.attention.causal", Value::Bool(false), "false"),
        ("llama.attention.clamp_kqv", Value::F32(8.0), "8"),
        ("llama.attention.max_alibi_bias", Value::F32(8.0), "8"),
        ("llama.attn_logit_softcapping", Value::F32(50.0), "50"),
        ("llama.final_logit_softcapping", Value::F32(30.0), "30"),
        ("llama.logit_scale", Value::F32(0.5), "0.5"),
        ("llama.embedding_scale", Value::F32(12.0), "12"),
        ("llama.residual_scale", Value::F32(0.22), "0.22"),
        ("llama.use_parallel_residual", Value::Bool(true), "true"),
        ("llama.expert_count", Value::U32(8), "8"),
        ("llama.expert_used_count", Value::U32(2), "2"),
        ("llama.vocab_size", Value::U32(65), "65"),
        ("llama.something_new", Value::F32(0.3), "0.3"),
        ("general.architecture", text("mamba"), "mamba"),
        ("general.type", text("adapter"), "adapter"),
        ("general.quantization_version", Value::U32(1), "1"),
        ("general.alignment", Value::U32(0), "0"),
        ("adapter.lora.alpha", Value::F32(16.0), "16"),
        ("split.count", Value::U16(2), "split"),
        ("tokenizer.ggml.model", text("rwkv"), "rwkv"),
        ("tokenizer.ggml.pre", text("chatglm-bpe"), "chatglm-bpe"),
        ("tokenizer.ggml.add_eos_token", Value::Bool(true), "true"),
        ("tokenizer.ggml.add_space_prefix", Value::Bool(true), "true"),
        ("tokenizer.ggml.remove_extra_whitespaces", Value::Bool(true), "true"),
        ("tokenizer.ggml.precompiled_charsmap", Value::Array(vec![Value::U8(1)]), "[1]"),
    ] {
        Gguf::of(&TIED).set(key, value).write(&path);
        let named = if key == "split.count" { "one part" } else { key };
        refused(&path, &["x.gguf", named, said]);
    }
}

#[test]
fn a_gguf_as_converters_write_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, path) = (folder.path().join("plain.gguf"), folder.path().join("x.gguf"));
    Gguf::of(&TIED).write(&plain);
    let text = |text: &str| Value::String(text.into());
    let three = |n: u32| Value::Array(vec![Value::U32(n); 3]);
    [
        ("general.type", text("model")),
        ("general.name", text("Tiny")),
        ("general.base_model.0.name", text("Tinier")),
        ("general.file_type", Value::U32(0)),
        ("general.parameter_count", Value::U64(134_515_008)),
        ("llama.attention.head_dim", Value::U32(16)),
        ("general.quantization_version", Value::U32(2)),
        ("general.alignment", Value::U32(32)),
        ("llama.vocab_size", Value::U32(Tiny::VOCABULARY as u32)),
        ("llama.rope.dimension_count", Value::U32(16)),
        ("llama.attention.key_length", Value::U32(16)),
        ("llama.attention.value_length", Value::I32(16)),
        ("llama.attention.head_count", three(4)),
        ("llama.feed_forward_length", three(Tiny::INTERMEDIATE as u32)),
        ("llama.expert_count", Value::U32(0)),
        ("llama.attention.causal", Value::Bool(true)),
        ("llama.rope.scaling.original_context_length", Value::U32(512)),
        ("llama.rope.scaling.finetuned", Value::Bool(true)),
        ("tokenizer.ggml.scores", Value::Array(vec![Value::F32(0.0); Tiny::VOCABULARY])),
        ("tokenizer.ggml.add_bos_token", Value::Bool(false)),
        ("tokenizer.ggml.add_space_prefix", Value::Bool(false)),
        ("tokenizer.ggml.padding_token_id", Value::U32(u32::MAX)),
        ("tokenizer.chat_template", text("{{ x }}")),
        ("quantize.imatrix.file", text("x.dat")),
        ("mradermacher.quantized_by", text("someone")),
    ]
    .into_iter()
    .fold(Gguf::of(&TIED), |gguf, (key, value)| gguf.set(key, value))
    .write(&path);
    assert_eq!(fingerprint(&path), fingerprint(&plain));
    // Without token types, every token is a normal one, which is the case here anyway.
    let mut untyped = Gguf::of(&TIED);
    untyped.metadata.remove("tokenizer.ggml.token_type");
    untyped.write(&plain);
    let ids = |path: &Path| open(path).unwrap().tokenizer().unwrap().encode("and a <unk>").unwrap();
    assert_eq!(ids(&plain), ids(&path));
    open(&path).unwrap().tokenizer().unwrap();
    open(&path).unwrap().side_files(false).unwrap();
}

#[test]
fn every_tensor_of_a_gguf_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    let ones = |n: usize| {
        QTensor::quantize(&Tensor::ones(n, candle_core::DType::F32, &Device::Cpu).unwrap(), GgmlDType::F32).unwrap()
    };
    for (name, said) in [
        ("blk.2.attn_q.bias", "no such bias"),
        ("blk.3.attn_norm.weight", "3 layers"),
        ("blk.0.ffn_gate_inp.weight", "experts"),
        ("blk.0.attn_q_norm.weight", "are not normalised"),
        ("blk.0.attn_q.scale", "it belongs to weights quantised in a way that is not supported"),
    ] {
        let mut gguf = Gguf::of(&TIED);
        gguf.tensors.insert(name.into(), ones(64));
        gguf.write(&path);
        refused(&path, &["x.gguf", name, said]);
    }
    // What one tensor says others must say too: biases are those of every block, and LongRoPE has two tensors.
    for (name, missing) in
        [("blk.0.attn_q.bias", "blk.1.attn_q.bias"), ("rope_factors_long.weight", "rope_factors_short.weight")]
    {
        let mut gguf = Gguf::of(&TIED);
        gguf.tensors.insert(name.into(), ones(64));
        gguf.write(&path);
        refused(&path, &["x.gguf", missing]);
    }
    let mut gguf = Gguf::of(&TIED);
    gguf.tensors.remove("blk.1.ffn_up.weight");
    gguf.write(&path);
    refused(&path, &["x.gguf", "blk.1.ffn_up.weight"]);
    // Divisors of the frequencies are read: a divisor of two everywhere is linear scaling by two.
    let mut gguf = Gguf::of(&TIED);
    let twos = (Tensor::ones(8, candle_core::DType::F32, &Device::Cpu).unwrap() * 2.0).unwrap();
    gguf.tensors.insert("rope_freqs.weight".into(), QTensor::quantize(&twos, GgmlDType::F32).unwrap());
    gguf.write(&path);
    let linear = folder.path().join("linear.gguf");
    Gguf::of(&TIED).set("llama.rope.scale_linear", Value::F32(2.0)).write(&linear);
    assert_eq!(fingerprint(&path), fingerprint(&linear));
}

#[test]
fn a_gguf_is_known_by_its_first_bytes_and_a_split_one_by_its_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.gguf");
    Gguf::of(&TIED).write(&path);
    let expected = fingerprint(&path);
    for name in ["sha256-6e9f90f0", "M.GGUF", "model.bin"] {
        std::fs::copy(&path, folder.path().join(name)).unwrap();
        assert_eq!(fingerprint(&folder.path().join(name)), expected);
    }
    refused(folder.path(), &["several GGUF files", "M.GGUF", "m.gguf"]);
    let alone = tempfile::tempdir().unwrap();
    std::fs::copy(&path, alone.path().join("m.gguf")).unwrap();
    assert_eq!(fingerprint(alone.path()), expected);

    // A model in parts, with its metadata in the first.
    let parts = tempfile::tempdir().unwrap();
    let whole = Gguf::of(&TIED);
    let total = whole.tensors.len();
    let name = |part: usize| parts.path().join(format!("m-{:05}-of-00003.gguf", part + 1));
    let mut split: Vec<Gguf> =
        (0..3).map(|_| Gguf { metadata: Default::default(), tensors: Default::default() }).collect();
    split[0].metadata = whole.metadata;
    for (i, (tensor, values)) in whole.tensors.into_iter().enumerate() {
        split[i % 3].tensors.insert(tensor, values);
    }
    for (i, part) in split.into_iter().enumerate() {
        part.set("split.no", Value::U16(i as u16))
            .set("split.count", Value::U16(3))
            .set("split.tensors.count", Value::I32(total as i32))
            .write(&name(i));
    }
    assert_eq!(fingerprint(parts.path()), expected);
    refused(&name(0), &["m-00001-of-00003.gguf", "one part", "3 parts"]);
    std::fs::remove_file(name(1)).unwrap();
    refused(parts.path(), &["3 parts", "2 GGUF files"]);
}

#[test]
fn a_gguf_that_is_not_supported_says_why_and_not_that_it_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    Gguf::of(&TIED).write(&path);
    let whole = std::fs::read(&path).unwrap();
    let change = |at: usize, to: &[u8], said: &[&str]| {
        let mut bytes = whole.clone();
        bytes[at..at + to.len()].copy_from_slice(to);
        std::fs::write(&path, bytes).unwrap();
        refused(&path, said);
        assert!(!open(&path).err().unwrap().contains("truncated or corrupt"));
    };
    change(4, &[1, 0, 0, 0], &["x.gguf", "GGUF version 1"]);
    change(4, &[0, 0, 0, 3], &["x.gguf", "big-endian"]);
    // The type of a tensor follows its name and its two dimensions.
    let name = b"blk.0.ffn_up.weight";
    let at = whole.windows(name.len()).position(|w| w == name).unwrap() + name.len() + 4 + 16;
    change(at, &[23, 0, 0, 0], &["x.gguf", "blk.0.ffn_up.weight", "IQ4_XS", "not supported"]);
}

#[test]
fn a_pre_tokenizer_that_is_missing_or_default_is_that_of_llama_cpp() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    let ids = |pre: Option<&str>| {
        let mut gguf = Gguf::of(&TIED);
        gguf.metadata.remove("tokenizer.ggml.pre");
        if let Some(pre) = pre {
            gguf = gguf.set("tokenizer.ggml.pre", Value::String(pre.into()));
        }
        if let Some(Value::Array(tokens)) = gguf.metadata.get_mut("tokenizer.ggml.tokens") {
            // A space and a full stop, which only the splitting of GPT-2 keeps together.
            tokens[63] = Value::String("\u{120}.".into());
        }
        gguf.set("tokenizer.ggml.merges", Value::Array(vec![Value::String("\u{120} .".into())])).write(&path);
        open(&path).unwrap().tokenizer().unwrap().encode("and . a.").unwrap()
    };
    let of = |c: char| crate::tiny::CHARACTERS.chars().position(|one| one == c).unwrap() as u32 + 1;
    let split = ['a', 'n', 'd', ' ', '.', ' ', 'a', '.'].map(of);
    assert_eq!(ids(Some("default")), split);
    assert_eq!(ids(None), split);
    assert_eq!(ids(Some("gpt-2")), [of('a'), of('n'), of('d'), 63, of(' '), of('a'), of('.')]);
}

#[test]
fn the_user_is_told_what_was_ignored_and_refusals_come_from_every_command() {
    let folder = tempfile::tempdir().unwrap();
    crate::tiny::experiment(folder.path());
    let weights = TIED.weights();
    save(&other(&weights), &folder.path().join("model/model.fp16.safetensors"));
    let output = run(folder.path(), &["run", "tiny.yaml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.matches("model.fp16.safetensors").count() == 1, "{said}");
    std::fs::remove_file(folder.path().join("model/model.fp16.safetensors")).unwrap();
    std::fs::remove_dir_all(folder.path().join("results")).unwrap();
    let config = folder.path().join("model/config.json");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replacen('{', "{\"attn_logit_softcapping\": 50.0, ", 1)).unwrap();
    for command in ["check", "plan", "run"] {
        fails(folder.path(), &[command, "tiny.yaml"], &["config.json", "attn_logit_softcapping", "50.0"]);
    }
    std::fs::write(&config, text).unwrap();
    succeeds(folder.path(), &["run", "tiny.yaml"]);
}
