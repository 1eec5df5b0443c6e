//! Parquet: one row a document, from one text column. Rows are kept as they are, empty ones too: the official code joins
//! all rows of Wikitext-2.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use polars::prelude::{ArrowDataType, ParquetReader, PolarsError, SerReader, StringChunked};

use super::CorpusError;

/// The texts of `column`, a document a row.
pub fn read(path: &Path, column: &str) -> Result<Vec<String>, CorpusError> {
    let file = File::open(path).map_err(|source| CorpusError::Read { path: path.to_owned(), source })?;
    // Damaged files make polars panic in places where it should return an error (lengths in page headers are taken at
    // their word). Nothing is shared with the closure but the file handle, so unwinding leaves no broken state behind.
    let rows = catch_unwind(AssertUnwindSafe(|| rows(file, column)));
    let damaged = |what: String| CorpusError::Damaged { path: path.to_owned(), what: format!("parquet ({what})") };
    match rows {
        Ok(Ok(rows)) => Ok(rows),
        Ok(Err(Fault::Damaged(error))) => Err(damaged(error.to_string())),
        Ok(Err(Fault::Column(what))) => Err(CorpusError::Column { path: path.to_owned(), what }),
        Err(_) => Err(damaged("the reader gave up on its content".to_owned())),
    }
}

enum Fault {
    Damaged(PolarsError),
    Column(String),
}

impl From<PolarsError> for Fault {
    fn from(error: PolarsError) -> Self {
        Fault::Damaged(error)
    }
}

fn rows(file: File, column: &str) -> Result<Vec<String>, Fault> {
    let mut reader = ParquetReader::new(file);
    let schema = reader.schema()?;
    let Some(field) = schema.get(column) else {
        let names: Vec<&str> = schema.iter_names().map(|name| name.as_str()).collect();
        let nearest = CorpusError::nearest(column, &names);
        return Err(Fault::Column(format!("there is no column `{column}`; there are {}{nearest}", names.join(", "))));
    };
    if !matches!(field.dtype, ArrowDataType::Utf8 | ArrowDataType::LargeUtf8 | ArrowDataType::Utf8View) {
        return Err(Fault::Column(format!("the column `{column}` holds {:?}, not text", field.dtype)));
    }
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
