//! Checksums of files, and stamps, which save computing them twice.
//!
//! A stamp is a small JSON file that says which sha256 a file had when it was in this state: size, inode, times of
//! modification and of change. The time of change cannot be set back, so a file that was replaced in place is noticed, whatever
//! its size and time of modification. A stamp made right after the file changed is not trusted, since the file may have changed
//! again within the same tick of the clock. On systems other than Unix there is no such time, and files are hashed each time.
//!
//! It lies beside files of the store, and in `assets/stamps/` for files elsewhere (nothing is ever written beside a user's
//! file).

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::FetchedFile;
use crate::progress::{Progress, Unit};

/// The expected checksum of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    /// sha256 of the content.
    Sha256(String),
    /// The id git gives the content: sha1 of `blob <length>\0` and the content. The hub's ETag of files outside LFS.
    GitBlob(String),
}

impl Expected {
    /// How the checksum is shown: `sha256 ...` or `git blob ...`.
    pub(super) fn show(&self) -> String {
        match self {
            Self::Sha256(sum) => format!("sha256 {sum}"),
            Self::GitBlob(sum) => format!("git blob {sum}"),
        }
    }

    /// The same checksum of the file at `path`, whose sha256 is `sha256`.
    pub(super) fn of(&self, path: &Path, sha256: &str) -> io::Result<Self> {
        match self {
            Self::Sha256(_) => Ok(Self::Sha256(sha256.into())),
            Self::GitBlob(_) => git_blob(path).map(Self::GitBlob),
        }
    }
}

/// Copies `from` to `into`, and returns the sha256 and length of the content.
pub(super) fn copy_hashing(
    mut from: impl Read,
    into: &mut impl Write,
    mut passed: impl FnMut(u64),
) -> Result<(String, u64), CopyError> {
    let mut sha256 = Sha256::new();
    let (mut buffer, mut bytes) = (vec![0; 1 << 17], 0);
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => return Ok((hex(&sha256.finalize()), bytes)),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(CopyError::Read(e)),
        };
        sha256.update(&buffer[..n]);
        into.write_all(&buffer[..n]).map_err(CopyError::Write)?;
        bytes += n as u64;
        passed(n as u64);
    }
}

/// Which end of a copy failed.
#[derive(Debug)]
pub(super) enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

fn git_blob(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut sha1 = Sha1::new();
    sha1.update(format!("blob {}\0", file.metadata()?.len()));
    let mut buffer = vec![0; 1 << 17];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hex(&sha1.finalize())),
            Ok(n) => sha1.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `text` is `digits` lower-case hexadecimal digits.
pub(super) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// What distinguishes contents of a path without reading them.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
struct State {
    bytes: u64,
    modified_ns: u64,
    /// Of the inode: set by every write, by a rename, and by whatever sets the time of modification back. `None` where the
    /// system does not have it.
    changed_ns: Option<u64>,
    inode: Option<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
struct Stamp {
    /// `None` in stamps of earlier versions, which do not say enough to be trusted.
    #[serde(default)]
    state: Option<State>,
    /// When the state was looked up, before the content was read.
    #[serde(default)]
    taken_ns: u64,
    sha256: String,
}

/// Coarsest tick of a file's clock (FAT's), in nanoseconds.
const TICK: u64 = 2_000_000_000;

impl Stamp {
    /// Whether a file in that state has the sum that was stamped.
    fn vouches_for(&self, state: &State) -> bool {
        let settled = state.changed_ns.is_some_and(|changed| changed.saturating_add(TICK) <= self.taken_ns);
        settled && self.state.as_ref() == Some(state)
    }
}

/// The stamps of a store.
#[derive(Debug, Clone)]
pub(super) struct Stamps {
    /// The store's root: files below it are stamped beside themselves.
    pub(super) root: PathBuf,
}

impl Stamps {
    /// The file at `path` with its sha256, remembered or computed. `None` if there is no such file.
    pub(super) fn look(&self, path: &Path, progress: &Progress) -> io::Result<Option<FetchedFile>> {
        let Some((stamp, bytes)) = self.stamp(path, progress)? else { return Ok(None) };
        // Not for files of the store: there a stamp also says that the file was verified.
        if !path.starts_with(&self.root) {
            self.write(path, &stamp);
        }
        Ok(Some(FetchedFile { path: path.into(), sha256: stamp.sha256, bytes }))
    }

