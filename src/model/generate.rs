//! Greedy generation for many prompts at once, with a key-value cache.
//!
//! Prompts are divided into fixed groups, and one thread answers a group. All active prompts of a group are rows of one pass, so
//! that each block is read once for all of them and the matrix products are limited by arithmetic rather than by memory. Answers
//! do not depend on the number of threads. The last digits of a row of a product may depend on the number of rows, so bits are
//! reproducible only for the same prompts in the same order.

use candle_core::Tensor;
use rayon::prelude::*;

use super::ModelError;
use super::cached::{self, Past};
use super::config::Config;
use super::decoder::{Apply, Attend, block_forward_by, embed_at, final_norm, head_logits};
use super::ops;
use super::rotary::{Rotary, attention};
use super::shape::Shape;
use super::weights::Weights;

/// The number of prompts that one thread answers at once.
pub const GROUP: usize = 32;

/// The most rows of a pass, unless a single prompt is longer. The prompts of a group are first read in such passes.
pub const ROWS: usize = 512;

/// When an answer ends.
#[derive(Clone, Copy)]
pub struct Stop<'a> {
    /// The most new tokens.
    pub most: usize,
    /// End-of-sequence tokens; they are not part of the answer.
    pub eos: &'a [u32],
    /// Whether the answer so far is complete.
    pub complete: &'a (dyn Fn(&[u32]) -> bool + Sync),
}

/// The greedy continuation of each prompt, groups of [`GROUP`] in parallel.
pub fn greedy(weights: &dyn Weights, prompts: &[Vec<u32>], stop: &Stop) -> Result<Vec<Vec<u32>>, ModelError> {
    check(weights.config(), prompts, stop.most)?;
    let groups = prompts.par_chunks(GROUP).with_max_len(1).map(|prompts| greedy_group(weights, prompts, stop));
    Ok(groups.collect::<Result<Vec<_>, _>>()?.concat())
}

/// The greedy continuation of each prompt of one group, on this thread. Of equally likely tokens the lowest id is taken.
///
/// If the logits of a prompt are not all finite, its answer is empty: a broken model then scores 0, and the other prompts and
/// models of a run are still measured (the losses of the broken model are not finite either, and are reported). Each step asks
/// for all blocks again, so `weights` should be in memory.
pub fn greedy_group(weights: &dyn Weights, prompts: &[Vec<u32>], stop: &Stop) -> Result<Vec<Vec<u32>>, ModelError> {
    check(weights.config(), prompts, stop.most)?;
    let mut group = Group::new(weights, prompts, stop.most)?;
    let mut answers = vec![Vec::new(); prompts.len()];
    let mut new: Vec<(usize, Vec<u32>)> = prompts.iter().cloned().enumerate().collect();
    for _ in 0..stop.most {
        if new.is_empty() {
            break;
        }
        let next = likeliest(&group.pass(&new)?)?;
        let take = |((prompt, _), next): ((usize, _), Option<u32>)| {
            let answer: &mut Vec<u32> = &mut answers[prompt];
            match next {
                None => answer.clear(),
                Some(id) if stop.eos.contains(&id) => {}
                Some(id) => {
                    answer.push(id);
                    return (!(stop.complete)(answer)).then(|| (prompt, vec![id]));
                }
            }
            None
        };
        new = new.into_iter().zip(next).filter_map(take).collect();
    }
    Ok(answers)
}

/// The bytes of keys and values that a thread keeps for `tokens` tokens (prompts and answers of a group).
pub fn kept_bytes(shape: &Shape, tokens: usize) -> u64 {
    (tokens * shape.layers * 2 * shape.kv_heads * shape.head_dim * size_of::<f32>()) as u64
}

fn check(config: &Config, prompts: &[Vec<u32>], most: usize) -> Result<(), ModelError> {
    let shape = &config.shape;
    // Keys that were kept would have other frequencies in a longer sequence.
    let same = config.ropes.iter().filter_map(|rope| rope.same_up_to()).min().unwrap_or(usize::MAX);
    for (index, prompt) in prompts.iter().enumerate() {
        if prompt.is_empty() {
            return Err(ModelError::Prompt { index, why: "it has no tokens to continue from".into() });
        }
        if prompt.len() + most > shape.context {
            let why = format!("{} tokens and {most} new ones exceed the context of {}", prompt.len(), shape.context);
            return Err(ModelError::Prompt { index, why });
        }
        if prompt.len() + most > same {
            let why = format!(
                "{} tokens and {most} new ones exceed the {same} up to which the model's rotary frequencies stay the same \
                 (LongRoPE)",
                prompt.len()
            );
            return Err(ModelError::Prompt { index, why });
        }
    }
    Ok(())
}

/// The prompts of one thread.
struct Group<'a> {
    weights: &'a dyn Weights,
    rotary: Rotary,
    /// The number of tokens of each prompt that were passed.
    passed: Vec<usize>,
    /// By block, then by prompt.
    past: Vec<Vec<Past>>,
}

