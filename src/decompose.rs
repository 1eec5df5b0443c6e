//! Decompositions of a linear W [d_out, d_in]: SVD(W T), with T chosen by the method (one file per method).
//!
//! A method defines T and nothing else. The SVD, its check and the truncation are shared:
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

/// All methods. A new one takes a file of its own and a line here.
pub const METHODS: &[Entry] = &[plain::ENTRY, asvd::ENTRY, corda::ENTRY, whitening::ENTRY];

/// An entry of the registry: the name of a method in the spec, and how its parameters are read.
pub struct Entry {
    /// The name in the spec.
    pub name: &'static str,
    /// A one-line summary for `corda list`.
    pub summary: &'static str,
    /// Reads the keys that this method adds to an arm. Unknown keys and bad values are errors with their positions.
    pub read: fn(&yaml::Node) -> Result<Arc<dyn Method>, yaml::Error>,
    /// The schema of those keys, from the type that `read` deserialises.
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
    /// Whether this is the smallest end, the default.
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

/// What a method needs to know about the input of a linear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing but W: a `calibration` key is an error.
    Nothing,
    /// Statistics of the input: a `calibration` key is required.
    Statistics,
}

/// A decomposition with its parameters.
pub trait Method: Debug + Send + Sync {
    /// The name in the spec, e.g. `corda`.
    fn name(&self) -> &'static str;
    /// The name in tables, e.g. `CO-SVD`.
    fn title(&self) -> &'static str;
    /// What the method needs.
    fn needs(&self) -> Needs;
    /// Whether the method uses the covariance of the input, which has full rank only if there are at least as many tokens as
    /// dimensions.
    fn uses_covariance(&self) -> bool {
        self.needs() == Needs::Statistics
    }
    /// How samples are weighted in the covariance that the method uses.
    fn normalisation(&self) -> Normalisation {
        Normalisation::default()
    }
    /// The resolved parameters, for keys and provenance.
    fn parameters(&self) -> serde_json::Value;
    /// W T, [d_out, d_in], from w [d_out, d_in] and the statistics of its input (present if [`Method::needs`] asks for them).
    fn weigh(&self, w: MatRef<f64>, statistics: Option<&Statistics>) -> Result<Weighed, DecompositionError>;
}

/// W T, and the damping that T needed.
#[derive(Debug, Clone)]
pub struct Weighed {
    /// W T, [d_out, d_in].
    pub product: Mat<f64>,
    /// Only for methods that use damping.
    pub damping: Option<Damped>,
}

/// The damping of a covariance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Damped {
    /// lambda, which was added to the diagonal.
    pub lambda: f64,
    /// How many times lambda was doubled.
    pub rounds: u32,
}

/// Why a linear could not be decomposed. The caller adds its name.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum DecompositionError {
    /// The method needs statistics, and there are none.
    #[error("`{method}` needs a calibration")]
    NoStatistics {
        /// The name in the spec.
        method: &'static str,
    },
    /// The statistics have a different width.
    #[error("the statistics are of width {statistics}, the linear takes {d_in}")]
    Width {
        /// The width of the statistics.
        statistics: usize,
        /// The width of the input of the linear.
        d_in: usize,
    },
    /// Neither the SVD nor its fallbacks gave a factorisation that passes the check.
    #[error("the SVD did not converge to a factorisation that passes its check ({0}); are the weights finite?")]
    Svd(String),
    /// Doubling the damping did not make the covariance invertible.
    #[error("the damped covariance is not invertible to the threshold after {rounds} doublings (error {error:.3e})")]
    Damping {
        /// How many times it was doubled.
        rounds: u32,
        /// ||C~ C~^-1 - I||_F after the last of them.
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

/// Doublings of the damping before giving up: 0.01 * 2^40 would dominate any covariance.
const MOST_ROUNDS: u32 = 40;

/// Deserialises a parameter that must be positive.
fn positive<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(from)?;
    if value > 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(serde::de::Error::custom(format!("{value} is not a positive number")))
    }
}

/// The product a b, on the calling thread: linears are processed in parallel.
pub fn product(a: MatRef<f64>, b: MatRef<f64>) -> Mat<f64> {
    let mut out = Mat::zeros(a.nrows(), b.ncols());
    matmul(out.as_mut(), Accum::Replace, a, b, 1.0, Par::Seq);
    out
}

/// The statistics that a method needs, if they have the right width.
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
