//! What the program knows of each kind of stage: how to compute it, how much of it the cache has, and what the rest costs.
//!
//! One implementation of `Work` for each kind of [`crate::plan::Kind`], in the file of that kind.

use crate::cache::Cache;
use crate::model::shape::{Linear, Shape};
use crate::plan::memory::Layout;
use crate::plan::{Part, Plan};
use crate::results::provenance::Outcome;
use crate::spec::Experiment;

use super::session::Run;
use super::texts::Known;
use super::{Context, RunError};

/// A kind of stage.
pub(super) trait Work {
    /// Computes what the cache lacks.
    ///
    /// # Errors
    /// Whatever keeps it from being complete; what is already in the cache stays.
    fn run(&self, run: &Run) -> Result<Outcome, RunError>;

    /// The values that it leaves in the cache, with how much of each is there.
    ///
    /// # Errors
    /// Files of the cache that cannot be read.
    fn values(&self, account: &Account) -> Result<Vec<Value>, RunError>;

    /// The most bytes of memory that it takes.
    fn memory(&self, account: &Account) -> u64;
}

/// A value of a stage in the cache: a line of `corda plan`.
pub struct Value {
    /// For people, e.g. `evaluate corda-wiki-32 r=16 on ptb`.
    pub name: String,
    /// Content key; the first of them where there are several.
    pub key: String,
    /// How much of it the cache has.
    pub done: usize,
    /// How much there is of it; 0 where that is not known.
    pub all: usize,
    /// What `done` and `all` count, in the plural.
    pub unit: &'static str,
    /// Operations that remain.
    pub cost: Cost,
    /// Bytes that it takes in the cache when it is complete.
    pub disk: u64,
}

/// Floating-point operations.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// In f32 products.
    pub single: f64,
    /// In f64 factorisations.
    pub double: f64,
}

impl Cost {
    /// Operations in f32 products.
    pub(super) fn single(single: f64) -> Self {
        Self { single, double: 0.0 }
    }
}

impl std::ops::Add for Cost {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { single: self.single + other.single, double: self.double + other.double }
    }
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), std::ops::Add::add)
    }
}

/// What the cost of a stage is counted from.
pub struct Account<'a> {
    /// The experiment.
    pub experiment: &'a Experiment,
    /// Its plan.
    pub plan: &'a Plan,
    /// Where the cache is.
    pub context: &'a Context,
    /// What is known of its texts.
    pub known: &'a Known,
    /// How the model is laid out in memory.
    pub layout: Layout,
}

impl<'a> Account<'a> {
    /// The account of an experiment with the memory that the context allows.
    pub fn new(experiment: &'a Experiment, plan: &'a Plan, context: &'a Context, known: &'a Known) -> Self {
        Self { experiment, plan, context, known, layout: Layout::new(&experiment.model.shape, context.room) }
    }

    pub(super) fn shape(&self) -> &'a Shape {
        &self.experiment.model.shape
    }

    pub(super) fn cache(&self) -> &'a Cache {
        &self.context.cache
    }

    pub(super) fn has(&self, kind: &str, key: &str, part: &str) -> bool {
        self.cache().part(kind, key, part).exists()
    }

    /// How many components the last point takes from a linear: as many are kept of each decomposition.
    pub(super) fn deepest(&self, linear: &Linear) -> usize {
        let discard = &self.experiment.discard;
        discard.components(discard.len().saturating_sub(1), linear)
    }

    pub(super) fn linears(&self) -> impl Iterator<Item = &'a Linear> {
        self.plan.parts.iter().flat_map(|part| &part.linears).map(|(linear, _)| linear)
    }

    /// A value of one file for each part; `cost` is what a part costs.
    pub(super) fn by_parts(
        &self,
        kind: &str,
        name: String,
        key: &str,
        disk: u64,
        cost: &dyn Fn(&Part) -> Cost,
    ) -> Value {
        let missing: Vec<&Part> = self.plan.parts.iter().filter(|part| !self.has(kind, key, &part.name())).collect();
        Value {
            name,
            key: key.to_owned(),
            done: self.plan.parts.len() - missing.len(),
            all: self.plan.parts.len(),
            unit: "parts",
            cost: missing.into_iter().map(cost).sum(),
            disk,
        }
    }

    /// The number of windows of an evaluation, if it is known.
    pub(super) fn windows(&self, evaluation: usize) -> Option<usize> {
        self.known.windows.get(evaluation).copied().flatten().or(self.experiment.evaluations[evaluation].windows)
    }
}
