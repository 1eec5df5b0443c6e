//! Calibration: one pass of the samples through the model, and the statistics of every distinct linear input.
//!
//! The pass proceeds block by block and keeps the hidden states of all samples, so that the weights and statistics of only one
//! block are in memory at a time. Smaller sample counts are prefixes of the same pass: snapshots taken on the way.

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

/// A prefix of a pass, and the weighting of its samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Snapshot {
    /// The number of samples, from the first of the pass.
    pub samples: usize,
    /// The weight of each sample in the covariance.
    pub normalisation: Normalisation,
}

/// The statistics of one linear input of width d.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// C = sum over samples of Xn^T Xn / samples, [d, d], symmetric.
    pub covariance: Mat<f64>,
    /// Sum over samples of mean over tokens of |X|, `[d]` (ASVD's; not divided by the number of samples).
    pub abs_mean: Vec<f64>,
    /// Largest |X| over samples and tokens, `[d]`.
    pub abs_max: Vec<f64>,
    /// A summary of the eigenvalues of C.
    pub spectrum: Spectrum,
    /// The number of samples.
    pub samples: u64,
    /// The number of tokens.
    pub tokens: u64,
}

/// A summary of the eigenvalues of a covariance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spectrum {
    /// The largest eigenvalue.
    pub largest: f64,
    /// The smallest eigenvalue; rounding may make it slightly negative if C is singular.
    pub smallest: f64,
    /// The participation ratio, (sum of eigenvalues)^2 / (sum of their squares): the effective number of dimensions of the input.
    pub effective_rank: f64,
}

/// Why a pass failed.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// An activation is NaN or infinite.
    #[error(
        "calibration {calibration}: sample {sample} has activations that are not finite at the input of {linear}; \
             the model's weights may be damaged, or overflow in f32"
    )]
    NotFinite {
        /// The name of the calibration.
        calibration: String,
        /// The index of the sample.
        sample: usize,
        /// The Hugging Face name of the first linear that receives it.
        linear: String,
    },
    /// The largest entry is 0, and the official normalisation divides by it.
    #[error(
        "calibration {calibration}: the input of {linear} has largest entry 0 in sample {sample}, so X / abs(max(X)) \
             is undefined; use `normalisation: none`"
    )]
    ZeroMaximum {
        /// The name of the calibration.
        calibration: String,
        /// The index of the sample.
        sample: usize,
        /// The Hugging Face name of the first linear that receives it.
        linear: String,
    },
    /// Rounding made a covariance indefinite, which sums of X^T X in f64 should never do.
    #[error("the covariance at the input of {linear} is not positive semi-definite")]
    Indefinite {
        /// The Hugging Face name of the first linear that receives it.
        linear: String,
    },
    /// The forward pass failed.
    #[error(transparent)]
    Model(#[from] ModelError),
}
