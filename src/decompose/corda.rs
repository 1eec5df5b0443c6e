//! CorDA (CO-SVD): T = C + lambda I, with C the covariance of the input.
//!
//! Damping as in the official code: lambda = damp * mean(diag C), damp doubled until ||C~ C~^-1 - I||_F < threshold.
//! The official code works in f32, where rounding decides the number of doublings; here f64 is the default, and
//! `precision: f32` applies the official rule unchanged.

use std::sync::Arc;

use faer::linalg::solvers::DenseSolveCore;
use faer::{Mat, MatRef, unzip, zip};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Damped, DecompositionError, Entry, MOST_ROUNDS, Method, Needs, Weighed, product, required};
use crate::calibrate::{Normalisation, Statistics, shifted};
use crate::yaml;

/// The entry in the registry.
pub const ENTRY: Entry = Entry {
    name: "corda",
    summary: "SVD(W C): C the covariance of the input activations",
    read,
    schema: Corda::json_schema,
};

/// CorDA's keys in an arm.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Corda {
    /// How the covariance is made invertible: C + lambda I, with lambda doubled until the inverse is accurate.
    pub damping: Damping,
    /// How each sample is scaled before it enters the covariance.
    pub normalisation: Normalisation,
}

/// The damping rule.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Damping {
    /// The first lambda, relative to mean(diag C).
    #[serde(deserialize_with = "super::positive")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub start: f64,
    /// The largest error of the inverse, ||C~ C~^-1 - I||_F with C~ = C + lambda I.
    #[serde(deserialize_with = "super::positive")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub threshold: f64,
    /// The precision in which that error is computed.
    pub precision: Precision,
}

impl Default for Damping {
    fn default() -> Self {
        Self { start: 0.01, threshold: 0.05, precision: Precision::F64 }
    }
}

/// Precision of the damping rule's inverse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// That of the official code: rounding decides how often lambda is doubled.
    F32,
    /// Double precision.
    #[default]
    F64,
}

fn read(node: &yaml::Node) -> Result<Arc<dyn Method>, yaml::Error> {
    Ok(Arc::new(yaml::from_node::<Corda>(node)?))
}

/// ||C~ C~^-1 - I||_F, with the inverse and the product in that precision.
fn inversion_error(c: &Mat<f64>, precision: Precision) -> f64 {
    let n = c.nrows();
    let of = |product: &dyn Fn(usize, usize) -> f64| {
        let squares = (0..n).flat_map(|j| (0..n).map(move |i| (i, j)));
        squares.map(|(i, j)| (product(i, j) - f64::from(u8::from(i == j))).powi(2)).sum::<f64>().sqrt()
    };
    match precision {
        Precision::F64 => {
            let product = c * c.partial_piv_lu().inverse();
            of(&|i, j| product[(i, j)])
        }
        Precision::F32 => {
            let c = Mat::<f32>::from_fn(n, n, |i, j| c[(i, j)] as f32);
            let product = &c * c.partial_piv_lu().inverse();
            of(&|i, j| f64::from(product[(i, j)]))
        }
    }
}

/// The damping that C needs under this rule.
pub fn damp(c: &Mat<f64>, rule: &Damping) -> Result<Damped, DecompositionError> {
    let n = c.nrows() as f64;
    let mean = c.diagonal().column_vector().iter().sum::<f64>() / n;
    let mut error = f64::INFINITY;
    for rounds in 0..=MOST_ROUNDS {
        let share = rule.start * 2f64.powi(rounds as i32);
        let lambda = share * mean;
        // C is positive semi-definite, so cond(C~) <= 1 + trace(C) / lambda = 1 + n / share, and a backward stable
        // inverse errs by at most about n^1.5 eps cond: in f64 this proves, without the inverse, that the rule is met.
        let bound = n.powf(1.5) * f64::EPSILON * (1.0 + n / share);
        if lambda > 0.0 && rule.precision == Precision::F64 && bound < rule.threshold {
            return Ok(Damped { lambda, rounds });
        }
        error = inversion_error(&shifted(c, lambda), rule.precision);
        if error < rule.threshold {
            return Ok(Damped { lambda, rounds });
        }
    }
    Err(DecompositionError::Damping { rounds: MOST_ROUNDS, error })
}

impl Method for Corda {
    fn name(&self) -> &'static str {
        ENTRY.name
    }
    fn title(&self) -> &'static str {
        "CO-SVD"
    }
    fn needs(&self) -> Needs {
        Needs::Statistics
    }
    fn normalisation(&self) -> Normalisation {
        self.normalisation
    }
    fn parameters(&self) -> serde_json::Value {
        serde_json::json!({"damping": self.damping, "normalisation": self.normalisation})
    }
    fn weigh(&self, w: MatRef<f64>, statistics: Option<&Statistics>) -> Result<Weighed, DecompositionError> {
        let statistics = required(ENTRY.name, w, statistics)?;
        let damping = damp(&statistics.covariance, &self.damping)?;
        // W C~ = W C + lambda W: no copy of C.
        let mut product = product(w, statistics.covariance.as_ref());
        zip!(product.as_mut(), w).for_each(|unzip!(x, w)| *x += damping.lambda * w);
        Ok(Weighed { product, damping: Some(damping) })
    }
}
