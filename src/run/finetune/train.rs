//! The training stage of a learner: a run at each of its learning rates, the choice among them, a run from each further seed.
//!
//! What a run leaves in the cache under its key: the trained weights, its steps, and while it is under way a checkpoint. Of
//! rates that were not chosen only the steps and the validation loss are kept.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::adapt::{Adapter, Split};
use crate::cache::{Arrays, ReadArrays, save_every};
use crate::corpus::records;
use crate::evaluate::responses::response_losses;
use crate::model::llama::Resident;
use crate::plan::TrainStage;
use crate::progress::Unit;
use crate::results::atomic;
use crate::results::provenance::Outcome;
use crate::spec::{self, Corpus};
use crate::train::tokenised::Tokenised;
use crate::train::{self, Settings, Step, TrainError, Trained, Trainer};

use super::rows::learns;
use crate::run::shard::lock;
use crate::run::weights::Truncated;
use crate::run::{Run, RunError};

/// How often a run under way is saved: it is set back by as much when it is killed.
const CHECKPOINT: Duration = Duration::from_secs(120);

/// Examples as tokens, and how many were too long.
pub(in crate::run) struct Lesson {
    pub examples: Vec<Tokenised>,
    pub too_long: usize,
}

/// A learning rate that was tried, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::run) struct Tried {
    pub rate: f64,
    /// Mean loss over the validation examples, nats a response token; infinite where training broke down.
    pub loss: f64,
    /// Validation examples.
    pub examples: usize,
    /// How training broke down, where it did and that was kept.
    pub broke: Option<String>,
}

/// Entry of the metadata beside validation losses that says why there are none.
const BROKE: &str = "broke";

/// Trains what is missing of one learner.
pub(in crate::run) fn run(run: &Run, learner: usize) -> Result<Outcome, RunError> {
    let train = run.training()?;
    let mut all = Vec::new();
    for rate in 0..train.learners[learner].rates.len() {
        let stage = run.trial(learner, rate, 0)?;
        all.push(run.attempt(stage)?);
    }
    let (chosen, _) = match run.chosen(learner) {
        // A cache from before rows of zeros were looked for says only that every rate broke down.
        Err(error @ RunError::NoRate { .. }) => {
            run.trainer(run.trial(learner, 0, 0)?)?;
            return Err(error);
        }
        chosen => chosen?,
    };
    for seed in 0..train.seeds.len() {
        let stage = run.trial(learner, chosen, seed)?;
        all.push(run.trained(stage)?);
    }
    for rate in (0..train.learners[learner].rates.len()).filter(|&rate| rate != chosen) {
        // Large, and of no further use; what they came to is kept.
        let stage = run.trial(learner, rate, 0)?;
        remove(&run.weights_path(stage))?;
        remove(&run.file("trained", &stage.key, "checkpoint"))?;
    }
    let cached = all.iter().filter(|outcome| **outcome == Outcome::Cached).count();
    Ok(match cached {
        0 if all.iter().all(|outcome| *outcome == Outcome::Run) => Outcome::Run,
        n if n == all.len() => Outcome::Cached,
        _ => Outcome::Resumed,
    })
}

fn remove(path: &Path) -> Result<(), RunError> {
    atomic::remove(path).map_err(|source| RunError::Remove { path: path.into(), source })
}

