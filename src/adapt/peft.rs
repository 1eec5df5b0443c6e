//! Adapters in PEFT's files: `adapter_model.safetensors` and `adapter_config.json`, written and read.
//!
//! The configuration says `init_lora_weights: true`, so that PEFT takes the weights as they are and decomposes nothing again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Adapter;
use crate::model::export::write_safetensors;
use crate::model::shape::{LINEARS, Linear, Shape};
use crate::results::atomic::{WriteError, write_bytes};

const WEIGHTS: &str = "adapter_model.safetensors";
const CONFIG: &str = "adapter_config.json";
const PREFIX: &str = "base_model.model.";

/// Why an adapter cannot be read or used.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// A file that is not there or cannot be read.
    #[error("cannot read {path}: {source}; an adapter is a folder with {CONFIG} and {WEIGHTS}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is cut short or is no such file.
    #[error("{path} is not a usable file (truncated or corrupt?): {why}")]
    Corrupt {
        /// Which.
        path: PathBuf,
        /// What gave it away.
        why: String,
    },
    /// An adapter of a kind that is more than B A.
    #[error(
        "{path}: `{key}` is {value}; only LoRA (B A added to linears; DoRA to merge, not to convert) is known here"
    )]
    Unsupported {
        /// The configuration.
        path: PathBuf,
        /// Its key.
        key: &'static str,
        /// What it says.
        value: String,
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
    /// The folder.
    pub path: PathBuf,
    /// By Hugging Face name.
    pub linears: BTreeMap<String, (Adapter, f32)>,
    /// DoRA's magnitudes, [d_out], by Hugging Face name; none of plain LoRA.
    pub magnitudes: BTreeMap<String, Vec<f32>>,
}

