//! Spectra: the singular values of every target as each arm weights it, as rows and a figure.

use std::path::Path;

use serde_json::{Value, json};

use crate::cache::ReadArrays;
use crate::decompose::store;
use crate::plan::Plan;
use crate::report;
use crate::results::{self, SpectrumRow};
use crate::spec::{self, Experiment};

use super::RunError;
use super::product::{Drawing, Product};
use super::session::Run;

/// The product.
pub(super) struct Spectra<'a>(&'a spec::Spectra);

impl<'a> Spectra<'a> {
    /// Of an experiment with `spectra`.
    pub fn of(experiment: &'a Experiment) -> Option<Self> {
        experiment.spectra.as_ref().map(Self)
    }
}

impl Product for Spectra<'_> {
    fn files(&self) -> Vec<&'static str> {
        vec!["spectra.parquet", "spectra.svg", "spectra.png", "spectra.pdf"]
    }

    fn keys(&self, plan: &Plan) -> Vec<(&'static str, Value)> {
        vec![("spectra", json!(plan.decompositions().map(|one| one.key.as_str()).collect::<Vec<_>>()))]
    }

    fn write(&self, run: &Run, to: &Path) -> Result<Vec<String>, RunError> {
        results::write_rows(&to.join("spectra.parquet"), &rows(run)?)?;
        Ok(Vec::new())
    }

    fn render(&self, drawing: &mut Drawing) -> Result<(), RunError> {
        let values = results::read_rows(&drawing.folder.join("spectra.parquet"))?;
        drawing.written.extend(report::render_spectra(&values, self.0.last, drawing.meta, drawing.to)?);
        Ok(())
    }

    fn drawn(&self, plan: &Plan) -> Option<(&'static str, usize, &'static str)> {
        Some(("spectra", plan.linears() * plan.decompositions().count(), "spectra"))
    }
}

/// The singular values of every target under every arm.
fn rows(run: &Run) -> Result<Vec<SpectrumRow>, RunError> {
    let mut rows = Vec::new();
    for stage in run.plan.decompositions() {
        let arm = &run.experiment.arms[stage.arm];
        for part in &run.plan.parts {
            let path = run.context.cache.part("decomposition", &stage.key, &part.name());
            let file = ReadArrays::open(&path)?;
            for (linear, _) in &part.linears {
                let (singular, _) = store::read_spectrum(&file, &path, &linear.name)?;
                let normalised = normalised(&singular);
                rows.extend((0u32..).zip(singular.iter().zip(normalised)).map(|(index, (&value, normalised))| {
                    SpectrumRow {
                        experiment: run.experiment.name.clone(),
                        arm: arm.id.clone(),
                        label: arm.label.clone(),
                        method: arm.method.name().into(),
                        linear: linear.name.clone(),
                        index,
                        value,
                        normalised,
                    }
                }));
            }
        }
    }
    Ok(rows)
}

/// Values divided by the root of the sum of their squares; as they are if that is 0.
fn normalised(values: &[f64]) -> Vec<f64> {
    // Relative to the largest first: squares of large covariances must not overflow.
    let largest = values.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return values.to_vec();
    }
    let norm = largest * values.iter().map(|value| (value / largest).powi(2)).sum::<f64>().sqrt();
    values.iter().map(|value| value / norm).collect()
}

#[cfg(test)]
mod tests;
