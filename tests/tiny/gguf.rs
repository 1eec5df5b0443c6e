//! The tiny model as llama.cpp's converter would write it.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::Tensor;
use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};

use super::{CHARACTERS, Tiny};

/// Writes the model with the same weights, and a byte-level tokenizer that gives the same ids.
pub fn write(tiny: &Tiny, path: &Path) {
    Gguf::of(tiny).write(path);
}

/// A file before it is written, so that tests can change it.
pub struct Gguf {
    pub metadata: BTreeMap<String, Value>,
    pub tensors: BTreeMap<String, QTensor>,
}

impl Gguf {
    pub fn set(mut self, key: &str, value: Value) -> Self {
        self.metadata.insert(key.into(), value);
        self
    }

    pub fn write(&self, path: &Path) {
        let metadata: Vec<(&str, &Value)> = self.metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
        let tensors: Vec<(&str, &QTensor)> = self.tensors.iter().map(|(name, t)| (name.as_str(), t)).collect();
        gguf_file::write(&mut std::fs::File::create(path).unwrap(), &metadata, &tensors).unwrap();
    }

    /// Writes it under the name of another architecture, for its vocabulary: the tensors stay a Llama's.
    pub fn write_as(mut self, architecture: &str, path: &Path) {
        let metadata = std::mem::take(&mut self.metadata);
        let renamed = |key: String| match key.strip_prefix("llama.") {
            Some(rest) => format!("{architecture}.{rest}"),
            None => key,
        };
        self.metadata = metadata.into_iter().map(|(key, value)| (renamed(key), value)).collect();
        self.metadata.insert("general.architecture".into(), Value::String(architecture.into()));
        self.write(path);
    }

    pub fn of(tiny: &Tiny) -> Self {
        let (metadata, tensors) = parts(tiny);
        Self { metadata: metadata.into_iter().map(|(key, value)| (key.to_string(), value)).collect(), tensors }
    }
}

fn parts(tiny: &Tiny) -> (Vec<(&'static str, Value)>, BTreeMap<String, QTensor>) {
    let tokens = std::iter::once("<unk>".to_string()).chain(CHARACTERS.chars().take(Tiny::VOCABULARY - 1).map(|c| {
        // Space and newline in the byte-level alphabet.
        match c {
            ' ' => "\u{120}".into(),
            '\n' => "\u{10a}".into(),
            c => c.to_string(),
        }
    }));
    let mut tokens: Vec<String> = tokens.collect();
    tokens.extend((tokens.len()..Tiny::VOCABULARY).map(|id| format!("<unused{id}>")));
    let string = |text: &str| Value::String(text.into());
    let number = |n: usize| Value::U32(n as u32);
    let metadata = vec![
        ("general.architecture", string("llama")),
        ("llama.embedding_length", number(tiny.hidden)),
        ("llama.block_count", number(tiny.layers)),
        ("llama.attention.head_count", number(tiny.heads)),
        ("llama.attention.head_count_kv", number(tiny.kv_heads)),
        ("llama.feed_forward_length", number(Tiny::INTERMEDIATE)),
        ("llama.context_length", number(1024)),
        ("llama.rope.freq_base", Value::F32(10_000.0)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ("tokenizer.ggml.model", string("gpt2")),
        ("tokenizer.ggml.pre", string("smollm")),
        ("tokenizer.ggml.tokens", Value::Array(tokens.into_iter().map(Value::String).collect())),
        ("tokenizer.ggml.token_type", Value::Array(vec![Value::I32(1); Tiny::VOCABULARY])),
        ("tokenizer.ggml.merges", Value::Array(Vec::new())),
    ];
    let tensors = tiny
        .weights()
        .into_iter()
        .map(|(name, tensor)| {
            let tensor = match name.as_str() {
                name if name.contains("q_proj") => permuted(&tensor, tiny.heads),
                name if name.contains("k_proj") => permuted(&tensor, tiny.kv_heads),
                _ => tensor,
            };
            (llama_cpp_name(&name), QTensor::quantize(&tensor, GgmlDType::F32).unwrap())
        })
        .collect();
    (metadata, tensors)
}

/// llama.cpp interleaves the two halves of the rows of each head.
fn permuted(w: &Tensor, heads: usize) -> Tensor {
    let (rows, columns) = w.dims2().unwrap();
    let halves = w.reshape((heads, 2, rows / heads / 2, columns)).unwrap();
    halves.transpose(1, 2).unwrap().contiguous().unwrap().reshape((rows, columns)).unwrap()
}

fn llama_cpp_name(name: &str) -> String {
    let name = name.replace("model.layers.", "blk.");
    [
        ("model.embed_tokens", "token_embd"),
        ("model.norm", "output_norm"),
        ("lm_head", "output"),
        ("input_layernorm", "attn_norm"),
        ("post_attention_layernorm", "ffn_norm"),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
    ]
    .iter()
    .fold(name, |name, (theirs, llama_cpp)| name.replace(theirs, llama_cpp))
}
