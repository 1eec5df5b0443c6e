//! The energy stage: how much of each target, and of its output on some texts, the components of an arm carry.

use rayon::prelude::*;

use crate::adapt::energy::Energy;
use crate::cache::{Arrays, CacheError, ReadArrays};
use crate::calibrate::store as statistics_store;
use crate::model::shape::Linear;
use crate::plan::{EnergyStage, Part};
use crate::progress::Unit;
use crate::results::AdapterRow;
use crate::results::provenance::Outcome;
use crate::spec::Discard;

use super::adapt::LORA;
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
        let statistics = texts
            .iter()
            .map(|key| statistics_store::read_sites(&cache.part("statistics", key, &part.name()), part.sites()));
        let statistics = statistics.collect::<Result<Vec<_>, CacheError>>()?;
        for ((linear, one), (_, site)) in decomposed.iter().zip(&part.linears) {
            let w = in_f64(weights, block.as_ref(), linear)?;
            push(linear, "weights", Energy::of_weights(w.as_ref(), &one.truncation));
            for (text, statistics) in statistics.iter().enumerate() {
                let c = statistics[site].covariance.as_ref();
                push(linear, &text.to_string(), Energy::of_output(w.as_ref(), &one.truncation, c));
            }
        }
        arrays.write(&path(part))?;
        bar.advance(1);
        Ok::<_, RunError>(())
    })?;
    Ok(if todo.len() < run.plan.parts.len() { Outcome::Resumed } else { Outcome::Run })
}

/// The rows of the adapters: every arm and point, every linear, every text (one row without a text where there are none).
pub(super) fn rows(run: &Run) -> Result<Vec<AdapterRow>, RunError> {
    let mut rows = Vec::new();
    let Some(adapters) = &run.experiment.adapters else { return Ok(rows) };
    let points = Points::of(run);
    for stage in &run.plan.energy {
        let arm = &run.experiment.arms[run.plan.decompose[stage.decompose].arm];
        let who = Who { arm: &arm.id, label: &arm.label, method: arm.method.name() };
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
                for (components, rank) in points.ranks(linear) {
                    let first = arm.end.first(rank, weights.components.len());
                    let share = |energy: &Energy| energy.share(first..first + rank);
                    let shares: Vec<f64> = texts.iter().map(share).collect();
                    let row = who.row(run, part, linear, (components, rank), share(&weights).sqrt());
                    rows.extend(with_texts(&row, &adapters.energy, &shares));
                }
            }
        }
    }
    if adapters.lora {
        // Plain LoRA starts with B = 0, so B A = 0 whatever A is.
        let who = Who { arm: LORA, label: "LoRA", method: LORA };
        let nothing = vec![0.0; adapters.energy.len()];
        for part in &run.plan.parts {
            for (linear, _) in &part.linears {
                for at in points.ranks(linear) {
                    rows.extend(with_texts(&who.row(run, part, linear, at, 0.0), &adapters.energy, &nothing));
                }
            }
        }
    }
    Ok(rows)
}

/// Whose adapter it is.
struct Who<'a> {
    arm: &'a str,
    label: &'a str,
    method: &'a str,
}

impl Who<'_> {
    /// A row that speaks of no text yet, at a point's name and the rank there.
    fn row(&self, run: &Run, part: &Part, linear: &Linear, at: (usize, usize), energy: f64) -> AdapterRow {
        AdapterRow {
            experiment: run.experiment.name.clone(),
            arm: self.arm.into(),
            label: self.label.into(),
            method: self.method.into(),
            components: at.0 as u32,
            linear: linear.name.clone(),
            layer: part.layer as u32,
            rank: at.1 as u32,
            energy,
            text: None,
            output_share: None,
        }
    }
}

/// The points of the spec and what they are called.
struct Points<'a> {
    discard: &'a Discard,
    names: Vec<usize>,
}

impl<'a> Points<'a> {
    fn of(run: &'a Run) -> Self {
        let (discard, linears) = (&run.experiment.discard, run.experiment.linears());
        Self { discard, names: (0..discard.len()).map(|point| discard.named(point, &linears)).collect() }
    }

    /// Name of each point that takes something from a linear, and the adapter's rank there.
    fn ranks(&self, linear: &Linear) -> impl Iterator<Item = (usize, usize)> {
        let all = self.names.iter().enumerate();
        all.map(|(point, name)| (*name, self.discard.components(point, linear))).filter(|(_, rank)| *rank > 0)
    }
}

fn with_texts(row: &AdapterRow, texts: &[String], shares: &[f64]) -> Vec<AdapterRow> {
    if texts.is_empty() {
        return vec![row.clone()];
    }
    let of = |(text, share): (&String, &f64)| AdapterRow {
        text: Some(text.clone()),
        output_share: Some(*share),
        ..row.clone()
    };
    texts.iter().zip(shares).map(of).collect()
}
