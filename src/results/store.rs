//! Rows on disk: as parquet through polars, and as CSV.
//!
//! The same rows give the same bytes. The metadata of a parquet file holds what each column means ([`COLUMNS`]) and a checksum
//! of the file ([`super::seal`]), so that damage is noticed before polars, which may abort the process on it, sees a byte.

use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use polars::prelude::*;

use super::record::{Mismatch, Record};
use super::seal;
use crate::atomic::{self, WriteError};
use crate::guard::unless_it_panics;
use crate::pages;

/// Why rows could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file does not exist.
    #[error("{} does not exist; run the experiment first: corda run experiments/<name>.yaml", path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Truncated, damaged, or not parquet at all.
    #[error("{} is not an intact parquet file: {why}; restore it, or delete it and run the experiment again", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        why: String,
    },
    /// Parquet, but of other rows.
    #[error("{}: {mismatch}; was it written by another version of corda?", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// The first column that is wrong.
        mismatch: Mismatch,
    },
    /// The rows could not be encoded.
    #[error("cannot encode the rows of {}: {why}", path.display())]
    Encode {
        /// The file that was to be written.
        path: PathBuf,
        /// polars' reason.
        why: String,
    },
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Key of the parquet metadata with the descriptions of the columns: a JSON object from names to texts.
pub const COLUMNS: &str = "corda:columns";

/// Writes rows as parquet, atomically. The same rows give the same bytes.
pub fn write_rows<R: Record>(path: &Path, rows: &[R]) -> Result<(), Error> {
    let encode = || {
        let mut bytes = Vec::new();
        let metadata = KeyValueMetadata::from_static(vec![(COLUMNS.into(), descriptions::<R>()), seal::blank()]);
        ParquetWriter::new(&mut bytes)
            .set_parallel(false)
            .with_key_value_metadata(Some(metadata))
            .finish(&mut R::to_frame(rows)?)?;
        PolarsResult::Ok(bytes)
    };
    let failed = |why: String| Error::Encode { path: path.into(), why };
    let mut bytes = encode().map_err(|error| failed(error.to_string()))?;
    seal::close(&mut bytes).map_err(|broken| failed(broken.to_string()))?;
    Ok(atomic::write_bytes(path, &bytes)?)
}

/// The descriptions of a row type's columns as JSON, in the order of the columns.
fn descriptions<R: Record>() -> String {
    let columns = R::columns().into_iter().map(|column| (column.name.to_owned(), column.text.into()));
    serde_json::Value::Object(columns.collect()).to_string()
}

/// Writes rows as CSV with a header, atomically. Floats are the shortest text that reads back to the same bits; infinity
/// is `inf`, not a number `NaN`, an absent value an empty field.
pub fn write_csv<R: Record>(path: &Path, rows: &[R]) -> Result<(), Error> {
    let encode = || {
        let mut bytes = Vec::new();
        CsvWriter::new(&mut bytes).n_threads(1).finish(&mut R::to_frame(rows)?)?;
        PolarsResult::Ok(bytes)
    };
    let bytes = encode().map_err(|error| Error::Encode { path: path.into(), why: error.to_string() })?;
    Ok(atomic::write_bytes(path, &bytes)?)
}

/// Reads the rows of a parquet file, also one of another program or version; checks columns and types, and the checksum if
/// there is one.
///
/// ```
/// use std::path::Path;
/// use corda::results::{Row, read_rows};
///
/// let rows: Vec<Row> = read_rows(Path::new("results/table6/results.parquet"))?;
/// let undamaged = rows.iter().find(|row| row.method == "none" && row.evaluation == "wiki");
/// assert_eq!(undamaged.map(|row| (row.discarded, row.windows)), Some((0, 6)));
/// # Ok::<(), corda::results::Error>(())
/// ```
pub fn read_rows<R: Record>(path: &Path) -> Result<Vec<R>, Error> {
    let path_of = || path.to_path_buf();
    let bytes = std::fs::read(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::NotFound { path: path_of() },
        _ => Error::Read { path: path_of(), source },
    })?;
    let frame = read_frame(path, bytes)?;
    // polars makes the values of some columns only when they are asked for, and panics on types it cannot make.
    let rows = unless_it_panics(|| R::from_frame(&frame)).map_err(|why| Error::Corrupt { path: path_of(), why })?;
    rows.map_err(|mismatch| Error::Schema { path: path_of(), mismatch })
}

/// Whether a parquet file is as it was written, without decoding its rows.
pub fn is_intact(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| check_frame(&bytes).is_ok() && seal::check(&bytes).is_ok())
}

/// The rows of a parquet file of any schema, from its bytes; `path` is for messages.
pub(super) fn read_frame(path: &Path, bytes: Vec<u8>) -> Result<DataFrame, Error> {
    let corrupt = |why: String| Error::Corrupt { path: path.to_path_buf(), why };
    check_frame(&bytes).map_err(corrupt)?;
    seal::check(&bytes).map_err(|broken| corrupt(broken.to_string()))?;
    pages::check(&bytes).map_err(corrupt)?;
    decode(bytes).map_err(corrupt)
}

/// The parts of the container that truncation and foreign files break, checked first for a plainer message.
fn check_frame(bytes: &[u8]) -> Result<(), String> {
    const MAGIC: &[u8] = b"PAR1";
    if !bytes.starts_with(MAGIC) {
        return Err("it does not start with `PAR1`".to_string());
    }
    if bytes.len() < 12 || !bytes.ends_with(MAGIC) {
        return Err(format!("it ends early, after {} bytes", bytes.len()));
    }
    Ok(())
}

fn decode(bytes: Vec<u8>) -> Result<DataFrame, String> {
    guarded(move || ParquetReader::new(Cursor::new(bytes)).read_parallel(ParallelStrategy::None).finish())
}

/// Runs polars on data that may be damaged: its errors, and the panics some damage causes in it, as text.
fn guarded<T>(run: impl FnOnce() -> PolarsResult<T>) -> Result<T, String> {
    match unless_it_panics(run) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => Err(format!("decoding failed ({panic})")),
    }
}

#[cfg(test)]
mod tests;
