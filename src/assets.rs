//! Where models and texts come from: fetched, pinned, verified, cached.
//!
//! [`Store`] turns a [`Source`] into files on disk whose checksums were verified. Nothing here looks inside the files.

mod error;
mod fetch;
mod hub;
mod joined;
mod path;
mod pypi;
mod source;
mod store;
mod verify;

pub use error::{Advice, AssetError};
pub use source::Source;
pub use store::Store;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

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
