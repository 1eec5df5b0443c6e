//! The commands about adapters as files: `corda adapt`, `corda convert`, `corda merge` and `corda logits`.

use std::path::{Path, PathBuf};

use crate::spec::Loaded;

use super::texts::{self, Patience};
use super::{Context, RunError};

mod base;
mod components;
mod convert;
mod files;
mod logits;
mod merge;
mod trained;

pub use convert::convert;
pub use logits::write_logits;
pub use merge::{Measured, merge};

/// Writes the adapters of an experiment below `out/<experiment>/`, a folder each: `<arm>-r<r>/` of the components that an arm
/// takes, or `<learner>-seed<n>/` of a trained model. `only` names some of them; an empty list means all. What they need is
/// computed first, as far as the cache lacks it.
///
/// # Errors
/// Names that no adapter has; a folder that may not be replaced; whatever ends a run.
pub fn adapt(loaded: &Loaded, context: &Context, out: &Path, only: &[String]) -> Result<Vec<PathBuf>, RunError> {
    texts::look_all(loaded, context, Patience::Check)?;
    match loaded.experiment.train {
        Some(_) => trained::write_all(&loaded.experiment, context, out, only),
        None => components::write_all(&loaded.experiment, context, out, only),
    }
}
