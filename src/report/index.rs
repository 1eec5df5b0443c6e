//! `results/index.html`: one page over all finished experiments, linking to their own.

use std::path::{Path, PathBuf};

use askama::Template;

use super::ReportError;
use crate::atomic;
use crate::results::provenance::Provenance;

#[derive(Template)]
#[template(path = "index.html")]
struct Index {
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    /// The name as a part of a URL.
    link: String,
    provenance: Provenance,
    figure: Option<&'static str>,
}

impl Entry {
    /// What the spec says; empty if it does not.
    fn spec(&self, pointer: &str) -> &str {
        self.provenance.spec.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or("")
    }
}

/// Figures that may stand for an experiment, best first.
const FIGURES: [&str; 7] =
    ["kept.svg", "training.svg", "adapters.svg", "layers.svg", "figure2.svg", "spectra.svg", "heatmaps.png"];

/// Writes the index over every folder below `results` that holds a page; returns its path.
///
/// # Errors
/// If there is none, or the file cannot be written. A folder whose provenance cannot be read is left out.
pub fn write(results: &Path) -> Result<PathBuf, ReportError> {
    let folders = std::fs::read_dir(results).into_iter().flatten();
    let mut folders: Vec<PathBuf> = folders.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    let entries: Vec<Entry> = folders.iter().filter_map(|folder| entry(folder)).collect();
    if entries.is_empty() {
        return Err(ReportError::Empty);
    }
    let html = Index { entries }.render().map_err(|error| ReportError::Template("index.html", error))?;
    let path = results.join("index.html");
    atomic::write_bytes(&path, html.as_bytes())?;
    Ok(path)
}

fn entry(folder: &Path) -> Option<Entry> {
    if !folder.join("report.html").is_file() {
        return None;
    }
    let name = folder.file_name()?.to_string_lossy().into_owned();
    Some(Entry {
        provenance: Provenance::read(&folder.join("provenance.json")).ok()?,
        link: link(&name),
        figure: FIGURES.into_iter().find(|figure| folder.join(figure).is_file()),
        name,
    })
}

/// A folder's name as a part of a URL: folders may be renamed to anything.
fn link(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests;
