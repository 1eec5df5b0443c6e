//! Measurements of a model: perplexity over non-overlapping windows, as the official code computes it; answers to questions,
//! generated and scored; losses of the right answers; intervals for all of these. Nothing here reads files or caches.

use std::time::Instant;

use rayon::prelude::*;

use crate::model::ModelError;
use crate::model::decoder::{block_forward, embed, losses};
use crate::model::rotary::Rotary;
use crate::model::weights::Weights;

pub mod answers;
pub mod number;
pub mod questions;
pub mod responses;
pub mod uncertainty;

/// A window to measure on one of several models.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    /// Index of the model.
    pub model: usize,
    /// An id of the caller's choice.
    pub id: usize,
    /// Its tokens.
    pub tokens: &'a [u32],
}

/// Called for each finished window with its id, its mean loss in nats per token, and the seconds its thread took.
pub type Done<'a, E> = &'a (dyn Fn(usize, f64, f64) -> Result<(), E> + Sync);

/// The mean loss of each window, for models whose weights are in memory. One thread computes a window from start to end.
pub fn resident_losses<E: From<ModelError> + Send>(
    models: &[&dyn Weights],
    windows: &[Window],
    done: Done<E>,
) -> Result<(), E> {
    windows.par_iter().with_max_len(1).try_for_each(|window| passed(models, std::slice::from_ref(window), done))
}

/// The mean loss of each window, for models whose blocks are read from disk: `together` windows, of any models, pass through a
/// block before the next one is read. The losses are those of [`resident_losses`].
pub fn streamed_losses<E: From<ModelError> + Send>(
    models: &[&dyn Weights],
    windows: &[Window],
    together: usize,
    done: Done<E>,
) -> Result<(), E> {
    windows.chunks(together.max(1)).try_for_each(|windows| passed(models, windows, done))
}

/// Passes windows through all blocks side by side.
fn passed<E: From<ModelError> + Send>(models: &[&dyn Weights], windows: &[Window], done: Done<E>) -> Result<(), E> {
    let start = Instant::now();
    let longest = windows.iter().map(|window| window.tokens.len()).max().unwrap_or(0);
    let Some(first) = models.first() else { return Ok(()) };
    let config = first.config();
    let rotary = Rotary::new(config, longest, first.embedding().device())?;
    let embedded = windows.iter().map(|window| embed(models[window.model], window.tokens));
    let mut hidden = embedded.collect::<Result<Vec<_>, ModelError>>()?;
    for layer in 0..config.shape.layers {
        for (i, model) in models.iter().enumerate() {
            let mut its: Vec<_> =
                windows.iter().zip(&mut hidden).filter(|(window, _)| window.model == i).map(|(_, h)| h).collect();
            if its.is_empty() {
                continue;
            }
            let block = model.block(layer)?;
            its.par_iter_mut().try_for_each(|hidden| {
                **hidden = block_forward(config, &rotary, &block, hidden, &mut |_, _| Ok(()))?;
                Ok::<_, ModelError>(())
            })?;
        }
    }
    windows.par_iter().zip(&hidden).try_for_each(|(window, hidden)| {
        let losses = losses(models[window.model], hidden, window.tokens)?;
        let seconds = start.elapsed().as_secs_f64() / windows.len() as f64;
        done(window.id, losses.iter().sum::<f64>() / losses.len() as f64, seconds)
    })
}
