//! The tokenizer of a GGUF file: its own vocabulary and merges.

use candle_core::quantized::gguf_file::Value;

use super::{Gguf, unsigned};
use crate::model::ModelError;
use crate::model::tokenizer::{ByteLevelBpe, SentencePiece, Spelling, Tokenizer};

/// Types of tokens.
const UNKNOWN: usize = 2;
const CONTROL: usize = 3;
const USER_DEFINED: usize = 4;

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

    /// The tokenizer from the file's own vocabulary.
    pub fn tokenizer(&self) -> Result<Tokenizer, ModelError> {
        let kind = self.text("tokenizer.ggml.model")?;
        match kind {
            "gpt2" => self.byte_level(),
            "llama" => self.sentencepiece(),
            _ => Err(self.bad(
                "tokenizer.ggml.model",
                &Value::String(kind.into()),
                "is not supported; byte-level BPE (\"gpt2\") and SentencePiece's BPE (\"llama\") are, so use the model in Hugging Face \
                 format (tokenizer.json)",
            )),
        }
    }

    /// Ids of tokens of a type. As in llama.cpp, tokens without types are all normal ones.
    fn of_type(&self, kind: usize) -> Result<Vec<u32>, ModelError> {
        let key = "tokenizer.ggml.token_type";
        let types = if self.optional(key).is_some() { self.list(key)? } else { &[] };
        self.one_each(key, types.len())?;
        let ids = types.iter().enumerate().filter(|(_, one)| unsigned(one) == Some(kind));
        Ok(ids.map(|(id, _)| id as u32).collect())
    }

    /// Refuses a list that is there but has not an entry for each token.
    fn one_each(&self, key: &str, entries: usize) -> Result<(), ModelError> {
        let tokens = self.list("tokenizer.ggml.tokens")?.len();
        if entries == 0 || entries == tokens {
            return Ok(());
        }
        Err(ModelError::Config(format!(
            "{}: `{key}` has {entries} entries, but there are {tokens} tokens",
            self.name()
        )))
    }

    /// The beginning-of-text token, and whether it is added to every text, where the file says so.
    fn begins(&self) -> Result<(Option<u32>, Option<bool>), ModelError> {
        let adds = self.flag("tokenizer.ggml.add_bos_token")?;
        if adds == Some(true) {
            self.meta("tokenizer.ggml.bos_token_id")?;
        }
        Ok((self.token("tokenizer.ggml.bos_token_id")?, adds))
    }

    fn byte_level(&self) -> Result<Tokenizer, ModelError> {
        let key = "tokenizer.ggml.add_space_prefix";
        if self.flag(key)? == Some(true) {
            return Err(self.bad(key, self.meta(key)?, "is not supported for byte-level BPE; only false is"));
        }
        let (bos, adds_bos) = self.begins()?;
        Tokenizer::from_byte_level_bpe(ByteLevelBpe {
            origin: self.name(),
            control: self.of_type(CONTROL)?,
            user_defined: self.of_type(USER_DEFINED)?,
            tokens: self.texts("tokenizer.ggml.tokens")?,
            merges: self.texts("tokenizer.ggml.merges")?,
            // llama.cpp warns that it is missing, and takes its default.
            pre_tokenizer: match self.optional("tokenizer.ggml.pre") {
                Some(_) => self.text("tokenizer.ggml.pre")?.into(),
                None => String::new(),
            },
            bos,
            adds_bos,
        })
    }

    fn sentencepiece(&self) -> Result<Tokenizer, ModelError> {
        let spelling = match (self.architecture()?, self.flag("tokenizer.ggml.add_space_prefix")?) {
            (architecture, _) if architecture.starts_with("gemma") => Spelling::Plain,
            ("phi3", None | Some(true)) => Spelling::Each,
            (_, None | Some(true)) => Spelling::First,
            (_, Some(false)) => Spelling::Never,
        };
        let scores = self.list("tokenizer.ggml.scores")?;
        self.one_each("tokenizer.ggml.scores", scores.len().max(1))?;
        let score = |value: &Value| match value {
            Value::F32(score) if score.is_finite() => Ok(*score),
            other => Err(self.bad("tokenizer.ggml.scores", other, "must be a list of numbers (FLOAT32)")),
        };
        let (bos, adds_bos) = self.begins()?;
        // The unknown token is one that a text may have, as the others: PTB is full of it.
        let mut control = [self.of_type(UNKNOWN)?, self.of_type(CONTROL)?].concat();
        control.sort_unstable();
        Tokenizer::from_sentencepiece(SentencePiece {
            origin: self.name(),
            control,
            user_defined: self.of_type(USER_DEFINED)?,
            tokens: self.texts("tokenizer.ggml.tokens")?,
            scores: scores.iter().map(score).collect::<Result<_, _>>()?,
            merges: match self.optional("tokenizer.ggml.merges") {
                Some(_) => Some(self.texts("tokenizer.ggml.merges")?),
                None => None,
            },
            spelling,
            // llama.cpp's default ids of a SentencePiece vocabulary.
            unknown: Some(self.token("tokenizer.ggml.unknown_token_id")?.unwrap_or(0)),
            bos: bos.or(Some(1)),
            adds_bos: adds_bos.unwrap_or(true),
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
