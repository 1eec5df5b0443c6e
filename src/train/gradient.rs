//! The loss of a batch and its gradient: groups in parallel, one thread per group, added in the order of the groups.

use candle_core::{DType, Tensor};
use rayon::prelude::*;

use super::adamw::PIECE;
use super::learner::{Inverses, Learner, Parameter};
use super::order::groups;
use super::{Tokenised, TrainError};
use crate::model::ops::values::Values;
use crate::model::packed::Packed;

/// The loss and gradient of a batch.
#[derive(Debug)]
pub(super) struct Gradient {
    /// Mean loss of its response tokens, nats.
    pub(super) loss: f64,
    /// Its gradient for each parameter.
    pub(super) values: Vec<Vec<f32>>,
}

/// The gradient of the mean loss over all response tokens of `batch`.
pub(super) fn of_batch(
    learner: &Learner,
    parameters: &[Parameter],
    batch: &[&Tokenised],
) -> Result<Gradient, TrainError> {
    let lengths: Vec<usize> = batch.iter().map(|example| example.inputs()).collect();
    let targets: usize = batch.iter().map(|example| example.targets()).sum();
    let groups = groups(&lengths);
    let inverses = learner.inverses()?;
    let of_group = |group: &Vec<usize>| {
        let packed = Packed::new(group.iter().map(|&i| batch[i]));
        of_group(learner, parameters, &inverses, &packed, 1.0 / targets as f64)
    };
    let mut loss = 0.0;
    let mut sums = parameters.iter().map(|_| Vec::new()).collect::<Vec<Vec<f32>>>();
    // At most one group per thread at a time, since each holds its own gradient until it is added. Where a wave ends does not
    // matter, since gradients are added in order.
    for wave in groups.chunks(rayon::current_num_threads()) {
        let wave = wave.par_iter().with_max_len(1).map(of_group).collect::<Vec<_>>();
        for group in wave {
            let (of_its, gradients) = group?;
            loss += of_its;
            sums.par_iter_mut().zip(gradients).try_for_each(|(sum, gradient)| add(sum, gradient))?;
        }
    }
    for (sum, parameter) in sums.iter_mut().zip(parameters) {
        // A variable that nothing depends on has no gradient.
        sum.resize(parameter.var.elem_count(), 0.0);
    }
    Ok(Gradient { loss: loss / targets as f64, values: sums })
}

/// Sum of a group's losses, and for each parameter the gradient of that sum times `weight`.
fn of_group(
    learner: &Learner,
    parameters: &[Parameter],
    inverses: &Inverses,
    packed: &Packed,
    weight: f64,
) -> Result<(f64, Vec<Option<Tensor>>), TrainError> {
    let losses = learner.losses(packed, inverses)?;
    let sum = losses.to_dtype(DType::F64)?.to_vec1::<f64>()?.iter().sum();
    let mut gradients = (losses * weight)?.backward()?;
    Ok((sum, parameters.iter().map(|parameter| gradients.remove(&parameter.var)).collect()))
}

fn add(sum: &mut Vec<f32>, gradient: Option<Tensor>) -> Result<(), TrainError> {
    let Some(gradient) = gradient else { return Ok(()) };
    let gradient = Values::of(&gradient)?;
    if sum.is_empty() {
        sum.extend_from_slice(&gradient);
        return Ok(());
    }
    sum.par_chunks_mut(PIECE).zip(gradient.par_chunks(PIECE)).for_each(|(sum, gradient)| {
        sum.iter_mut().zip(gradient).for_each(|(sum, x)| *sum += x);
    });
    Ok(())
}
