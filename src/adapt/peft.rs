//! Adapters in PEFT's files: `adapter_model.safetensors` and `adapter_config.json`, written, and fitted to models. `read.rs`
//! reads them, `config.rs` the configuration.
//!
//! The configuration that is written says `init_lora_weights: true`, so that PEFT takes the weights as they are and decomposes nothing again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

pub use super::config::Init;
pub use super::read::read;

use super::Adapter;
use crate::model::export::write_safetensors;
use crate::model::shape::{LINEARS, Linear, Shape};
use crate::results::atomic::{WriteError, write_bytes};

pub(super) const WEIGHTS: &str = "adapter_model.safetensors";
pub(super) const CONFIG: &str = "adapter_config.json";
pub(super) const PREFIX: &str = "base_model.model.";

/// Why an adapter cannot be read or used.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// A file of another kind than its name says.
    #[error("{path} is {found}: {advice}")]
    Format {
        /// Which.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What to do.
        advice: &'static str,
    },
    /// A file that is not there or cannot be read.
    #[error("cannot read {path}: {source}; an adapter is a folder with {CONFIG} and {WEIGHTS}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An adapter without a file of safetensors.
    #[error("{folder} has adapter_model.bin and no {WEIGHTS}; save it with PEFT's `save_pretrained` (safetensors)")]
    OnlyPickled {
        /// The adapter's folder.
        folder: PathBuf,
    },
    /// Weights that are cut short or are no safetensors.
    #[error("{path} is not a usable safetensors file (truncated or corrupt?): {why}")]
    Corrupt {
        /// Which.
        path: PathBuf,
        /// What gave it away.
        why: String,
    },
    /// A configuration that is not a JSON object.
    #[error("{path} is not a JSON object: {why}")]
    Json {
        /// Which.
        path: PathBuf,
        /// What the parser said.
        why: String,
    },
    /// A value of the wrong type.
    #[error("{path}: `{key}` is {value}; expected {expected}")]
    Value {
        /// The configuration.
        path: PathBuf,
        /// Its key.
        key: String,
        /// What it says.
        value: String,
        /// What it may say.
        expected: &'static str,
    },
    /// An adapter that is more than B A on the base that it names.
    #[error("{path}: `{key}` is {value}, which cannot be used: {why}")]
    Unsupported {
        /// The configuration.
        path: PathBuf,
        /// Its key.
        key: String,
        /// What it says.
        value: String,
        /// Why not.
        why: &'static str,
    },
    /// An adapter whose base cannot be computed.
    #[error(
        "{path}: `init_lora_weights` is {value:?}, so the adapter belongs to a base that is not the one it names, and that \
         base cannot be computed: {why}. Convert the adapter first: PEFT's `save_pretrained` with \
         `path_initial_model_for_weight_conversion`, or `corda convert`; both need the adapter as it was before training"
    )]
    Init {
        /// The configuration.
        path: PathBuf,
        /// What it says.
        value: String,
        /// Why the base is not at hand.
        why: &'static str,
    },
    /// A tensor that cannot be used.
    #[error("{path}: tensor {name:?} {why}")]
    Tensor {
        /// The weights.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// Weights without an adapter of a linear.
    #[error("{path} has no tensor `*.lora_A.weight`, so there is no adapter in it")]
    Nothing {
        /// The weights.
        path: PathBuf,
    },
    /// A linear that cannot have this adapter.
    #[error("{path}: the adapter of {linear} {why}")]
    Linear {
        /// The weights.
        path: PathBuf,
        /// The linear.
        linear: String,
        /// What stands in the way.
        why: String,
    },
    /// The base that an adapter names is not at hand.
    #[error("{adapter} was trained on the base {wanted}, {why}; give the model that it belongs to with `--base`")]
    Base {
        /// The adapter's folder.
        adapter: PathBuf,
        /// The base's name.
        wanted: String,
        /// What was found instead.
        why: String,
    },
    /// An adapter made for another base model.
    #[error("{path} was made for another base model: {why}")]
    OtherModel {
        /// The weights.
        path: PathBuf,
        /// Which linear disagrees, and how.
        why: String,
    },
    /// Two adapters that do not belong together.
    #[error("{path} and {start} do not hold the same linears: {linear} is in one of them only")]
    OtherLinears {
        /// The trained adapter.
        path: PathBuf,
        /// The adapter it should have started from.
        start: PathBuf,
        /// The first that differs.
        linear: String,
    },
}

/// An adapter folder as read: each linear's A and B, and the scale of their product.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The file of its weights.
    pub path: PathBuf,
    /// The base that its configuration names.
    pub base: Option<Named>,
    /// How it was initialised, as far as its base depends on it.
    pub init: Init,
    /// By Hugging Face name.
    pub linears: BTreeMap<String, (Adapter, f32)>,
    /// DoRA's magnitudes, [d_out], by Hugging Face name; none of plain LoRA.
    pub magnitudes: BTreeMap<String, Vec<f32>>,
    /// Tensors of the base that PEFT saved beside the adapter, by Hugging Face name, with their dimensions.
    pub copies: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

/// What a configuration calls a base model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// `base_model_name_or_path`: a repository of the hub, or a path.
    pub name: String,
    /// `revision`: the repository's commit, tag or branch.
    pub revision: Option<String>,
}

