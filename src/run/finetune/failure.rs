//! Learners that fail while others of the same experiment succeed: kept apart, so that no results are lost.

use crate::run::RunError;
use crate::run::session::{Failure, Run};

impl RunError {
    /// Whether it lies in one learner of several, so that the others go their way.
    pub(in crate::run) fn is_of_a_learner(&self) -> bool {
        match self {
            Self::NoRate { .. } => true,
            Self::Train(error) => error.is_of_the_learner(),
            _ => false,
        }
    }
}

impl Run<'_> {
    /// Why a learner has no results, if it failed.
    pub(in crate::run) fn failure(&self, learner: usize) -> Option<&str> {
        self.failures.iter().find(|failure| failure.learner == learner).map(|failure| failure.why.as_str())
    }

    pub(in crate::run) fn fail(&mut self, learner: usize, error: &RunError) {
        let (id, why) = (self.learner_id(learner), error.to_string());
        let why = why.strip_prefix(&format!("{id}: ")).map_or(why.clone(), String::from);
        self.context.progress.say(&format!("{id} failed: {why}"));
        self.failures.push(Failure { learner, why });
    }

    fn learner_id(&self, learner: usize) -> &str {
        self.experiment.train.as_ref().map_or("", |train| train.learners[learner].id.as_str())
    }

    /// An error that names the learners that failed, if there are any.
    pub(in crate::run) fn all_learned(&self) -> Result<(), RunError> {
        match &self.failures[..] {
            [] => Ok(()),
            failures => {
                let all = self.experiment.train.as_ref().map_or(0, |train| train.learners.len());
                let line = |f: &Failure| format!("{} failed: {}", self.learner_id(f.learner), f.why);
                let failed = failures.iter().map(line).collect();
                Err(RunError::Learners { failed, others: failures.len() < all })
            }
        }
    }
}
