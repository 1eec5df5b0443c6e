//! The calibration stage: the statistics that arms need and the cache lacks.

use std::path::PathBuf;
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};
use rayon::prelude::*;
use safetensors::tensor::Dtype;

use crate::cache::{Cache, CacheError, ReadArrays, save_every};
use crate::calibrate::pass::{Collected, Pass};
use crate::calibrate::{Snapshot, store};
use crate::corpus::sample;
use crate::model::ModelError;
use crate::plan::memory::PassSize;
use crate::plan::{CalibrateStage, Part};
use crate::progress::Unit;
use crate::results::atomic;
use crate::results::provenance::Outcome;
use crate::tensors::{self, Entry};

use super::{Run, RunError, shard};

/// How much work a killed run may lose, at most and roughly: hidden states are saved when this has passed.
const SAVE_EVERY: Duration = Duration::from_secs(30);

/// Runs the pass of one calibration as far as statistics are missing.
pub(super) fn run(run: &Run, calibration: usize) -> Result<Outcome, RunError> {
    let plan = run.plan;
    let cache = &run.context.cache;
    let stages: Vec<_> = plan.calibrate.iter().filter(|stage| stage.calibration == calibration).collect();
    let missing = |part: &Part| -> Vec<Snapshot> {
        let absent = stages.iter().filter(|stage| !cache.part("statistics", &stage.key, &part.name()).exists());
        absent.map(|stage| stage.snapshot).collect()
    };
    let Some(first_stage) = stages.first() else { return Ok(Outcome::Cached) };
    if plan.parts.iter().all(|part| missing(part).is_empty()) {
        return Ok(Outcome::Cached);
    }
    // What another process computes meanwhile is not missing any more.
    let _lock = shard::lock(
        run.context,
        "pass",
        &first_stage.key,
        &format!("calibration {}", run.experiment.calibrations[calibration].name),
    )?;
    let todo: Vec<(&Part, Vec<Snapshot>)> =
        plan.parts.iter().map(|part| (part, missing(part))).filter(|(_, snapshots)| !snapshots.is_empty()).collect();
    let Some((last, _)) = todo.last() else { return Ok(Outcome::Cached) };
    let most = todo.iter().flat_map(|(_, snapshots)| snapshots).map(|s| s.samples).max().unwrap_or(0);
    let outcome = if todo.len() < plan.parts.len() { Outcome::Resumed } else { Outcome::Run };

    let samples = samples(run, calibration, most)?;
    let tokens: u64 = samples.iter().map(|sample| sample.len() as u64).sum();
    let weights = run.model()?.weights.weights();
    let spec = &run.experiment.calibrations[calibration];
    let saved = Saved { path: cache.part("pass", &stages[0].key, &format!("hidden-{most}")) };
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
    let making = run.layout.making(&PassSize::of(run.experiment, run.plan, calibration));
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
            let stages = &stages;
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

fn samples(run: &Run, calibration: usize, count: usize) -> Result<Vec<Vec<u32>>, RunError> {
    let spec = &run.experiment.calibrations[calibration];
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
    stages: &[&CalibrateStage],
    part: &Part,
    snapshots: &[Snapshot],
    collected: &Collected,
    at_once: usize,
) -> Result<(), RunError> {
    for snapshots in snapshots.chunks(at_once) {
        let found = collected.statistics(snapshots)?;
        snapshots.par_iter().zip(&found).try_for_each(|(snapshot, sites)| {
            for stage in stages.iter().filter(|stage| stage.snapshot == *snapshot) {
                store::write(&cache.part("statistics", &stage.key, &part.name()), sites)?;
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
