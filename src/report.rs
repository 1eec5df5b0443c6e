//! Tables and figures, all drawn from the saved rows; no model, no measurement, no clock.
//!
//! [`render`] turns the rows of one experiment into `table.md`, `table.tex` and two figures, `figure2` and `parameters`;
//! a figure is three files, `.svg`, `.png` and `.pdf`. The same rows give the same bytes.
//!
//! Data flow one way: rows are arranged (`study`, `finetune`), arranged rows become tables (`table`) and claims (`claims` is the
//! engine, its rules are data), these become files (`document`) or the page (`page`); `sweep` stands above the page.
//!
//! | in the paper | here |
//! |---|---|
//! | Table 6 | tables in `study/tables.rs`, compared by the rules in `study/claims.rs` |
//! | Tables 1, 2 and 4 | tables in `finetune/tables.rs`, compared by the rules in `finetune/rules.rs` |
//! | Figure 2 | `figure.rs`, the function `study` |
//! | Figure 3 | `finetune/figures/training.rs` |

use std::path::{Path, PathBuf};

use crate::atomic::{self, WriteError};
use crate::results::{AdapterRow, HeatRow, Row, SpectrumRow, WindowRow};

mod adapters;
pub(crate) mod card;
mod claims;
mod document;
mod figure;
mod finetune;
mod html;
pub mod index;
mod latex;
mod markdown;
mod number;
mod page;
mod spread;
mod study;
pub(crate) mod sweep;
mod table;

pub use crate::spec::Published;
pub use finetune::{Tested, Trained};
pub use page::Sources;
pub use study::By;
pub(crate) use study::distinct;

/// What a report says besides its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    /// One line for headings.
    pub title: String,
    /// The experiment's name, that of its results folder.
    pub name: String,
    /// The spec file, as results record it.
    pub file: String,
    /// The command line that draws the report again.
    pub command: String,
    /// What the experiment asks, if its file says.
    pub description: Option<String>,
    /// The model's name.
    pub model: String,
    /// What the points of a curve count.
    pub by: By,
    /// Settings worth knowing to read the numbers, one line each.
    pub settings: Vec<String>,
    /// Warnings, one line each.
    pub warnings: Vec<String>,
    /// What to cite, one line each.
    pub citations: Vec<String>,
    /// Ids of the arms that take the largest components, of which the paper's orderings do not speak.
    pub largest: Vec<String>,
    /// What each point of a curve drops, ascending, the point at 0 included.
    pub parameters: Vec<Parameters>,
}

/// What a point of a curve drops of the target linears' parameters, over all of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// Where the point stands, as [`By::place`] says.
    pub place: f64,
    /// Share of the parameters dropped: a d x n matrix of rank k has k (d + n - k), its degrees of freedom.
    pub dropped: f64,
    /// What two factors of the ranks kept, k (d + n) numbers a linear, take of the linears' own parameters; above 1
    /// where they take more.
    pub factored: f64,
}

