//! What an experiment produces: the trait of a product, and what its parts of a results folder are drawn into.
//!
//! A product is a type with the files of the results folder that are its own, the rows it writes, the check whether saved rows
//! are still current, and its tables and figures. The stages that compute it are in `plan`; `products` lists all products.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::plan::Plan;
use crate::report::{Meta, Published};
use crate::results::{Row, TimingRow, WindowRow};
use crate::spec::Scores;

use super::saved::Saved;
use super::session::Run;
use super::{Context, RunError};

/// Something that an experiment produces.
pub(super) trait Product {
    /// Its files; all of them make it complete.
    fn files(&self) -> Vec<&'static str>;

    /// Its files that are there only in some cases, of those in a folder.
    fn more_files(&self, _folder: &Path) -> Vec<&'static str> {
        Vec::new()
    }

    /// The content keys that its rows rest on, by the name under which they enter the key of the results.
    fn keys(&self, plan: &Plan) -> Vec<(&'static str, Value)>;

    /// Whether the saved rows of a folder whose key is right are complete, and the cache has what they rest on.
    fn is_current(&self, _plan: &Plan, _context: &Context, _folder: &Path) -> Result<bool, RunError> {
        Ok(true)
    }

    /// Writes its rows; returns warnings for the page, a line each.
    fn write(&self, run: &Run, to: &Path) -> Result<Vec<String>, RunError>;

    /// Draws its tables and figures from the rows of a folder, and hands the page what it shows. Products are drawn in the order
    /// of `products`; a later one may use the page's rows of an earlier one.
    fn render(&self, drawing: &mut Drawing) -> Result<(), RunError>;

    /// Whether a variant of a sweep needs no folder of its own for it: its rows are in the files over all variants, or of little
    /// use there.
    fn is_in_a_sweep(&self) -> bool {
        false
    }

    /// What it is made of when results are written, if that is worth a line in `corda plan`: a name, a count and its unit.
    fn drawn(&self, _plan: &Plan) -> Option<(&'static str, usize, &'static str)> {
        None
    }
}

/// Tables and figures that are being drawn from the rows of one folder into another (or the same).
pub(super) struct Drawing<'a> {
    pub meta: &'a Meta,
    /// The paper's curves, if the experiment names any.
    pub published: Option<&'a Published>,
    /// The paper's scores of fine-tuned models, if the experiment names any.
    pub scores: Option<&'a Scores>,
    /// Where the rows are.
    pub folder: &'a Path,
    /// Where files go.
    pub to: &'a Path,
    /// What was written.
    pub written: Vec<PathBuf>,
    /// Rows that the page shows.
    pub page: PageRows,
}

/// Rows that the page of an experiment shows.
#[derive(Default)]
pub(super) struct PageRows {
    pub rows: Vec<Row>,
    pub windows: Vec<WindowRow>,
    pub timings: Vec<TimingRow>,
    pub trained: Option<Saved>,
}
