//! Decompositions of a linear W [d_out, d_in]: SVD(W T), T chosen by the method (a file each).
//!
//! What a method says is T, and nothing else; the SVD, its check and the dropping of components are shared:
//! with U S V^T = W T and U_r the last r columns of U, discarding the smallest r components leaves
//! W' = W - U_r (U_r^T W). That equals U_k S_k V_k^T T^-1 for every method, needs no inverse, and one SVD serves every r.

use std::fmt::Debug;
use std::sync::Arc;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};

use crate::calibrate::{Normalisation, Statistics};
use crate::yaml;

pub mod asvd;
mod bidiagonal;
pub mod corda;
mod householder;
pub mod plain;
pub mod store;
mod svd;
pub mod tall;
pub mod truncate;
pub mod whitening;

pub use svd::Factorisation;

/// Every method there is. A new one is its own file and a line here.
pub const METHODS: &[Entry] = &[plain::ENTRY, asvd::ENTRY, corda::ENTRY, whitening::ENTRY];

/// A line of the registry: how the spec names a method and reads its parameters.
pub struct Entry {
    /// The spec's word.
    pub name: &'static str,
    /// One line for `corda list`.
    pub summary: &'static str,
    /// Reads the arm's keys that are not common to all arms. Unknown keys and bad values are errors with positions.
    pub read: fn(&yaml::Node) -> Result<Arc<dyn Method>, yaml::Error>,
    /// Schema of those keys: that of the type which `read` reads.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

/// The end of the singular values whose components are taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The smallest components: truncation discards them, and they make CorDA's knowledge-preserved adapter (KPM).
    #[default]
    Smallest,
    /// The largest components: they make CorDA's instruction-previewed adapter (IPM) and, with plain SVD, PiSSA's.
    Largest,
}

impl End {
    /// Whether it is the smallest, the default.
    pub fn is_smallest(&self) -> bool {
        *self == Self::Smallest
    }

    /// Index of the first of `r` components among `all` in descending order.
    pub fn first(self, r: usize, all: usize) -> usize {
        match self {
            Self::Smallest => all - r,
            Self::Largest => 0,
        }
    }
}

/// What a method needs to know of a linear's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Only W: a `calibration` key is an error.
    Nothing,
    /// Statistics of the input: a `calibration` key is required.
    Statistics,
}

/// A decomposition with its parameters.
pub trait Method: Debug + Send + Sync {
    /// The spec's word, e.g. `corda`.
    fn name(&self) -> &'static str;
    /// What tables call it, e.g. `CO-SVD`.
    fn title(&self) -> &'static str;
    /// What it needs.
    fn needs(&self) -> Needs;
    /// Whether it uses the covariance of the input, which has full rank only if there are as many tokens as dimensions.
    fn uses_covariance(&self) -> bool {
        self.needs() == Needs::Statistics
    }
    /// How samples are weighted in the covariance it uses.
    fn normalisation(&self) -> Normalisation {
        Normalisation::default()
    }
    /// Its parameters as resolved, for keys and provenance.
    fn parameters(&self) -> serde_json::Value;
    /// W T, [d_out, d_in], of w [d_out, d_in] and the statistics of its input (present where [`Method::needs`] says so).
    fn weigh(&self, w: MatRef<f64>, statistics: Option<&Statistics>) -> Result<Weighed, DecompositionError>;
}

/// W T, and how T was conditioned.
#[derive(Debug, Clone)]
pub struct Weighed {
    /// W T, [d_out, d_in].
    pub product: Mat<f64>,
    /// For methods that damp.
    pub damping: Option<Damped>,
}

/// What damping did to a covariance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Damped {
    /// lambda, added to the diagonal.
    pub lambda: f64,
    /// How often it was doubled.
    pub rounds: u32,
}

/// What can go wrong with a linear's decomposition. The caller adds its name.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum DecompositionError {
    /// A method without the statistics it needs.
    #[error("`{method}` needs a calibration")]
    NoStatistics {
        /// The spec's word.
        method: &'static str,
    },
    /// The statistics are of another width.
    #[error("the statistics are of width {statistics}, the linear takes {d_in}")]
    Width {
        /// Of the statistics.
        statistics: usize,
        /// Of the linear.
        d_in: usize,
    },
    /// Neither the SVD nor the fallback gave an answer that passes the check.
    #[error("the SVD did not converge to a factorisation that passes its check ({0}); are the weights finite?")]
    Svd(String),
    /// Doubling the damping did not make the covariance invertible.
    #[error("the damped covariance is not invertible to the threshold after {rounds} doublings (error {error:.3e})")]
    Damping {
        /// How often it was doubled.
        rounds: u32,
        /// ||C~ C~^-1 - I||_F at the last.
        error: f64,
    },
}

impl Serialize for dyn Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Method", 2)?;
        out.serialize_field("name", self.name())?;
        out.serialize_field("parameters", &self.parameters())?;
        out.end()
    }
}

/// Doublings of a damping before giving up: 0.01 * 2^40 would bury any covariance.
const MOST_ROUNDS: u32 = 40;

/// A parameter that must be positive.
fn positive<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(from)?;
    if value > 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(serde::de::Error::custom(format!("{value} is not a positive number")))
    }
}

/// a b on the calling thread: parallelism is over linears.
pub fn product(a: MatRef<f64>, b: MatRef<f64>) -> Mat<f64> {
    let mut out = Mat::zeros(a.nrows(), b.ncols());
    matmul(out.as_mut(), Accum::Replace, a, b, 1.0, Par::Seq);
    out
}

/// The statistics a method needs, of the right width.
fn required<'a>(
    method: &'static str,
    w: MatRef<f64>,
    statistics: Option<&'a Statistics>,
) -> Result<&'a Statistics, DecompositionError> {
    let statistics = statistics.ok_or(DecompositionError::NoStatistics { method })?;
    if statistics.abs_mean.len() != w.ncols() {
        return Err(DecompositionError::Width { statistics: statistics.abs_mean.len(), d_in: w.ncols() });
    }
    Ok(statistics)
}

#[cfg(test)]
mod tests;