impl Run<'_> {
    /// The spec's `train`.
    pub(in crate::run) fn training(&self) -> Result<&spec::Train, RunError> {
        self.experiment.train.as_ref().ok_or_else(|| RunError::NoTraining(self.experiment.path.clone()))
    }

    /// The run of a learner at one of its rates from one of the seeds.
    pub(in crate::run) fn trial(&self, learner: usize, rate: usize, seed: usize) -> Result<&TrainStage, RunError> {
        let stage = self.plan.training(learner, rate, seed);
        stage.ok_or_else(|| {
            let learner = self.experiment.train.as_ref().and_then(|train| train.learners.get(learner));
            RunError::NotPlanned(format!("no run of {}", learner.map_or("that learner", |one| one.id.as_str())))
        })
    }

    fn file(&self, kind: &str, key: &str, part: &str) -> PathBuf {
        self.context.cache.part(kind, key, part)
    }

    /// Where a run's trained weights are.
    pub(in crate::run) fn weights_path(&self, stage: &TrainStage) -> PathBuf {
        self.file("trained", &stage.key, "weights")
    }

    /// The rates a learner tried, and the index of the one with the least validation loss.
    pub(in crate::run) fn chosen(&self, learner: usize) -> Result<(usize, Vec<Tried>), RunError> {
        let tried = self.tried(learner)?;
        let finite = tried.iter().enumerate().filter(|(_, tried)| tried.loss.is_finite());
        if let Some((chosen, _)) = finite.min_by(|a, b| a.1.loss.total_cmp(&b.1.loss)) {
            return Ok((chosen, tried));
        }
        let why = |one: &Tried| match &one.broke {
            Some(why) => format!("{:e}: {why}", one.rate),
            None => format!("{:e}: the loss on the validation examples is {}", one.rate, one.loss),
        };
        let why = tried.iter().map(why).collect::<Vec<_>>().join("; ");
        Err(RunError::NoRate { learner: self.training()?.learners[learner].id.clone(), why })
    }

    /// Whether a learner got as far as trying all its rates.
    pub(in crate::run) fn has_tried(&self, learner: usize) -> Result<bool, RunError> {
        for rate in 0..self.training()?.learners[learner].rates.len() {
            if !self.file("validation", &self.trial(learner, rate, 0)?.validation, "loss").exists() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The rates a learner tried.
    pub(in crate::run) fn tried(&self, learner: usize) -> Result<Vec<Tried>, RunError> {
        let train = self.training()?;
        let mut tried = Vec::new();
        for (rate, value) in train.learners[learner].rates.iter().enumerate() {
            let stage = self.trial(learner, rate, 0)?;
            let file = ReadArrays::open(&self.file("validation", &stage.validation, "loss"))?;
            let losses = file.f64("losses")?;
            let loss = losses.iter().sum::<f64>() / losses.len() as f64;
            let loss = if losses.is_empty() { f64::INFINITY } else { loss };
            tried.push(Tried { rate: *value, loss, examples: losses.len(), broke: file.metadata(BROKE).ok() });
        }
        Ok(tried)
    }

    /// Tries a learning rate: a run, and the loss on the validation examples. One that breaks down is out of the choice.
    fn attempt(&self, stage: &TrainStage) -> Result<Outcome, RunError> {
        let path = self.file("validation", &stage.validation, "loss");
        if path.exists() {
            return Ok(Outcome::Cached);
        }
        let train = self.training()?;
        let mut broke = None;
        let (outcome, losses) = match self.trained(stage) {
            Ok(outcome) => {
                let lesson = self.lesson(&train.validation, train.validation_examples, train.length)?;
                let weights = match self.weights(stage) {
                    // Another process has measured this rate meanwhile, and done away with the weights.
                    Err(_) if path.exists() => return Ok(Outcome::Cached),
                    weights => weights?,
                };
                (outcome, response_losses(&weights, &lesson.examples)?)
            }
            Err(RunError::Train(error)) if matches!(error, TrainError::NotFinite { .. }) => {
                let line = format!("{}: {error}; this learning rate is out of the choice", self.name(stage));
                self.context.progress.say(&line);
                broke = Some(error.to_string());
                (Outcome::Run, Vec::new())
            }
            Err(error) => return Err(error),
        };
        let mut arrays = Arrays::default();
        arrays.metadata.extend(broke.map(|why| (BROKE.to_string(), why)));
        arrays.push_f64("losses".into(), &[losses.len()], losses.iter().copied());
        arrays.write(&path)?;
        Ok(outcome)
    }

    /// A training run from start to end, from its checkpoint if there is one.
    fn trained(&self, stage: &TrainStage) -> Result<Outcome, RunError> {
        if self.weights_path(stage).exists() {
            // Of a run that was killed right after it had finished.
            remove(&self.file("trained", &stage.key, "checkpoint"))?;
            return Ok(Outcome::Cached);
        }
        let _lock = lock(self.context, "trained", &stage.key, &format!("training {}", self.name(stage)))?;
        if self.weights_path(stage).exists() {
            return Ok(Outcome::Cached);
        }
        let mut trainer = self.trainer(stage)?;
        let bar =
            self.context.progress.bar(format!("train {}", self.name(stage)), trainer.tokens(), Unit::Count("tokens"));
        let checkpoint = self.file("trained", &stage.key, "checkpoint");
        let resumed = trainer.restore(&checkpoint, &stage.key)?;
        bar.advance(trainer.history().iter().map(|step| step.tokens).sum());
        let (every, mut saved) = (save_every(CHECKPOINT), Instant::now());
        while trainer.history().len() < trainer.steps() {
            match trainer.step() {
                Ok(step) => bar.advance(step.tokens),
                Err(error) => {
                    // The step was not taken: what is saved is the last good state, if there was a step.
                    if !trainer.history().is_empty() {
                        trainer.save(&checkpoint, &stage.key)?;
                    }
                    return Err(error.into());
                }
            }
            if saved.elapsed() > every {
                trainer.save(&checkpoint, &stage.key)?;
                saved = Instant::now();
            }
        }
        self.write_steps(stage, trainer.history())?;
        trainer.finished()?.store(&self.weights_path(stage))?;
        remove(&checkpoint)?;
        Ok(if resumed { Outcome::Resumed } else { Outcome::Run })
    }

    /// A run before its first step.
    fn trainer(&self, stage: &TrainStage) -> Result<Trainer, RunError> {
        let spec = self.training()?;
        let lesson = self.lesson(&spec.corpus, spec.examples, spec.length)?;
        Ok(Trainer::new(self.start(stage)?, lesson.examples, self.settings(stage)?)?)
    }

    /// What a run is called in messages.
    pub(in crate::run) fn name(&self, stage: &TrainStage) -> String {
        let Some(train) = &self.experiment.train else { return String::new() };
        let learner = &train.learners[stage.learner];
        format!("{} at {:e} from seed {}", learner.id, learner.rates[stage.rate], train.seeds[stage.seed])
    }

    fn settings(&self, stage: &TrainStage) -> Result<Settings, RunError> {
        let train = self.training()?;
        Ok(Settings {
            epochs: train.epochs,
            batch: train.batch,
            rate: train.learners[stage.learner].rates[stage.rate],
            warmup: train.warmup,
            weight_decay: train.weight_decay,
            clip: train.clip,
            seed: train.seeds[stage.seed],
            ..Settings::default()
        })
    }

    /// The first `examples` of a part, as tokens, without those longer than `length`.
    pub(in crate::run) fn lesson(
        &self,
        corpus: &Corpus,
        examples: Option<usize>,
        length: usize,
    ) -> Result<Lesson, RunError> {
        let opened = self.model()?;
        let all = self.examples(corpus, examples)?;
        let end = opened.eos()?.first().copied();
        let tokenised =
            all.iter().map(|example| Tokenised::new(&opened.tokenizer, &example.prompt, &example.response, end));
        let tokenised = tokenised.collect::<Result<Vec<_>, _>>()?;
        let before = tokenised.len();
        let examples: Vec<Tokenised> = tokenised.into_iter().filter(|one| one.tokens.len() <= length).collect();
        if examples.is_empty() {
            return Err(RunError::AllTooLong { corpus: format!("{}/{}", corpus.name, corpus.split), length });
        }
        Ok(Lesson { too_long: before - examples.len(), examples })
    }

    /// The first `most` examples of a part of a corpus of records.
    pub(in crate::run) fn examples(
        &self,
        corpus: &Corpus,
        most: Option<usize>,
    ) -> Result<Vec<records::Example>, RunError> {
        let crate::corpus::Format::Records(format) = &corpus.format else {
            return Err(RunError::NoRecords { corpus: format!("{}/{}", corpus.name, corpus.split) });
        };
        let mut all = records::examples(format, &corpus.split, &self.files(&corpus.source)?)?;
        all.truncate(most.unwrap_or(usize::MAX));
        Ok(all)
    }

    /// What a learner starts from: a model in memory, and adapters on it.
    pub(in crate::run) fn start(&self, stage: &TrainStage) -> Result<train::Start, RunError> {
        let train = self.training()?;
        let base = self.model()?.weights.weights();
        let start = train.learners[stage.learner].start;
        let (kind, adapted) = learns(self.experiment, start);
        let (base, adapters) = match start {
            spec::Start::Components { arm, point } => self.components(arm, point)?,
            spec::Start::Full | spec::Start::Lora { .. } | spec::Start::Dora { .. } => {
                let seed = train.seeds[stage.seed];
                let random = adapted.iter().map(|(linear, rank)| Adapter::lora(linear, *rank, seed));
                (Resident::collect(base)?, random.collect())
            }
        };
        Ok(train::Start { base, kind, adapters })
    }

    /// The model without the components that an arm takes at a point, and these as adapters.
    pub(in crate::run) fn components(&self, arm: usize, point: usize) -> Result<(Resident, Vec<Adapter>), RunError> {
        let stage = self.plan.decompose.iter().find(|stage| stage.arm == arm);
        let stage = stage.ok_or_else(|| {
            let name = self.experiment.arms.get(arm).map_or("that arm", |arm| arm.id.as_str());
            RunError::NotPlanned(format!("no decomposition of {name}"))
        })?;
        let count = |linear: &crate::model::shape::Linear| self.experiment.discard.components(point, linear);
        let taken = self.taken(stage, &count);
        let adapters = self.adapters_of(&taken, Split::default())?;
        let base = self.model()?.weights.weights();
        Ok((Resident::collect(&Truncated::new(base, taken)?)?, adapters))
    }

    /// The model that a run left, adapters merged.
    pub(in crate::run) fn weights(&self, stage: &TrainStage) -> Result<Resident, RunError> {
        let start = self.start(stage)?;
        let trained = Trained::load(&self.weights_path(stage), &start.base)?;
        Ok(trained.merged(&start.base)?)
    }

    fn write_steps(&self, stage: &TrainStage, steps: &[Step]) -> Result<(), RunError> {
        let rows = steps.iter().flat_map(|s| [s.loss, s.tokens as f64, s.gradient_norm, s.rate, s.seconds]);
        let rows: Vec<f64> = rows.collect();
        let mut arrays = Arrays::default();
        arrays.push_f64("steps".into(), &[steps.len(), 5], rows.iter().copied());
        Ok(arrays.write(&self.file("trained", &stage.key, "steps"))?)
    }

    /// The steps of a finished run.
    pub(in crate::run) fn read_steps(&self, stage: &TrainStage) -> Result<Vec<Step>, RunError> {
        let rows = ReadArrays::open(&self.file("trained", &stage.key, "steps"))?.f64("steps")?;
        let step = |(i, row): (usize, &[f64])| Step {
            step: i + 1,
            loss: row[0],
            tokens: row[1] as u64,
            gradient_norm: row[2],
            rate: row[3],
            seconds: row[4],
        };
        Ok(rows.chunks_exact(5).enumerate().map(step).collect())
    }
}
