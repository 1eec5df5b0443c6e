//! Writes the binary seeds, which are small, valid or nearly so, and of different shapes, and the tiny model that targets put
//! beside them. Text seeds are written by hand.

use std::collections::HashMap;
use std::path::Path;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use corda::results::{LinearRow, Row, WindowRow, write_rows};
use polars::prelude::{ParquetWriter, df};
use serde_json::json;

const HIDDEN: usize = 8;
const HEADS: usize = 2;
const INTERMEDIATE: usize = 16;
const TOKENS: &str = "abcdefghijklmnopqrstuvwxyzTĠĊ.,:0123456789";

pub fn all(fuzz: &Path) {
    let put = |path: &str, bytes: &[u8]| {
        let path = fuzz.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    fixture(fuzz, &put);
    let fixture = |name: &str| std::fs::read(fuzz.join("fixture").join(name)).unwrap();
    gguf(fuzz);
    weights(&put, &fixture("model.safetensors"));
    put("seeds/config/tiny", &fixture("config.json"));
    put("seeds/tokenizer/characters", &fixture("tokenizer.json"));
    tables(fuzz);
}

fn fixture(fuzz: &Path, put: &dyn Fn(&str, &[u8])) {
    put("fixture/config.json", config().to_string().as_bytes());
    let vocabulary: HashMap<String, usize> = tokens().into_iter().enumerate().map(|(id, token)| (token, id)).collect();
    let vocabulary: std::collections::BTreeMap<_, _> = vocabulary.into_iter().collect();
    let tokenizer = json!({"version": "1.0", "model": {"type": "BPE", "unk_token": "<s>", "vocab": vocabulary,
        "merges": []}});
    put("fixture/tokenizer.json", tokenizer.to_string().as_bytes());
    candle_core::safetensors::save(&tensors(), fuzz.join("fixture/model.safetensors")).unwrap();
    let adapter = |name: &str, dims: (usize, usize)| {
        (format!("base_model.model.model.layers.0.self_attn.{name}.weight"), ramp(&[dims.0, dims.1]))
    };
    let adapter: HashMap<String, Tensor> = [
        adapter("q_proj.lora_A", (2, HIDDEN)),
        adapter("q_proj.lora_B", (HIDDEN, 2)),
        adapter("v_proj.lora_A", (2, HIDDEN)),
        adapter("v_proj.lora_B", (HIDDEN / HEADS, 2)),
    ]
    .into();
    candle_core::safetensors::save(&adapter, fuzz.join("fixture/adapter_model.safetensors")).unwrap();
}

fn config() -> serde_json::Value {
    json!({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN,
        "intermediate_size": INTERMEDIATE, "vocab_size": tokens().len(), "num_hidden_layers": 1,
        "num_attention_heads": HEADS, "num_key_value_heads": 1, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "rope_scaling": null, "max_position_embeddings": 64, "tie_word_embeddings": true, "bos_token_id": 0,
        "eos_token_id": 0})
}

fn tokens() -> Vec<String> {
    ["<s>", "th", "the"].map(String::from).into_iter().chain(TOKENS.chars().map(String::from)).collect()
}

/// Values that differ from one another.
fn ramp(dims: &[usize]) -> Tensor {
    let count: usize = dims.iter().product();
    let values: Vec<f32> = (0..count).map(|i| (i * 37 % 101) as f32 / 101.0 - 0.5).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

/// Hugging Face name, llama.cpp's name, dimensions.
fn shapes() -> Vec<(&'static str, &'static str, Vec<usize>)> {
    let (d, kv, m) = (HIDDEN, HIDDEN / HEADS, INTERMEDIATE);
    vec![
        ("model.embed_tokens", "token_embd", vec![tokens().len(), d]),
        ("model.layers.0.self_attn.q_proj", "blk.0.attn_q", vec![d, d]),
        ("model.layers.0.self_attn.k_proj", "blk.0.attn_k", vec![kv, d]),
        ("model.layers.0.self_attn.v_proj", "blk.0.attn_v", vec![kv, d]),
        ("model.layers.0.self_attn.o_proj", "blk.0.attn_output", vec![d, d]),
        ("model.layers.0.mlp.gate_proj", "blk.0.ffn_gate", vec![m, d]),
        ("model.layers.0.mlp.up_proj", "blk.0.ffn_up", vec![m, d]),
        ("model.layers.0.mlp.down_proj", "blk.0.ffn_down", vec![d, m]),
        ("model.layers.0.input_layernorm", "blk.0.attn_norm", vec![d]),
        ("model.layers.0.post_attention_layernorm", "blk.0.ffn_norm", vec![d]),
        ("model.norm", "output_norm", vec![d]),
    ]
}

fn tensors() -> HashMap<String, Tensor> {
    shapes().into_iter().map(|(name, _, dims)| (format!("{name}.weight"), ramp(&dims))).collect()
}

fn gguf(fuzz: &Path) {
    let string = |text: &str| Value::String(text.into());
    let number = |n: usize| Value::U32(n as u32);
    let count = tokens().len();
    let metadata = |pre: &str, bos: bool| {
        vec![
            ("general.architecture", string("llama")),
            ("llama.embedding_length", number(HIDDEN)),
            ("llama.block_count", number(1)),
            ("llama.attention.head_count", number(HEADS)),
            ("llama.attention.head_count_kv", number(1)),
            ("llama.feed_forward_length", number(INTERMEDIATE)),
            ("llama.context_length", number(64)),
            ("llama.rope.freq_base", Value::F32(10_000.0)),
            ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
            ("tokenizer.ggml.model", string("gpt2")),
            ("tokenizer.ggml.pre", string(pre)),
            ("tokenizer.ggml.tokens", Value::Array(tokens().into_iter().map(Value::String).collect())),
            (
                "tokenizer.ggml.token_type",
                Value::Array((0..count).map(|i| Value::I32(if i == 0 { 3 } else { 1 })).collect()),
            ),
            ("tokenizer.ggml.merges", Value::Array(["t h", "th e"].map(|merge| Value::String(merge.into())).to_vec())),
            ("tokenizer.ggml.bos_token_id", number(0)),
            ("tokenizer.ggml.eos_token_id", number(0)),
            ("tokenizer.ggml.add_bos_token", Value::Bool(bos)),
        ]
    };
    std::fs::create_dir_all(fuzz.join("seeds/gguf")).unwrap();
    for (name, pre, bos, dtype) in
        [("smollm", "smollm", false, GgmlDType::F32), ("gpt-2-half", "gpt-2", true, GgmlDType::F16)]
    {
        let tensors: Vec<(&str, QTensor)> = shapes()
            .into_iter()
            .map(|(_, name, dims)| (name, QTensor::quantize(&ramp(&dims), dtype).unwrap()))
            .collect();
        let named: Vec<(String, &QTensor)> =
            tensors.iter().map(|(name, tensor)| (format!("{name}.weight"), tensor)).collect();
        let named: Vec<(&str, &QTensor)> = named.iter().map(|(name, tensor)| (name.as_str(), *tensor)).collect();
        let metadata = metadata(pre, bos);
        let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, value)| (*key, value)).collect();
        let mut file = std::fs::File::create(fuzz.join("seeds/gguf").join(name)).unwrap();
        gguf_file::write(&mut file, &metadata, &named).unwrap();
    }
}

