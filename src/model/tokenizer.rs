//! Text to token ids and back, by the `tokenizers` crate: from a tokenizer.json, or from a vocabulary and merges.

use std::path::Path;

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, PreTokenizerWrapper, SplitDelimiterBehavior};

use super::ModelError;
use super::format::read_text;
use super::keys::refused;
use crate::guard::unless_it_panics;

mod config;
mod ends;
mod settings;
mod tokens;

pub use settings::Beside;

/// A tokenizer ready to encode. Encoding adds what the model's own post-processor adds (BOS for Llama, nothing for SmolLM2).
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// Notes for the user on how the files were read, one sentence each.
    pub notes: Vec<String>,
}

/// A byte-level BPE as GGUF files carry it.
pub struct ByteLevelBpe {
    /// The file, for messages.
    pub origin: String,
    /// Token of each id, in the byte-level alphabet.
    pub tokens: Vec<String>,
    /// `left right`, best first.
    pub merges: Vec<String>,
    /// Ids matched in the text as a whole.
    pub special: Vec<u32>,
    /// llama.cpp's name of the pre-tokenizer; empty where the file has none, which is its default.
    pub pre_tokenizer: String,
    /// Prepended to every text.
    pub bos: Option<u32>,
}

/// The default splitting of llama.cpp: punctuation first, then as GPT-2 without its last alternative, then numbers, then digits
/// in threes.
fn llama_cpp_default() -> Result<PreTokenizerWrapper, ModelError> {
    let mut steps: Vec<PreTokenizerWrapper> = Vec::new();
    for pattern in [
        r"[\p{P}\$\+<=>\^~\|]+",
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)",
        r"\p{N}+",
        r"[0-9][0-9][0-9]",
    ] {
        let pattern = SplitPattern::Regex(pattern.into());
        steps.push(Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(error)?.into());
    }
    steps.push(ByteLevel::new(false, true, false).into());
    Ok(Sequence::new(steps).into())
}

fn error(e: impl std::fmt::Display) -> ModelError {
    ModelError::Tokenizer(e.to_string())
}

