//! The decomposition stage: every target linear of an arm that the cache lacks, linears in parallel.

use std::collections::BTreeMap;

use faer::MatRef;
use rayon::prelude::*;

use crate::cache::{Cache, CacheError};
use crate::calibrate::{Statistics, store as statistics_store};
use crate::decompose::store::{self, Conditioning, Decomposed};
use crate::decompose::{End, Factorisation, Method};
use crate::model::llama::Weights;
use crate::model::shape::{Linear, Site};
use crate::plan::{DecomposeStage, Part};
use crate::progress::Unit;
use crate::results::provenance::Outcome;

use super::weights::in_f64;
use super::{Run, RunError};

/// What one part's decomposition needs besides the part.
struct Job<'a> {
    arm: &'a str,
    method: &'a dyn Method,
    weights: &'a dyn Weights,
    cache: &'a Cache,
    statistics: Option<&'a str>,
    end: End,
    depth: &'a (dyn Fn(&Linear) -> usize + Sync),
}

/// Decomposes what is missing of one arm.
pub(super) fn run(run: &Run, stage: &DecomposeStage) -> Result<Outcome, RunError> {
    let (plan, cache) = (run.plan, &run.context.cache);
    let path = |part: &Part| cache.part("decomposition", &stage.key, &part.name());
    let todo: Vec<&Part> = plan.parts.iter().filter(|part| !path(part).exists()).collect();
    if todo.is_empty() {
        return Ok(Outcome::Cached);
    }
    let opened = run.model()?;
    let arm = &run.experiment.arms[stage.arm];
    let discard = &run.experiment.discard;
    let depth = |linear: &Linear| discard.components(discard.len() - 1, linear);
    let job = Job {
        arm: &arm.id,
        method: arm.method.as_ref(),
        weights: opened.weights.weights(),
        cache,
        statistics: stage.statistics.map(|i| plan.calibrate[i].key.as_str()),
        end: arm.end,
        depth: &depth,
    };
    let linears = todo.iter().map(|part| part.linears.len() as u64).sum();
    let bar = run.context.progress.bar(format!("decompose {}", arm.id), linears, Unit::Count("linears"));
    todo.par_iter().with_max_len(1).try_for_each(|part| {
        let decomposed = job.part(part, &|| bar.advance(1))?;
        Ok::<_, RunError>(store::write(&path(part), &decomposed)?)
    })?;
    Ok(if todo.len() < plan.parts.len() { Outcome::Resumed } else { Outcome::Run })
}

impl Job<'_> {
    fn part(&self, part: &Part, done: &(dyn Fn() + Sync)) -> Result<Vec<Decomposed>, RunError> {
        let block = if part.head { None } else { Some(self.weights.block(part.layer)?) };
        let statistics = self.statistics(part)?;
        part.linears
            .par_iter()
            .with_max_len(1)
            .map(|(linear, site)| {
                let w = in_f64(self.weights, block.as_ref(), linear)?;
                let found = self.decompose(linear, w.as_ref(), statistics.get(site));
                done();
                found
            })
            .collect()
    }

    /// The statistics of a part's inputs, each read once for all linears it feeds; none for methods without.
    fn statistics(&self, part: &Part) -> Result<BTreeMap<Site, Statistics>, CacheError> {
        let Some(key) = self.statistics else { return Ok(BTreeMap::new()) };
        statistics_store::read_sites(&self.cache.part("statistics", key, &part.name()), part.sites())
    }

    fn decompose(
        &self,
        linear: &Linear,
        w: MatRef<f64>,
        statistics: Option<&Statistics>,
    ) -> Result<Decomposed, RunError> {
        let failed = |source| RunError::Decomposition { arm: self.arm.into(), linear: linear.name.clone(), source };
        let depth = (self.depth)(linear);
        let weighed = self.method.weigh(w, statistics).map_err(failed)?;
        let factorisation = Factorisation::of(weighed.product.as_ref(), self.end, depth).map_err(failed)?;
        let conditioning = Conditioning::new(statistics, weighed.damping);
        Ok(Decomposed::new(linear.name.clone(), w, &factorisation, self.end, depth, conditioning))
    }
}
