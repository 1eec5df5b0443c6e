//! The energy stage: how much of each target, and of its output on some texts, the components of an arm carry.

use std::collections::{BTreeMap, BTreeSet};

use faer::Mat;
use rayon::prelude::*;

use crate::adapt::energy::Energy;
use crate::cache::{Arrays, Cache, CacheError, ReadArrays};
use crate::calibrate::store as statistics_store;
use crate::model::shape::{Linear, Site};
use crate::plan::{EnergyStage, Part};
use crate::progress::Unit;
use crate::results::AdapterRow;
use crate::results::provenance::Outcome;

use super::weights::in_f64;
use super::{Run, RunError};

/// Measures what is missing of one arm.
pub(super) fn run(run: &Run, stage: &EnergyStage) -> Result<Outcome, RunError> {
    let cache = &run.context.cache;
    let path = |part: &Part| cache.part("energy", &stage.key, &part.name());
    let todo: Vec<&Part> = run.plan.parts.iter().filter(|part| !path(part).exists()).collect();
    if todo.is_empty() {
        return Ok(Outcome::Cached);
    }
    let weights = run.model()?.weights.weights();
    let arm = &run.plan.decompose[stage.decompose];
    let taken = run.taken(arm, &|_| 0);
    let name = format!("energy {}", run.experiment.arms[arm.arm].id);
    let bar = run.context.progress.bar(name, todo.len() as u64, Unit::Count("parts"));
    let texts: Vec<&str> = stage.texts.iter().map(|&i| run.plan.calibrate[i].key.as_str()).collect();
    todo.par_iter().with_max_len(1).try_for_each(|part| {
        let block = if part.head { None } else { Some(weights.block(part.layer)?) };
        let decomposed = taken.read(part)?;
        let mut arrays = Arrays::default();
        let mut push = |linear: &Linear, of: &str, energy: Energy| {
            arrays.push_f64(format!("{}/{of}/total", linear.name), &[1], std::iter::once(energy.total));
            let n = energy.components.len();
            arrays.push_f64(format!("{}/{of}/components", linear.name), &[n], energy.components.into_iter());
        };
        let covariances = texts.iter().map(|key| covariances(cache, key, part)).collect::<Result<Vec<_>, _>>()?;
        for ((linear, one), (_, site)) in decomposed.iter().zip(&part.linears) {
            let w = in_f64(weights, block.as_ref(), linear)?;
            push(linear, "weights", Energy::of_weights(w.as_ref(), &one.truncation));
            for (text, covariance) in covariances.iter().enumerate() {
                let c = covariance[site].as_ref();
                push(linear, &text.to_string(), Energy::of_output(w.as_ref(), &one.truncation, c));
            }
        }
        arrays.write(&path(part))?;
        bar.advance(1);
        Ok::<_, RunError>(())
    })?;
    Ok(if todo.len() < run.plan.parts.len() { Outcome::Resumed } else { Outcome::Run })
}

/// The covariances of a part's inputs.
fn covariances(cache: &Cache, key: &str, part: &Part) -> Result<BTreeMap<Site, Mat<f64>>, CacheError> {
    let path = cache.part("statistics", key, &part.name());
    let file = ReadArrays::open(&path)?;
    let sites: BTreeSet<Site> = part.linears.iter().map(|(_, site)| *site).collect();
    sites.into_iter().map(|site| Ok((site, statistics_store::read(&file, &path, site)?.covariance))).collect()
}

/// The rows of the adapters: every arm and point, every linear, every text (one row without a text where there are none).
pub(super) fn rows(run: &Run) -> Result<Vec<AdapterRow>, RunError> {
    let mut rows = Vec::new();
    let Some(adapters) = &run.experiment.adapters else { return Ok(rows) };
    for stage in &run.plan.energy {
        let arm = &run.experiment.arms[run.plan.decompose[stage.decompose].arm];
        for part in &run.plan.parts {
            let file = ReadArrays::open(&run.context.cache.part("energy", &stage.key, &part.name()))?;
            for (linear, _) in &part.linears {
                let read = |of: &str| -> Result<Energy, CacheError> {
                    let total = file.f64(&format!("{}/{of}/total", linear.name))?;
                    let components = file.f64(&format!("{}/{of}/components", linear.name))?;
                    Ok(Energy { total: total.iter().sum(), components })
                };
                let weights = read("weights")?;
                let texts =
                    (0..stage.texts.len()).map(|text| read(&text.to_string())).collect::<Result<Vec<_>, _>>()?;
                for (point, rank) in ranks(run, linear) {
                    let first = arm.end.first(rank, weights.components.len());
                    let row = AdapterRow {
                        experiment: run.experiment.name.clone(),
                        arm: arm.id.clone(),
                        label: arm.label.clone(),
                        method: arm.method.name().into(),
                        components: point as u32,
                        linear: linear.name.clone(),
                        layer: part.layer as u32,
                        rank: rank as u32,
                        energy: weights.share(first..first + rank).sqrt(),
                        text: None,
                        output_share: None,
                    };
                    rows.extend(with_texts(&row, &adapters.energy, |text| texts[text].share(first..first + rank)));
                }
            }
        }
    }
    if adapters.lora {
        rows.extend(lora_rows(run, &adapters.energy));
    }
    Ok(rows)
}

/// Plain LoRA starts with B = 0, so B A = 0 whatever A is.
fn lora_rows(run: &Run, texts: &[String]) -> Vec<AdapterRow> {
    let mut rows = Vec::new();
    for part in &run.plan.parts {
        for (linear, _) in &part.linears {
            for (point, rank) in ranks(run, linear) {
                let row = AdapterRow {
                    experiment: run.experiment.name.clone(),
                    arm: super::adapt::LORA.into(),
                    label: "LoRA".into(),
                    method: super::adapt::LORA.into(),
                    components: point as u32,
                    linear: linear.name.clone(),
                    layer: part.layer as u32,
                    rank: rank as u32,
                    energy: 0.0,
                    text: None,
                    output_share: None,
                };
                rows.extend(with_texts(&row, texts, |_| 0.0));
            }
        }
    }
    rows
}

/// The points of the spec but 0, and the rank a linear's adapter has there.
fn ranks(run: &Run, linear: &Linear) -> Vec<(usize, usize)> {
    let (discard, linears) = (&run.experiment.discard, run.experiment.linears());
    let all = (0..discard.len()).map(|point| (discard.named(point, &linears), discard.components(point, linear)));
    all.filter(|(_, rank)| *rank > 0).collect()
}

fn with_texts(row: &AdapterRow, texts: &[String], share: impl Fn(usize) -> f64) -> Vec<AdapterRow> {
    if texts.is_empty() {
        return vec![row.clone()];
    }
    let of = |(i, text): (usize, &String)| AdapterRow {
        text: Some(text.clone()),
        output_share: Some(share(i)),
        ..row.clone()
    };
    texts.iter().enumerate().map(of).collect()
}
