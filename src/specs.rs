//! The experiment files that a command is given: loading them, and doing one after the other.

use std::path::Path;

use corda::run::{self, Context, RunError};
use corda::spec::{self, Loaded};
use corda::{model, terminal};

use crate::cli::Specs;
use crate::project;

/// Loads every spec before any work starts, then works through them.
pub fn each(specs: &Specs, context: &Context, work: impl Fn(&Loaded) -> Result<(), RunError>) -> Result<(), RunError> {
    each_of(&load(specs, context)?, work)
}

/// Works through them.
pub fn each_of(all: &[Loaded], work: impl Fn(&Loaded) -> Result<(), RunError>) -> Result<(), RunError> {
    for loaded in all {
        work(loaded)?;
        // The next may take hours.
        terminal::flush();
    }
    Ok(())
}

/// Loads every spec.
pub fn load(specs: &Specs, context: &Context) -> Result<Vec<Loaded>, RunError> {
    if specs.name.is_some() && specs.specs.len() > 1 {
        return Err(RunError::OneName(specs.specs.len()));
    }
    let catalog = project::catalog(&context.experiments)?;
    let shape = |path: &Path| model::read_shape(path).map_err(|e| e.to_string());
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
