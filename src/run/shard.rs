//! A part of an experiment, so that several processes on one file system share the work.
//!
//! Arms go to shards in turn. A shard computes what its arms need into the cache and writes no results; a plain run
//! afterwards finds everything there. Calibration passes that several shards need are done by the first that comes.

use std::fs::{File, TryLockError};
use std::str::FromStr;

use crate::plan::Plan;
use crate::spec::{Experiment, Start};

use super::{Context, RunError};

/// Shard `part` of `of`, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 1.
    pub part: usize,
    /// How many there are.
    pub of: usize,
}

impl FromStr for Shard {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((part, of)) if (1..=of).contains(&part) => Ok(Self { part, of }),
            _ => Err(format!("{text:?} is no shard; write e.g. 2/8: the second of eight")),
        }
    }
}

impl Shard {
    /// Whether item `index` of a list, from 0, is this shard's.
    pub fn has(self, index: usize) -> bool {
        index % self.of == self.part - 1
    }

    /// Whether this shard decomposes an arm (index in `plan.decompose`): its own arms, or with fine-tuning those that its
    /// learners start from.
    pub fn has_arm(self, decompose: usize, experiment: &Experiment, plan: &Plan) -> bool {
        let Some(train) = &experiment.train else { return self.has(decompose) };
        let own = train.learners.iter().enumerate().filter(|(i, _)| self.has(*i));
        let arm = plan.decompose[decompose].arm;
        own.map(|(_, learner)| learner.start).any(|start| matches!(start, Start::Components { arm: a, .. } if a == arm))
    }

    /// Whether this shard needs a calibration: one of its arms is calibrated on it, or looks at its text.
    pub fn needs(self, calibration: usize, experiment: &Experiment, plan: &Plan) -> bool {
        let statistics = |i: &usize| plan.calibrate[*i].calibration == calibration;
        let own = plan.decompose.iter().enumerate().filter(|(i, _)| self.has_arm(*i, experiment, plan));
        let by_arm = own.clone().any(|(_, stage)| stage.statistics.iter().any(statistics));
        let by_energy = own.count() > 0 && plan.energy.iter().any(|stage| stage.texts.iter().any(statistics));
        // Heat maps are no arm's: the first shard's.
        let drawn = self.part == 1 && experiment.heatmaps.is_some() && plan.heatmaps.iter().any(statistics);
        by_arm || by_energy || drawn
    }
}

/// Holds the lock of a value (a calibration pass, a training run) until it is dropped, so that two processes do not compute
/// the same. `what` says it in words.
pub(super) fn lock(context: &Context, kind: &str, key: &str, what: &str) -> Result<File, RunError> {
    let path = context.cache.part(kind, key, "lock").with_extension("lock");
    let failed = |source| crate::cache::CacheError::Append { path: path.clone(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            context.progress.say(&format!("waiting: another run is at {what}"));
        }
        Err(TryLockError::Error(e)) => return Err(failed(e).into()),
    }
    file.lock().map_err(failed)?;
    Ok(file)
}

#[cfg(test)]
mod tests;
