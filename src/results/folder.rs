//! A results folder is replaced as a whole: everything is written next to the old files, which are then replaced together.
//!
//! Files are made in a hidden folder inside; [`Replacement::commit`] moves them to their places. While it does, a marker lies
//! in the folder, a copy of the new provenance. A process killed before that leaves the old results as they were, one killed
//! meanwhile leaves the marker: [`is_whole`] is false, and the next run writes everything again.
//!
//! Files that an earlier shape of the experiment had and this one lacks are removed, by the names that this program gives
//! ([`KNOWN`]): a file of the user's own stays.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::atomic::{self, STAGING, WriteError};

/// Where results came from.
pub const PROVENANCE: &str = "provenance.json";
/// How long things took.
pub const TIMINGS: &str = "timings.parquet";
/// The page.
pub const PAGE: &str = "report.html";

/// Every file that a results folder may hold: of any kind of experiment, and over the variants of a sweep.
pub const KNOWN: [&str; 45] = [
    PAGE,
    PROVENANCE,
    TIMINGS,
    "results.parquet",
    "results.csv",
    "windows.parquet",
    "linears.parquet",
    "table.md",
    "table.tex",
    "figure2.svg",
    "figure2.png",
    "figure2.pdf",
    "parameters.svg",
    "parameters.png",
    "parameters.pdf",
    "layers.svg",
    "layers.png",
    "layers.pdf",
    "adapters.parquet",
    "adapters.md",
    "adapters.svg",
    "adapters.png",
    "adapters.pdf",
    "heatmaps.parquet",
    "heatmaps.svg",
    "heatmaps.png",
    "heatmaps.pdf",
    "spectra.parquet",
    "spectra.svg",
    "spectra.png",
    "spectra.pdf",
    "trained.parquet",
    "trained.csv",
    "trained.md",
    "trained.tex",
    "steps.parquet",
    "rates.parquet",
    "answers.parquet",
    "failures.parquet",
    "training.svg",
    "training.png",
    "training.pdf",
    "kept.svg",
    "kept.png",
    "kept.pdf",
];

/// Lies in a folder whose files are being replaced: the provenance that it will have.
const MARKER: &str = ".unfinished";

/// New files of a results folder, not in place yet. Dropped without [`Replacement::commit`] it leaves the old ones untouched.
pub struct Replacement {
    folder: PathBuf,
    /// Where the new files go, a folder inside.
    staging: PathBuf,
    /// Removes it.
    _removed: TempDir,
    /// Held, where the system can, so that two processes do not mix their files.
    _lock: Option<File>,
}

impl Replacement {
    /// Makes the folder if it is not there; waits for another process that replaces its files.
    pub fn begin(folder: &Path) -> Result<Self, WriteError> {
        let failed = |source| atomic::explain(folder, PROVENANCE.into(), source);
        fs::create_dir_all(folder).map_err(failed)?;
        // The folder itself is locked, so that no file is left behind; some file systems cannot do that.
        let lock = File::open(folder).ok().filter(|file| file.lock().is_ok());
        if lock.is_some() {
            left_over(folder);
        }
        let made = tempfile::Builder::new().prefix(STAGING).tempdir_in(folder).map_err(failed)?;
        // As the folder was given, not in full: for messages.
        let staging = folder.join(made.path().file_name().unwrap_or_default());
        Ok(Self { folder: folder.into(), staging, _removed: made, _lock: lock })
    }

    /// Where the new files go.
    pub fn staging(&self) -> &Path {
        &self.staging
    }

