//! How answers compare.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a model's answer and a record's compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Score {
    /// As text, normalised.
    Text,
    /// As numbers.
    Number,
}
