//! Files of records: one JSON object per line, one JSON array of objects, or parquet. Errors give the place of the record in its
//! file.

use std::path::Path;

use serde_json::Deserializer;

use super::{Container, Object};
use crate::corpus::{CorpusError, jsonl, nested, text};

pub(super) use crate::corpus::jsonl::{kind, missing};

/// Called with each record in the order of the file; returns what is wrong with it.
pub(super) type Take<'a> = &'a mut dyn FnMut(&Object) -> Result<(), String>;

/// Calls `visit` with the records of a file. Of a parquet file only the columns that `fields` refer to are read.
pub(super) fn each(file: Container, path: &Path, fields: &[&str], take: Take) -> Result<(), CorpusError> {
    match file {
        Container::Jsonl => lines(path, take),
        Container::Json => array(path, take),
        Container::Parquet => rows(path, fields, take),
    }
}

fn lines(path: &Path, take: Take) -> Result<(), CorpusError> {
    let text = text::utf8(path)?;
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let taken = jsonl::object(line).and_then(|record| take(&record));
        taken.map_err(|what| CorpusError::Layout { path: path.to_owned(), line: index + 1, what })?;
    }
    Ok(())
}

fn rows(path: &Path, fields: &[&str], take: Take) -> Result<(), CorpusError> {
    for (row, record) in nested::read(path, fields)?.iter().enumerate() {
        take(record)
            .map_err(|what| CorpusError::Column { path: path.to_owned(), what: format!("row {row}: {what}") })?;
    }
    Ok(())
}

fn array(path: &Path, take: Take) -> Result<(), CorpusError> {
    let text = text::utf8(path)?;
    elements(&text, take).map_err(|(at, what)| {
        let before = &text.as_bytes()[..at.min(text.len())];
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let column = 1 + String::from_utf8_lossy(&before[start..]).chars().count();
        CorpusError::Layout { path: path.to_owned(), line, what: format!("column {column}: {what}") }
    })
}

/// Calls `visit` with the objects of an array, one at a time, since a file may have hundreds of megabytes. Errors give a byte.
fn elements(text: &str, take: Take) -> Result<(), (usize, String)> {
    let mut at = after_blanks(text, 0);
    if !text[at..].starts_with('[') {
        return Err((at, "the file is to be one JSON array of objects, so it starts with `[`".to_owned()));
    }
    at = after_blanks(text, at + 1);
    let mut closed = text[at..].starts_with(']');
    while !closed {
        let mut one = Deserializer::from_str(&text[at..]).into_iter::<Object>();
        match one.next() {
            Some(Ok(record)) => take(&record).map_err(|what| (at, what))?,
            Some(Err(error)) => return Err((at + offset(&text[at..], &error), message(&error))),
            None => return Err((text.len(), "the file ends inside the array".to_owned())),
        }
        at = after_blanks(text, at + one.byte_offset());
        match text[at..].chars().next() {
            Some(']') => closed = true,
            Some(',') => at = after_blanks(text, at + 1),
            Some(_) => return Err((at, "after an object of the array comes `,` or `]`".to_owned())),
            None => return Err((at, "the file ends inside the array".to_owned())),
        }
    }
    match after_blanks(text, at + 1) {
        end if end == text.len() => Ok(()),
        more => Err((more, "something follows the array".to_owned())),
    }
}

fn after_blanks(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches([' ', '\t', '\r', '\n']).len()
}

/// Where in `text` serde_json found the error, in bytes.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    let at = lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    at.min(text.len())
}

/// What serde_json says, without its own position, which is that in the element.
fn message(error: &serde_json::Error) -> String {
    let said = error.to_string();
    said.rsplit_once(" at line ").map_or(said.as_str(), |(what, _)| what).to_owned()
}
