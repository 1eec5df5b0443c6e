//! The calibration stage: the statistics that arms need and the cache lacks.

use std::path::PathBuf;
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};
use rayon::prelude::*;
use safetensors::tensor::Dtype;

use crate::atomic;
use crate::cache::{Cache, CacheError, ReadArrays, save_every};
use crate::calibrate::pass::{Collected, Pass};
use crate::calibrate::{Snapshot, store};
use crate::corpus::sample;
use crate::model::ModelError;
use crate::plan::memory::PassSize;
use crate::plan::{Calibrate, Part, Statistics, cost, memory};
use crate::progress::Unit;
use crate::results::provenance::Outcome;
use crate::spec::Calibration;
use crate::tensors::{self, Entry};

use super::RunError;
use super::lock::lock;
use super::session::Run;
use super::work::{Account, Cost, Value, Work};

/// How much work a killed run may lose, at most and roughly: hidden states are saved when this has passed.
const SAVE_EVERY: Duration = Duration::from_secs(30);

impl Work for Calibrate {
    fn run(&self, run: &Run) -> Result<Outcome, RunError> {
        pass(run, self)
    }

    /// One value for each snapshot.
    fn values(&self, account: &Account) -> Result<Vec<Value>, RunError> {
        let longest = self.statistics.iter().map(|one| one.snapshot.samples).max();
        let value = |statistics: &Statistics| {
            let samples = statistics.snapshot.samples;
            // A shorter prefix comes out of the longest pass at no further cost.
            let operations = if Some(samples) == longest { self.operations(account, samples) } else { 0.0 };
            let part = Cost::single(operations / account.plan.parts.len() as f64);
            let sizes =
                account.plan.parts.iter().map(|part| memory::statistics_on_disk(account.shape(), part.inputs()));
            let name = format!("calibrate {} ({samples} samples)", self.spec(account).name);
            account.by_parts("statistics", name, &statistics.key, sizes.sum(), &|_| part)
        };
        Ok(self.statistics.iter().map(value).collect())
    }

    fn memory(&self, account: &Account) -> u64 {
        account.layout.calibration(&PassSize::of(account.experiment, self))
    }
}

impl Calibrate {
    fn spec<'a>(&self, account: &Account<'a>) -> &'a Calibration {
        &account.experiment.calibrations[self.calibration]
    }

    /// Operations of a whole pass over so many samples.
    fn operations(&self, account: &Account, samples: usize) -> f64 {
        let length = self.spec(account).length;
        let counted = account.known.samples.get(self.calibration).and_then(|lengths| lengths.as_ref()?.get(..samples));
        let tokens = match counted {
            Some(lengths) => lengths.iter().map(|tokens| f64::from(*tokens)).sum(),
            None => samples as f64 * length as f64,
        };
        tokens * (cost::forward_blocks(account.shape(), length) + cost::covariances(account.shape()))
    }
}

/// Runs the pass of one calibration as far as statistics are missing.
fn pass(run: &Run, stage: &Calibrate) -> Result<Outcome, RunError> {
    let plan = run.plan;
    let cache = &run.context.cache;
    let stages = &stage.statistics;
    let missing = |part: &Part| -> Vec<Snapshot> {
        let absent = stages.iter().filter(|one| !cache.part("statistics", &one.key, &part.name()).exists());
        absent.map(|one| one.snapshot).collect()
    };
    let spec = &run.experiment.calibrations[stage.calibration];
    let Some(first_stage) = stages.first() else { return Ok(Outcome::Cached) };
    if plan.parts.iter().all(|part| missing(part).is_empty()) {
        return Ok(Outcome::Cached);
    }
    // What another process computes meanwhile is not missing any more.
    let _lock = lock(run.context, "pass", &first_stage.key, &format!("calibration {}", spec.name))?;
    let todo: Vec<(&Part, Vec<Snapshot>)> =
        plan.parts.iter().map(|part| (part, missing(part))).filter(|(_, snapshots)| !snapshots.is_empty()).collect();
    let Some((last, _)) = todo.last() else { return Ok(Outcome::Cached) };
    let most = todo.iter().flat_map(|(_, snapshots)| snapshots).map(|s| s.samples).max().unwrap_or(0);
    let outcome = if todo.len() < plan.parts.len() { Outcome::Resumed } else { Outcome::Run };

    let samples = samples(run, spec, most)?;
    let tokens: u64 = samples.iter().map(|sample| sample.len() as u64).sum();
    let weights = run.model()?.weights.weights();
    let saved = Saved { path: cache.part("pass", &first_stage.key, &format!("hidden-{most}")) };
    let first = todo[0].0.layer;
    let mut pass = match saved.read(first, weights.embedding().device())? {
        Some((hidden, layer)) => Pass::resume(&spec.name, weights, hidden, layer)?,
        None => Pass::start(&spec.name, weights, &samples)?,
    };
    let bar = run.context.progress.bar(
        format!("calibrate {}", spec.name),
        tokens * (last.layer as u64 + 1),
        Unit::Count("tokens x blocks"),
    );
    bar.resume_at(tokens * pass.layer() as u64);
    let making = run.layout.making(&PassSize::of(run.experiment, stage));
    let (every, mut since) = (save_every(SAVE_EVERY), Instant::now());
    thread::scope(|scope| {
        let mut behind = Behind::default();
        for (part, snapshots) in &todo {
            while pass.layer() < part.layer {
                pass.skip()?;
                bar.advance(tokens);
            }
            let done = |tokens| bar.advance(tokens);
            let collected = if part.head { pass.head(snapshots, &done)? } else { pass.block(snapshots, &done)? };
            behind.finish()?;
            behind.start(scope, move || write(cache, stages, part, snapshots, &collected, making.at_once));
            let save = since.elapsed() > every && part.layer < last.layer;
            // Hidden states that lie beyond a part without statistics would be of no use.
            if save || !making.behind {
                behind.finish()?;
            }
            if save {
                saved.write(pass.hidden(), pass.layer())?;
                since = Instant::now();
            }
        }
        behind.finish()
    })?;
    saved.remove();
    Ok(outcome)
}