/// One file; an index with two; a file of our cache.
fn weights(put: &dyn Fn(&str, &[u8]), whole: &[u8]) {
    put("seeds/safetensors/one-file", whole);
    let folder = tempfile::tempdir().unwrap();
    let (norms, rest): (HashMap<_, _>, HashMap<_, _>) =
        tensors().into_iter().partition(|(name, _)| name.contains("norm"));
    let mut map = serde_json::Map::new();
    let mut save = |file: &str, part: &HashMap<String, Tensor>| {
        map.extend(part.keys().map(|name| (name.clone(), file.into())));
        candle_core::safetensors::save(part, folder.path().join(file)).unwrap();
        std::fs::read(folder.path().join(file)).unwrap()
    };
    let files = [save("model.safetensors", &rest), save("second.safetensors", &norms)];
    let index = json!({"metadata": {}, "weight_map": map}).to_string().into_bytes();
    let [first, second] = files;
    put("seeds/safetensors/index-of-two", &[&index[..], &first, &second].join(&b"\n%%\n"[..]));
    let statistics: HashMap<String, Tensor> =
        [("mlp.covariance", 10), ("mlp.abs_mean", 4), ("mlp.abs_max", 4), ("mlp.spectrum", 3)]
            .map(|(name, count)| (name.to_string(), ramp(&[count]).to_dtype(candle_core::DType::F64).unwrap()))
            .into();
    candle_core::safetensors::save(&statistics, folder.path().join("statistics")).unwrap();
    put("seeds/safetensors/statistics", &std::fs::read(folder.path().join("statistics")).unwrap());
    let decomposed: HashMap<String, Tensor> = [
        ("lm_head/left".to_string(), ramp(&[4, 2])),
        ("lm_head/projected".to_string(), ramp(&[2, 3])),
        ("lm_head/singular".to_string(), ramp(&[3]).to_dtype(candle_core::DType::F64).unwrap()),
        ("lm_head/conditioning".to_string(), ramp(&[5]).to_dtype(candle_core::DType::F64).unwrap()),
    ]
    .into();
    candle_core::safetensors::save(&decomposed, folder.path().join("decomposition")).unwrap();
    put("seeds/safetensors/decomposition", &std::fs::read(folder.path().join("decomposition")).unwrap());
}

fn tables(fuzz: &Path) {
    let folder = fuzz.join("seeds/parquet");
    let windows: Vec<WindowRow> = (0..3)
        .map(|window| WindowRow {
            experiment: "x".into(),
            arm: "none".into(),
            discarded: 0,
            share: 0.0,
            evaluation: "test".into(),
            window,
            nll: f64::from(window) + 0.5,
        })
        .collect();
    write_rows(&folder.join("windows"), &windows).unwrap();
    write_rows::<Row>(&folder.join("no-results"), &[]).unwrap();
    write_rows::<LinearRow>(&folder.join("no-linears"), &[]).unwrap();
    let write = |name: &str, mut table: polars::prelude::DataFrame| {
        let file = std::fs::File::create(folder.join(name)).unwrap();
        ParquetWriter::new(file).finish(&mut table).unwrap();
    };
    write("texts", df!("text" => ["", " = A = \n", "é", ""], "label" => [1i64, 2, 3, 4]).unwrap());
    write("records", df!("question" => ["Who?", "Where?"], "answer" => ["I", "here"]).unwrap());
    // Without a checksum, so that damage reaches the reader.
    write(
        "windows-unsealed",
        df!("experiment" => ["x"], "arm" => ["a"], "discarded" => [0u32], "share" => [0.0f64], "evaluation" => ["e"],
            "window" => [0u32], "nll" => [f64::NAN])
        .unwrap(),
    );
}