/// The library's result. For some invalid tokenizers it panics instead of returning an error.
fn guarded<T>(work: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, String> {
    unless_it_panics(work)?.map_err(|e| e.to_string())
}

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    pub fn from_json(path: &Path) -> Result<Self, ModelError> {
        Self::from_files(path, Beside::default())
    }

    /// Reads a `tokenizer.json` and applies what the files beside it say, as transformers does.
    pub fn from_files(path: &Path, beside: Beside) -> Result<Self, ModelError> {
        let (file, text) = (path.display().to_string(), read_text(path)?);
        config::check_tokenizer(&file, &text)?;
        let mut inner: tokenizers::Tokenizer = guarded(|| text.parse()).map_err(|e| error(format!("{file}: {e}")))?;
        // Stored with the tokenizer, and used by transformers only where a caller asks: texts would be shortened.
        inner.with_truncation(None).map_err(error)?;
        inner.with_padding(None);
        let notes = config::apply(&mut inner, beside)?;
        Ok(Self { inner, notes })
    }

    /// Compares the ids with the rows of the model's embedding; messages name `file`. An id beyond them is an error if its token is
    /// added to every text, and otherwise a note, since texts may not have the token.
    pub fn check_rows(&mut self, file: &str, rows: usize) -> Result<(), ModelError> {
        // A tokenizer that cannot encode an empty text may still encode others; if not, their errors say so.
        if let Ok(ids) = self.encode("") {
            self.check_ids(&format!("{file}, by which it is added to every text,"), &ids, rows)?;
        }
        let mut beyond: Vec<(u32, String)> = self
            .inner
            .get_vocab(true)
            .into_iter()
            .filter(|(_, id)| *id as usize >= rows)
            .map(|(token, id)| (id, token))
            .collect();
        beyond.sort();
        if let Some((id, token)) = beyond.first() {
            let more = match beyond.len() - 1 {
                0 => String::new(),
                more => format!(" (and {more} more beyond it)"),
            };
            self.notes.push(format!(
                "warning: {file} or a file beside it has the token {token:?} with id {id}{more}, but the model's embedding has \
                 {rows} rows (`vocab_size`): a text with such a token cannot be computed"
            ));
        }
        Ok(())
    }

    /// Refuses ids beyond the rows of the model's embedding; `place` says what has them.
    pub fn check_ids(&self, place: &str, ids: &[u32], rows: usize) -> Result<(), ModelError> {
        match ids.iter().find(|id| **id as usize >= rows) {
            None => Ok(()),
            Some(&id) => {
                let token = self.inner.id_to_token(id).unwrap_or_default();
                Err(ModelError::Beyond { place: place.into(), token, id, rows })
            }
        }
    }

    /// Builds a byte-level BPE. Only pre-tokenizers whose splitting is known are accepted.
    pub fn from_byte_level_bpe(bpe: ByteLevelBpe) -> Result<Self, ModelError> {
        let byte_level = ByteLevel::new(false, true, true);
        let pre_tokenizer: PreTokenizerWrapper = match bpe.pre_tokenizer.as_str() {
            // Single digits, then GPT-2's splitting.
            "smollm" => Sequence::new(vec![Digits::new(true).into(), byte_level.into()]).into(),
            "gpt-2" => byte_level.into(),
            "" | "default" => llama_cpp_default()?,
            other => {
                let why = "is not supported; \"default\", \"gpt-2\" and \"smollm\" are, so use the model in Hugging Face format \
                           (tokenizer.json)";
                return Err(refused(&bpe.origin, "tokenizer.ggml.pre", &other.into(), why));
            }
        };
        let vocabulary: Vocab = bpe.tokens.iter().enumerate().map(|(id, token)| (token.clone(), id as u32)).collect();
        let merges = bpe
            .merges
            .iter()
            .map(|merge| match merge.split_once(' ') {
                Some((left, right)) => Ok((left.to_string(), right.to_string())),
                None => {
                    Err(error(format!("{}: merge {merge:?} in `tokenizer.ggml.merges` is not two tokens", bpe.origin)))
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        let token = |id: u32| {
            bpe.tokens.get(id as usize).cloned().ok_or_else(|| error(format!("special id {id} beyond the vocabulary")))
        };
        let model = guarded(|| BPE::builder().vocab_and_merges(vocabulary, merges).build());
        let model = model.map_err(|e| error(format!("{}: `tokenizer.ggml.merges`: {e}", bpe.origin)))?;
        let mut inner = tokenizers::Tokenizer::new(model);
        inner.with_pre_tokenizer(Some(pre_tokenizer));
        inner.with_decoder(Some(byte_level));
        let special = bpe.special.iter().map(|&id| Ok(AddedToken::from(token(id)?, true)));
        inner.add_special_tokens(special.collect::<Result<Vec<_>, ModelError>>()?).map_err(error)?;
        if let Some(bos) = bpe.bos {
            let name = token(bos)?;
            let template = TemplateProcessing::builder()
                .try_single(format!("{name} $A"))
                .map_err(error)?
                .special_tokens(vec![(name, bos)])
                .build()
                .map_err(error)?;
            inner.with_post_processor(Some(template));
        }
        Ok(Self { inner, notes: Vec::new() })
    }

    /// As `tokenizer.json`.
    pub fn to_json(&self) -> Result<String, ModelError> {
        self.inner.to_string(true).map_err(error)
    }

    /// Token ids of a text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let encoding = guarded(|| self.inner.encode_fast(text, true));
        Ok(encoding.map_err(|e| error(format!("cannot encode a text: {e}")))?.get_ids().to_vec())
    }

    /// The text of token ids, special tokens left out. Bytes that are not a character (of an answer cut
    /// within one) become U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        guarded(|| self.inner.decode(ids, true)).map_err(|e| error(format!("cannot decode tokens: {e}")))
    }
}

#[cfg(test)]
mod tests;
