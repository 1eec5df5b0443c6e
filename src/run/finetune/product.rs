//! The product of a fine-tuning experiment: its results files, and its part of the page.

use std::path::Path;

use serde_json::{Value, json};

use crate::plan::Plan;
use crate::report::{self, Tested};
use crate::results;
use crate::results::folder::TIMINGS;
use crate::run::product::{Drawing, Product};
use crate::run::saved::Saved;
use crate::run::session::Run;
use crate::run::study::losses;
use crate::run::{Context, RunError};
use crate::spec::{Asks, Experiment};

use super::{rows, settings};

/// The learners that failed; there is such a file only where some did.
const FAILURES: &str = "failures.parquet";

/// The product.
pub(in crate::run) struct FineTuning<'a>(&'a Experiment);

impl<'a> FineTuning<'a> {
    /// Of an experiment with `train`.
    pub fn of(experiment: &'a Experiment) -> Option<Self> {
        experiment.train.is_some().then_some(Self(experiment))
    }
}

impl Product for FineTuning<'_> {
    fn files(&self) -> Vec<&'static str> {
        let mut files = vec![TIMINGS, "trained.parquet", "trained.csv", "steps.parquet", "rates.parquet"];
        files.extend(["answers.parquet", "trained.md", "trained.tex", "training.svg", "training.png", "training.pdf"]);
        let tested = tested(self.0);
        if !tested.task.is_empty() && !tested.knowledge.is_empty() {
            files.extend(["kept.svg", "kept.png", "kept.pdf"]);
        }
        files
    }

    fn more_files(&self, folder: &Path) -> Vec<&'static str> {
        if folder.join(FAILURES).exists() { vec![FAILURES] } else { Vec::new() }
    }

    fn keys(&self, plan: &Plan) -> Vec<(&'static str, Value)> {
        let training: Vec<&str> = plan.trials().map(|trial| trial.key.as_str()).collect();
        vec![("losses", losses(plan)), ("answers", json!(plan.answers())), ("training", json!(training))]
    }

    /// Results that lack a learner which failed are never up to date.
    fn is_current(&self, _plan: &Plan, _context: &Context, folder: &Path) -> Result<bool, RunError> {
        Ok(!folder.join(FAILURES).exists())
    }

    fn write(&self, run: &Run, to: &Path) -> Result<Vec<String>, RunError> {
        let mut warnings: Vec<String> = settings::too_long(run)?.into_iter().collect();
        let rows = rows::rows(run)?;
        results::write_rows(&to.join("trained.parquet"), &rows.trained)?;
        results::write_csv(&to.join("trained.csv"), &rows.trained)?;
        results::write_rows(&to.join("steps.parquet"), &rows.steps)?;
        results::write_rows(&to.join("rates.parquet"), &rows.rates)?;
        results::write_rows(&to.join("answers.parquet"), &rows.answers)?;
        results::write_rows(&to.join(TIMINGS), &rows.timings)?;
        if !rows.failures.is_empty() {
            results::write_rows(&to.join(FAILURES), &rows.failures)?;
        }
        warnings.extend(rows.failures.iter().map(|failed| format!("{} failed: {}", failed.label, failed.why)));
        Ok(warnings)
    }

    fn render(&self, drawing: &mut Drawing) -> Result<(), RunError> {
        let folder = drawing.folder;
        let failures = folder.join(FAILURES);
        let saved = Saved {
            rows: results::read_rows(&folder.join("trained.parquet"))?,
            steps: results::read_rows(&folder.join("steps.parquet"))?,
            rates: results::read_rows(&folder.join("rates.parquet"))?,
            answers: results::read_rows(&folder.join("answers.parquet"))?,
            failures: if failures.exists() { results::read_rows(&failures)? } else { Vec::new() },
            tested: tested(self.0),
            published: drawing.scores.cloned(),
        };
        drawing.written.extend(report::render_trained(&saved.trained(), drawing.meta, drawing.to)?);
        drawing.page.trained = Some(saved);
        Ok(())
    }
}

/// What stands for the task, and what for knowledge: questions as the spec says, and every text.
fn tested(experiment: &Experiment) -> Tested {
    let about = |asks: Asks| experiment.questions.iter().filter(move |questions| questions.asks == asks);
    let names = |asks: Asks| about(asks).map(|questions| questions.name.clone());
    let of_knowledge = |corpus: &str| about(Asks::Knowledge).any(|questions| questions.corpus.name == corpus);
    let contexts = experiment.calibrations.iter().filter(|calibration| of_knowledge(&calibration.corpus.name));
    let texts = experiment.evaluations.iter().map(|evaluation| evaluation.name.clone());
    Tested {
        task: names(Asks::Task).collect(),
        knowledge: names(Asks::Knowledge).chain(texts).collect(),
        contexts: contexts.map(|calibration| calibration.name.clone()).collect(),
    }
}
