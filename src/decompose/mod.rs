//! Decompositions of a linear W [d_out, d_in]: SVD(W T), T chosen by the method (`paper.md`'s table).

use std::fmt::Debug;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::yaml;

pub mod plain;

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
    /// Its parameters as resolved, for keys and provenance.
    fn parameters(&self) -> serde_json::Value;
}

/// A line of the registry: how the spec names a method and reads its parameters.
pub struct Entry {
    /// The spec's word.
    pub name: &'static str,
    /// One line for `corda list`.
    pub summary: &'static str,
    /// Reads the arm's keys that are not common to all arms. Unknown keys and bad values are errors with positions.
    pub read: fn(&yaml::Node) -> Result<std::sync::Arc<dyn Method>, yaml::Error>,
}

/// Every method there is. A new one is its own file and a line here.
pub const METHODS: &[Entry] = &[plain::ENTRY];

impl Serialize for dyn Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Method", 2)?;
        out.serialize_field("name", self.name())?;
        out.serialize_field("parameters", &self.parameters())?;
        out.end()
    }
}
