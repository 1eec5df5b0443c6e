//! A list of what an exported folder held when it was written, so that only an unchanged export is replaced.
//!
//! A trained adapter is often saved over the one it started from, and the names of files do not show who wrote a model folder.
//! So each export holds a list of its files with their sizes and times.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// The list, in the folder itself.
const LIST: &str = ".corda-export.json";

/// By path below the folder, with `/`: bytes, and nanoseconds of the last change since 1970.
type Files = BTreeMap<String, (u64, u64)>;

/// Writes the list of a folder's files into it.
pub(super) fn mark(folder: &Path) -> io::Result<()> {
    let text = serde_json::to_string_pretty(&files(folder)?)?;
    fs::write(folder.join(LIST), text + "\n")
}

/// Whether a folder is empty, or holds exactly what its list says: replacing it loses nothing of the user's.
pub(super) fn is_unchanged(folder: &Path) -> bool {
    let Ok(found) = files(folder) else { return false };
    let listed = || serde_json::from_str::<Files>(&fs::read_to_string(folder.join(LIST)).ok()?).ok();
    found.is_empty() || listed().is_some_and(|listed| listed == found)
}

fn files(folder: &Path) -> io::Result<Files> {
    let (mut all, mut folders) = (Files::new(), vec![(folder.to_path_buf(), String::new())]);
    while let Some((folder, below)) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            let about = entry.metadata()?;
            if about.is_dir() {
                folders.push((entry.path(), name + "/"));
            } else if name != LIST {
                let changed = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
                all.insert(name, (about.len(), changed.as_nanos() as u64));
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
