//! Files and folders of the user's, which are used in place and read once for their checksums.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::store::{Files, Store};
use super::verify::Expected;
use super::{Advice, AssetError};
use crate::progress::Progress;

/// The file at `path`, or the files of the folder at `path`, without hidden files and folders inside it.
pub(super) fn files(
    store: &Store,
    path: &Path,
    sha256: Option<&str>,
    progress: &Progress,
) -> Result<Files, AssetError> {
    let metadata = fs::metadata(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => AssetError::NotFound { path: path.into() },
        _ => AssetError::io("read", path, e),
    })?;
    let origin = || format!("path:{}", path.display());
    let inside = if metadata.is_dir() { list(path)? } else { vec![path.to_path_buf()] };
    if inside.is_empty() {
        return Err(AssetError::BadSource { origin: origin(), problem: "the folder has no files".into() });
    }
    if metadata.is_dir() && sha256.is_some() {
        let problem = "sha256 is for a single file, and this is a folder: leave it out, or name the file".into();
        return Err(AssetError::BadSource { origin: origin(), problem });
    }
    let mut files = BTreeMap::new();
    for file in inside {
        let absolute = std::path::absolute(&file).map_err(|e| AssetError::io("read", &file, e))?;
        let found = store.stamps.look(&absolute, progress).map_err(|e| AssetError::io("read", &file, e))?;
        let found = found.ok_or_else(|| AssetError::NotFound { path: file.clone() })?;
        let name = match file.file_name().unwrap_or_default().to_str() {
            Some(name) => name.to_owned(),
            // Two such names could be written as the same text, and the key of the content holds the names.
            None => {
                let problem = format!("the name of {} is not UTF-8: rename the file", file.display());
                return Err(AssetError::BadSource { origin: origin(), problem });
            }
        };
        if let Some(expected) = sha256.filter(|sha256| *sha256 != found.sha256) {
            return Err(AssetError::Checksum {
                origin: origin(),
                file: name,
                expected: Expected::Sha256(expected.into()).show(),
                actual: Expected::Sha256(found.sha256).show(),
                advice: Advice::Restore,
            });
        }
        files.insert(name, found);
    }
    Ok(files)
}

fn list(folder: &Path) -> Result<Vec<std::path::PathBuf>, AssetError> {
    let failed = |e| AssetError::io("read", folder, e);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        // Through links: folders of the hub's own cache consist of them.
        if !hidden && fs::metadata(entry.path()).map_err(|e| AssetError::io("read", &entry.path(), e))?.is_file() {
            files.push(entry.path());
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
