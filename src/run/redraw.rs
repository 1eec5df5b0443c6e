//! `corda report`: tables, figures and pages drawn again from saved results; no model is needed.

use std::path::{Path, PathBuf};

use crate::results::folder::{self, KNOWN, PROVENANCE, Replacement};
use crate::results::provenance::Provenance;
use crate::spec::{Experiment, Loaded};

use super::{Context, RunError, outcome, owner, sweep};

/// Rebuilds tables and figures of an experiment from its saved results; no model is needed.
pub fn report(loaded: &Loaded, context: &Context) -> Result<Vec<PathBuf>, RunError> {
    owner::check_drawn(&loaded.experiment, context)?;
    match &loaded.sweep {
        Some(sweep) => sweep::report(loaded, sweep, context),
        None => one(&loaded.experiment, context),
    }
}

/// Draws the results of one experiment again, or of one variant.
pub(super) fn one(experiment: &Experiment, context: &Context) -> Result<Vec<PathBuf>, RunError> {
    let folder = context.results.join(experiment.folder());
    again(&folder, |provenance, to| outcome::render(experiment, context, provenance, &folder, to).map(drop))
}

/// Draws a folder of saved results again: `draw` makes files in another folder, which then replace those there together.
pub(super) fn again(
    folder: &Path,
    draw: impl FnOnce(&Provenance, &Path) -> Result<(), RunError>,
) -> Result<Vec<PathBuf>, RunError> {
    let provenance = Provenance::read(&folder.join(PROVENANCE))?;
    let bytes = std::fs::read(folder.join(PROVENANCE)).unwrap_or_default();
    // Interrupted while they were drawn again, the rows are all of one run still.
    if folder::unfinished(folder).is_some_and(|marker| marker != bytes) {
        return Err(RunError::Unfinished(folder.into()));
    }
    let new = Replacement::begin(folder)?;
    draw(&provenance, new.staging())?;
    Ok(new.commit(&bytes, &KNOWN)?)
}
