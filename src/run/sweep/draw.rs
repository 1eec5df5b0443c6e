//! Tables, figure and page over the variants of a sweep, from saved rows.

use std::path::{Path, PathBuf};

use crate::report::Meta;
use crate::report::distinct;
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
    let meta = over_variants(loaded, sweep, provenance);
    let rows: Vec<Varied<Row>> = match loaded.experiment.evaluations.is_empty() {
        true => Vec::new(),
        false => results::read_rows(&folder.join("results.parquet"))?,
    };
    let combined = Combined {
        keys: &sweep.keys,
        variants: sweep.variants.iter().map(|v| (v.name.as_str(), v.label.as_str(), v.values.as_slice())).collect(),
        replicates: sweep.is_replicates(),
        beside: sweep.is_drawn_beside(),
        over_targets: sweep.is_over_targets(),
        pages: keeps_folders(sweep),
        rows: &rows,
    };
    Ok(page::render(&combined, &meta, provenance, to)?)
}

/// What the report says besides rows: of all variants, each model and each work to cite once.
fn over_variants(loaded: &Loaded, sweep: &Sweep, provenance: &Provenance) -> Meta {
    let mut meta = meta::meta(&loaded.experiment, provenance);
    let all: Vec<Meta> = sweep.variants.iter().map(|v| meta::meta(&v.experiment, provenance)).collect();
    meta.model = distinct(all.iter().map(|one| one.model.as_str())).join(", ");
    meta.citations = distinct(all.iter().flat_map(|one| one.citations.iter().cloned()));
    let settings: Vec<&[String]> = all.iter().map(|one| one.settings.as_slice()).collect();
    meta.settings = over_all(&settings, sweep);
    meta
}

/// The settings of all variants, those of some only with the variants' labels; then the values of the swept keys.
fn over_all(settings: &[&[String]], sweep: &Sweep) -> Vec<String> {
    // A model has more settings than its name: these stay.
    let keys = || sweep.keys.iter().filter(|key| *key != "model");
    let swept = |line: &str| keys().any(|key| line.starts_with(&format!("{key} ")));
    let lines = distinct(settings.iter().flat_map(|lines| lines.iter())).into_iter().filter(|line| !swept(line));
    let labelled = lines.map(|line| {
        let having = sweep.variants.iter().zip(settings).filter(|(_, lines)| lines.contains(line));
        let labels: Vec<&str> = having.map(|(variant, _)| variant.label.as_str()).collect();
        match labels.len() == sweep.variants.len() {
            true => line.clone(),
            false => format!("{}: {line}", labels.join(", ")),
        }
    });
    let values = sweep.keys.iter().enumerate().map(|(i, key)| {
        let all = distinct(sweep.variants.iter().map(|variant| variant.values[i].as_str()));
        format!("swept {key}: {}", all.join("; "))
    });
    labelled.chain(values).collect()
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
