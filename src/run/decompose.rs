//! The decomposition stage: every target linear of an arm that the cache lacks, linears in parallel.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use faer::MatRef;

use crate::cache::{Cache, ReadArrays};
use crate::calibrate::{Statistics, store as statistics_store};
use crate::decompose::store::{self, Conditioning, Decomposed};
use crate::decompose::tall::Tall;
use crate::decompose::{End, Factorisation, Method};
use crate::model::shape::{Linear, Site};
use crate::model::weights::{Block, Weights};
use crate::plan::{Decompose, Part, cost, memory};
use crate::progress::Unit;
use crate::results::provenance::Outcome;

use super::RunError;
use super::session::Run;
use super::weights::in_f64;
use super::work::{Account, Cost, Value, Work};

impl Work for Decompose {
    fn run(&self, run: &Run) -> Result<Outcome, RunError> {
        decompose(run, self)
    }

    fn values(&self, account: &Account) -> Result<Vec<Value>, RunError> {
        let dense = self.statistics.is_some();
        let sizes = account.linears().map(|linear| memory::decomposition_on_disk(linear, account.deepest(linear)));
        let name = format!("decompose {}", account.experiment.arms[self.arm].id);
        let cost = |part: &Part| {
            let double = part.linears.iter().map(|(linear, _)| cost::decomposition(linear, dense)).sum();
            Cost { double, ..Cost::default() }
        };
        Ok(vec![account.by_parts("decomposition", name, &self.key, sizes.sum(), &cost)])
    }

    fn memory(&self, account: &Account) -> u64 {
        let dense = self.statistics.is_some();
        account.layout.decomposition(&account.plan.parts, &|linear| account.deepest(linear), dense)
    }
}

/// Decomposes what is missing of one arm.
fn decompose(run: &Run, stage: &Decompose) -> Result<Outcome, RunError> {
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
        statistics: stage.statistics.as_deref(),
        end: arm.end,
        depth: &depth,
    };
    let linears = todo.iter().map(|part| part.linears.len() as u64).sum();
    let bar = run.context.progress.bar(format!("decompose {}", arm.id), linears, Unit::Count("linears"));
    let pending: Vec<Pending> = todo.iter().map(|part| Pending::new(part, path(part))).collect();
    in_order(&pending, |pending, i| {
        let found = job.linear(pending, i)?;
        bar.advance(1);
        pending.done(i, found)
    })?;
    Ok(if todo.len() < plan.parts.len() { Outcome::Resumed } else { Outcome::Run })
}

/// Does `work` for every linear of every part, on all threads, each taking the next in order: so no more blocks are in
/// memory than threads reach into.
fn in_order(
    pending: &[Pending],
    work: impl Fn(&Pending, usize) -> Result<(), RunError> + Sync,
) -> Result<(), RunError> {
    let linears: Vec<(usize, usize)> =
        pending.iter().enumerate().flat_map(|(p, one)| (0..one.part.linears.len()).map(move |i| (p, i))).collect();
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let failed = Mutex::new(None);
    rayon::broadcast(|_| {
        while !stop.load(Ordering::Relaxed) {
            let Some(&(p, i)) = linears.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
            if let Err(e) = work(&pending[p], i) {
                stop.store(true, Ordering::Relaxed);
                failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e);
            }
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

/// A part whose decomposition is under way.
struct Pending<'a> {
    part: &'a Part,
    path: PathBuf,
    inputs: Mutex<Inputs>,
}

/// What its linears share, while any of them needs it, and what came of them.
#[derive(Default)]
struct Inputs {
    block: Option<Arc<Block>>,
    statistics: Vec<(Site, Arc<Statistics>)>,
    found: Vec<(usize, Decomposed)>,
}

impl<'a> Pending<'a> {
    fn new(part: &'a Part, path: PathBuf) -> Self {
        Self { part, path, inputs: Mutex::default() }
    }

    /// Keeps what came of a linear; the last one writes the part and lets go of what they shared.
    fn done(&self, linear: usize, found: Decomposed) -> Result<(), RunError> {
        let mut inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        inputs.found.push((linear, found));
        if inputs.found.len() < self.part.linears.len() {
            return Ok(());
        }
        let Inputs { mut found, .. } = std::mem::take(&mut *inputs);
        found.sort_by_key(|(linear, _)| *linear);
        let found: Vec<Decomposed> = found.into_iter().map(|(_, found)| found).collect();
        Ok(store::write(&self.path, &found)?)
    }
}

/// What the decomposition of one arm's linears needs besides the linear.
struct Job<'a> {
    arm: &'a str,
    method: &'a dyn Method,
    weights: &'a dyn Weights,
    cache: &'a Cache,
    statistics: Option<&'a str>,
    end: End,
    depth: &'a (dyn Fn(&Linear) -> usize + Sync),
}

impl Job<'_> {
    fn linear(&self, pending: &Pending, i: usize) -> Result<Decomposed, RunError> {
        let (linear, site) = &pending.part.linears[i];
        let block = self.block(pending)?;
        let statistics = self.statistics.map(|key| self.statistics(key, pending, *site)).transpose()?;
        let w = in_f64(self.weights, block.as_deref(), linear)?;
        self.decompose(linear, w.as_ref(), statistics.as_deref())
    }

    /// The block of a part, read by the first linear that needs it; none for the head.
    fn block(&self, pending: &Pending) -> Result<Option<Arc<Block>>, RunError> {
        let mut inputs = pending.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        if inputs.block.is_none() && !pending.part.head {
            inputs.block = Some(Arc::new(self.weights.block(pending.part.layer)?));
        }
        Ok(inputs.block.clone())
    }

    /// The statistics at one of a part's inputs, read by the first linear that needs them.
    fn statistics(&self, key: &str, pending: &Pending, site: Site) -> Result<Arc<Statistics>, RunError> {
        let mut inputs = pending.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, statistics)) = inputs.statistics.iter().find(|(at, _)| *at == site) {
            return Ok(statistics.clone());
        }
        let path = self.cache.part("statistics", key, &pending.part.name());
        let read = Arc::new(statistics_store::read(&ReadArrays::open(&path)?, &path, site)?);
        inputs.statistics.push((site, read.clone()));
        Ok(read)
    }

    fn decompose(
        &self,
        linear: &Linear,
        w: MatRef<f64>,
        statistics: Option<&Statistics>,
    ) -> Result<Decomposed, RunError> {
        let failed = |source| RunError::Decomposition { arm: self.arm.into(), linear: linear.name.clone(), source };
        let depth = (self.depth)(linear);
        let w = Tall::of(w);
        let weighed = self.method.weigh(w.core(), statistics).map_err(failed)?;
        let factorisation = Factorisation::of(weighed.product.as_ref(), self.end, depth).map_err(failed)?;
        let conditioning = Conditioning::new(statistics, weighed.damping);
        Ok(Decomposed::new(linear.name.clone(), &w, &factorisation, conditioning))
    }
}
