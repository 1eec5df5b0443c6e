//! What the components of each arm carry as adapters: rows, a table by kind of linear, a figure over the blocks.

use std::path::Path;

use serde_json::{Value, json};

use crate::adapt::energy::Energy;
use crate::cache::{CacheError, ReadArrays};
use crate::model::shape::Linear;
use crate::plan::{Part, Plan};
use crate::report;
use crate::results::{self, AdapterRow};
use crate::spec::{self, Discard, Experiment};

use super::RunError;
use super::product::{Drawing, Product};
use super::session::Run;

/// What plain LoRA is called beside the arms.
pub(super) const LORA: &str = "lora";

/// The product.
pub(super) struct Adapters<'a>(&'a spec::Adapters);

impl<'a> Adapters<'a> {
    /// Of an experiment with `adapters`.
    pub fn of(experiment: &'a Experiment) -> Option<Self> {
        experiment.adapters.as_ref().map(Self)
    }
}

impl Product for Adapters<'_> {
    fn files(&self) -> Vec<&'static str> {
        vec!["adapters.parquet", "adapters.md", "adapters.svg", "adapters.png", "adapters.pdf"]
    }

    fn keys(&self, plan: &Plan) -> Vec<(&'static str, Value)> {
        vec![("energies", json!(plan.energies().map(|energy| energy.key.as_str()).collect::<Vec<_>>()))]
    }

    fn write(&self, run: &Run, to: &Path) -> Result<Vec<String>, RunError> {
        results::write_rows(&to.join("adapters.parquet"), &rows(run, self.0)?)?;
        Ok(Vec::new())
    }

    fn render(&self, drawing: &mut Drawing) -> Result<(), RunError> {
        let adapters = results::read_rows(&drawing.folder.join("adapters.parquet"))?;
        let Drawing { meta, to, page, .. } = drawing;
        drawing.written.extend(report::render_adapters(&adapters, &page.rows, meta, to)?);
        Ok(())
    }
}

/// The rows of the adapters: every arm and point, every linear, every text (one row without a text where there are none).
fn rows(run: &Run, adapters: &spec::Adapters) -> Result<Vec<AdapterRow>, RunError> {
    let mut rows = Vec::new();
    let points = Points::of(run);
    for stage in run.plan.energies() {
        let arm = &run.experiment.arms[stage.arm];
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