/// Some prompts' new tokens as the rows of a pass.
struct Batch {
    prompts: Vec<usize>,
    /// The number of new tokens of each.
    rows: Vec<usize>,
    rotary: Rotary,
    hidden: Tensor,
}

impl<'a> Group<'a> {
    fn new(weights: &'a dyn Weights, prompts: &[Vec<u32>], most: usize) -> Result<Self, ModelError> {
        let (shape, device) = (&weights.config().shape, weights.embedding().device());
        let longest = prompts.iter().map(Vec::len).max().unwrap_or(0) + most;
        let past = |prompt: &Vec<u32>| Past::new(device, prompt.len() + most, shape.kv_heads * shape.head_dim);
        Ok(Self {
            weights,
            rotary: Rotary::new(weights.config(), longest, device)?,
            passed: vec![0; prompts.len()],
            past: (0..shape.layers).map(|_| prompts.iter().map(past).collect()).collect(),
        })
    }

    /// Passes new tokens, of prompts in rising order: logits after the last token of each, [prompts, vocabulary].
    fn pass(&mut self, new: &[(usize, Vec<u32>)]) -> Result<Tensor, ModelError> {
        let config = self.weights.config();
        let mut batches = runs(new, ROWS, |(_, tokens)| tokens.len())
            .map(|new| self.batch(new))
            .collect::<Result<Vec<_>, ModelError>>()?;
        for (layer, past) in self.past.iter_mut().enumerate() {
            let block = self.weights.block(layer)?;
            let attention = attention(config, layer);
            for Batch { prompts, rows, rotary, hidden } in &mut batches {
                let its = past.iter_mut().enumerate().filter(|(prompt, _)| prompts.binary_search(prompt).is_ok());
                let mut its: Vec<&mut Past> = its.map(|(_, past)| past).collect();
                let linear = |i: usize, x: &Tensor| ops::linear(x, &block.linears[i]);
                let mut attend = |q: &_, k: &_, v: &_| cached::attention(q, k, v, attention, rows, &mut its);
                let by: (Apply, Attend) = (&linear, &mut attend);
                *hidden = block_forward_by(config, rotary, &block, by, hidden, &mut |_, _| Ok(()))?;
            }
        }
        let last = batches.iter().map(|batch| {
            let ends = batch.rows.iter().scan(0u32, |end, &rows| {
                *end += rows as u32;
                Some(*end - 1)
            });
            let ends = Tensor::from_iter(ends, batch.hidden.device())?;
            Ok(batch.hidden.index_select(&ends, 0)?)
        });
        let last = Tensor::cat(&last.collect::<Result<Vec<_>, ModelError>>()?, 0)?;
        head_logits(self.weights, &final_norm(self.weights, &last)?)
    }

    fn batch(&mut self, new: &[(usize, Vec<u32>)]) -> Result<Batch, ModelError> {
        let mut positions = Vec::new();
        for (prompt, tokens) in new {
            let start = self.passed[*prompt];
            self.passed[*prompt] += tokens.len();
            positions.extend((start..self.passed[*prompt]).map(|at| at as u32));
        }
        let tokens: Vec<u32> = new.iter().flat_map(|(_, tokens)| tokens.iter().copied()).collect();
        Ok(Batch {
            prompts: new.iter().map(|(prompt, _)| *prompt).collect(),
            rows: new.iter().map(|(_, tokens)| tokens.len()).collect(),
            rotary: self.rotary.at(&positions)?,
            hidden: embed_at(self.weights, &tokens, positions.iter().copied())?,
        })
    }
}

/// Runs of consecutive items with at most `most` rows in total, or single items with more.
pub(crate) fn runs<T>(items: &[T], most: usize, rows: impl Fn(&T) -> usize) -> impl Iterator<Item = &[T]> {
    let mut rest = items;
    std::iter::from_fn(move || {
        let mut total = 0;
        let fits = rest.iter().take_while(|item| {
            total += rows(item);
            total <= most
        });
        let (run, after) = rest.split_at(fits.count().max(1).min(rest.len()));
        rest = after;
        (!run.is_empty()).then_some(run)
    })
}

/// The likeliest token of each row of logits [n, vocabulary]; none where a logit is not finite.
fn likeliest(logits: &Tensor) -> Result<Vec<Option<u32>>, ModelError> {
    let (n, vocabulary) = logits.dims2()?;
    let flat = logits.flatten_all()?.to_vec1::<f32>()?;
    let of_row = |row: &[f32]| {
        let mut best = (0, f32::NEG_INFINITY);
        for (id, &logit) in row.iter().enumerate() {
            if !logit.is_finite() {
                return None;
            }
            if logit > best.1 {
                best = (id as u32, logit);
            }
        }
        Some(best.0)
    };
    debug_assert_eq!(flat.len(), n * vocabulary);
    Ok(flat.chunks_exact(vocabulary).map(of_row).collect())
}

#[cfg(test)]
mod tests;
