//! Whitening, as in SVD-LLM (Wang et al., ICLR 2025): T = L, the Cholesky factor of C + lambda I = L L^T.
//!
//! Then ||(W - W') L||_F^2 = tr((W - W') C (W - W')^T) is the error of the output itself, ||(W - W') X^T||_F^2 (and lambda's
//! share), which truncation minimises. CorDA's T = C weighs the directions of the input by their eigenvalue, this by its
//! root. Not in the CorDA paper; it is also the worked example of adding a method (ARCHITECTURE.md).

use std::sync::Arc;

use faer::{Mat, MatRef, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Damped, DecompositionError, Entry, MOST_ROUNDS, Method, Needs, Weighed, product, required};
use crate::calibrate::{Normalisation, Statistics, shifted};
use crate::yaml;

/// The registry's line.
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
    /// First lambda, as a share of mean(diag C); doubled until C + lambda I has a Cholesky factor.
    #[serde(deserialize_with = "super::positive")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub damping: f64,
    /// How samples are weighted in the covariance; by default all tokens alike, as the output error has them.
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
    /// L, lower triangular, and what it took.
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
mod tests {
    use super::*;

    #[test]
    fn l_is_the_factor_of_the_damped_covariance() {
        let x = Mat::from_fn(9, 6, |i, j| ((i * 5 + j * 3) as f64 * 0.7).sin());
        let c = x.transpose() * &x;
        let (l, damped) = Whitening::default().factor(&c).unwrap();
        let again = &l * l.transpose();
        assert_eq!(damped.rounds, 0);
        for i in 0..6 {
            for j in 0..6 {
                let expected = c[(i, j)] + if i == j { damped.lambda } else { 0.0 };
                assert!((again[(i, j)] - expected).abs() < 1e-12);
                assert!(j <= i || l[(i, j)] == 0.0);
            }
        }
    }

    #[test]
    fn a_covariance_below_zero_by_rounding_is_damped_further() {
        let c = Mat::from_fn(3, 3, |i, j| if i == j { [6.0, 3.0, -1e-5][i] } else { 0.0 });
        let (_, damped) = Whitening::default().factor(&c).unwrap();
        assert!(damped.rounds > 0 && damped.lambda > 1e-5, "{damped:?}");
    }
}
