//! An example as token ids: a prompt, and the response whose tokens are predicted.

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
    /// The tokenizer may merge across the border of the two texts. The response then starts at the first token that the prompt
    /// alone would not have, so that none of its text is lost.
    pub fn new(tokenizer: &Tokenizer, prompt: &str, response: &str, end: Option<u32>) -> Result<Self, ModelError> {
        let alone = tokenizer.encode(prompt)?;
        let mut tokens = tokenizer.encode(&format!("{prompt}{response}"))?;
        let response = alone.iter().zip(&tokens).take_while(|(a, b)| a == b).count();
        tokens.extend(end);
        Ok(Self { tokens, response })
    }

    /// The number of tokens that pass through the model: all but the last, which is a target only.
    pub fn inputs(&self) -> usize {
        self.tokens.len().saturating_sub(1)
    }

    /// Index of the first target. The first token of a text cannot be predicted, since nothing precedes it.
    pub fn first_target(&self) -> usize {
        self.response.max(1)
    }

    /// The number of predictions in the loss.
    pub fn targets(&self) -> usize {
        self.tokens.len().saturating_sub(self.first_target())
    }
}

#[cfg(test)]
mod tests;
