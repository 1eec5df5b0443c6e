//! A GGUF model's configuration and tokenizer as the files of a Hugging Face folder.

use serde_json::{Value, json};

use super::Gguf;
use crate::model::ModelError;

impl Gguf {
    /// `config.json` of the same model.
    pub fn hugging_face_config(&self) -> Result<Value, ModelError> {
        let export = |why| ModelError::Export { path: self.path.clone(), why };
        let mut config = self.config()?.to_json().map_err(export)?;
        for (key, token) in
            [("bos_token_id", "tokenizer.ggml.bos_token_id"), ("eos_token_id", "tokenizer.ggml.eos_token_id")]
        {
            config.insert(key.into(), json!(self.token(token)?));
        }
        // Some classes have a default beyond a small vocabulary, and no loss depends on it.
        config.insert("pad_token_id".into(), Value::Null);
        Ok(config.into())
    }

    /// `tokenizer.json` and `tokenizer_config.json` of the same model.
    pub fn tokenizer_files(&self) -> Result<Vec<(String, Vec<u8>)>, ModelError> {
        let tokens = self.texts("tokenizer.ggml.tokens")?;
        let mut config = json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": false,
            "model_max_length": self.number(&self.own("context_length"))?,
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
