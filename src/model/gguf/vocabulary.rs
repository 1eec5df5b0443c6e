//! The tokenizer of a GGUF file: its own vocabulary and merges.

use candle_core::quantized::gguf_file::Value;

use super::{Gguf, unsigned};
use crate::model::ModelError;
use crate::model::tokenizer::{ByteLevelBpe, Tokenizer};

impl Gguf {
    fn flag(&self, key: &str) -> Result<Option<bool>, ModelError> {
        match self.optional(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(self.badly_stored(key, other, "true or false (BOOL)")),
        }
    }

    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, ModelError> {
        let text = |value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            other => Err(self.bad(key, other, "must be a list of texts")),
        };
        self.list(key)?.iter().map(text).collect()
    }

    /// An id of the vocabulary.
    pub(super) fn token(&self, key: &str) -> Result<Option<u32>, ModelError> {
        let Some(value) = self.optional(key) else { return Ok(None) };
        // llama.cpp writes -1 for none.
        if matches!(value, Value::I32(-1) | Value::U32(u32::MAX)) {
            return Ok(None);
        }
        match unsigned(value).filter(|id| self.list("tokenizer.ggml.tokens").is_ok_and(|all| *id < all.len())) {
            Some(id) => Ok(Some(id as u32)),
            None => Err(self.bad(key, value, "is beyond the vocabulary")),
        }
    }

    /// The tokenizer from the file's own vocabulary and merges.
    pub fn tokenizer(&self) -> Result<Tokenizer, ModelError> {
        let kind = self.text("tokenizer.ggml.model")?;
        if kind != "gpt2" {
            return Err(self.bad(
                "tokenizer.ggml.model",
                &Value::String(kind.into()),
                "is not supported; only byte-level BPE (\"gpt2\") is, so use the model in Hugging Face format (tokenizer.json)",
            ));
        }
        let tokens = self.texts("tokenizer.ggml.tokens")?;
        let key = "tokenizer.ggml.token_type";
        // As in llama.cpp, tokens without types are all normal ones.
        let types = if self.optional(key).is_some() { self.list(key)? } else { &[] };
        if !types.is_empty() && types.len() != tokens.len() {
            let why =
                format!("{}: `{key}` has {} entries, but there are {} tokens", self.name(), types.len(), tokens.len());
            return Err(ModelError::Config(why));
        }
        let bos = if self.flag("tokenizer.ggml.add_bos_token")? == Some(true) {
            self.meta("tokenizer.ggml.bos_token_id")?;
            self.token("tokenizer.ggml.bos_token_id")?
        } else {
            None
        };
        // 3 is a control token, 4 a user-defined one: both are matched in the text as a whole.
        let whole = types.iter().enumerate().filter(|(_, kind)| matches!(unsigned(kind), Some(3 | 4)));
        Tokenizer::from_byte_level_bpe(ByteLevelBpe {
            origin: self.name(),
            special: whole.map(|(id, _)| id as u32).collect(),
            tokens,
            merges: self.texts("tokenizer.ggml.merges")?,
            // llama.cpp warns that it is missing, and takes its default.
            pre_tokenizer: match self.optional("tokenizer.ggml.pre") {
                Some(_) => self.text("tokenizer.ggml.pre")?.into(),
                None => String::new(),
            },
            bos,
        })
    }

    /// Tokens that end an answer: of a text, and of a turn.
    pub fn eos(&self) -> Result<Vec<u32>, ModelError> {
        let mut ids = Vec::new();
        for key in ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"] {
            ids.extend(self.token(key)?);
        }
        ids.dedup();
        Ok(ids)
    }
}
