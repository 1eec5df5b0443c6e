//! A tiny random Llama in Hugging Face format, with a tokenizer and texts, for tests that need a whole model on disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};

pub mod binary;
pub mod gguf;

/// The properties that vary between the models of the tests.
#[derive(Debug, Clone, Copy)]
pub struct Tiny {
    pub hidden: usize,
    pub layers: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub tied: bool,
    pub rope_scaling: Option<&'static str>,
}

pub const LLAMA3_SCALING: &str = r#"{"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64, "rope_type": "llama3"}"#;

impl Tiny {
    pub const INTERMEDIATE: usize = 96;
    pub const VOCABULARY: usize = 64;

    pub fn config(&self) -> String {
        format!(
            r#"{{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": {}, "intermediate_size": {},
            "vocab_size": {}, "num_hidden_layers": {}, "num_attention_heads": {}, "num_key_value_heads": {},
            "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "rope_scaling": {}, "max_position_embeddings": 1024,
            "tie_word_embeddings": {}, "bos_token_id": 0, "eos_token_id": 0}}"#,
            self.hidden,
            Self::INTERMEDIATE,
            Self::VOCABULARY,
            self.layers,
            self.heads,
            self.kv_heads,
            self.rope_scaling.unwrap_or("null"),
            self.tied
        )
    }

    /// Seeded weights of a magnitude that keeps activations near 1.
    pub fn weights(&self) -> HashMap<String, Tensor> {
        let mut state = 88_172_645_463_325_252u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        let mut all = HashMap::new();
        let mut add = |name: String, dims: &[usize], around: f32| {
            let n: usize = dims.iter().product();
            let scale = if around == 0.0 { (3.0 / dims[dims.len() - 1] as f32).sqrt() } else { 0.2 };
            let values: Vec<f32> = (0..n).map(|_| around + scale * next()).collect();
            all.insert(name, Tensor::from_vec(values, dims, &Device::Cpu).unwrap());
        };
        let (d, kv) = (self.hidden, self.hidden / self.heads * self.kv_heads);
        add("model.embed_tokens.weight".into(), &[Self::VOCABULARY, d], 0.0);
        for layer in 0..self.layers {
            let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
            add(name("self_attn.q_proj"), &[d, d], 0.0);
            add(name("self_attn.k_proj"), &[kv, d], 0.0);
            add(name("self_attn.v_proj"), &[kv, d], 0.0);
            add(name("self_attn.o_proj"), &[d, d], 0.0);
            add(name("mlp.gate_proj"), &[Self::INTERMEDIATE, d], 0.0);
            add(name("mlp.up_proj"), &[Self::INTERMEDIATE, d], 0.0);
            add(name("mlp.down_proj"), &[d, Self::INTERMEDIATE], 0.0);
            add(name("input_layernorm"), &[d], 1.0);
            add(name("post_attention_layernorm"), &[d], 1.0);
        }
        add("model.norm.weight".into(), &[d], 1.0);
        if !self.tied {
            add("lm_head.weight".into(), &[Self::VOCABULARY, d], 0.0);
        }
        all
    }

    /// Writes config.json, tokenizer.json and the weights, in one file or in two with an index.
    pub fn write(&self, folder: &Path, sharded: bool) {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("config.json"), self.config()).unwrap();
        std::fs::write(folder.join("tokenizer.json"), tokenizer()).unwrap();
        let weights = self.weights();
        if !sharded {
            candle_core::safetensors::save(&weights, folder.join("model.safetensors")).unwrap();
            return;
        }
        let (first, second): (HashMap<_, _>, HashMap<_, _>) =
            weights.into_iter().partition(|(name, _)| name.contains("layers.0"));
        let mut map = serde_json::Map::new();
        for (file, part) in [("model-00001-of-00002.safetensors", first), ("model-00002-of-00002.safetensors", second)]
        {
            map.extend(part.keys().map(|name| (name.clone(), file.into())));
            candle_core::safetensors::save(&part, folder.join(file)).unwrap();
        }
        let index = serde_json::json!({ "weight_map": map });
        std::fs::write(folder.join("model.safetensors.index.json"), index.to_string()).unwrap();
    }
}

/// The characters with ids 1 to 63.
pub const CHARACTERS: &str = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ.,;:!?'\n-";

/// A character-level tokenizer; id 0 stands for all others.
fn tokenizer() -> String {
    let mut vocabulary = serde_json::Map::new();
    vocabulary.insert("<unk>".into(), 0.into());
    for (id, c) in CHARACTERS.chars().take(Tiny::VOCABULARY - 1).enumerate() {
        vocabulary.insert(c.to_string(), (id + 1).into());
    }
    let model = serde_json::json!({"type": "BPE", "unk_token": "<unk>", "vocab": vocabulary, "merges": []});
    serde_json::json!({"version": "1.0", "model": model}).to_string()
}

/// Seeded prose-like text.
pub fn text(characters: usize, seed: u64) -> String {
    let words =
        ["the", "model", "keeps", "what", "its", "context", "needs", "and", "drops", "small", "parts", "of", "rank"];
    let mut state = seed | 1;
    let mut out = String::new();
    while out.len() < characters {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.push_str(words[(state >> 33) as usize % words.len()]);
        out.push(if state.is_multiple_of(11) { '\n' } else { ' ' });
    }
    out
}

/// A folder with a tiny model, two texts and a spec that uses them.
pub fn experiment(folder: &Path) -> PathBuf {
    let tiny = Tiny { hidden: 64, layers: 3, heads: 4, kv_heads: 2, tied: true, rope_scaling: None };
    tiny.write(&folder.join("model"), false);
    std::fs::write(folder.join("train.txt"), text(20_000, 5)).unwrap();
    std::fs::write(folder.join("test.txt"), text(20_000, 9)).unwrap();
    std::fs::create_dir_all(folder.join("experiments")).unwrap();
    std::fs::write(folder.join("experiments/catalog.yaml"), "models: {}\ncorpora: {}\n").unwrap();
    let spec = folder.join("tiny.yaml");
    std::fs::write(&spec, SPEC).unwrap();
    spec
}

pub const SPEC: &str = "\
name: tiny
title: A tiny model
model: {path: model}
targets: all
calibrations:
  own: {corpus: {file: train.txt, format: text}, samples: 6, length: 128}
arms:
  - {method: plain-svd}
  - {method: asvd, calibration: own}
  - {method: corda, calibration: own}
  - {method: corda, calibration: own, samples: 2}
discard: {components: [0, 2, 8]}
evaluate:
  test: {corpus: {file: test.txt, format: text}, windows: 24, length: 128}
";