/// Writes an adapter folder's two files. The scale is 1 (alpha = r) for every linear. `base` is what the configuration
/// calls the base model. `magnitudes` are DoRA's, [d_out] an adapter; none of plain LoRA.
pub fn write(
    folder: &Path,
    adapters: &[Adapter],
    magnitudes: &[Vec<f32>],
    base: &str,
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

fn config(adapters: &[Adapter], base: &str, shape: &Shape) -> Value {
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
        "base_model_name_or_path": base,
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

/// The configuration as far as merging needs it.
#[derive(Debug, Deserialize, Serialize)]
struct Config {
    peft_type: String,
    r: usize,
    lora_alpha: f64,
    #[serde(default)]
    alpha_pattern: BTreeMap<String, f64>,
    #[serde(default)]
    bias: Option<String>,
    #[serde(default)]
    fan_in_fan_out: bool,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    use_dora: bool,
    #[serde(default)]
    modules_to_save: Option<Vec<String>>,
}

impl Config {
    fn check(&self, path: &Path) -> Result<(), AdapterError> {
        let refuse = |key, value: String| Err(AdapterError::Unsupported { path: path.into(), key, value });
        match self {
            _ if self.peft_type != "LORA" => refuse("peft_type", self.peft_type.clone()),
            _ if self.fan_in_fan_out => refuse("fan_in_fan_out", "true".into()),
            _ if self.bias.as_deref().is_some_and(|bias| bias != "none") => {
                refuse("bias", self.bias.clone().unwrap_or_default())
            }
            _ if self.alpha_pattern.keys().any(|key| !is_name(key)) => {
                let patterns: Vec<&str> = self.alpha_pattern.keys().map(String::as_str).collect();
                refuse("alpha_pattern", format!("{} (a pattern, not names)", patterns.join(", ")))
            }
            Self { modules_to_save: Some(modules), .. } if !modules.is_empty() => {
                refuse("modules_to_save", modules.join(", "))
            }
            _ => Ok(()),
        }
    }

    /// alpha / r, or alpha / sqrt(r) where the configuration says so. Patterns are names or their ends.
    fn scale(&self, linear: &str, rank: usize) -> f32 {
        let matches = |key: &str| linear == key || linear.ends_with(&format!(".{key}"));
        let pattern = self.alpha_pattern.iter().find(|(key, _)| matches(&key.replace("\\.", ".")));
        let alpha = pattern.map_or(self.lora_alpha, |(_, alpha)| *alpha);
        let rank = rank.max(1) as f64;
        (alpha / if self.use_rslora { rank.sqrt() } else { rank }) as f32
    }
}

/// Whether a key of a pattern is a name or the end of one, not a regular expression proper.
fn is_name(key: &str) -> bool {
    key.replace("\\.", ".").chars().all(|c| c.is_ascii_alphanumeric() || "_.".contains(c))
}

/// Reads an adapter folder.
pub fn read(folder: &Path) -> Result<Loaded, AdapterError> {
    let open = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).map(|bytes| (bytes, path.clone())).map_err(|source| AdapterError::Read { path, source })
    };
    let (text, config_path) = open(CONFIG)?;
    let corrupt = |path: &Path, why: String| AdapterError::Corrupt { path: path.into(), why };
    let config: Config = serde_json::from_slice(&text).map_err(|e| corrupt(&config_path, e.to_string()))?;
    config.check(&config_path)?;
    let (bytes, path) = open(WEIGHTS)?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| corrupt(&path, e.to_string()))?;
    let (mut linears, mut magnitudes) = (BTreeMap::new(), BTreeMap::new());
    for name in tensors.names() {
        let Some(linear) = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(".lora_A.weight")) else {
            // lora_B goes with its lora_A; PEFT saves the unchanged weights of an adapted head beside.
            let ends = [".lora_B.weight", ".base_layer.weight"];
            let known = name.strip_prefix(PREFIX).is_some_and(|name| ends.iter().any(|end| name.ends_with(end)));
            if let Some(linear) = magnitude_of(name).filter(|_| config.use_dora) {
                let (_, values) = floats(&tensors, name).map_err(|why| corrupt(&path, why))?;
                magnitudes.insert(linear.to_string(), values);
                continue;
            }
            if known {
                continue;
            }
            return Err(corrupt(&path, format!("tensor {name:?} is neither lora_A nor lora_B of a linear")));
        };
        let (a_dims, a) = floats(&tensors, name).map_err(|why| corrupt(&path, why))?;
        let b_name = format!("{PREFIX}{linear}.lora_B.weight");
        let (b_dims, b) = floats(&tensors, &b_name).map_err(|why| corrupt(&path, why))?;
        let [rank, _] = a_dims[..] else { return Err(corrupt(&path, format!("{name} is {a_dims:?}, no matrix"))) };
        if rank == 0 {
            return Err(corrupt(&path, format!("{name} has rank 0")));
        }
        if b_dims.len() != 2 || b_dims[1] != rank {
            return Err(corrupt(&path, format!("{b_name} is {b_dims:?}, but lora_A has rank {rank}")));
        }
        let scale = config.scale(linear, rank);
        linears.insert(linear.to_string(), (Adapter { linear: linear.into(), rank, b, a }, scale));
    }
    if linears.is_empty() {
        return Err(corrupt(&path, "it holds no lora_A".into()));
    }
    let lacking = linears.iter().find(|(linear, (one, _))| {
        let rows = one.b.len() / one.rank.max(1);
        config.use_dora && magnitudes.get(*linear).map(Vec::len) != Some(rows)
    });
    if let Some((linear, _)) = lacking {
        return Err(corrupt(&path, format!("no magnitude for each row of {linear}, and it is DoRA's")));
    }
    Ok(Loaded { path, linears, magnitudes })
}

/// The linear whose magnitudes a tensor holds, by either of PEFT's names for it.
fn magnitude_of(name: &str) -> Option<&str> {
    let name = name.strip_prefix(PREFIX)?;
    name.strip_suffix(".weight").unwrap_or(name).strip_suffix(".lora_magnitude_vector")
}

/// A float tensor's dimensions and values as f32.
fn floats(tensors: &SafeTensors, name: &str) -> Result<(Vec<usize>, Vec<f32>), String> {
    let tensor = tensors.tensor(name).map_err(|e| format!("{name}: {e}"))?;
    let bytes = tensor.data();
    let two = || bytes.chunks_exact(2).map(|b| [b[0], b[1]]);
    let values = match tensor.dtype() {
        Dtype::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        Dtype::BF16 => two().map(|b| half::bf16::from_le_bytes(b).to_f32()).collect(),
        Dtype::F16 => two().map(|b| half::f16::from_le_bytes(b).to_f32()).collect(),
        other => return Err(format!("{name} is of {other:?}; f32, bf16 and f16 can be read")),
    };
    Ok((tensor.shape().to_vec(), values))
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
        if let Some(one) = [self, start].into_iter().find(|one| !one.magnitudes.is_empty()) {
            let path = one.path.with_file_name(CONFIG);
            return Err(AdapterError::Unsupported { path, key: "use_dora", value: "true".into() });
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
#[path = "peft_tests.rs"]
mod tests;
