//! Walking the graph of stages: which of them one process computes, and computing these in order.

use crate::plan::{Kind, Plan, Stage};

use super::session::Run;
use super::work::{Account, Value, Work};
use super::{RunError, Shard};

/// The implementation of a kind of stage: the list of all of them.
fn work(kind: &Kind) -> &dyn Work {
    match kind {
        Kind::Calibrate(stage) => stage,
        Kind::Decompose(stage) => stage,
        Kind::Energy(stage) => stage,
        Kind::Evaluate(stage) => stage,
        Kind::Ask(stage) => stage,
        Kind::Train(stage) => stage,
        Kind::Measure(stage) => stage,
    }
}

/// Which stages of an experiment one process computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection<'a> {
    /// All of them, and the results.
    All,
    /// Those of one shard, into the cache.
    Shard(Shard),
    /// The stage of that name, into the cache; what it needs must be there.
    Stage(&'a str),
}

impl Selection<'_> {
    /// The stages of a plan that are selected, in order.
    ///
    /// # Errors
    /// A name that no stage has.
    pub fn stages(self, plan: &Plan) -> Result<Vec<&Stage>, RunError> {
        let flags = match self {
            Self::All => vec![true; plan.stages.len()],
            Self::Shard(shard) => plan.with_needs(|stage| stage.turn.is_some_and(|turn| shard.has(turn))),
            Self::Stage(name) => plan.stages.iter().map(|stage| stage.id == name).collect(),
        };
        match self {
            Self::Stage(name) if !flags.contains(&true) => {
                let known: Vec<&str> = plan.stages.iter().map(|stage| stage.id.as_str()).collect();
                Err(RunError::NoSuchStage { name: name.into(), known: known.join("`, `") })
            }
            _ => Ok(plan.stages.iter().zip(flags).filter(|(_, selected)| *selected).map(|(stage, _)| stage).collect()),
        }
    }
}

impl Stage {
    /// The learner that it trains or measures, by its index.
    fn learner(&self) -> Option<usize> {
        match &self.kind {
            Kind::Train(train) => Some(train.learner),
            Kind::Measure(measure) => Some(measure.learner),
            _ => None,
        }
    }

    /// The values that it leaves in the cache, with how much of each is there.
    ///
    /// # Errors
    /// Files of the cache that cannot be read.
    pub fn values(&self, account: &Account) -> Result<Vec<Value>, RunError> {
        work(&self.kind).values(account)
    }

    /// The most bytes of memory that it takes, by the account of [`crate::plan::memory`].
    pub fn memory(&self, account: &Account) -> u64 {
        work(&self.kind).memory(account)
    }
}

impl Run<'_> {
    /// Computes what the cache lacks of one stage.
    pub fn compute(&mut self, stage: &Stage) -> Result<(), RunError> {
        self.stage(&stage.id, |run| Ok((work(&stage.kind).run(run)?, ())))
    }

    /// Computes what the cache lacks of the selected stages. A learner that fails is kept in [`Run::failures`], and the others
    /// continue.
    ///
    /// # Errors
    /// Whatever ends a run; failures of learners only where no learner is left, or where only a selection is computed.
    pub fn compute_all(&mut self, selection: Selection) -> Result<(), RunError> {
        for stage in selection.stages(self.plan)? {
            let learner = stage.learner();
            if learner.is_some_and(|learner| self.failure(learner).is_some()) {
                continue;
            }
            match (self.compute(stage), learner) {
                (Err(error), Some(learner)) if error.is_of_a_learner() => self.fail(learner, &error),
                (done, _) => done?,
            }
        }
        let learners = self.experiment.train.as_ref().map_or(0, |train| train.learners.len());
        if selection != Selection::All || self.failures.len() == learners {
            self.all_learned()?;
        }
        Ok(())
    }
}
