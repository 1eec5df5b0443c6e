//! Fine-tuning on prompts and responses: of adapters (LoRA, DoRA, and PiSSA or CorDA, which are initialised otherwise) or of all
//! weights. Nothing here reads texts or chooses learning rates.
//!
//! The loss of a step is the mean over all response tokens of its batch, so an example counts in proportion to the
//! length of its response; prompts do not enter the loss. A batch is divided into groups of whole examples, concatenated without
//! padding. One thread computes the forward and backward pass of a group, and gradients are added in the order of the groups.
//! Groups depend on the examples only, so the numbers are the same bits for any number of threads.
//!
//! [`order`] orders the examples, `learner` holds the variables, `gradient` sums over a batch, [`adamw`] and [`schedule`]
//! make the update, [`trainer`] drives them, and `checkpoint` saves and resumes. [`packed`](crate::model::packed) computes the
//! losses.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::adapt::Adapter;
use crate::cache::CacheError;
use crate::model::ModelError;
use crate::model::weights::Resident;

pub mod adamw;
mod checkpoint;
mod gradient;
mod learner;
pub mod memory;
pub mod order;
pub mod schedule;
pub mod trained;
pub mod trainer;

pub use crate::model::tokenised::Tokenised;
pub use trained::Trained;
pub use trainer::Trainer;

/// Which parameters are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tuning {
    /// All weights, norms and embedding included; a tied head stays tied.
    Full,
    /// B and A of each adapter: y = W x + B A x. PiSSA and CorDA are this, with a residual W and adapters that do not start at 0.
    Lora,
    /// B, A and a magnitude m per row: y = m / ||W + B A|| (W + B A) x, with norms of rows, through which no gradient flows. m
    /// starts as the norm. As in PEFT.
    Dora,
}

/// Where training starts.
#[derive(Debug, Clone)]
pub struct Start {
    /// The weights that are trained, or on which adapters are trained: the residual if the adapters do not start at 0.
    pub base: Resident,
    /// Which parameters are trained.
    pub kind: Tuning,
    /// The adapters as initialised; none for [`Tuning::Full`].
    pub adapters: Vec<Adapter>,
}

/// Hyperparameters. The defaults, except those of epochs, batch and rate, are the official code's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Passes over the examples, each in its own order.
    pub epochs: usize,
    /// Examples per optimiser step; the last step of an epoch may have fewer.
    pub batch: usize,
    /// Peak learning rate.
    pub rate: f64,
    /// Fraction of the steps in which the rate rises from 0; after them it falls to 0 along a cosine.
    pub warmup: f64,
    /// Weight decay; none for norms and biases.
    pub weight_decay: f64,
    /// Decay of the two moments.
    pub betas: (f64, f64),
    /// Added to the root of the second moment.
    pub eps: f64,
    /// The largest norm of a gradient; a larger gradient is scaled down to it.
    pub clip: Option<f64>,
    /// Seed of the order of examples.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            epochs: 1,
            batch: 32,
            rate: 2e-5,
            warmup: 0.03,
            weight_decay: 0.0,
            betas: (0.9, 0.999),
            eps: 1e-8,
            clip: Some(1.0),
            seed: 0,
        }
    }
}

/// What one optimiser step did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its number, from 1.
    pub step: usize,
    /// Mean loss over the response tokens of the batch before the update, nats.
    pub loss: f64,
    /// Tokens that went through the model: all but the last of each example.
    pub tokens: u64,
    /// Euclidean norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Learning rate of the update.
    pub rate: f64,
    /// Wall time.
    pub seconds: f64,
}

/// Why training failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Nothing to train on.
    #[error("there are no examples to train on")]
    NoExamples,
    /// Settings that cannot be trained with.
    #[error("cannot train with {0}")]
    Settings(String),
    /// An example that the model cannot take.
    #[error("example {index} cannot be trained on: {why}")]
    Example {
        /// Its place among the examples, from 0.
        index: usize,
        /// Why.
        why: String,
    },
    /// An adapter that does not belong to the model.
    #[error("the adapter of {linear} cannot be trained: {why}")]
    Adapter {
        /// Hugging Face name.
        linear: String,
        /// Why.
        why: String,
    },
    /// DoRA on linears with rows of zeros, which have no direction.
    #[error(
        "DoRA divides each row of W + B A by its norm, and there are rows of zeros: {}; leave these linears out of \
         `targets`, or train by another method", zero_rows(.0)
    )]
    ZeroRows(Vec<ZeroRows>),
    /// The loss or its gradient is infinite or NaN before the first update.
    #[error(
        "{what} of the first step is {value}, before the first update and so at any learning rate: the model's weights or the \
         initial adapters give no finite loss on these examples"
    )]
    StartNotFinite {
        /// `the loss` or `the gradient norm`.
        what: &'static str,
        /// What it is.
        value: f64,
    },
    /// The loss or its gradient is infinite or NaN. The parameters are those before the step.
    #[error(
        "{what} of step {step} is {value}; list lower learning rates under `rates`; the last checkpoint is from before that step"
    )]
    NotFinite {
        /// From 1.
        step: usize,
        /// `the loss` or `the gradient norm`.
        what: &'static str,
        /// What it is.
        value: f64,
    },
    /// All steps are done.
    #[error("all {0} steps are done")]
    Finished(usize),
    /// A checkpoint of another run.
    #[error("{path} is a checkpoint of run {found}, not of {expected}; delete it to start again")]
    OtherRun {
        /// The checkpoint.
        path: PathBuf,
        /// The key in it.
        found: String,
        /// The key asked for.
        expected: String,
    },
    /// A checkpoint or trained model with other tensors than this one.
    #[error("{path} does not fit: {why}; delete it and run again")]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is different.
        why: String,
    },
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The forward or backward pass failed.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// Rows of a linear that are all zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZeroRows {
    /// Hugging Face name.
    pub linear: String,
    /// How many there are.
    pub rows: usize,
    /// How many rows the linear has.
    pub of: usize,
    /// The first of them, from 0.
    pub first: usize,
}

/// The most linears that a message lists.
const LISTED: usize = 8;

fn zero_rows(all: &[ZeroRows]) -> String {
    let one = |z: &ZeroRows| format!("{} ({} of {} rows, first row {} from 0)", z.linear, z.rows, z.of, z.first);
    let mut list = all.iter().take(LISTED).map(one).collect::<Vec<_>>().join(", ");
    if all.len() > LISTED {
        list += &format!(" and {} more linears", all.len() - LISTED);
    }
    list
}

impl TrainError {
    /// Whether the cause is the learner (its method, start or rate), so that other learners of the experiment may succeed.
    pub fn is_of_the_learner(&self) -> bool {
        matches!(self, Self::ZeroRows(_) | Self::StartNotFinite { .. } | Self::NotFinite { .. } | Self::Adapter { .. })
    }
}

impl From<candle_core::Error> for TrainError {
    fn from(e: candle_core::Error) -> Self {
        Self::Model(e.into())
    }
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
