//! `corda results`: the tables of finished experiments, as they are in their folders.

use std::path::{Path, PathBuf};

use corda::outln;
use corda::results::folder::PROVENANCE;

use crate::failure::Failure;

/// The tables a folder may have, in the order they are printed.
const TABLES: [&str; 3] = ["table.md", "adapters.md", "trained.md"];

/// Prints the tables of these experiments, or of all.
///
/// # Errors
/// If one is not finished, or none is.
pub fn print(results: &Path, names: &[String]) -> Result<(), Failure> {
    let folders = if names.is_empty() {
        all(results)
    } else {
        let mut folders: Vec<PathBuf> = names.iter().map(|name| results.join(name)).collect();
        folders.sort();
        folders
    };
    if folders.is_empty() {
        return Err(Failure::NoResults(results.into()));
    }
    folders.iter().try_for_each(|folder| print_one(folder))
}

/// All finished experiments.
fn all(results: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(results).into_iter().flatten();
    let mut folders: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|folder| is_finished(folder)).collect();
    folders.sort();
    folders
}

fn is_finished(folder: &Path) -> bool {
    folder.join(PROVENANCE).is_file()
}

fn print_one(folder: &Path) -> Result<(), Failure> {
    if !is_finished(folder) {
        return Err(Failure::Unfinished(folder.into()));
    }
    let tables: Vec<String> =
        TABLES.iter().filter_map(|table| std::fs::read_to_string(folder.join(table)).ok()).collect();
    for table in &tables {
        outln!("{}\n", table.trim_end());
    }
    if tables.is_empty() {
        outln!("# {}\n\nNo tables: see {}\n", folder.display(), folder.join("report.html").display());
    }
    Ok(())
}
