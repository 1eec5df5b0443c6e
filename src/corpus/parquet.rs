//! Parquet: one document per row, from one text column. Rows are not changed, and empty ones are kept, since the official code
//! joins all rows of Wikitext-2.

use std::fs::File;
use std::path::Path;

use polars::prelude::{ArrowDataType, ParallelStrategy, ParquetReader, PolarsError, SerReader, StringChunked};

use super::CorpusError;
use crate::guard::unless_it_panics;
use crate::pages;
use crate::tensors::map;

/// The texts of `column`, one document per row.
pub fn read(path: &Path, column: &str) -> Result<Vec<String>, CorpusError> {
    let unread = |source| CorpusError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(unread)?;
    let size = file.metadata().map_err(unread)?.len() as usize;
    let whole = map(&file, 0, size).map_err(unread)?;
    guarded(path, || {
        pages::check(&whole).map_err(Fault::Damaged)?;
        rows(file, column)
    })
}

/// The result of `work` on the parquet file at `path`.
pub(super) fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T, Fault>) -> Result<T, CorpusError> {
    let damaged = |what: String| CorpusError::Damaged { path: path.to_owned(), what: format!("parquet ({what})") };
    // Damaged files make polars panic where it should return an error, since it trusts lengths and flags in headers. The
    // closure shares nothing but the file, so unwinding leaves no broken state.
    match unless_it_panics(work) {
        Ok(Ok(made)) => Ok(made),
        Ok(Err(Fault::Damaged(what))) => Err(damaged(what)),
        Ok(Err(Fault::Column(what))) => Err(CorpusError::Column { path: path.to_owned(), what }),
        Err(_) => Err(damaged("the reader gave up on its content".to_owned())),
    }
}

/// What is wrong with a parquet file.
pub(super) enum Fault {
    /// It cannot be read.
    Damaged(String),
    /// A column is missing or holds something else.
    Column(String),
}

impl From<PolarsError> for Fault {
    fn from(error: PolarsError) -> Self {
        Fault::Damaged(error.to_string())
    }
}

impl Fault {
    /// The column is none of `names`.
    pub(super) fn no_column(column: &str, names: &[&str]) -> Self {
        let nearest = CorpusError::nearest(column, names);
        Self::Column(format!("there is no column `{column}`; there are {}{nearest}", names.join(", ")))
    }
}

fn rows(file: File, column: &str) -> Result<Vec<String>, Fault> {
    let mut reader = ParquetReader::new(file);
    let schema = reader.schema()?;
    let Some(field) = schema.get(column) else {
        return Err(Fault::no_column(column, &schema.iter_names().map(|name| name.as_str()).collect::<Vec<_>>()));
    };
    if !matches!(field.dtype, ArrowDataType::Utf8 | ArrowDataType::LargeUtf8 | ArrowDataType::Utf8View) {
        return Err(Fault::Column(format!("the column `{column}` holds {:?}, not text", field.dtype)));
    }
    // On one thread, the one whose panics are caught.
    let reader = reader.read_parallel(ParallelStrategy::None);
    let table = reader.with_columns(Some(vec![column.to_owned()])).finish()?;
    texts(table.column(column)?.str()?, column)
}

fn texts(rows: &StringChunked, column: &str) -> Result<Vec<String>, Fault> {
    let mut documents = Vec::with_capacity(rows.len());
    for (row, text) in rows.iter().enumerate() {
        let text = text.ok_or_else(|| Fault::Column(format!("the column `{column}` has no value in row {row}")))?;
        documents.push(text.to_owned());
    }
    Ok(documents)
}

#[cfg(test)]
mod tests;
