//! Text to token ids and back, by the `tokenizers` crate: from a tokenizer.json, or from a vocabulary and merges.

use std::path::Path;

use tokenizers::processors::template::TemplateProcessing;

use super::ModelError;
use super::format::read_text;
use crate::guard::unless_it_panics;

mod byte_level;
mod config;
mod ends;
mod sentencepiece;
mod settings;
mod tokens;

pub use byte_level::ByteLevelBpe;
pub use sentencepiece::{SentencePiece, Spelling};
pub use settings::Beside;

/// A tokenizer ready to encode. Encoding adds what the model's own post-processor adds (BOS for Llama, nothing for SmolLM2).
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// What the model's files call the token that a text begins with, whether or not it is added.
    bos: Option<u32>,
    /// Notes for the user on how the files were read, one sentence each.
    pub notes: Vec<String>,
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
        let (notes, bos) = config::apply(&mut inner, beside)?;
        Ok(Self { inner, bos, notes })
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

    /// Of a tokenizer that was put together; a text then begins with `bos`, if `begins` says so.
    fn built(mut inner: tokenizers::Tokenizer, bos: Option<u32>, begins: bool) -> Result<Self, ModelError> {
        if let Some(bos) = bos.filter(|_| begins) {
            let name = inner.id_to_token(bos).ok_or_else(|| error(format!("there is no token {bos}")))?;
            let template = TemplateProcessing::builder()
                .try_single(format!("{name} $A"))
                .map_err(error)?
                .special_tokens(vec![(name, bos)])
                .build()
                .map_err(error)?;
            inner.with_post_processor(Some(template));
        }
        Ok(Self { inner, bos, notes: Vec::new() })
    }

    /// The token that a text begins with: the one that is added to every text, or, if none is, the one that the model's files
    /// name.
    pub fn bos(&self) -> Option<u32> {
        let ids =
            |special: bool| guarded(|| self.inner.encode_fast("a", special)).ok().map(|ids| ids.get_ids().to_vec());
        let (Some(bare), Some(whole)) = (ids(false), ids(true)) else { return self.bos };
        let before = (0..whole.len()).find(|&at| whole[at..].starts_with(&bare)).unwrap_or(0);
        whole[..before].last().copied().or(self.bos)
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

    /// Token ids of a text without what is added to every text.
    pub fn encode_plain(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let encoding = guarded(|| self.inner.encode_fast(text, false));
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
