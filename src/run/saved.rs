//! The rows of a fine-tuning experiment as its results folder has them, with what the report needs beside.

use crate::report::{Tested, Trained};
use crate::results::{AnswerRow, FailureRow, RateRow, StepRow, TrainedRow};
use crate::spec::Scores;

/// What a fine-tuning experiment saved.
pub(super) struct Saved {
    pub rows: Vec<TrainedRow>,
    pub steps: Vec<StepRow>,
    pub rates: Vec<RateRow>,
    pub answers: Vec<AnswerRow>,
    pub failures: Vec<FailureRow>,
    pub tested: Tested,
    pub published: Option<Scores>,
}

impl Saved {
    /// As the report takes it.
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
