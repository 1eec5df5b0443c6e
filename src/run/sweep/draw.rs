//! Tables, figure and page over the variants of a sweep, from saved rows.

use std::path::{Path, PathBuf};

use crate::report::sweep::{self as page, Combined};
use crate::results::provenance::Provenance;
use crate::results::{self, Row, Varied};
use crate::spec::{Loaded, Sweep};

use super::keeps_folders;
use crate::run::{Context, RunError, meta, redraw};

/// Tables, figure and page over all variants into a folder, from the rows that are saved in another or in the same.
pub(super) fn render(
    loaded: &Loaded,
    sweep: &Sweep,
    provenance: &Provenance,
    folder: &Path,
    to: &Path,
) -> Result<Vec<PathBuf>, RunError> {
    let mut meta = meta::meta(&loaded.experiment, provenance);
    meta.settings = settings(&meta.settings, sweep);
    let rows: Vec<Varied<Row>> = match loaded.experiment.evaluations.is_empty() {
        true => Vec::new(),
        false => results::read_rows(&folder.join("results.parquet"))?,
    };
    let combined = Combined {
        keys: &sweep.keys,
        variants: sweep.variants.iter().map(|v| (v.name.as_str(), v.label.as_str(), v.values.as_slice())).collect(),
        replicates: sweep.is_replicates(),
        over_targets: sweep.is_over_targets(),
        pages: keeps_folders(sweep),
        rows: &rows,
    };
    Ok(page::render(&combined, &meta, provenance, to)?)
}

/// The settings of the experiment with those that are swept as they are: all their values.
fn settings(lines: &[String], sweep: &Sweep) -> Vec<String> {
    let swept = |line: &&String| sweep.keys.iter().any(|key| line.starts_with(&format!("{key} ")));
    let values = |(i, key): (usize, &String)| {
        let mut all: Vec<&str> = Vec::new();
        for variant in &sweep.variants {
            let value = variant.values[i].as_str();
            if !all.contains(&value) {
                all.push(value);
            }
        }
        format!("swept {key}: {}", all.join("; "))
    };
    let others = lines.iter().filter(|line| !swept(line)).cloned();
    others.chain(sweep.keys.iter().enumerate().map(values)).collect()
}

/// Rebuilds the reports of all variants and the one over them, from saved results.
pub(in crate::run) fn report(loaded: &Loaded, sweep: &Sweep, context: &Context) -> Result<Vec<PathBuf>, RunError> {
    let mut written = Vec::new();
    if keeps_folders(sweep) {
        for variant in &sweep.variants {
            written.extend(redraw::one(&variant.experiment, context)?);
        }
    }
    let folder = context.results.join(&loaded.experiment.name);
    let draw = |provenance: &Provenance, to: &Path| render(loaded, sweep, provenance, &folder, to).map(drop);
    written.extend(redraw::again(&folder, &super::spec(loaded, sweep)?, draw)?);
    Ok(written)
}
