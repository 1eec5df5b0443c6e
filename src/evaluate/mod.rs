//! Perplexity over non-overlapping windows, as the official code takes it, with its uncertainty.

use std::time::Instant;

use rayon::prelude::*;

use crate::model::ModelError;
use crate::model::llama::{Rotary, Weights, block_forward, embed, losses};

pub mod uncertainty;

/// Mean loss of each window, nats a token; `done` is told of each as it is known, with the seconds it took its thread.
///
/// `together` windows pass through the blocks side by side: 1 where weights are in memory (each window is then one
/// thread's, start to end), many where every block is read from disk. No loss depends on it.
pub fn window_losses<E: From<ModelError> + Send>(
    weights: &dyn Weights,
    windows: &[(usize, &[u32])],
    together: usize,
    done: &(dyn Fn(usize, f64, f64) -> Result<(), E> + Sync),
) -> Result<(), E> {
    let longest = windows.iter().map(|(_, tokens)| tokens.len()).max().unwrap_or(0);
    let rotary = Rotary::new(weights.config(), longest, weights.embedding().device())?;
    let batch = |batch: &[(usize, &[u32])]| {
        let start = Instant::now();
        let embedded = batch.iter().map(|(_, tokens)| embed(weights, tokens));
        let mut hidden = embedded.collect::<Result<Vec<_>, ModelError>>()?;
        for layer in 0..weights.config().shape.layers {
            let block = weights.block(layer)?;
            hidden.par_iter_mut().try_for_each(|hidden| {
                *hidden = block_forward(weights.config(), &rotary, &block, hidden, &mut |_, _| Ok(()))?;
                Ok::<_, ModelError>(())
            })?;
        }
        batch.par_iter().zip(&hidden).try_for_each(|((index, tokens), hidden)| {
            let losses = losses(weights, hidden, tokens)?;
            let seconds = start.elapsed().as_secs_f64() / batch.len() as f64;
            done(*index, losses.iter().sum::<f64>() / losses.len() as f64, seconds)
        })
    };
    if together <= 1 { windows.par_chunks(1).try_for_each(batch) } else { windows.chunks(together).try_for_each(batch) }
}
