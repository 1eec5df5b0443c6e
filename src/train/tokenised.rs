//! One example as token ids: what is trained on and what answer losses are measured on.

use crate::model::ModelError;
use crate::model::tokenizer::Tokenizer;

/// One example as token ids: prompt, then response with the end-of-sequence token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokenised {
    /// All of them.
    pub tokens: Vec<u32>,
    /// Index of the first response token; predictions of `tokens[response..]` are the loss.
    pub response: usize,
}

impl Tokenised {
    /// Prompt and response are tokenised together, as the official code does. Where the tokens of the prompt alone differ
    /// (its last word may go on in the response), the response starts at the first difference: it is never cut. It starts
    /// at token 1 at the earliest, since the first token has nothing to be predicted from.
    pub fn new(tokenizer: &Tokenizer, prompt: &str, response: &str, eos: Option<u32>) -> Result<Self, ModelError> {
        let mut tokens = tokenizer.encode(&format!("{prompt}{response}"))?;
        let alone = tokenizer.encode(prompt)?;
        let response = tokens.iter().zip(&alone).take_while(|(a, b)| a == b).count().max(1);
        tokens.extend(eos);
        Ok(Self { tokens, response })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tokenizer::ByteLevelBpe;

    /// a = 1, b = 2, ab = 3.
    fn tokenised(prompt: &str, response: &str) -> Tokenised {
        let bpe = ByteLevelBpe {
            tokens: ["</s>", "a", "b", "ab"].map(String::from).to_vec(),
            merges: vec!["a b".into()],
            special: vec![0],
            pre_tokenizer: "gpt-2".into(),
            bos: None,
        };
        Tokenised::new(&Tokenizer::from_byte_level_bpe(bpe).unwrap(), prompt, response, Some(0)).unwrap()
    }

    #[test]
    fn the_response_comes_after_the_prompt() {
        assert_eq!(tokenised("ba", "a"), Tokenised { tokens: vec![2, 1, 1, 0], response: 2 });
        assert_eq!(tokenised("ba", ""), Tokenised { tokens: vec![2, 1, 0], response: 2 });
    }

    #[test]
    fn a_token_across_the_border_is_the_responses() {
        assert_eq!(tokenised("ba", "ba"), Tokenised { tokens: vec![2, 3, 1, 0], response: 1 });
    }

    #[test]
    fn the_first_token_is_never_predicted() {
        assert_eq!(tokenised("", "ba"), Tokenised { tokens: vec![2, 1, 0], response: 1 });
        assert_eq!(tokenised("a", "b"), Tokenised { tokens: vec![3, 0], response: 1 });
        assert_eq!(tokenised("", ""), Tokenised { tokens: vec![0], response: 1 });
    }
}
