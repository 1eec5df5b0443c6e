//! Files that appear whole or not at all: a temporary file in the same folder, fsync, rename, fsync of the folder.
//!
//! A killed process leaves at most a hidden temporary file (`.name.XXXXXX.tmp`), never half of `name`. The next writer of
//! `name` removes it: a temporary file is locked while its writer lives, so one that can be locked belongs to no process.
//! What the files hold is not known here.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::terminal;

mod export;

/// How the hidden folder's name starts in which files are made that replace others together (`results/folder.rs`).
pub(crate) const STAGING: &str = ".new.";

/// Why a file could not be written. A file that was at its path before is untouched.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// No space left for the temporary file.
    #[error("no space left in {}: cannot write {name}; free some space and run the same command again", folder.display())]
    Full {
        /// Folder that would have received the file.
        folder: PathBuf,
        /// File name.
        name: String,
    },
    /// The folder does not accept new files, or could not be made.
    #[error("cannot write {name} into the folder {}: {}; make the folder writable or choose another", folder.display(), terminal::reason(source))]
    Folder {
        /// Folder that would have received the file.
        folder: PathBuf,
        /// File name.
        name: String,
        /// The system's reason.
        source: io::Error,
    },
    /// A folder or file that this program did not make.
    #[error("{} exists and is not as corda wrote it: it may hold files of yours; name another folder, or remove it", path.display())]
    Occupied {
        /// What is there.
        path: PathBuf,
    },
}

/// Writes a file through `write`, atomically; missing folders above it are made. An existing file is replaced.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), WriteError> {
    let (folder, name) = place(path);
    replace(folder, &name, path, write).map_err(|source| explain(folder, name, source))
}

/// Writes these bytes, atomically, as [`write_atomically`] does.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write_atomically(path, |file| file.write_all(bytes))
}

/// Writes a file that is not there yet, whole or not at all, into a folder that is.
///
/// # Errors
/// As the system says: [`ErrorKind::AlreadyExists`] if something stands there, [`ErrorKind::NotFound`] without the folder.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (folder, name) = place(path);
    let mut temporary = temporary(folder, &name)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist_noclobber(path).map(drop).map_err(|error| error.error)
}

/// The folder a path is in, and its name there.
fn place(path: &Path) -> (&Path, String) {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    (parent, path.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

/// A temporary file for `name`, locked for as long as it is open.
fn temporary(folder: &Path, name: &str) -> io::Result<NamedTempFile> {
    let prefix = format!(".{name}.");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    // tempfile's default is 0600; a result is as readable as any file the user makes (the umask still applies).
    #[cfg(unix)]
    let builder = builder.permissions(<Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666));
    loop {
        let temporary = builder.tempfile_in(folder)?;
        // Before it was locked, another process may have taken it for a left-over and removed it. Where files cannot be
        // locked, none is taken for a left-over.
        if temporary.as_file().lock().is_err() || temporary.path().exists() {
            return Ok(temporary);
        }
    }
}

/// Removes temporary files of `name` that killed processes left in a folder.
fn sweep(folder: &Path, name: &str) {
    let prefix = format!(".{name}.");
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let found = entry.file_name();
        let found = found.to_string_lossy();
        // What cannot be removed is harmless, and the writing that follows says what is wrong with the folder.
        if found.starts_with(&prefix)
            && found.ends_with(".tmp")
            && let Some(_held) = held(&path)
        {
            let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
}

/// The lock of a temporary file or folder, unless a living process has it.
fn held(path: &Path) -> Option<File> {
    let file = File::open(path).ok()?;
    file.try_lock().ok()?;
    Some(file)
}

/// Removes a file, if there is one, and temporary files of it that killed processes left.
pub fn remove(path: &Path) -> io::Result<()> {
    let (folder, name) = place(path);
    sweep(folder, &name);
    // Asked first: where nothing may be written, removing what is not there fails too.
    match path.exists().then(|| fs::remove_file(path)) {
        Some(Err(error)) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether an exported folder may be written to a path: there is nothing, or an export that was not changed.
///
/// # Errors
/// [`WriteError::Occupied`].
pub fn replaceable(path: &Path) -> Result<(), WriteError> {
    match path.exists() && !export::is_unchanged(path) {
        true => Err(WriteError::Occupied { path: path.to_path_buf() }),
        false => Ok(()),
    }
}

/// Makes a folder through `fill`, whole or not at all: it is filled under another name and renamed. An existing folder is
/// replaced if it is an earlier export, and refused otherwise.
pub fn write_folder<T, E: From<WriteError>>(path: &Path, fill: impl FnOnce(&Path) -> Result<T, E>) -> Result<T, E> {
    let (parent, name) = place(path);
    let explained = |source| E::from(explain(parent, name.clone(), source));
    replaceable(path)?;
    fs::create_dir_all(parent).map_err(explained)?;
    sweep(parent, &name);
    let prefix = format!(".{name}.");
    let temporary = tempfile::Builder::new().prefix(&prefix).suffix(".tmp").tempdir_in(parent).map_err(explained)?;
    let _held = held(temporary.path());
    let filled = temporary.path().join("new");
    fs::create_dir(&filled).map_err(explained)?;
    let value = fill(&filled)?;
    export::mark(&filled).map_err(explained)?;
    // A folder cannot be renamed onto another that holds files: the old one goes aside first, and with the temporary one.
    let old = temporary.path().join("old");
    let replaced = path.exists();
    if replaced {
        fs::rename(path, &old).map_err(explained)?;
    }
    if let Err(source) = fs::rename(&filled, path) {
        // The old folder is put back; if even that fails, the temporary folder must not take it along.
        if replaced && fs::rename(&old, path).is_err() {
            let _ = temporary.keep();
        }
        return Err(explained(source));
    }
    Ok(value)
}

fn replace(
    folder: &Path,
    name: &str,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    sweep(folder, name);
    let temporary = temporary(folder, name)?;
    let mut buffered = BufWriter::new(temporary);
    write(&mut buffered)?;
    let temporary = buffered.into_inner().map_err(|error| error.into_error())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    // Without this the rename itself may be lost in a power cut.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// The error of a file that could not be written into a folder.
pub(crate) fn explain(folder: &Path, name: String, source: io::Error) -> WriteError {
    let is_staging = folder.file_name().is_some_and(|own| own.to_string_lossy().starts_with(STAGING));
    // Files that are made beside the old ones belong to the folder that shall have them.
    let folder = folder.parent().filter(|_| is_staging).unwrap_or(folder).to_path_buf();
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => WriteError::Full { folder, name },
        _ => WriteError::Folder { folder, name, source },
    }
}

#[cfg(test)]
mod tests;
