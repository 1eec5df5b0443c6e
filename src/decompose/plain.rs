//! Plain SVD: T is the identity.

use std::sync::Arc;

use faer::MatRef;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{DecompositionError, Entry, Method, Needs, Weighed};
use crate::calibrate::Statistics;
use crate::yaml;

/// The entry in the registry.
pub const ENTRY: Entry =
    Entry { name: "plain-svd", summary: "SVD(W): no context", read, schema: Parameters::json_schema };

/// Plain SVD has no parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {}

/// T = I.
#[derive(Debug)]
pub struct PlainSvd;

fn read(node: &yaml::Node) -> Result<Arc<dyn Method>, yaml::Error> {
    let Parameters {} = yaml::from_node(node)?;
    Ok(Arc::new(PlainSvd))
}

impl Method for PlainSvd {
    fn name(&self) -> &'static str {
        ENTRY.name
    }
    fn title(&self) -> &'static str {
        "Plain SVD"
    }
    fn needs(&self) -> Needs {
        Needs::Nothing
    }
    fn parameters(&self) -> serde_json::Value {
        serde_json::json!({})
    }
    fn weigh(&self, w: MatRef<f64>, _: Option<&Statistics>) -> Result<Weighed, DecompositionError> {
        Ok(Weighed { product: w.to_owned(), damping: None })
    }
}
