//! Asks a model questions: prompts as text in, answers as text out. `answers.rs` scores them.

use rayon::prelude::*;

use crate::model::ModelError;
use crate::model::generate::{GROUP, Stop, greedy_group};
use crate::model::tokenizer::Tokenizer;
use crate::model::weights::Weights;

/// How a model is asked, and where its answers end.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// The model's tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// Tokens that end an answer ([`Checkpoint::eos`](crate::model::checkpoint::Checkpoint::eos)).
    pub eos: &'a [u32],
    /// The most tokens of an answer.
    pub most: usize,
    /// Texts that end an answer, such as a line break; neither they nor what follows are part of it.
    pub stop: &'a [String],
}

impl Asking<'_> {
    /// The greedy answer to each prompt, without surrounding space. Questions are asked in groups of [`GROUP`], in order.
    pub fn answers(&self, weights: &dyn Weights, prompts: &[String]) -> Result<Vec<String>, ModelError> {
        let groups = prompts.par_chunks(GROUP).with_max_len(1).map(|prompts| self.group(weights, prompts));
        Ok(groups.collect::<Result<Vec<_>, _>>()?.concat())
    }

    /// The same for the prompts of one group, on this thread: for callers that save answers incrementally.
    pub fn group(&self, weights: &dyn Weights, prompts: &[String]) -> Result<Vec<String>, ModelError> {
        let tokens = prompts.iter().map(|prompt| self.tokenizer.encode(prompt)).collect::<Result<Vec<_>, _>>()?;
        // A tokenizer that fails here fails again below, where the error is returned.
        let complete = |answer: &[u32]| self.tokenizer.decode(answer).is_ok_and(|text| end(&text, self.stop).is_some());
        let answers = greedy_group(weights, &tokens, &Stop { most: self.most, eos: self.eos, complete: &complete })?;
        let text = |answer: &Vec<u32>| {
            let text = self.tokenizer.decode(answer)?;
            Ok(text[..end(&text, self.stop).unwrap_or(text.len())].trim().to_string())
        };
        answers.iter().map(text).collect()
    }
}

/// Where the first of `stop` starts. White space before the first word does not count: an answer that begins with a line break
/// is not cut there.
fn end(text: &str, stop: &[String]) -> Option<usize> {
    let said = text.len() - text.trim_start().len();
    stop.iter().filter_map(|stop| Some(said + text[said..].find(stop.as_str())?)).min()
}

#[cfg(test)]
mod tests;