fn samples(run: &Run, spec: &Calibration, count: usize) -> Result<Vec<Vec<u32>>, RunError> {
    let (text, opened) = (run.text(&spec.corpus)?, run.model()?);
    let encode = |text: &str| opened.tokenizer.encode(text).map_err(|e| e.to_string());
    let samples = sample::samples(&text, spec.sampling, spec.seed, count, spec.length, &encode)?;
    for (i, ids) in samples.iter().enumerate() {
        let place = format!("sample {i} of the calibration `{}`", spec.name);
        opened.tokenizer.check_ids(&place, ids, run.experiment.model.shape.vocabulary)?;
    }
    Ok(samples)
}

/// Writes a part's statistics, `at_once` snapshots at a time: of wide inputs, one is large.
fn write(
    cache: &Cache,
    statistics: &[Statistics],
    part: &Part,
    snapshots: &[Snapshot],
    collected: &Collected,
    at_once: usize,
) -> Result<(), RunError> {
    for snapshots in snapshots.chunks(at_once) {
        let found = collected.statistics(snapshots)?;
        snapshots.par_iter().zip(&found).try_for_each(|(snapshot, sites)| {
            for one in statistics.iter().filter(|one| one.snapshot == *snapshot) {
                store::write(&cache.part("statistics", &one.key, &part.name()), sites)?;
            }
            Ok::<_, RunError>(())
        })?;
    }
    Ok(())
}

/// A part's statistics in the making behind the next block's pass, so that no thread waits for the disk or for the widest
/// input's spectrum.
#[derive(Default)]
struct Behind<'scope>(Option<ScopedJoinHandle<'scope, Result<(), RunError>>>);

impl<'scope> Behind<'scope> {
    fn start(&mut self, scope: &'scope Scope<'scope, '_>, work: impl FnOnce() -> Result<(), RunError> + Send + 'scope) {
        self.0 = Some(scope.spawn(work));
    }

    fn finish(&mut self) -> Result<(), RunError> {
        let joined = self.0.take().map(ScopedJoinHandle::join).transpose();
        joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic)).unwrap_or(Ok(()))
    }
}

/// Hidden states of a pass on disk, so that a killed run need not start at the embeddings.
struct Saved {
    path: PathBuf,
}

impl Saved {
    fn write(&self, hidden: &[Tensor], layer: usize) -> Result<(), RunError> {
        let numbers = [("layer", layer), ("samples", hidden.len())];
        let metadata = numbers.map(|(name, number)| (name.to_string(), number.to_string())).into();
        let entry = |(i, sample): (usize, &Tensor)| Entry {
            name: i.to_string(),
            dtype: Dtype::F32,
            dims: sample.dims().to_vec(),
        };
        let entries: Vec<Entry> = hidden.iter().enumerate().map(entry).collect();
        tensors::write(&self.path, &metadata, &entries, |i| {
            let flat = hidden[i].flatten_all()?.to_vec1::<f32>()?;
            Ok::<_, ModelError>(flat.into_iter().flat_map(f32::to_le_bytes).collect())
        })
        .map_err(CacheError::from)??;
        Ok(())
    }

    /// The hidden states, if there are any that do not lie beyond block `first`.
    fn read(&self, first: usize, device: &Device) -> Result<Option<(Vec<Tensor>, usize)>, RunError> {
        if !self.path.exists() {
            return Ok(None);
        }
        let file = ReadArrays::open(&self.path)?;
        let number = |name: &str| -> Result<usize, CacheError> {
            let text = file.metadata(name)?;
            text.parse().map_err(|_| CacheError::Read { path: self.path.clone(), why: format!("{name} is {text:?}") })
        };
        let (layer, samples) = (number("layer")?, number("samples")?);
        if layer > first {
            return Ok(None);
        }
        let mut hidden = Vec::with_capacity(samples);
        for i in 0..samples {
            let (shape, values) = file.f32(&i.to_string())?;
            hidden.push(Tensor::from_vec(values, shape, device).map_err(ModelError::from)?);
        }
        Ok(Some((hidden, layer)))
    }

    fn remove(&self) {
        // A left-over is harmless: it is only read when statistics are missing.
        let _ = atomic::remove(&self.path);
    }
}
