//! What can go wrong between files on disk and samples, in words for the person who wrote the spec.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Errors of this module. Each message says what was found and what to do next.
#[derive(Debug, Error)]
pub enum CorpusError {
    /// The file cannot be opened or read.
    #[error("cannot read the text file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A format that reads a fixed number of files was given another.
    #[error("the format {format} reads exactly one file, but {found} were given; name one file in the corpus's source")]
    OneFile {
        /// Spec name of the format.
        format: &'static str,
        /// Number of files given.
        found: usize,
    },
    /// No file was given.
    #[error("the corpus has no file to read; name at least one in its source")]
    NoFile,
    /// The format defines its splits and this is none of them.
    #[error("there is no split `{split}`; {format} has {known}")]
    Split {
        /// As asked.
        split: String,
        /// Spec name of the format.
        format: &'static str,
        /// The splits there are, listed.
        known: &'static str,
    },
    /// Text that is not UTF-8.
    #[error(
        "{}, line {line}: byte 0x{byte:02X} at offset {offset} is not UTF-8; convert the file to UTF-8, e.g. with `iconv`",
        path.display()
    )]
    Utf8 {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// The first byte that is not UTF-8.
        byte: u8,
        /// Its offset in bytes from the start of the file.
        offset: usize,
    },
    /// A file in another encoding, or a compressed one, by its first bytes.
    #[error("{}: expected {expected}, found a file that is {kind}", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// What it is, and what to do.
        kind: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// A file whose content does not have the layout its format promises.
    #[error("{}, line {line}: {what}", path.display())]
    Layout {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What was expected and what was found.
        what: String,
    },
    /// A damaged compressed or binary file.
    #[error("{} cannot be read as {what}; is the file complete and of that kind? Fetch it again or check the format", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The kind of file, and what the reader says.
        what: String,
    },
    /// A table without the column asked for, or with one that holds no text.
    #[error("{}: {what}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// What is wrong with the column; names the columns there are.
        what: String,
    },
    /// Files that were read and hold no text at all.
    #[error("no text in {files}: nothing is left after reading it as {format}")]
    Empty {
        /// The files, listed.
        files: String,
        /// Spec name of the format.
        format: &'static str,
    },
    /// A split of records into which none of them falls.
    #[error(
        "the split `{split}` is empty: none of the {records} records of {files} falls into it; give it a larger share in \
         `parts`"
    )]
    EmptyPart {
        /// The files, listed.
        files: String,
        /// As asked.
        split: String,
        /// Number of records in the files.
        records: usize,
    },
    /// A text too short to place one sample in.
    #[error(
        "the text has {characters} characters; the random-characters sampler needs at least {} for samples of {length} \
         tokens: use a longer text or a shorter length", length.saturating_add(1)
    )]
    TooShort {
        /// Characters of the joined text.
        characters: usize,
        /// Length of a sample in tokens.
        length: usize,
    },
    /// The tokenizer refused a piece of text.
    #[error("sample {sample}: the tokenizer refused the text: {what}")]
    Encode {
        /// Index of the sample (or document), from 0.
        sample: usize,
        /// What the tokenizer says.
        what: String,
    },
    /// A sample that has text but no token.
    #[error(
        "sample {sample}, which starts at character {start}, has no token: the text is blank there; use another seed \
         or clean the text"
    )]
    NoToken {
        /// Index of the sample, from 0.
        sample: usize,
        /// Where it starts in the joined text, in characters.
        start: usize,
    },
    /// Fewer samples or windows than asked for.
    #[error("{wanted} {what} were asked for, but the text has {available}{why}: ask for at most {available}")]
    TooFew {
        /// `samples of 512 tokens`, `windows of 512 tokens`.
        what: String,
        /// Number asked for.
        wanted: usize,
        /// Number there are.
        available: usize,
        /// Why there are not more, or nothing; starts with a blank.
        why: String,
    },
    /// A length of zero.
    #[error("the length of a sample or window must be at least 1 token")]
    ZeroLength,
}

impl CorpusError {
    /// ` (nearest: x)` for a misspelt name, or nothing where no name is near.
    pub(super) fn nearest(wanted: &str, names: &[&str]) -> String {
        let near = |name: &&&str| strsim::jaro_winkler(wanted, name);
        match names.iter().max_by(|a, b| near(a).total_cmp(&near(b))) {
            Some(name) if near(&name) > 0.75 => format!("; did you mean `{name}`?"),
            _ => String::new(),
        }
    }
}