impl Meta {
    /// What the point at `place` drops, if that is known.
    pub fn parameters(&self, place: f64) -> Option<&Parameters> {
        self.parameters.iter().find(|parameters| parameters.place == place)
    }
}

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No rows at all.
    #[error("there are no results to report; run the experiment first: corda run experiments/<name>.yaml")]
    Empty,
    /// A test set, by its name, without the undamaged model.
    #[error("the results lack the undamaged model on `{0}`; run the experiment again to complete them")]
    NoUndamaged(String),
    /// A test set, by its name, without curves.
    #[error("the results hold no arm on `{0}`; run the experiment again to complete them")]
    NoArms(String),
    /// The same measurement twice: arm, evaluation, components discarded.
    #[error(
        "the results hold arm `{0}` on `{1}` twice at {2} components; delete the results and run the experiment again"
    )]
    Twice(String, String, u32),
    /// A measure of trained models whose kind nobody knows: its kind, its name.
    #[error(
        "the results hold a measure of kind `{0}` on `{1}`, which this version does not know; run the experiment again"
    )]
    Kind(String, String),
    /// The same measurement of a learner twice: learner, measure.
    #[error("the results hold learner `{0}` on `{1}` twice from one seed; delete them and run the experiment again")]
    TrainedTwice(String, String),
    /// A page could not be filled in: a bug here, not in the results.
    #[error("cannot fill in the template {0}: {1}; this is a fault of corda, not of the results: please report it")]
    Template(&'static str, askama::Error),
    /// The drawing libraries refused: a bug here, not in the results.
    #[error("cannot draw the figure: {0}; the tables do not depend on it: please report this with results.parquet")]
    Drawing(String),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Writes `table.md`, `table.tex` and the figures `figure2` and `parameters` into `out`, each file atomically; returns
/// their paths. `windows` are the losses behind the rows.
///
/// Everything is drawn before anything is written, so that bad rows leave the old report whole.
pub fn render(
    rows: &[Row],
    windows: &[WindowRow],
    published: Option<&Published>,
    meta: &Meta,
    out: &Path,
) -> Result<Vec<PathBuf>, ReportError> {
    let tests = study::arrange(rows, meta.by)?;
    let sections = study::tables::sections(&tests, published, meta);
    let beside = study::claims::Beside::new(&tests, windows, published, meta);
    let mut files = vec![
        ("table.md".into(), study::tables::markdown(&sections, beside.as_ref(), meta).into_bytes()),
        ("table.tex".into(), study::tables::latex(&sections, meta).into_bytes()),
    ];
    files.extend(figure("figure2", figure::study(&tests, published, meta)?, meta)?);
    files.extend(figure("parameters", figure::parameters(&tests, meta)?, meta)?);
    write(out, files)
}

/// Writes `adapters.md` and the figure `adapters`; `rows` are the perplexities without the adapters.
pub fn render_adapters(
    adapters: &[AdapterRow],
    rows: &[Row],
    meta: &Meta,
    out: &Path,
) -> Result<Vec<PathBuf>, ReportError> {
    let svg = adapters::figure::svg(adapters, meta)?;
    let mut files = vec![("adapters.md".into(), adapters::table(adapters, rows, meta).into_bytes())];
    files.extend(figure("adapters", svg, meta)?);
    write(out, files)
}

/// Writes the figure `heatmaps`.
pub fn render_heatmaps(cells: &[HeatRow], meta: &Meta, out: &Path) -> Result<Vec<PathBuf>, ReportError> {
    write(out, figure("heatmaps", figure::heat::svg(cells, meta)?, meta)?)
}

/// Writes the figure `spectra`, with the energy of the `last` components of each marked.
pub fn render_spectra(rows: &[SpectrumRow], last: usize, meta: &Meta, out: &Path) -> Result<Vec<PathBuf>, ReportError> {
    write(out, figure("spectra", figure::spectra::svg(rows, last, meta)?, meta)?)
}

/// Writes `trained.md`, `trained.tex` and the figures `training` (where there are steps) and `kept` (where there are
/// measures of task and knowledge).
pub fn render_trained(trained: &Trained, meta: &Meta, out: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let study = finetune::Study::new(trained)?;
    let mut files = vec![
        ("trained.md".into(), finetune::markdown(&study, meta).into_bytes()),
        ("trained.tex".into(), finetune::latex(&study, meta).into_bytes()),
    ];
    if trained.has_kept() {
        files.extend(figure("kept", finetune::figures::kept::svg(&study, meta)?, meta)?);
    }
    if !trained.steps.is_empty() {
        files.extend(figure("training", finetune::figures::training::svg(&study, meta)?, meta)?);
    }
    write(out, files)
}

/// Writes `report.html`.
pub fn render_page(sources: &Sources, out: &Path) -> Result<Vec<PathBuf>, ReportError> {
    write(out, [("report.html".into(), page::html(sources)?.into_bytes())])
}

/// A file's name and content.
type File = (String, Vec<u8>);

/// The three files of a figure.
fn figure(name: &str, svg: String, meta: &Meta) -> Result<[File; 3], ReportError> {
    let (png, pdf) = (figure::png(&svg)?, figure::pdf(&svg, &meta.title)?);
    Ok([(format!("{name}.svg"), svg.into_bytes()), (format!("{name}.png"), png), (format!("{name}.pdf"), pdf)])
}

fn write(out: &Path, files: impl IntoIterator<Item = File>) -> Result<Vec<PathBuf>, ReportError> {
    let one = |(name, bytes): File| {
        let path = out.join(name);
        atomic::write_bytes(&path, &bytes)?;
        Ok(path)
    };
    files.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests;
