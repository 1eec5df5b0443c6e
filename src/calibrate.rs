//! Calibration: one pass of the samples through the model, and the statistics of every distinct linear input.
//!
//! The pass goes block by block: the hidden states of all samples are carried from block to block, so one block's
//! weights and statistics are in memory at a time. Smaller sample counts are prefixes: snapshots taken on the way.

use faer::Mat;
use serde::{Deserialize, Serialize};

use crate::model::ModelError;

mod accumulate;
pub mod pass;
mod spectrum;
pub mod store;

pub use spectrum::shifted;

/// The weight of a sample in the covariance.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Normalisation {
    /// As in the official code: Xn = X / abs(max(X)), with the maximum over all entries of the sample.
    #[default]
    Max,
    /// No scaling: Xn = X.
    None,
}

/// Which prefix of a pass, and how its samples are weighted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Snapshot {
    /// The first so many samples of the pass.
    pub samples: usize,
    /// The weight of each in the covariance.
    pub normalisation: Normalisation,
}

/// Statistics of one linear input of width d.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// C = sum over samples of Xn^T Xn / samples, [d, d], symmetric.
    pub covariance: Mat<f64>,
    /// Sum over samples of mean over tokens of |X|, [d] (ASVD's; not divided by the number of samples).
    pub abs_mean: Vec<f64>,
    /// Largest |X| over samples and tokens, [d].
    pub abs_max: Vec<f64>,
    /// Eigenvalues of C in short.
    pub spectrum: Spectrum,
    /// Number of samples seen.
    pub samples: u64,
    /// Number of tokens seen.
    pub tokens: u64,
}

/// What the eigenvalues of a covariance say of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spectrum {
    /// Largest eigenvalue.
    pub largest: f64,
    /// Smallest eigenvalue; may be slightly negative by rounding where C is singular.
    pub smallest: f64,
    /// (sum of eigenvalues)^2 / (sum of their squares): in how many dimensions the input lives (participation ratio).
    pub effective_rank: f64,
}

/// What can go wrong in a pass.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// An activation that is not a number or infinite.
    #[error(
        "calibration {calibration}: sample {sample} has activations that are not finite at the input of {linear}; \
             the model's weights may be damaged, or overflow in f32"
    )]
    NotFinite {
        /// Which calibration.
        calibration: String,
        /// Index of the sample.
        sample: usize,
        /// Hugging Face name of the first linear that sees them.
        linear: String,
    },
    /// The official normalisation divides by the largest entry.
    #[error(
        "calibration {calibration}: the input of {linear} has largest entry 0 in sample {sample}, so X / abs(max(X)) \
             is undefined; use `normalisation: none`"
    )]
    ZeroMaximum {
        /// Which calibration.
        calibration: String,
        /// Index of the sample.
        sample: usize,
        /// Hugging Face name of the first linear that sees it.
        linear: String,
    },
    /// Rounding made a covariance indefinite, which sums of X^T X in f64 should never do.
    #[error("the covariance at the input of {linear} is not positive semi-definite")]
    Indefinite {
        /// Hugging Face name of the first linear that sees it.
        linear: String,
    },
    /// The forward pass failed.
    #[error(transparent)]
    Model(#[from] ModelError),
}
