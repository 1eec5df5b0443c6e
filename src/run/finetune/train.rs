//! The training stage of a learner: a run at each of its learning rates, the choice among them, a run from each further seed.
//!
//! What a run leaves in the cache under its key: the trained weights, its steps, and while it is under way a checkpoint. Of
//! rates that were not chosen only the steps and the validation loss are kept.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::adapt::{Adapter, Split};
use crate::atomic;
use crate::cache::{Arrays, ReadArrays, save_every};
use crate::corpus::records;
use crate::evaluate::responses::response_losses;
use crate::model::tokenised::Tokenised;
use crate::model::weights::Resident;
use crate::plan;
use crate::plan::Trial;
use crate::progress::Unit;
use crate::results::provenance::Outcome;
use crate::spec::{self, Corpus};
use crate::train::{self, Settings, Step, TrainError, Trained, Trainer};

use super::account;
use super::choice::BROKE;
use super::learns::learns;
use crate::run::RunError;
use crate::run::lock::lock;
use crate::run::session::Run;
use crate::run::weights::Truncated;
use crate::run::work::{Account, Value, Work};

/// How often a run under way is saved: it is set back by as much when it is killed.
const CHECKPOINT: Duration = Duration::from_secs(120);

/// Examples as tokens, and how many were too long.
pub(in crate::run) struct Lesson {
    pub examples: Vec<Tokenised>,
    pub too_long: usize,
}

impl Work for plan::Train {
    fn run(&self, run: &Run) -> Result<Outcome, RunError> {
        learner(run, self.learner)
    }

    fn values(&self, account: &Account) -> Result<Vec<Value>, RunError> {
        Ok(account::runs(self, account).into_iter().collect())
    }

    fn memory(&self, account: &Account) -> u64 {
        account::training(self, account)
    }
}