impl From<&str> for Named {
    fn from(name: &str) -> Self {
        Self { name: name.into(), revision: None }
    }
}

/// Writes an adapter folder's two files. The scale is 1 (alpha = r) for every linear. `base` is what the configuration
/// calls the base model: PEFT takes what is no path with a `config.json` for a repository of the hub. `magnitudes` are DoRA's, [d_out] an adapter; none of plain LoRA.
pub fn write(
    folder: &Path,
    adapters: &[Adapter],
    magnitudes: &[Vec<f32>],
    base: &Named,
    shape: &Shape,
) -> Result<(), WriteError> {
    let width = |values: &[f32], rank: usize| values.len() / rank.max(1);
    let mut entries: Vec<_> = adapters
        .iter()
        .flat_map(|one| {
            let name = |part: &str| format!("{PREFIX}{}.{part}.weight", one.linear);
            [
                (name("lora_A"), vec![one.rank, width(&one.a, one.rank)]),
                (name("lora_B"), vec![width(&one.b, one.rank), one.rank]),
            ]
        })
        .collect();
    let matrices = entries.len();
    // PEFT saves magnitudes without the `.weight` that its own tensors end in.
    let named =
        |(one, m): (&Adapter, &Vec<f32>)| (format!("{PREFIX}{}.lora_magnitude_vector", one.linear), vec![m.len()]);
    entries.extend(adapters.iter().zip(magnitudes).map(named));
    let data = |i: usize| {
        let values = match adapters.get(i / 2) {
            Some(one) if i < matrices => {
                if i.is_multiple_of(2) {
                    &one.a
                } else {
                    &one.b
                }
            }
            _ => &magnitudes[i - matrices],
        };
        Ok::<_, std::convert::Infallible>(values.clone())
    };
    match write_safetensors(&folder.join(WEIGHTS), &entries, data)? {
        Ok(()) => {}
        Err(never) => match never {},
    }
    let mut config = config(adapters, base, shape);
    config["use_dora"] = (!magnitudes.is_empty()).into();
    let text = format!("{config:#}\n");
    write_bytes(&folder.join(CONFIG), text.as_bytes())
}

fn config(adapters: &[Adapter], base: &Named, shape: &Shape) -> Value {
    // The rank most linears have; the others go into the patterns.
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    adapters.iter().for_each(|one| *counts.entry(one.rank).or_default() += 1);
    let rank = counts.iter().max_by_key(|(_, count)| **count).map_or(0, |(rank, _)| *rank);
    let names: Vec<&str> = adapters.iter().map(|one| one.linear.as_str()).collect();
    let mut pattern = Map::new();
    let others: Vec<&Adapter> = adapters.iter().filter(|one| one.rank != rank).collect();
    for kind in kinds(&others.iter().map(|one| one.linear.as_str()).collect::<Vec<_>>(), shape) {
        let one = others.iter().find(|one| one.linear == kind || one.linear.ends_with(&format!(".{kind}")));
        // Linears of one kind have one shape, but `except` may give single ones an r of their own.
        let same = others.iter().filter(|o| o.linear.ends_with(&format!(".{kind}")));
        match one {
            Some(one) if same.clone().all(|o| o.rank == one.rank) => {
                pattern.insert(kind, one.rank.into());
            }
            _ => same.for_each(|o| {
                pattern.insert(o.linear.clone(), o.rank.into());
            }),
        }
    }
    json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base.name,
        "revision": base.revision,
        "inference_mode": true,
        "r": rank,
        "lora_alpha": rank,
        "rank_pattern": pattern.clone(),
        "alpha_pattern": pattern,
        "target_modules": kinds(&names, shape),
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": false,
        "init_lora_weights": true,
        "use_rslora": false,
        "use_dora": false,
        "modules_to_save": null,
    })
}

/// Names of linears for PEFT, which matches the ends of names: `q_proj` where every block's is meant, else in full.
fn kinds(names: &[&str], shape: &Shape) -> Vec<String> {
    let mut all = Vec::new();
    for suffix in LINEARS.iter().copied().chain(["lm_head"]) {
        let these: Vec<&&str> = names.iter().filter(|name| name.ends_with(suffix)).collect();
        let short = suffix.rsplit('.').next().unwrap_or(suffix);
        match these.len() {
            0 => {}
            n if n == shape.layers => all.push(short.to_string()),
            _ => all.extend(these.into_iter().map(|name| (*name).to_string())),
        }
    }
    all
}

impl Loaded {
    /// Whether every linear is one of the model's, in its shape.
    pub fn check_fits(&self, shape: &Shape) -> Result<(), AdapterError> {
        let other = |why: String| AdapterError::OtherModel { path: self.path.clone(), why };
        let known: BTreeMap<String, Linear> = shape.linears().into_iter().map(|l| (l.name.clone(), l)).collect();
        for (name, (adapter, _)) in &self.linears {
            let linear = known.get(name).ok_or_else(|| other(format!("this one has no linear {name}")))?;
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
    /// Other linears in `start`; DoRA, which is no sum of a base and B A.
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

#[cfg(test)]
mod tests;
