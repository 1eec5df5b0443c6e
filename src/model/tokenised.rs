//! One example as token ids.

use super::ModelError;
use super::tokenizer::Tokenizer;

/// One example as token ids: prompt, then response with the end-of-sequence token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokenised {
    /// All of them.
    pub tokens: Vec<u32>,
    /// Index of the first response token; the predictions of `tokens[response..]` are the loss.
    pub response: usize,
}

impl Tokenised {
    /// Encodes `prompt` and `response` as one text, as the official code does, and ends it with `end`, if there is one.
    ///
    /// Where the two texts meet the tokenizer may merge across; then the response starts at the first token that the
    /// prompt alone would not have, so that none of its text is lost.
    pub fn new(tokenizer: &Tokenizer, prompt: &str, response: &str, end: Option<u32>) -> Result<Self, ModelError> {
        let alone = tokenizer.encode(prompt)?;
        let mut tokens = tokenizer.encode(&format!("{prompt}{response}"))?;
        let response = alone.iter().zip(&tokens).take_while(|(a, b)| a == b).count();
        tokens.extend(end);
        Ok(Self { tokens, response })
    }

    /// Tokens that go through the model: the last is only ever a target.
    pub fn inputs(&self) -> usize {
        self.tokens.len().saturating_sub(1)
    }

    /// The targets: index of the first. The very first token of a text has nothing before it to be predicted from.
    pub fn first_target(&self) -> usize {
        self.response.max(1)
    }

    /// Number of predictions that are the loss.
    pub fn targets(&self) -> usize {
        self.tokens.len().saturating_sub(self.first_target())
    }
}

#[cfg(test)]
mod tests;
