//! Whether saved results are up to date: a run then has nothing to do.

use std::path::Path;

use crate::plan::Plan;
use crate::results;
use crate::results::folder::{self, PROVENANCE, TIMINGS};
use crate::results::provenance::Provenance;
use crate::spec::Experiment;

use super::outcome::{files, kept, results_key};
use super::{Context, RunError, products, redraw};

/// Whether the folder has the results of this very plan, and the cache all that they rest on.
pub(super) fn is_current(
    plan: &Plan,
    experiment: &Experiment,
    context: &Context,
    folder: &Path,
) -> Result<bool, RunError> {
    if !holds(folder, &files(experiment), &results_key(plan, experiment)?, experiment)? {
        return Ok(false);
    }
    for product in products::of(experiment) {
        if !product.is_current(plan, context, folder)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a folder has these files, complete, of the results with this key, drawn with the words of the experiment.
pub(super) fn holds(folder: &Path, files: &[&str], key: &str, experiment: &Experiment) -> Result<bool, RunError> {
    // Earlier versions had no file of times, which are no results.
    let mut needed = files.iter().filter(|file| **file != TIMINGS).map(|file| folder.join(file));
    if !folder::is_whole(folder) || !needed.all(|path| is_there(&path)) {
        return Ok(false);
    }
    let Ok(provenance) = Provenance::read(&folder.join(PROVENANCE)) else { return Ok(false) };
    Ok(provenance.results_key == key && redraw::same_words(&provenance.spec, &experiment.recorded()?))
}

/// Whether a file is there and, of rows, as it was written.
fn is_there(path: &Path) -> bool {
    path.is_file() && (path.extension().is_none_or(|end| end != "parquet") || results::is_intact(path))
}

/// Removes what an earlier shape of the experiment left beside results that are current.
pub(super) fn tidy(experiment: &Experiment, folder: &Path) -> Result<(), RunError> {
    folder::clear(folder, &kept(experiment, folder))?;
    if experiment.variant.is_none() {
        folder::clear_variants(folder, None, &[])?;
    }
    Ok(())
}
