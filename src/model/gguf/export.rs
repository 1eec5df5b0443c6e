//! A GGUF model's configuration and tokenizer as the files of a Hugging Face folder.

use serde_json::{Value, json};

use super::keys::shortest;
use super::{Gguf, ROPE_FREQS};
use crate::model::ModelError;
use crate::model::config::Config;
use crate::model::rope::Scaling;

impl Gguf {
    /// `config.json` of the same model.
    pub fn hugging_face_config(&self) -> Result<Value, ModelError> {
        if self.tensors.contains_key(ROPE_FREQS) {
            let why = "its rotary frequencies are a tensor; the parameters behind them are not in the file".into();
            return Err(ModelError::Export { path: self.path.clone(), why });
        }
        let Config { shape, rms_eps, .. } = self.config()?;
        let token = |key: &str| self.token(key).map(|id| json!(id));
        let scaling = match self.scaling()? {
            Scaling::Linear { factor } => {
                json!({"type": "linear", "rope_type": "linear", "factor": factor})
            }
            _ => Value::Null,
        };
        Ok(json!({
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_act": "silu",
            "hidden_size": shape.hidden,
            "intermediate_size": shape.intermediate,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "num_key_value_heads": shape.kv_heads,
            "head_dim": shape.head_dim,
            "vocab_size": shape.vocabulary,
            "max_position_embeddings": shape.context,
            // By way of text: the nearest f64 of 1e-5 as f32 has a long tail.
            "rms_norm_eps": shortest(rms_eps),
            "rope_theta": shortest(self.theta()?),
            "rope_scaling": scaling,
            "attention_bias": false,
            "mlp_bias": false,
            "bos_token_id": token("tokenizer.ggml.bos_token_id")?,
            "eos_token_id": token("tokenizer.ggml.eos_token_id")?,
        }))
    }

    /// `tokenizer.json` and `tokenizer_config.json` of the same model.
    pub fn tokenizer_files(&self) -> Result<Vec<(String, Vec<u8>)>, ModelError> {
        let tokens = self.texts("tokenizer.ggml.tokens")?;
        let mut config = json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": false,
            "model_max_length": self.number("llama.context_length")?,
        });
        for (name, key) in [
            ("bos_token", "tokenizer.ggml.bos_token_id"),
            ("eos_token", "tokenizer.ggml.eos_token_id"),
            ("unk_token", "tokenizer.ggml.unknown_token_id"),
            ("pad_token", "tokenizer.ggml.padding_token_id"),
        ] {
            if let Some(id) = self.token(key)? {
                config[name] = tokens[id as usize].as_str().into();
            }
        }
        if self.optional("tokenizer.chat_template").is_some() {
            config["chat_template"] = self.text("tokenizer.chat_template")?.into();
        }
        Ok(vec![
            ("tokenizer.json".into(), self.tokenizer()?.to_json()?.into_bytes()),
            ("tokenizer_config.json".into(), format!("{config:#}\n").into_bytes()),
        ])
    }
}
