//! How likely a model finds the right answers: the mean loss of each example's response tokens.

use candle_core::Tensor;
use rayon::prelude::*;

use crate::model::ModelError;
use crate::model::cached::packed_attention;
use crate::model::generate::runs;
use crate::model::kernel::Heads;
use crate::model::llama::{Rotary, Weights, block_forward_with, embed, final_norm};
use crate::model::ops;
use crate::train::tokenised::Tokenised;

/// Rows of a pass at most, unless one example alone is longer.
const ROWS: usize = 512;

/// Passes whose hidden states are held side by side, so that each block is read once for all of them.
const TOGETHER: usize = 32;

/// Mean loss of each example's response tokens, nats a token. Consecutive examples are the rows of one pass, each seeing
/// itself only, and a pass is one thread's in each block: losses do not depend on the number of threads.
pub fn response_losses(weights: &dyn Weights, examples: &[Tokenised]) -> Result<Vec<f64>, ModelError> {
    check(weights.config().shape.context, examples)?;
    let passes: Vec<&[Tokenised]> = runs(examples, ROWS, |example| example.tokens.len() - 1).collect();
    let mut losses = Vec::with_capacity(examples.len());
    for passes in passes.chunks(TOGETHER) {
        losses.extend(together(weights, passes)?.into_iter().flatten());
    }
    Ok(losses)
}

fn check(context: usize, examples: &[Tokenised]) -> Result<(), ModelError> {
    for (index, Tokenised { tokens, response }) in examples.iter().enumerate() {
        if tokens.len() <= (*response).max(1) {
            let why = format!("{} tokens, response from {response}: nothing to predict", tokens.len());
            return Err(ModelError::Prompt { index, why });
        }
        if tokens.len() > context {
            let why = format!("{} tokens exceed the context of {context}", tokens.len());
            return Err(ModelError::Prompt { index, why });
        }
    }
    Ok(())
}

/// Index of an example's first token that is predicted: the very first has nothing before it.
fn first_target(example: &Tokenised) -> usize {
    example.response.max(1)
}

/// The losses of each example of each pass.
fn together(weights: &dyn Weights, passes: &[&[Tokenised]]) -> Result<Vec<Vec<f64>>, ModelError> {
    let config = weights.config();
    let heads = Heads { query: config.shape.heads, key_value: config.shape.kv_heads, dim: config.shape.head_dim };
    let longest = passes.iter().flat_map(|pass| pass.iter()).map(|example| example.tokens.len()).max().unwrap_or(0);
    let rotary = Rotary::new(config, longest, weights.embedding().device())?;
    let start = |pass: &&[Tokenised]| {
        // The last token predicts nothing.
        let rows: Vec<usize> = pass.iter().map(|example| example.tokens.len() - 1).collect();
        let tokens = pass.iter().zip(&rows).flat_map(|(example, &rows)| example.tokens[..rows].iter().copied());
        let positions: Vec<u32> = rows.iter().flat_map(|&rows| 0..rows as u32).collect();
        Ok((embed(weights, &tokens.collect::<Vec<_>>())?, rotary.at(&positions)?, rows))
    };
    let mut states = passes.par_iter().map(start).collect::<Result<Vec<_>, ModelError>>()?;
    for layer in 0..config.shape.layers {
        let block = weights.block(layer)?;
        states.par_iter_mut().with_max_len(1).try_for_each(|(hidden, rotary, rows)| {
            *hidden = block_forward_with(config, rotary, &block, hidden, &mut |_, _| Ok(()), &mut |q, k, v| {
                Ok(packed_attention(q, k, v, heads, rows)?)
            })?;
            Ok::<_, ModelError>(())
        })?;
    }
    let end = |(pass, (hidden, _, rows)): (&&[Tokenised], &(Tensor, Rotary, Vec<usize>))| {
        let (mut at, mut targets, mut first) = (Vec::new(), Vec::new(), 0);
        for (example, rows) in pass.iter().zip(rows) {
            at.extend((first + first_target(example) - 1..first + rows).map(|row| row as u32));
            targets.extend_from_slice(&example.tokens[first_target(example)..]);
            first += rows;
        }
        let at = Tensor::new(at, hidden.device())?;
        let h = final_norm(weights, &hidden.index_select(&at, 0)?)?;
        let losses = ops::cross_entropy(&h, weights.head(), &targets)?;
        let mut rest = losses.as_slice();
        let mean = |example: &Tokenised| {
            let (its, after) = rest.split_at(example.tokens.len() - first_target(example));
            rest = after;
            its.iter().sum::<f64>() / its.len() as f64
        };
        Ok(pass.iter().map(mean).collect())
    };
    passes.par_iter().zip(&states).map(end).collect()
}
