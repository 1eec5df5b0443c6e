//! Whitening, as in SVD-LLM (Wang et al., ICLR 2025): T = L, the Cholesky factor of C + lambda I = L L^T.
//!
//! Then ||(W - W') L||_F^2 = tr((W - W') C (W - W')^T) is the error of the output, ||(W - W') X^T||_F^2 (plus the share of
//! lambda), and truncation minimises it. CorDA's T = C weights the directions of the input by their eigenvalues, this method by
//! the square roots of those. It is not in the CorDA paper, and is the worked example of adding a method.

use std::sync::Arc;

use faer::{Mat, MatRef, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Damped, DecompositionError, Entry, MOST_ROUNDS, Method, Needs, Weighed, product, required};
use crate::calibrate::{Normalisation, Statistics, shifted};
use crate::yaml;

/// The entry in the registry.
pub const ENTRY: Entry = Entry {
    name: "svd-whitening",
    summary: "SVD(W L): L the Cholesky factor of the covariance (SVD-LLM)",
    read,
    schema: Whitening::json_schema,
};

/// The method's keys in an arm.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Whitening {
    /// The first lambda, relative to mean(diag C). It is doubled until C + lambda I has a Cholesky factor.
    #[serde(deserialize_with = "super::positive")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub damping: f64,
    /// How each sample is scaled before it enters the covariance. By default every token has the same weight, as in the error
    /// of the output.
    pub normalisation: Normalisation,
}

impl Default for Whitening {
    fn default() -> Self {
        Self { damping: 1e-6, normalisation: Normalisation::None }
    }
}

fn read(node: &yaml::Node) -> Result<Arc<dyn Method>, yaml::Error> {
    Ok(Arc::new(yaml::from_node::<Whitening>(node)?))
}

impl Whitening {
    /// L, lower triangular, and the damping that it needed.
    fn factor(&self, c: &Mat<f64>) -> Result<(Mat<f64>, Damped), DecompositionError> {
        let mean = c.diagonal().column_vector().iter().sum::<f64>() / c.nrows() as f64;
        for rounds in 0..=MOST_ROUNDS {
            let lambda = self.damping * 2f64.powi(rounds as i32) * mean;
            if let Ok(cholesky) = shifted(c, lambda).llt(Side::Lower) {
                return Ok((cholesky.L().to_owned(), Damped { lambda, rounds }));
            }
        }
        Err(DecompositionError::Damping { rounds: MOST_ROUNDS, error: f64::INFINITY })
    }
}

impl Method for Whitening {
    fn name(&self) -> &'static str {
        ENTRY.name
    }
    fn title(&self) -> &'static str {
        "Whitening"
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
        let (l, damping) = self.factor(&statistics.covariance)?;
        Ok(Weighed { product: product(w, l.as_ref()), damping: Some(damping) })
    }
}

#[cfg(test)]
mod tests;
