//! Test sets: a stream of tokens cut into windows, and whether a text is long enough.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CorpusError;
use super::sample::Encode;

/// Where the beginning-of-text token stands in a test set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bos {
    /// Once, where the tokenizer puts it: before the text, which is then cut into windows. The official protocol.
    Stream,
    /// Before each window, which is that token and `length - 1` tokens of the text.
    Window,
    /// Nowhere.
    None,
}

impl Bos {
    /// Whether it is the official protocol.
    pub fn is_stream(&self) -> bool {
        *self == Self::Stream
    }

    /// Tokens of the text in a window of `length` tokens.
    pub fn of_text(self, length: usize) -> usize {
        if self == Self::Window { length.saturating_sub(1) } else { length }
    }
}

/// [`windows`] as a model sees them: with `bos`, each is that token and `length - 1` tokens of the text.
///
/// # Errors
/// As [`windows`].
pub fn windows_from(
    tokens: &[u32],
    length: usize,
    count: Option<usize>,
    bos: Option<u32>,
) -> Result<Vec<Vec<u32>>, CorpusError> {
    let of_text = length.saturating_sub(usize::from(bos.is_some()));
    let parts = windows(tokens, of_text, count)?;
    Ok(parts.into_iter().map(|part| bos.into_iter().chain(part.iter().copied()).collect()).collect())
}

/// Non-overlapping windows of `length` tokens from the start; the tail that fills no window is dropped. `count` takes
/// the first ones only.
///
/// # Errors
/// A length of zero; fewer windows than `count` (the message says how many there are), or none at all.
pub fn windows(tokens: &[u32], length: usize, count: Option<usize>) -> Result<Vec<&[u32]>, CorpusError> {
    if length == 0 {
        return Err(CorpusError::ZeroLength);
    }
    let available = tokens.len() / length;
    let wanted = count.unwrap_or(available.max(1));
    if wanted > available {
        let what = format!("windows of {length} tokens");
        let why = format!(" ({} tokens)", tokens.len());
        return Err(CorpusError::TooFew { what, wanted, available, why });
    }
    Ok(tokens.chunks_exact(length).take(wanted).collect())
}

/// What is known about the length of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Length {
    /// It has at least the tokens asked for.
    Enough,
    /// The number of all its tokens.
    Whole(Vec<u32>),
}

/// Bytes of prose per token, estimated high.
pub const BYTES_A_TOKEN: usize = 5;

/// Whether a text has `wanted` tokens, without tokenising more of a long text than that takes.
///
/// The last tokens of a beginning depend on what follows, so that some more than `wanted` must be there before a beginning
/// will do.
///
/// # Errors
/// What the tokenizer refuses.
pub fn length(text: &str, wanted: usize, encode: Encode) -> Result<Length, String> {
    const MARGIN: usize = 64;
    let enough = wanted.saturating_add(MARGIN);
    let mut bytes = enough.saturating_mul(BYTES_A_TOKEN);
    while bytes < text.len() {
        let beginning = &text[..text.floor_char_boundary(bytes)];
        // Between words, so that none is cut.
        let beginning = beginning.rfind(char::is_whitespace).map_or(beginning, |end| &beginning[..end]);
        if encode(beginning)?.len() >= enough {
            return Ok(Length::Enough);
        }
        bytes = bytes.saturating_mul(2);
    }
    Ok(Length::Whole(encode(text)?))
}

/// The most tokens that a tokenizer can make of so many bytes: one per byte of a text that normalisation makes up to eleven times
/// as long, and a few special ones.
pub fn most_tokens(bytes: usize) -> usize {
    bytes.saturating_mul(12).saturating_add(64)
}

#[cfg(test)]
mod tests;
