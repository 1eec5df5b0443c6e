//! ASVD: T = diag(s), s_j = a_j^alpha + 1e-6, with a_j the magnitude of input channel j.

use std::sync::Arc;

use faer::{Mat, MatRef};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DecompositionError, Entry, Method, Needs, Weighed, required};
use crate::calibrate::Statistics;
use crate::yaml;

/// The entry in the registry.
pub const ENTRY: Entry = Entry {
    name: "asvd",
    summary: "SVD(W diag(s)): input channels scaled by their activations",
    read,
    schema: Asvd::json_schema,
};

/// The measure of a channel's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// The sum over samples of the mean over tokens of |X|, as in the official code; its scale grows with the sample count.
    AbsMean,
    /// The largest |X|.
    AbsMax,
}

/// ASVD's keys in an arm.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asvd {
    /// The exponent of a channel's size a: s = a^alpha + 1e-6. 0 makes it plain SVD, the paper's is 0.5.
    #[serde(default = "half", deserialize_with = "exponent")]
    #[schemars(range(min = 0, max = 4))]
    pub alpha: f64,
    /// The measure of a channel's size over the calibration samples.
    #[serde(default = "abs_mean")]
    pub statistic: Size,
}

fn half() -> f64 {
    0.5
}

fn abs_mean() -> Size {
    Size::AbsMean
}

fn exponent<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let alpha = f64::deserialize(from)?;
    if (0.0..=4.0).contains(&alpha) {
        Ok(alpha)
    } else {
        Err(serde::de::Error::custom(format!("alpha is {alpha}; expected a number from 0 to 4 (ASVD's is 0.5)")))
    }
}

/// Keeps a channel that never fires from being divided by zero.
const FLOOR: f64 = 1e-6;

fn read(node: &yaml::Node) -> Result<Arc<dyn Method>, yaml::Error> {
    Ok(Arc::new(yaml::from_node::<Asvd>(node)?))
}

impl Asvd {
    /// The diagonal of T, `[d_in]`.
    pub fn scales(&self, statistics: &Statistics) -> Vec<f64> {
        let sizes = match self.statistic {
            Size::AbsMean => &statistics.abs_mean,
            Size::AbsMax => &statistics.abs_max,
        };
        sizes.iter().map(|a| a.powf(self.alpha) + FLOOR).collect()
    }
}

impl Method for Asvd {
    fn name(&self) -> &'static str {
        ENTRY.name
    }
    fn title(&self) -> &'static str {
        "ASVD"
    }
    fn needs(&self) -> Needs {
        Needs::Statistics
    }
    fn uses_covariance(&self) -> bool {
        false
    }
    fn parameters(&self) -> serde_json::Value {
        serde_json::json!({"alpha": self.alpha, "statistic": self.statistic})
    }
    fn weigh(&self, w: MatRef<f64>, statistics: Option<&Statistics>) -> Result<Weighed, DecompositionError> {
        let scales = self.scales(required(ENTRY.name, w, statistics)?);
        Ok(Weighed { product: Mat::from_fn(w.nrows(), w.ncols(), |i, j| w[(i, j)] * scales[j]), damping: None })
    }
}
