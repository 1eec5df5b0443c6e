//! Tables, figures and the page of an experiment, from saved rows; no model is needed.

use std::path::{Path, PathBuf};

use crate::report;
use crate::results;
use crate::results::folder::TIMINGS;
use crate::results::provenance::Provenance;
use crate::spec::{Experiment, Publication};

use super::meta::meta;
use super::product::{Drawing, PageRows};
use super::{Context, RunError, products};

/// Draws tables, figures and the page into a folder, from the rows that are saved in another or in the same.
pub(super) fn draw(
    experiment: &Experiment,
    context: &Context,
    provenance: &Provenance,
    folder: &Path,
    to: &Path,
) -> Result<Vec<PathBuf>, RunError> {
    let meta = meta(experiment, provenance);
    let (published, scores) = match publication(experiment, context)? {
        Some(Publication::Curves(curves)) => (Some(curves), None),
        Some(Publication::Scores(scores)) => (None, Some(scores)),
        None => (None, None),
    };
    let mut page = PageRows::default();
    if folder.join(TIMINGS).is_file() {
        page.timings = results::read_rows(&folder.join(TIMINGS))?;
    }
    let (published, scores) = (published.as_ref(), scores.as_ref());
    let mut drawing = Drawing { meta: &meta, published, scores, folder, to, written: Vec::new(), page };
    for product in products::of(experiment) {
        product.render(&mut drawing)?;
    }
    let Drawing { mut written, page, .. } = drawing;
    let trained = page.trained.as_ref().map(|saved| saved.trained());
    let sources = report::Sources {
        meta: &meta,
        provenance,
        rows: &page.rows,
        windows: &page.windows,
        timings: &page.timings,
        published,
        figures: figures(&written)?,
        sweep: None,
        trained: trained.as_ref(),
    };
    written.extend(report::render_page(&sources, to)?);
    Ok(written)
}

/// The SVG files of those written, by name.
fn figures(written: &[PathBuf]) -> Result<Vec<(String, String)>, results::Error> {
    let figures = written.iter().filter(|path| path.extension().is_some_and(|e| e == "svg"));
    let read = |path: &PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let svg = std::fs::read_to_string(path);
        Ok((name, svg.map_err(|source| results::Error::Read { path: path.clone(), source })?))
    };
    figures.map(read).collect()
}

/// The paper's numbers that a spec names.
fn publication(experiment: &Experiment, context: &Context) -> Result<Option<Publication>, RunError> {
    let Some(name) = &experiment.published else { return Ok(None) };
    Ok(Some(Publication::load(&context.experiments.join("published").join(format!("{name}.yaml")))?))
}
