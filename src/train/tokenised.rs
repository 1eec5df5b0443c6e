//! One example as token ids.

use crate::model::ModelError;
use crate::model::tokenizer::Tokenizer;

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
mod tests {
    use super::*;
    use crate::model::tokenizer::ByteLevelBpe;

    #[test]
    fn the_response_starts_where_the_prompt_ends_or_is_merged_into() {
        let tokens = ["<s>", "a", "b", "ab", "c"].map(String::from).to_vec();
        let tokenizer = |bos| {
            Tokenizer::from_byte_level_bpe(ByteLevelBpe {
                origin: "x.gguf".into(),
                tokens: tokens.clone(),
                merges: vec!["a b".into()],
                special: vec![0],
                pre_tokenizer: "gpt-2".into(),
                bos,
            })
            .unwrap()
        };
        let of = |bos, prompt, response| {
            let one = Tokenised::new(&tokenizer(bos), prompt, response, Some(0)).unwrap();
            (one.tokens, one.response)
        };
        assert_eq!(of(None, "ca", "c"), (vec![4, 1, 4, 0], 2));
        // "ca" + "bc" is c ab c: the prompt's own `a` is gone.
        assert_eq!(of(None, "ca", "bc"), (vec![4, 3, 4, 0], 1));
        assert_eq!(of(Some(0), "c", "c"), (vec![0, 4, 4, 0], 2));
        let empty = Tokenised::new(&tokenizer(None), "", "c", Some(0)).unwrap();
        assert_eq!((empty.response, empty.first_target(), empty.targets(), empty.inputs()), (0, 1, 1, 1));
    }
}