    /// The stamp of the file at `path`, and the file's length: the written stamp if it is still valid, else a new one, not yet
    /// written.
    fn stamp(&self, path: &Path, progress: &Progress) -> io::Result<Option<(Stamp, u64)>> {
        let taken_ns = now();
        let Some(state) = state(path)? else { return Ok(None) };
        if let Some(stamp) = self.read(path).filter(|stamp| stamp.vouches_for(&state)) {
            return Ok(Some((stamp, state.bytes)));
        }
        // A file that changes while it is read has another state afterwards, so that the stamp is not valid.
        let sha256 = hash(path, state.bytes, progress)?;
        Ok(Some((Stamp { state: Some(state), taken_ns, sha256 }, state.bytes)))
    }

    /// The file at `path`, if it is there and right. If nothing is expected, it must have the checksum of its stamp, whatever its
    /// state is now (caches are copied between machines).
    pub(super) fn check(
        &self,
        path: &Path,
        expected: Option<&Expected>,
        progress: &Progress,
    ) -> io::Result<Option<FetchedFile>> {
        let stamped = self.read(path).map(|stamp| Expected::Sha256(stamp.sha256));
        let Some(expected) = expected.or(stamped.as_ref()) else { return Ok(None) };
        let Some((stamp, bytes)) = self.stamp(path, progress)? else { return Ok(None) };
        if expected.of(path, &stamp.sha256)? != *expected {
            return Ok(None);
        }
        self.write(path, &stamp);
        Ok(Some(FetchedFile { path: path.into(), sha256: stamp.sha256, bytes }))
    }

    /// Stamps a file that was just verified.
    pub(super) fn remember(&self, file: &FetchedFile) {
        let taken_ns = now();
        if let Ok(Some(state)) = state(&file.path) {
            self.write(&file.path, &Stamp { state: Some(state), taken_ns, sha256: file.sha256.clone() });
        }
    }

    /// Removes the stamp of a file that goes.
    pub(super) fn forget(&self, path: &Path) {
        let _ = fs::remove_file(self.place(path));
    }

    /// The path of the stamp of `path`.
    fn place(&self, path: &Path) -> PathBuf {
        match (path.starts_with(&self.root), path.file_name()) {
            (true, Some(name)) => path.with_file_name(format!("{}.stamp.json", name.to_string_lossy())),
            _ => {
                let name = hex(&Sha256::digest(path.as_os_str().as_encoded_bytes()));
                self.root.join("assets/stamps").join(format!("{name}.json"))
            }
        }
    }

    fn read(&self, path: &Path) -> Option<Stamp> {
        serde_json::from_slice(&fs::read(self.place(path)).ok()?).ok()
    }

    /// Writes a stamp, if it is not there yet. One that cannot be written (in a read-only cache) costs time at the next start and
    /// nothing else.
    fn write(&self, path: &Path, stamp: &Stamp) {
        if self.read(path).as_ref() == Some(stamp) {
            return;
        }
        let place = self.place(path);
        let written = place.parent().map(|folder| -> io::Result<()> {
            fs::create_dir_all(folder)?;
            let mut temporary = temporary_in(folder)?;
            serde_json::to_writer(&mut temporary, stamp)?;
            temporary.persist(&place).map_err(|e| e.error)?;
            Ok(())
        });
        drop(written);
    }
}

/// A temporary file with the permissions of an ordinary one, as caches are shared between users.
pub(super) fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// The state of the file that a path leads to; `None` if there is none.
fn state(path: &Path) -> io::Result<Option<State>> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
        Err(e) => return Err(e),
    };
    let (changed_ns, inode) = change(&metadata);
    Ok(Some(State { bytes: metadata.len(), modified_ns: since_epoch(metadata.modified()?), changed_ns, inode }))
}

/// When the inode changed, in nanoseconds, and its number.
#[cfg(unix)]
fn change(metadata: &fs::Metadata) -> (Option<u64>, Option<u64>) {
    use std::os::unix::fs::MetadataExt;
    let ns = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
    (u64::try_from(ns).ok(), Some(metadata.ino()))
}

#[cfg(not(unix))]
fn change(_: &fs::Metadata) -> (Option<u64>, Option<u64>) {
    (None, None)
}

fn now() -> u64 {
    since_epoch(SystemTime::now())
}

/// Nanoseconds; none before 1970.
fn since_epoch(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn hash(path: &Path, bytes: u64, progress: &Progress) -> io::Result<String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let bar = progress.bar(format!("verify {name}"), bytes, Unit::Bytes);
    match copy_hashing(File::open(path)?, &mut io::sink(), |n| bar.advance(n)) {
        Ok((sha256, _)) => Ok(sha256),
        Err(CopyError::Read(e) | CopyError::Write(e)) => Err(e),
    }
}

#[cfg(test)]
mod tests;
