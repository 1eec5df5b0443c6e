//! Adapters in PEFT's files: `adapter_model.safetensors` and `adapter_config.json`. They are written here; `read.rs` reads them,
//! `config.rs` the configuration.
//!
//! The configuration that is written says `init_lora_weights: true`, so that PEFT takes the weights as they are and decomposes
//! nothing again.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

pub use super::config::{Init, Named};
pub use super::error::AdapterError;
pub use super::folder::Loaded;
pub use super::read::read;

use super::{Adapter, CONFIG, PREFIX, WEIGHTS};
use crate::atomic::{WriteError, write_bytes};
use crate::model::export::write_safetensors;
use crate::model::shape::{HEAD, Shape};

/// Writes an adapter folder's two files. The scale is 1 (alpha = r) for every linear. `base` is what the configuration
/// calls the base model: PEFT takes a name that is not a path with a `config.json` for a repository of the hub. `magnitudes` are
/// DoRA's, `[d_out]` for each adapter; plain LoRA has none.
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

/// Names of linears for PEFT, which matches the ends of names: `q_proj` for those of all blocks, else full names.
fn kinds(names: &[&str], shape: &Shape) -> Vec<String> {
    let mut all = Vec::new();
    for suffix in shape.family.linears.iter().map(|linear| linear.name).chain([HEAD]) {
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

#[cfg(test)]
mod tests;