    /// Moves the new files to their places and gives their paths there; `provenance` is that of the results (the new one, or
    /// of files that are only drawn again the old one). Of the files there, those that [`KNOWN`] lists and `keeps` does not
    /// are removed.
    pub fn commit(self, provenance: &[u8], keeps: &[&str]) -> Result<Vec<PathBuf>, WriteError> {
        let Self { folder, staging, .. } = &self;
        let failed = |name: &str, source| atomic::explain(folder, name.into(), source);
        let listed = |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name());
        let names = fs::read_dir(staging).and_then(|all| all.map(listed).collect::<io::Result<Vec<_>>>());
        let mut names = names.map_err(|source| failed(MARKER, source))?;
        // The provenance comes last: it implies that the others are there.
        names.sort_by_key(|name| (name == PROVENANCE, name.clone()));
        // Nothing is moved if something cannot be.
        if let Some(name) = names.iter().find(|name| folder.join(name).is_dir()) {
            return Err(failed(&name.to_string_lossy(), io::ErrorKind::IsADirectory.into()));
        }
        atomic::write_bytes(&folder.join(MARKER), provenance)?;
        let mut paths = Vec::new();
        for name in names {
            let path = folder.join(&name);
            let moved = fs::rename(staging.join(&name), &path);
            moved.map_err(|source| failed(&name.to_string_lossy(), source))?;
            paths.push(path);
        }
        clear(folder, keeps)?;
        sync(folder);
        fs::remove_file(folder.join(MARKER)).map_err(|source| failed(MARKER, source))?;
        Ok(paths)
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        // A folder made for results that then failed goes again; one that holds anything stays.
        if fs::remove_dir_all(&self.staging).is_ok() {
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

/// Removes what killed processes left.
fn left_over(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // A staging folder, and the temporary file of a marker.
        if name.starts_with(STAGING) {
            let _ = fs::remove_dir_all(entry.path());
        } else if name.starts_with(&format!(".{MARKER}.")) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Renames reach the disk before the marker goes.
fn sync(folder: &Path) {
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// Whether no process was ended while it replaced the files of this folder.
pub fn is_whole(folder: &Path) -> bool {
    !folder.join(MARKER).exists()
}

/// Where the provenance of results lies while they are replaced.
pub fn marker(folder: &Path) -> PathBuf {
    folder.join(MARKER)
}

/// The provenance of results that are there in part.
pub fn unfinished(folder: &Path) -> Option<Vec<u8>> {
    fs::read(folder.join(MARKER)).ok()
}

/// Removes the files of a folder that [`KNOWN`] lists and `keeps` does not.
pub fn clear(folder: &Path, keeps: &[&str]) -> Result<(), WriteError> {
    for name in KNOWN.iter().filter(|name| !keeps.contains(name)) {
        remove(folder, name)?;
    }
    Ok(())
}

fn remove(folder: &Path, name: &str) -> Result<(), WriteError> {
    let path = folder.join(name);
    // Asked first: where nothing may be written, removing what is not there fails too.
    match fs::symlink_metadata(&path).and_then(|_| fs::remove_file(&path)) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(atomic::explain(folder, name.into(), source)),
        _ => Ok(()),
    }
}

/// Removes the results of variants that a sweep no longer has: the folders in `folder` that hold those of a variant by their
/// own provenance, or by `former`, the spec that wrote the results over all variants. Of each only files that this program
/// writes, then the folder, if nothing else is in it.
pub fn clear_variants(folder: &Path, former: Option<&Value>, keeps: &[&str]) -> Result<(), WriteError> {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let Some(name) = name.to_str() else { continue };
        let known = || former.is_some_and(|spec| spec["sweep"]["variants"].get(name).is_some());
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_folder || keeps.contains(&name) || !(known() || is_variant(&path, name)) {
            continue;
        }
        left_over(&path);
        clear(&path, &[])?;
        remove(&path, MARKER)?;
        // What is left in it is the user's.
        let _ = fs::remove_dir(&path);
    }
    Ok(())
}

/// Whether a folder's provenance says that it holds the results of the variant of that name.
fn is_variant(path: &Path, name: &str) -> bool {
    let read = |file: &str| fs::read(path.join(file)).ok();
    let said = [read(PROVENANCE), read(MARKER)].into_iter().flatten();
    said.filter_map(|bytes| serde_json::from_slice::<Value>(&bytes).ok()).any(|all| all["spec"]["variant"] == name)
}

#[cfg(test)]
mod tests;
