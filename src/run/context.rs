//! Where a command reads and writes, and how it reports.

use std::path::PathBuf;

use crate::assets::Store;
use crate::cache::Cache;
use crate::plan::memory::Room;
use crate::progress::Progress;
use crate::spec::Warning;

/// Where things are, and how to report progress.
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
    /// Progress bars and messages.
    pub progress: Progress,
    /// The command line, for the provenance.
    pub command: Vec<String>,
    /// Memory and threads to plan with.
    pub room: Room,
    /// Whether results may replace those of another spec, or of other overrides.
    pub replace: bool,
}

impl Context {
    /// Shows warnings at their places in the spec.
    pub fn warn(&self, warnings: &[Warning]) {
        for warning in warnings {
            self.progress.warn(warning, &warning.kind.to_string(), &warning.span);
        }
    }
}
