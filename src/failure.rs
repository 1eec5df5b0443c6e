//! What ends a command without success: how it is shown, and the exit status that says so.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

use corda::progress::Progress;
use corda::results::compare::CompareError;
use corda::results::exact::ExactError;
use corda::run::RunError;
use corda::spec::SpecErrors;
use corda::terminal;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// An experiment could not be loaded, planned, run or reported.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Two results could not be compared.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// Two results could not be compared to the bit.
    #[error(transparent)]
    Exact(#[from] ExactError),
    /// There are no results to print.
    #[error("no finished experiment in {}; run one: corda run experiments/<name>.yaml", .0.display())]
    NoResults(PathBuf),
    /// A folder of results is not there, or not complete.
    #[error("{} holds no finished experiment", .0.display())]
    Unfinished(PathBuf),
    /// A new experiment cannot have this name.
    #[error("{0}")]
    Name(String),
    /// A new experiment file cannot be written.
    #[error("{}", cannot_create(.path, .source))]
    Create {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl From<SpecErrors> for Failure {
    fn from(errors: SpecErrors) -> Self {
        Self::Run(errors.into())
    }
}

impl Failure {
    /// The exit status: 2 where what was given is at fault and nothing was begun, else 1.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Run(error) => error.exit_code(),
            Self::Compare(_) | Self::Exact(_) | Self::Name(_) => 2,
            Self::NoResults(_) | Self::Unfinished(_) | Self::Create { .. } => 1,
        })
    }

    /// Shows it on standard error; the errors of an experiment file each at its place.
    pub fn show(&self, progress: &Progress) {
        match self {
            Self::Run(RunError::Spec(errors)) => errors.iter().for_each(|error| progress.fail_at(error)),
            other => progress.fail(&other.to_string()),
        }
    }
}

fn cannot_create(path: &std::path::Path, source: &std::io::Error) -> String {
    let file = path.display();
    let folder = path.parent().unwrap_or(path).display();
    match source.kind() {
        ErrorKind::AlreadyExists => {
            format!("{file} already exists and was not changed: choose another name, or edit that file")
        }
        ErrorKind::NotFound => format!(
            "there is no folder {folder} to write {} into: start corda in the project's folder or below it, make the folder, \
             or name another with --experiments FOLDER",
            path.file_name().unwrap_or_default().display()
        ),
        _ => format!(
            "cannot write {file}: {}; make room or permission there, or name another folder with --experiments FOLDER",
            terminal::reason(source)
        ),
    }
}
