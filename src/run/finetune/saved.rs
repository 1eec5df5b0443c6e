//! The rows of a fine-tuning experiment as its results folder has them, with what the report needs beside.

use std::path::Path;

use crate::report::{Tested, Trained};
use crate::results::{self, AnswerRow, FailureRow, RateRow, StepRow, TrainedRow};
use crate::spec::{Asks, Experiment, Publication, Scores};

use crate::run::meta::publication;
use crate::run::{Context, RunError};

/// The learners that failed; there is such a file only where some did.
pub(in crate::run) const FAILURES: &str = "failures.parquet";

/// Writes the learners that failed, if any did.
pub(in crate::run) fn write_failures(folder: &Path, failures: &[FailureRow]) -> Result<(), RunError> {
    match failures {
        [] => Ok(()),
        failures => Ok(results::write_rows(&folder.join(FAILURES), failures)?),
    }
}

/// What a fine-tuning experiment saved.
pub(in crate::run) struct Saved {
    rows: Vec<TrainedRow>,
    steps: Vec<StepRow>,
    rates: Vec<RateRow>,
    answers: Vec<AnswerRow>,
    failures: Vec<FailureRow>,
    tested: Tested,
    published: Option<Scores>,
}

impl Saved {
    /// `None` of an experiment without fine-tuning.
    pub fn read(experiment: &Experiment, context: &Context, folder: &Path) -> Result<Option<Self>, RunError> {
        if experiment.train.is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            rows: results::read_rows(&folder.join("trained.parquet"))?,
            steps: results::read_rows(&folder.join("steps.parquet"))?,
            rates: results::read_rows(&folder.join("rates.parquet"))?,
            answers: results::read_rows(&folder.join("answers.parquet"))?,
            failures: match folder.join(FAILURES) {
                path if path.exists() => results::read_rows(&path)?,
                _ => Vec::new(),
            },
            tested: tested(experiment),
            published: match publication(experiment, context)? {
                Some(Publication::Scores(scores)) => Some(scores),
                _ => None,
            },
        }))
    }

    pub fn trained(&self) -> Trained<'_> {
        Trained {
            rows: &self.rows,
            steps: &self.steps,
            rates: &self.rates,
            answers: &self.answers,
            failures: &self.failures,
            tested: &self.tested,
            published: self.published.as_ref(),
        }
    }
}

/// What stands for the task, and what for knowledge: questions as the spec says, and every text.
pub(in crate::run) fn tested(experiment: &Experiment) -> Tested {
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
