//! What can end a run: the errors of all the modules below, as they are, and what only a run can find.

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
///
/// Errors of other modules are not boxed. Should one grow until clippy finds the results of functions too large
/// (`result_large_err`), box what is large in that error.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The experiment file is wrong.
    #[error("{0}")]
    Spec(#[from] SpecErrors),
    /// A model or text could not be fetched or verified.
    #[error(transparent)]
    Asset(#[from] AssetError),
    /// Windows that are to begin with a token that the model does not have.
    #[error(
        "evaluation `{evaluation}`: the tokenizer of {model} names no beginning-of-text token for its windows; use \
         `bos: stream` or `bos: none`"
    )]
    NoBos {
        /// Name of the evaluation.
        evaluation: String,
        /// Name of the model.
        model: String,
    },
    /// A text could not be read or sampled.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// A model could not be read or computed with.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An intermediate result could not be read or written.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A calibration pass failed.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    /// A linear could not be decomposed.
    #[error("{arm}: {linear}: {source}")]
    Decomposition {
        /// Id of the arm.
        arm: String,
        /// Hugging Face name of the linear.
        linear: String,
        /// What went wrong.
        source: DecompositionError,
    },
    /// Results could not be read or written.
    #[error(transparent)]
    Results(#[from] results::Error),
    /// The provenance of earlier results could not be read.
    #[error(transparent)]
    Provenance(#[from] ReadError),
    /// The report could not be made.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// An adapter could not be read or used.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// Adapters were asked of an experiment without any.
    #[error("{} has no `adapters` section; add `adapters: {{}}` to write its components as adapters", .0.display())]
    NoAdapters(PathBuf),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A learner diverged at every learning rate.
    #[error("{learner}: training diverged at every learning rate ({why}); list lower ones under `rates`")]
    NoRate {
        /// The learner.
        learner: String,
        /// How it went at the last rate.
        why: String,
    },
    /// Some learners failed; those that did not have their results.
    #[error(
        "{}{}",
        .failed.join("\n"),
        if *.others { "\nThe other learners are not affected, and their results are kept" } else { "" }
    )]
    Learners {
        /// Why each failed.
        failed: Vec<String>,
        /// Whether there are learners that did not fail.
        others: bool,
    },
    /// A corpus of plain text where questions or examples are needed.
    #[error("{corpus} is plain text; fine-tuning and questions need `format: {{records: ...}}`, prompts with answers")]
    NoRecords {
        /// Name of the corpus.
        corpus: String,
    },
    /// The plan lacks something that the experiment asks for.
    #[error("the plan lacks {0}, although the experiment asks for it; this is a bug in corda: please report it")]
    NotPlanned(String),
    /// No example is short enough.
    #[error("no example of {corpus} has at most {length} tokens; raise `train.length`")]
    AllTooLong {
        /// Name of the corpus.
        corpus: String,
        /// The longest that an example may be, in tokens.
        length: usize,
    },
    /// A file that is no longer needed could not be removed.
    #[error("cannot remove {path}: {source}")]
    Remove {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Fine-tuning was asked of an experiment without any.
    #[error("{} has no `train` section", .0.display())]
    NoTraining(PathBuf),
    /// The device asked for cannot be used.
    #[error("{0}")]
    Device(String),
    /// A path that a Snakefile cannot hold.
    #[error(
        "{} {why}, so a Snakefile cannot name it: choose other folders with --results and --cache", .path.display()
    )]
    NotInSnakefile {
        /// The path.
        path: PathBuf,
        /// What stands in the way.
        why: &'static str,
    },
    /// No stage of that name.
    #[error("there is no stage `{name}` here; there are: `{known}`")]
    NoSuchStage {
        /// As asked.
        name: String,
        /// The stages there are.
        known: String,
    },
    /// No adapter of that name.
    #[error("there is no adapter `{name}` here; there are: {known}")]
    NoSuchAdapter {
        /// As asked.
        name: String,
        /// The adapters there are.
        known: String,
    },
    /// A run would replace the results of another spec.
    #[error(
        "{} holds the results of {wrote}, and this is {given}: add `--as NAME` to write to another folder of results, or \
         `--replace` to replace these",
        .folder.display()
    )]
    OtherSpec {
        /// The folder of results.
        folder: PathBuf,
        /// What wrote them.
        wrote: String,
        /// What was given.
        given: String,
    },
    /// A report would be drawn from the results of another spec.
    #[error(
        "{} holds the results of {wrote}, and this is {given}: draw them again with the spec and the overrides that wrote \
         them; `--as NAME` names another folder of results",
        .folder.display()
    )]
    OthersResults {
        /// The folder of results.
        folder: PathBuf,
        /// What wrote them.
        wrote: String,
        /// What was given.
        given: String,
    },
    /// A folder whose files are of two runs.
    #[error("{} is incomplete: a run ended while it wrote these results; run the experiment again", .0.display())]
    Unfinished(PathBuf),
    /// Two experiments of one call have the same name.
    #[error(
        "{first} and {second} are both called `{name}`: the second would replace the first's results; run them one by one, \
         with `--as NAME` for one of them"
    )]
    SameName {
        /// The name.
        name: String,
        /// A spec.
        first: String,
        /// Another.
        second: String,
    },
    /// `--as` with several specs.
    #[error("--as names one experiment, and there are {0} specs here: run them one by one")]
    OneName(usize),
    /// The spec of results is not in the folder of experiments, and its place is not known.
    #[error("the spec that wrote {} is not in the folder of experiments: name the file", .0.display())]
    SpecElsewhere(PathBuf),
    /// Results of one variant, where those of the sweep are meant.
    #[error("{} holds the results of {variant}, one variant of a sweep: give {}, or the spec", .folder.display(), .sweep.display())]
    OfVariant {
        /// The folder of results.
        folder: PathBuf,
        /// The variant.
        variant: String,
        /// The folder of the sweep.
        sweep: PathBuf,
    },
    /// Results that were moved or copied.
    #[error("{} is not at {}, where its results belong: name the spec file, and add `--as NAME` for results under another name", .folder.display(), .place.display())]
    Misplaced {
        /// The folder of results.
        folder: PathBuf,
        /// Where they were written.
        place: PathBuf,
    },
    /// Results of an earlier state of the spec.
    #[error("{} was computed with {key} = {then}, and the spec says {now}: run the experiment again, or restore the spec", .folder.display())]
    Outdated {
        /// The folder of results.
        folder: PathBuf,
        /// The key that differs.
        key: String,
        /// What it was.
        then: String,
        /// What it is.
        now: String,
    },
    /// An output would replace an input.
    #[error("{} would replace {}, which is read: name another folder for the output", .out.display(), .input.display())]
    OverInput {
        /// The output.
        out: PathBuf,
        /// The input.
        input: PathBuf,
    },
    /// A file has the place of a folder of results.
    #[error("{} is a file, and results need a folder of that name: move it, or use `--as NAME` or --results", .0.display())]
    NotAFolder(PathBuf),
    /// A name that no experiment may have.
    #[error("--as: {0}")]
    Name(String),
    /// The experiment could not be serialised.
    #[error("the experiment cannot be written to the provenance: {0}; this is a bug in corda: please report it")]
    Record(#[from] serde_json::Error),
    /// A sweep, where one experiment is needed.
    #[error("{} is a sweep of {variants} variants, and this takes one experiment: add `--set sweep=null`, and `--set {example}` for one of them", .path.display())]
    Swept {
        /// The spec.
        path: PathBuf,
        /// How many variants it has.
        variants: usize,
        /// The overrides of one of them.
        example: String,
    },
}

impl RunError {
    /// The exit status of a program that ends for it: 2 if the experiment file is wrong, so that nothing was begun, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Spec(_) => 2,
            _ => 1,
        }
    }
}
