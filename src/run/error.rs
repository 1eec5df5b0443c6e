//! What can end a run.

use std::path::PathBuf;

use crate::adapt::peft::AdapterError;
use crate::assets::AssetError;
use crate::atomic::WriteError;
use crate::cache::CacheError;
use crate::calibrate::CalibrationError;
use crate::corpus::CorpusError;
use crate::decompose::DecompositionError;
use crate::model::ModelError;
use crate::report::ReportError;
use crate::results::{self, provenance::ReadError};
use crate::spec::SpecErrors;
use crate::train::TrainError;

/// What can end a run. The message is for the person at the terminal.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum RunError {
    #[error("{0}")]
    Spec(#[from] SpecErrors),
    #[error(transparent)]
    Asset(Box<AssetError>),
    #[error(transparent)]
    Corpus(Box<CorpusError>),
    #[error(transparent)]
    Model(Box<ModelError>),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error(transparent)]
    Calibration(Box<CalibrationError>),
    #[error("{arm}: {linear}: {source}")]
    Decomposition { arm: String, linear: String, source: DecompositionError },
    #[error(transparent)]
    Results(Box<results::Error>),
    #[error(transparent)]
    Provenance(Box<ReadError>),
    #[error(transparent)]
    Report(Box<ReportError>),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Adapter(Box<AdapterError>),
    #[error("{} has no `adapters` section; add `adapters: {{}}` to write its components as adapters", .0.display())]
    NoAdapters(PathBuf),
    #[error(transparent)]
    Train(Box<TrainError>),
    #[error("{learner}: training broke down at every learning rate ({why}); list lower ones under `rates`")]
    NoRate { learner: String, why: String },
    #[error("{}{}", .failed.join("\n"), if *.others { "\nThe other learners are not affected, and their results are kept" } else { "" })]
    Learners { failed: Vec<String>, others: bool },
    #[error("{corpus} is plain text; fine-tuning and questions need `format: {{records: ...}}`, prompts with answers")]
    NoRecords { corpus: String },
    #[error("the plan has {0}, though the experiment asks for it; this is a fault of corda: please report it")]
    NotPlanned(String),
    #[error("no example of {corpus} has at most {length} tokens; raise `train.length`")]
    AllTooLong { corpus: String, length: usize },
    #[error("cannot remove {path}: {source}")]
    Remove { path: PathBuf, source: std::io::Error },
    #[error("{} has no `train` section", .0.display())]
    NoTraining(PathBuf),
    #[error("{0}")]
    Device(String),
    #[error("{} {why}, so it cannot stand in a Snakefile: choose other folders with --results and --cache", .path.display())]
    NotInSnakefile { path: PathBuf, why: &'static str },
    #[error("there is no stage `{name}` here; there are: `{known}`")]
    NoSuchStage { name: String, known: String },
    #[error("there is no adapter `{name}` here; there are: {known}")]
    NoSuchAdapter { name: String, known: String },
    #[error(
        "{} holds the results of {wrote}, and this is {given}: add `--as NAME` to write to another folder of results, or \
         `--replace` to replace these",
        .folder.display()
    )]
    OtherSpec { folder: PathBuf, wrote: String, given: String },
    #[error(
        "{} holds the results of {wrote}, and this is {given}: draw them again with the spec and the overrides that wrote \
         them; `--as NAME` names another folder of results",
        .folder.display()
    )]
    OthersResults { folder: PathBuf, wrote: String, given: String },
    #[error("{} is there in part only: a run was ended while it wrote these results; run the experiment again", .0.display())]
    Unfinished(PathBuf),
    #[error(
        "{first} and {second} are both called `{name}`: the second would replace the first's results; run them one by one, \
         with `--as NAME` for one of them"
    )]
    SameName { name: String, first: String, second: String },
    #[error("--as names one experiment, and there are {0} specs here: run them one by one")]
    OneName(usize),
    #[error("the spec that wrote {} is in another folder than the experiments: name the file", .0.display())]
    SpecElsewhere(PathBuf),
    #[error("{} holds the results of {variant}, one variant of a sweep: give {}, or the spec", .folder.display(), .sweep.display())]
    OfVariant { folder: PathBuf, variant: String, sweep: PathBuf },
    #[error("{} holds results whose place is {}: give the spec, with `--as NAME` for results of another name", .folder.display(), .place.display())]
    Misplaced { folder: PathBuf, place: PathBuf },
    #[error("{} was computed with {key} = {then}, and the spec says {now}: run the experiment again, or restore the spec", .folder.display())]
    Outdated { folder: PathBuf, key: String, then: String, now: String },
    #[error("{} would replace {}, which is read: name another folder for the output", .out.display(), .input.display())]
    OverInput { out: PathBuf, input: PathBuf },
    #[error("{} is a file, and results need a folder of that name: move it, or use `--as NAME` or --results", .0.display())]
    NotAFolder(PathBuf),
    #[error("--as: {0}")]
    Name(String),
    #[error(
        "the experiment cannot be written down for the provenance: {0}; this is a fault of corda: please report it"
    )]
    Record(#[from] serde_json::Error),
    #[error("{} is a sweep of {variants} variants, and this takes one experiment: add `--set sweep=null`, and `--set {example}` for one of them", .path.display())]
    Swept { path: PathBuf, variants: usize, example: String },
}

/// Large errors are boxed, so that a result stays small where nothing goes wrong.
macro_rules! boxed {
    ($($variant:ident: $source:ty),* $(,)?) => {
        $(impl From<$source> for RunError {
            fn from(source: $source) -> Self {
                Self::$variant(Box::new(source))
            }
        })*
    };
}

boxed!(
    Adapter: AdapterError,
    Asset: AssetError,
    Corpus: CorpusError,
    Model: ModelError,
    Calibration: CalibrationError,
    Results: results::Error,
    Provenance: ReadError,
    Report: ReportError,
    Train: TrainError,
);
