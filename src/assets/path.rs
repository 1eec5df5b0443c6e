//! A file or folder of the user's: used where it is, read once for its checksums.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::AssetError;
use super::store::{Files, Store};
use super::verify::Expected;
use crate::progress::Progress;

/// The file at `path`, or the files of the folder there (not of folders inside it, nor hidden ones).
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
                advice: "Restore the file, or correct its sha256 in the spec if the change is meant",
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
mod tests {
    use super::*;
    use crate::assets::Source;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn fetch(store: &Store, path: &Path, sha256: Option<&str>) -> Result<Vec<String>, String> {
        let source = Source::Path { path: path.into(), sha256: sha256.map(Into::into) };
        let fetched = store.fetch(&source, &Progress::hidden()).map_err(|e| e.to_string())?;
        assert_eq!(store.cached(&source).as_ref(), Some(&fetched));
        Ok(fetched.files.into_iter().map(|(name, file)| format!("{name} {} {}", file.bytes, file.sha256)).collect())
    }

    #[test]
    fn files_and_folders() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("cache"));
        let model = folder.path().join("model");
        fs::create_dir_all(model.join("inner")).unwrap();
        assert!(fetch(&store, &model, None).unwrap_err().contains("has no files"));
        for name in ["config.json", "a.safetensors", ".hidden", "inner/b"] {
            fs::write(model.join(name), "abc").unwrap();
        }
        let both = vec![format!("a.safetensors 3 {ABC}"), format!("config.json 3 {ABC}")];
        assert_eq!(fetch(&store, &model, None).unwrap(), both);
        let one = model.join("config.json");
        assert_eq!(fetch(&store, &one, Some(ABC)).unwrap(), both[1..]);
        assert!(fetch(&store, &model, Some(ABC)).unwrap_err().contains("sha256 is for a single file"));
    }

    #[test]
    fn missing_and_changed_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("cache"));
        let path = folder.path().join("text.txt");
        let message = fetch(&store, &path, None).unwrap_err();
        assert!(message.starts_with("no such file or folder: ") && message.contains("text.txt"), "{message}");
        fs::write(&path, "abd").unwrap();
        let message = fetch(&store, &path, Some(ABC)).unwrap_err();
        assert!(
            message.contains(ABC)
                && message.contains("a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9"),
            "{message}"
        );
        assert!(path.exists(), "a user's file is never removed");
    }
}
