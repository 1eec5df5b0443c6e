//! An experiment under way: its plan, what is open and in memory, and the stages that were timed.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use crate::assets::Source;
use crate::corpus::{self, Text};
use crate::plan::Plan;
use crate::plan::memory::Layout;
use crate::results::machine;
use crate::results::provenance::{Asset, Git, Outcome, Stage};
use crate::spec::{Corpus, Experiment};

use super::opened::Opened;
use super::{Context, RunError, sources};

/// A run in progress.
pub(super) struct Run<'a> {
    pub experiment: &'a Experiment,
    pub plan: &'a Plan,
    pub context: &'a Context,
    /// What was done so far, for the provenance.
    pub stages: Vec<Stage>,
    /// Learners without results.
    pub failures: Vec<Failure>,
    pub held: Rc<Held>,
    pub layout: Layout,
}

/// A learner that failed while others of the same experiment may succeed.
pub(super) struct Failure {
    /// Its index in the spec's learners.
    pub learner: usize,
    pub why: String,
}

/// What stays in memory once a stage has needed it; runs on the same model may share it.
#[derive(Default)]
pub(super) struct Held {
    texts: RefCell<HashMap<String, Rc<Text>>>,
    opened: OnceCell<Opened>,
    git: OnceCell<Option<Git>>,
}

impl Held {
    /// Nothing but the state of the checkout.
    pub fn with_git(git: Option<Git>) -> Rc<Self> {
        Rc::new(Self { git: OnceCell::from(git), ..Self::default() })
    }

    /// The state of the checkout before results of this very run change it.
    pub fn git(&self) -> &Option<Git> {
        self.git.get_or_init(|| Git::read(Path::new(".")))
    }
}

impl<'a> Run<'a> {
    pub fn new(experiment: &'a Experiment, plan: &'a Plan, context: &'a Context) -> Self {
        Self::sharing(Rc::default(), experiment, plan, context)
    }

    /// A run that shares what is in memory with others.
    pub fn sharing(held: Rc<Held>, experiment: &'a Experiment, plan: &'a Plan, context: &'a Context) -> Self {
        let layout = Layout::new(&experiment.model.shape, context.room);
        Self { experiment, plan, context, stages: Vec::new(), failures: Vec::new(), held, layout }
    }

    /// Times a stage and keeps it for the provenance.
    pub fn stage<T>(
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

    /// The assets that a run rests on, fetched if they are not there.
    pub fn fetched(&mut self) -> Result<Vec<Asset>, RunError> {
        self.stage("fetch assets", |run| Ok((Outcome::Cached, sources::fetch(run.experiment, run.context)?)))
    }

    /// The model and its tokenizer; read the first time a stage needs them.
    pub fn model(&self) -> Result<&Opened, RunError> {
        if let Some(opened) = self.held.opened.get() {
            return Ok(opened);
        }
        let files = self.files(&self.experiment.model.source)?;
        let opened = Opened::open(self.experiment, &files, &self.layout, self.context)?;
        Ok(self.held.opened.get_or_init(|| opened))
    }

    /// The text of a corpus; read the first time.
    pub fn text(&self, corpus: &Corpus) -> Result<Rc<Text>, RunError> {
        let id = corpus.id();
        if let Some(text) = self.held.texts.borrow().get(&id) {
            return Ok(text.clone());
        }
        let text = Rc::new(corpus::read(&corpus.format, &corpus.split, &self.files(&corpus.source)?)?);
        self.held.texts.borrow_mut().insert(id, text.clone());
        Ok(text)
    }

    pub fn files(&self, source: &Source) -> Result<Vec<PathBuf>, RunError> {
        let fetched = self.context.store.fetch(source, &self.context.progress)?;
        Ok(fetched.files.into_values().map(|file| file.path).collect())
    }
}
