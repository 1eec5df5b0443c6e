//! The experiment files that a command is given: how they are named on the command line, and loading them.

use std::path::PathBuf;
use std::process::ExitCode;

use corda::run::{self, Context, RunError};
use corda::spec::{self, Loaded};
use corda::{model, terminal};

use super::project;

// No doc comment: clap would show it in place of the command's own.
#[derive(clap::Args)]
pub struct Specs {
    /// Experiment files, or names of those in the folder of experiments; a folder of results stands for the spec and the
    /// overrides that wrote it.
    #[arg(required = true, value_name = "SPEC")]
    pub specs: Vec<PathBuf>,
    /// Overrides a key of the spec, e.g. --set evaluate.wiki.windows=4; recorded in the provenance.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Calls the one experiment NAME: its results are those of results/NAME, so that a variant is kept beside the original.
    #[arg(long = "as", value_name = "NAME")]
    pub name: Option<String>,
}

/// Loads every spec before any work starts, then works through them.
pub fn each(
    specs: &Specs,
    context: &Context,
    work: impl Fn(&Loaded) -> Result<(), RunError>,
) -> Result<ExitCode, RunError> {
    each_of(&load(specs, context)?, work)
}

/// Works through them.
pub fn each_of(all: &[Loaded], work: impl Fn(&Loaded) -> Result<(), RunError>) -> Result<ExitCode, RunError> {
    for loaded in all {
        work(loaded)?;
        // The next may take hours.
        terminal::flush();
    }
    Ok(ExitCode::SUCCESS)
}

/// Loads every spec.
pub fn load(specs: &Specs, context: &Context) -> Result<Vec<Loaded>, RunError> {
    if specs.name.is_some() && specs.specs.len() > 1 {
        return Err(RunError::OneName(specs.specs.len()));
    }
    let catalog = project::catalog(&context.experiments)?;
    let shape = |path: &std::path::Path| model::read_shape(path).map_err(|e| e.to_string());
    let mut all = Vec::new();
    for path in &specs.specs {
        let asked = run::owner::asked(path, &context.experiments, &context.results)?;
        let (path, mut overrides, kept) = match asked {
            Some(asked) => (asked.spec, asked.overrides, asked.name),
            None => (path.clone(), Vec::new(), None),
        };
        overrides.extend(specs.overrides.iter().cloned());
        let mut loaded = spec::load(&path, &overrides, &catalog, &shape)?;
        if let Some(name) = specs.name.as_ref().or(kept.as_ref()) {
            loaded.rename(name).map_err(RunError::Name)?;
        }
        all.push(loaded);
    }
    Ok(all)
}
