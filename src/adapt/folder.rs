//! An adapter folder as read: whether it fits a model, and its conversion to the original base.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::config::{Init, Named};
use super::error::AdapterError;
use super::{Adapter, CONFIG};
use crate::model::arch::Family;
use crate::model::shape::{Linear, Shape};

/// An adapter folder as read: each linear's A and B, and the scale of their product.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The file of its weights.
    pub path: PathBuf,
    /// The base that its configuration names.
    pub base: Option<Named>,
    /// The class of the model that it was trained on, where its configuration says so.
    pub class: Option<String>,
    /// How it was initialised, as far as its base depends on it.
    pub init: Init,
    /// By Hugging Face name.
    pub linears: BTreeMap<String, (Adapter, f32)>,
    /// DoRA's magnitudes, `[d_out]`, by Hugging Face name; none of plain LoRA.
    pub magnitudes: BTreeMap<String, Vec<f32>>,
    /// Tensors of the base that PEFT saved beside the adapter, by Hugging Face name, with their dimensions.
    pub copies: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Loaded {
    /// Whether every linear is one of the model's, in its shape.
    pub fn check_fits(&self, shape: &Shape) -> Result<(), AdapterError> {
        let other = |why: String| AdapterError::OtherModel { path: self.path.clone(), why };
        if let Some(family) = self.class.as_deref().and_then(Family::of_class).filter(|its| *its != shape.family) {
            return Err(other(format!(
                "it was trained on a model of `{family}`, and this is one of `{}`",
                shape.family
            )));
        }
        let known: BTreeMap<String, Linear> = shape.linears().into_iter().map(|l| (l.name.clone(), l)).collect();
        for (name, (adapter, _)) in &self.linears {
            let linear = known.get(name).ok_or_else(|| other(format!("this model has no linear {name}")))?;
            let rank = adapter.rank.max(1);
            let found = (adapter.b.len() / rank, adapter.a.len() / rank);
            if found != (linear.d_out, linear.d_in) {
                return Err(other(format!(
                    "its {name} is {} x {}, the model's is {} x {}",
                    found.0, found.1, linear.d_out, linear.d_in
                )));
            }
        }
        Ok(())
    }

    /// The adapter for the untouched base model that equals this one on W - B0 A0, `start` being the adapter it was
    /// trained from: [`Adapter::converted`] of every linear, scales worked into B.
    ///
    /// # Errors
    /// If `start` has other linears, or for DoRA, which is not a sum of a base and B A.
    pub fn converted(&self, start: &Loaded) -> Result<Vec<Adapter>, AdapterError> {
        for one in [self, start] {
            let path = one.path.with_file_name(CONFIG);
            if !one.magnitudes.is_empty() {
                let why =
                    "magnitudes make of it more than a sum of the base and B A, so it can be merged, not converted";
                return Err(AdapterError::Unsupported { path, key: "use_dora".into(), value: "true".into(), why });
            }
            if let Init::Other { value, why } = &one.init
                && value == "loftq"
            {
                return Err(AdapterError::Init { path, value: value.clone(), why });
            }
        }
        let alone = |a: &Loaded, b: &Loaded| a.linears.keys().find(|name| !b.linears.contains_key(*name)).cloned();
        if let Some(linear) = alone(self, start).or_else(|| alone(start, self)) {
            return Err(AdapterError::OtherLinears { path: self.path.clone(), start: start.path.clone(), linear });
        }
        let unscaled = |(adapter, scale): &(Adapter, f32)| {
            let b = adapter.b.iter().map(|x| x * scale).collect();
            Adapter { b, ..adapter.clone() }
        };
        Ok(self.linears.iter().map(|(name, one)| unscaled(one).converted(&unscaled(&start.linears[name]))).collect())
    }
}
