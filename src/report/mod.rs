//! Tables and figures, all drawn from the saved rows; no model, no measurement, no clock.
//!
//! [`render`] turns the rows of one experiment into `table.md`, `table.tex`, `figure2.svg` and `figure2.png`. The same
//! rows give the same bytes.

use std::path::{Path, PathBuf};

use crate::results::atomic::{self, WriteError};
use crate::results::{AdapterRow, HeatRow, Row};

mod adapters;
mod claims;
mod document;
pub mod figure;
pub mod index;
mod latex;
mod markdown;
mod number;
mod page;
pub mod published;
mod study;
pub mod sweep;

pub use page::Sources;
pub use published::Published;
pub use study::By;

/// What a report says besides its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    /// One line for headings.
    pub title: String,
    /// The experiment's name, as in `experiments/<name>.yaml`.
    pub name: String,
    /// What the experiment asks, if its file says.
    pub description: Option<String>,
    /// The model's name.
    pub model: String,
    /// What the points of a curve count.
    pub by: By,
    /// Settings worth knowing to read the numbers, a line each.
    pub settings: Vec<String>,
    /// Warnings, a line each.
    pub warnings: Vec<String>,
    /// What to cite, a line each.
    pub citations: Vec<String>,
    /// Ids of the arms that take the largest components, of which the paper's orderings do not speak.
    pub largest: Vec<String>,
}

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No rows at all.
    #[error("there are no results to report; run the experiment first: corda run experiments/<name>.yaml")]
    Empty,
    /// A test set without the undamaged model.
    #[error("the results lack the undamaged model on `{evaluation}`; run the experiment again to complete them")]
    NoUndamaged {
        /// Name of the evaluation.
        evaluation: String,
    },
    /// A test set without curves.
    #[error("the results hold no arm on `{evaluation}`; run the experiment again to complete them")]
    NoArms {
        /// Name of the evaluation.
        evaluation: String,
    },
    /// The same measurement twice.
    #[error(
        "the results hold arm `{arm}` on `{evaluation}` twice at {discarded} components; \
         delete the results and run the experiment again"
    )]
    Twice {
        /// Arm's id.
        arm: String,
        /// Name of the evaluation.
        evaluation: String,
        /// Components discarded.
        discarded: u32,
    },
    /// The drawing libraries refused: a bug here, not in the results.
    #[error("cannot draw the figure: {0}; the tables do not depend on it: please report this with results.parquet")]
    Drawing(String),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Writes `table.md`, `table.tex`, `figure2.svg` and `figure2.png` into `out`, each atomically; returns their paths.
///
/// Everything is drawn before anything is written, so that bad rows leave the old report whole.
pub fn render(
    rows: &[Row],
    published: Option<&Published>,
    meta: &Meta,
    out: &Path,
) -> Result<Vec<PathBuf>, ReportError> {
    let tests = study::arrange(rows, meta.by)?;
    let document = document::Document::new(&tests, published, meta);
    let svg = figure::svg(&tests, meta)?;
    let png = figure::png(&svg)?;
    let files = [
        ("table.md", markdown::write(&document).into_bytes()),
        ("table.tex", latex::write(&document).into_bytes()),
        ("figure2.svg", svg.into_bytes()),
        ("figure2.png", png),
    ];
    write(out, files)
}

/// Writes `adapters.md`, `adapters.svg` and `adapters.png`; `rows` are the perplexities without the adapters.
pub fn render_adapters(
    adapters: &[AdapterRow],
    rows: &[Row],
    meta: &Meta,
    out: &Path,
) -> Result<Vec<PathBuf>, ReportError> {
    let subtitle = format!("{}. What adapters carry: means over the linears of a block.", meta.model);
    let svg = figure::layers::svg(&adapters::measures(adapters), meta, &subtitle)?;
    let png = figure::png(&svg)?;
    let table = adapters::table(adapters, rows, meta).into_bytes();
    write(out, [("adapters.md", table), ("adapters.svg", svg.into_bytes()), ("adapters.png", png)])
}

/// Writes `heatmaps.svg` and `heatmaps.png`.
pub fn render_heatmaps(cells: &[HeatRow], meta: &Meta, out: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let svg = figure::heat::svg(cells, meta)?;
    let png = figure::png(&svg)?;
    write(out, [("heatmaps.svg", svg.into_bytes()), ("heatmaps.png", png)])
}

/// Writes `report.html`.
pub fn render_page(sources: &Sources, out: &Path) -> Result<Vec<PathBuf>, ReportError> {
    write(out, [("report.html", page::html(sources)?.into_bytes())])
}

fn write<const N: usize>(out: &Path, files: [(&str, Vec<u8>); N]) -> Result<Vec<PathBuf>, ReportError> {
    let mut paths = Vec::new();
    for (name, bytes) in files {
        let path = out.join(name);
        atomic::write_bytes(&path, &bytes)?;
        paths.push(path);
    }
    Ok(paths)
}

#[cfg(test)]
mod tests;
