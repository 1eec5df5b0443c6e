//! The conditioning of every decomposed linear, a row each.

use std::path::Path;

use serde_json::Value;

use crate::cache::ReadArrays;
use crate::decompose::store;
use crate::plan::Plan;
use crate::results::{self, LinearRow};
use crate::spec::Experiment;

use super::RunError;
use super::product::{Drawing, Product};
use super::session::Run;

/// The product.
pub(super) struct Linears;

impl Linears {
    /// Of an experiment with arms.
    pub fn of(experiment: &Experiment) -> Option<Self> {
        (!experiment.arms.is_empty()).then_some(Self)
    }
}

impl Product for Linears {
    fn files(&self) -> Vec<&'static str> {
        vec!["linears.parquet"]
    }

    /// None of its own: other products rest on the same decompositions.
    fn keys(&self, _plan: &Plan) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    fn write(&self, run: &Run, to: &Path) -> Result<Vec<String>, RunError> {
        results::write_rows(&to.join("linears.parquet"), &rows(run)?)?;
        Ok(Vec::new())
    }

    /// No table or figure shows them.
    fn render(&self, _drawing: &mut Drawing) -> Result<(), RunError> {
        Ok(())
    }

    fn is_in_a_sweep(&self) -> bool {
        true
    }
}

fn rows(run: &Run) -> Result<Vec<LinearRow>, RunError> {
    let mut rows = Vec::new();
    for stage in run.plan.decompositions() {
        for part in &run.plan.parts {
            let path = run.context.cache.part("decomposition", &stage.key, &part.name());
            let file = ReadArrays::open(&path)?;
            for (linear, _) in &part.linears {
                let (singular, conditioning) = store::read_spectrum(&file, &path, &linear.name)?;
                rows.push(LinearRow {
                    experiment: run.experiment.name.clone(),
                    arm: run.experiment.arms[stage.arm].id.clone(),
                    linear: linear.name.clone(),
                    d_out: linear.d_out as u32,
                    d_in: linear.d_in as u32,
                    sigma_max: singular.first().copied().unwrap_or(f64::NAN),
                    sigma_min: singular.last().copied().unwrap_or(f64::NAN),
                    tokens_per_dimension: conditioning.tokens_per_dimension,
                    effective_rank: conditioning.effective_rank,
                    condition: conditioning.condition,
                    lambda: conditioning.lambda,
                    damping_rounds: conditioning.damping_rounds.map(|rounds| rounds as u32),
                });
            }
        }
    }
    Ok(rows)
}
