//! The choice of a learner's learning rate: the one with the least loss on the validation examples, from the first seed.

use crate::cache::{Cache, CacheError, ReadArrays};
use crate::plan::Trial;
use crate::run::RunError;
use crate::run::session::Run;

/// A learning rate that was tried, and its result.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::run) struct Tried {
    pub rate: f64,
    /// Mean loss over the validation examples, nats per response token; infinite where training diverged.
    pub loss: f64,
    /// Validation examples.
    pub examples: usize,
    /// How training diverged, where it did and that was kept.
    pub broke: Option<String>,
}

/// Entry of the metadata beside validation losses that says why there are none.
pub(super) const BROKE: &str = "broke";

impl Tried {
    /// What the cache holds of a trial at the learning rate `rate`.
    pub(super) fn read(cache: &Cache, trial: &Trial, rate: f64) -> Result<Self, CacheError> {
        let file = ReadArrays::open(&cache.part("validation", &trial.validation, "loss"))?;
        let losses = file.f64("losses")?;
        let loss = losses.iter().sum::<f64>() / losses.len() as f64;
        let loss = if losses.is_empty() { f64::INFINITY } else { loss };
        Ok(Self { rate, loss, examples: losses.len(), broke: file.metadata(BROKE).ok() })
    }

    /// The index of the one with the least loss; `None` where training diverged at every rate.
    pub(super) fn best(tried: &[Self]) -> Option<usize> {
        let finite = tried.iter().enumerate().filter(|(_, tried)| tried.loss.is_finite());
        finite.min_by(|a, b| a.1.loss.total_cmp(&b.1.loss)).map(|(chosen, _)| chosen)
    }
}

impl Run<'_> {
    /// The learning rates that a learner tried, and the index of the chosen one.
    pub(in crate::run) fn chosen(&self, learner: usize) -> Result<(usize, Vec<Tried>), RunError> {
        let tried = self.tried(learner)?;
        if let Some(chosen) = Tried::best(&tried) {
            return Ok((chosen, tried));
        }
        let why = |one: &Tried| match &one.broke {
            Some(why) => format!("{:e}: {why}", one.rate),
            None => format!("{:e}: the loss on the validation examples is {}", one.rate, one.loss),
        };
        let why = tried.iter().map(why).collect::<Vec<_>>().join("; ");
        Err(RunError::NoRate { learner: self.training()?.learners[learner].id.clone(), why })
    }

    /// Whether a learner got as far as trying all its learning rates.
    pub(in crate::run) fn has_tried(&self, learner: usize) -> Result<bool, RunError> {
        for rate in 0..self.training()?.learners[learner].rates.len() {
            if !self.file("validation", &self.trial(learner, rate, 0)?.validation, "loss").exists() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The learning rates that a learner tried.
    pub(in crate::run) fn tried(&self, learner: usize) -> Result<Vec<Tried>, RunError> {
        let rates = self.training()?.learners[learner].rates.iter().enumerate();
        let one =
            |(rate, value): (usize, &f64)| Ok(Tried::read(&self.context.cache, self.trial(learner, rate, 0)?, *value)?);
        rates.map(one).collect()
    }
}