/// Trains what is missing of one learner.
fn learner(run: &Run, learner: usize) -> Result<Outcome, RunError> {
    let train = run.training()?;
    let mut all = Vec::new();
    for rate in 0..train.learners[learner].rates.len() {
        let trial = run.trial(learner, rate, 0)?;
        all.push(run.attempt(trial)?);
    }
    let (chosen, _) = match run.chosen(learner) {
        // A cache from before rows of zeros were looked for says only that training diverged at every rate.
        Err(error @ RunError::NoRate { .. }) => {
            run.trainer(run.trial(learner, 0, 0)?)?;
            return Err(error);
        }
        chosen => chosen?,
    };
    for seed in 0..train.seeds.len() {
        let trial = run.trial(learner, chosen, seed)?;
        all.push(run.trained(trial)?);
    }
    for rate in (0..train.learners[learner].rates.len()).filter(|&rate| rate != chosen) {
        // Large, and of no further use; what they came to is kept.
        let trial = run.trial(learner, rate, 0)?;
        remove(&run.weights_path(trial))?;
        remove(&run.file("trained", &trial.key, "checkpoint"))?;
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
    pub(in crate::run) fn trial(&self, learner: usize, rate: usize, seed: usize) -> Result<&Trial, RunError> {
        self.plan.trial(learner, rate, seed).ok_or_else(|| {
            let learner = self.experiment.train.as_ref().and_then(|train| train.learners.get(learner));
            RunError::NotPlanned(format!("no run of {}", learner.map_or("that learner", |one| one.id.as_str())))
        })
    }

    pub(super) fn file(&self, kind: &str, key: &str, part: &str) -> PathBuf {
        self.context.cache.part(kind, key, part)
    }

    /// Where a run's trained weights are.
    pub(in crate::run) fn weights_path(&self, trial: &Trial) -> PathBuf {
        self.file("trained", &trial.key, "weights")
    }

    /// Tries a learning rate: a run, and the loss on the validation examples. One at which training diverges is excluded.
    fn attempt(&self, trial: &Trial) -> Result<Outcome, RunError> {
        let path = self.file("validation", &trial.validation, "loss");
        if path.exists() {
            return Ok(Outcome::Cached);
        }
        let train = self.training()?;
        let mut broke = None;
        let (outcome, losses) = match self.trained(trial) {
            Ok(outcome) => {
                let lesson = self.lesson(&train.validation, train.validation_examples, train.length)?;
                let weights = match self.weights(trial) {
                    // Another process has measured this rate meanwhile, and done away with the weights.
                    Err(_) if path.exists() => return Ok(Outcome::Cached),
                    weights => weights?,
                };
                (outcome, response_losses(&weights, &lesson.examples)?)
            }
            Err(RunError::Train(error)) if matches!(error, TrainError::NotFinite { .. }) => {
                let line = format!("{}: {error}; this learning rate is excluded", self.name(trial));
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
    fn trained(&self, trial: &Trial) -> Result<Outcome, RunError> {
        if self.weights_path(trial).exists() {
            // Of a run that was killed right after it had finished.
            remove(&self.file("trained", &trial.key, "checkpoint"))?;
            return Ok(Outcome::Cached);
        }
        let _lock = lock(self.context, "trained", &trial.key, &format!("training {}", self.name(trial)))?;
        if self.weights_path(trial).exists() {
            return Ok(Outcome::Cached);
        }
        let mut trainer = self.trainer(trial)?;
        let bar =
            self.context.progress.bar(format!("train {}", self.name(trial)), trainer.tokens(), Unit::Count("tokens"));
        let checkpoint = self.file("trained", &trial.key, "checkpoint");
        let resumed = trainer.restore(&checkpoint, &trial.key)?;
        bar.advance(trainer.history().iter().map(|step| step.tokens).sum());
        let (every, mut saved) = (save_every(CHECKPOINT), Instant::now());
        while trainer.history().len() < trainer.steps() {
            match trainer.step() {
                Ok(step) => bar.advance(step.tokens),
                Err(error) => {
                    // The step was not taken: what is saved is the last good state, if there was a step.
                    if !trainer.history().is_empty() {
                        trainer.save(&checkpoint, &trial.key)?;
                    }
                    return Err(error.into());
                }
            }
            if saved.elapsed() > every {
                trainer.save(&checkpoint, &trial.key)?;
                saved = Instant::now();
            }
        }
        self.write_steps(trial, trainer.history())?;
        trainer.finished()?.store(&self.weights_path(trial))?;
        remove(&checkpoint)?;
        Ok(if resumed { Outcome::Resumed } else { Outcome::Run })
    }

    /// A run before its first step.
    fn trainer(&self, trial: &Trial) -> Result<Trainer, RunError> {
        let spec = self.training()?;
        let lesson = self.lesson(&spec.corpus, spec.examples, spec.length)?;
        Ok(Trainer::new(self.start(trial)?, lesson.examples, self.settings(trial)?)?)
    }

    /// What a run is called in messages.
    pub(in crate::run) fn name(&self, trial: &Trial) -> String {
        let Some(train) = &self.experiment.train else { return String::new() };
        let learner = &train.learners[trial.learner];
        format!("{} at {:e} from seed {}", learner.id, learner.rates[trial.rate], train.seeds[trial.seed])
    }

    fn settings(&self, trial: &Trial) -> Result<Settings, RunError> {
        let train = self.training()?;
        Ok(Settings {
            epochs: train.epochs,
            batch: train.batch,
            rate: train.learners[trial.learner].rates[trial.rate],
            warmup: train.warmup,
            weight_decay: train.weight_decay,
            clip: train.clip,
            seed: train.seeds[trial.seed],
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
    pub(in crate::run) fn start(&self, trial: &Trial) -> Result<train::Start, RunError> {
        let train = self.training()?;
        let base = self.model()?.weights.weights();
        let start = train.learners[trial.learner].start;
        let (kind, adapted) = learns(self.experiment, start);
        let (base, adapters) = match start {
            spec::Start::Components { arm, point } => self.components(arm, point)?,
            spec::Start::Full | spec::Start::Lora { .. } | spec::Start::Dora { .. } => {
                let seed = train.seeds[trial.seed];
                let random = adapted.iter().map(|(linear, rank)| Adapter::lora(linear, *rank, seed));
                (Resident::collect(base)?, random.collect())
            }
        };
        Ok(train::Start { base, kind, adapters })
    }

    /// The model without the components that an arm takes at a point, and these as adapters.
    pub(in crate::run) fn components(&self, arm: usize, point: usize) -> Result<(Resident, Vec<Adapter>), RunError> {
        let decomposition = self.plan.decomposition(arm).ok_or_else(|| {
            let name = self.experiment.arms.get(arm).map_or("that arm", |arm| arm.id.as_str());
            RunError::NotPlanned(format!("no decomposition of {name}"))
        })?;
        let count = |linear: &crate::model::shape::Linear| self.experiment.discard.components(point, linear);
        let taken = self.taken((arm, &decomposition.key), &count);
        let adapters = self.adapters_of(&taken, Split::default())?;
        let base = self.model()?.weights.weights();
        Ok((Resident::collect(&Truncated::new(base, taken)?)?, adapters))
    }

    /// The model that a run left, adapters merged.
    pub(in crate::run) fn weights(&self, trial: &Trial) -> Result<Resident, RunError> {
        let start = self.start(trial)?;
        let trained = Trained::load(&self.weights_path(trial), &start.base)?;
        Ok(trained.merged(&start.base)?)
    }

    fn write_steps(&self, trial: &Trial, steps: &[Step]) -> Result<(), RunError> {
        let rows = steps.iter().flat_map(|s| [s.loss, s.tokens as f64, s.gradient_norm, s.rate, s.seconds]);
        let rows: Vec<f64> = rows.collect();
        let mut arrays = Arrays::default();
        arrays.push_f64("steps".into(), &[steps.len(), 5], rows.iter().copied());
        Ok(arrays.write(&self.file("trained", &trial.key, "steps"))?)
    }

    /// The steps of a finished run.
    pub(in crate::run) fn read_steps(&self, trial: &Trial) -> Result<Vec<Step>, RunError> {
        let rows = ReadArrays::open(&self.file("trained", &trial.key, "steps"))?.f64("steps")?;
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
