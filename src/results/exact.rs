//! `corda compare --exact`: whether two results are the same to the bit, file by file.
//!
//! What depends on the run is left out: `provenance.json`, `timings.parquet`, and in pages the blocks between [`RUN_FACTS`].
//! Parquet files are compared by the bits of their values, row by row: another writer's compression does not matter, the sign
//! of a zero does. Everything else is compared byte by byte, and a file that one side lacks is a difference.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use polars::prelude::*;

use super::folder::{self, PROVENANCE, TIMINGS};
use super::{Error, store};

/// Marks around the parts of a page that depend on the run.
pub const RUN_FACTS: [&str; 2] = ["<!-- run facts -->", "<!-- end of run facts -->"];

/// A column of earlier versions' files that depends on the run.
const SECONDS: &str = "seconds";

/// Depth of folders that are looked at: experiments, their variants, and some more.
const DEEPEST: usize = 4;

/// Two results compared bit by bit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exact {
    /// Files that are the same.
    pub files: usize,
    /// Rows of parquet files that are the same.
    pub rows: usize,
    /// The first difference of each file that has one, in the order of their names.
    pub differences: Vec<Difference>,
}

/// Where a file differs first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Relative to the folders compared.
    pub file: String,
    /// What differs there.
    pub what: What,
}

/// A kind of difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Only the first has it.
    OnlyFirst,
    /// Only the second has it.
    OnlySecond,
    /// A byte, counted from 0 in the first file; of text also its line, from 1.
    Byte {
        /// Offset in the first file.
        offset: usize,
        /// Line in the first file.
        line: usize,
    },
    /// A column that only one has.
    Column {
        /// Its name.
        name: String,
        /// Whether it is the first that has it.
        first: bool,
    },
    /// A column of other types, or in another place.
    Columns {
        /// Names and types in the first.
        first: String,
        /// In the second.
        second: String,
    },
    /// A value.
    Value {
        /// Row, from 0.
        row: usize,
        /// Column.
        column: String,
        /// In the first.
        first: String,
        /// In the second.
        second: String,
    },
    /// One is longer; all rows that both have are the same.
    Rows {
        /// Rows of the first.
        first: usize,
        /// Rows of the second.
        second: usize,
    },
}

/// Why an exact comparison could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ExactError {
    /// A folder or file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A parquet file is damaged.
    #[error(transparent)]
    Rows(#[from] Error),
    /// A folder with a file.
    #[error("{} is a folder and {} is not: compare two folders or two files", folder.display(), file.display())]
    Unlike {
        /// The folder.
        folder: PathBuf,
        /// The file.
        file: PathBuf,
    },
    /// Nothing to compare.
    #[error("{} holds no results", .0.display())]
    Empty(PathBuf),
    /// Its files are of two runs.
    #[error("{} is incomplete: a run was interrupted while it wrote these results; run the experiment again", .0.display())]
    Unfinished(PathBuf),
}

/// Compares two folders of results, the folders of variants below them too, or two files.
///
/// # Errors
/// If one cannot be read, or holds nothing.
pub fn compare(first: &Path, second: &Path) -> Result<Exact, ExactError> {
    let mut found = Exact::default();
    let is_folder = |path: &Path| {
        let metadata = fs::metadata(path).map_err(|source| ExactError::Read { path: path.into(), source })?;
        Ok::<_, ExactError>(metadata.is_dir())
    };
    match (is_folder(first)?, is_folder(second)?) {
        (false, false) => {
            let name = first.file_name().unwrap_or_default().to_string_lossy();
            found.add(&name, first, second)?;
        }
        (true, true) => {
            let (ours, theirs) = (files(first)?, files(second)?);
            for name in ours.union(&theirs) {
                match (ours.contains(name), theirs.contains(name)) {
                    (true, true) => found.add(name, &first.join(name), &second.join(name))?,
                    (in_first, _) => {
                        let what = if in_first { What::OnlyFirst } else { What::OnlySecond };
                        found.differences.push(Difference { file: name.clone(), what });
                    }
                }
            }
        }
        (in_first, _) => {
            let (folder, file) = if in_first { (first, second) } else { (second, first) };
            return Err(ExactError::Unlike { folder: folder.into(), file: file.into() });
        }
    }
    Ok(found)
}

/// Names of the files to compare, relative to the folder, with `/`. Hidden files are not results.
fn files(root: &Path) -> Result<BTreeSet<String>, ExactError> {
    let mut found = BTreeSet::new();
    let mut open = vec![String::new()];
    while let Some(below) = open.pop() {
        let path = root.join(&below);
        if !folder::is_whole(&path) {
            return Err(ExactError::Unfinished(path));
        }
        let failed = |source| ExactError::Read { path: path.clone(), source };
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let own = entry.file_name().to_string_lossy().into_owned();
            if own.starts_with('.') || own == PROVENANCE || own == TIMINGS {
                continue;
            }
            let name = if below.is_empty() { own } else { format!("{below}/{own}") };
            // Links count as what they lead to; one that leads in a circle, no deeper than any results.
            if fs::metadata(entry.path()).map_err(failed)?.is_dir() {
                if name.matches('/').count() < DEEPEST {
                    open.push(name);
                }
            } else {
                found.insert(name);
            }
        }
    }
    if found.is_empty() {
        return Err(ExactError::Empty(root.into()));
    }
    Ok(found)
}

impl Exact {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        self.differences.is_empty()
    }

    fn add(&mut self, name: &str, first: &Path, second: &Path) -> Result<(), ExactError> {
        let read = |path: &Path| fs::read(path).map_err(|source| ExactError::Read { path: path.into(), source });
        let (a, b) = (read(first)?, read(second)?);
        let difference = match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("parquet") => {
                let same = a == b;
                let (a, b) = (store::read_frame(first, a)?, store::read_frame(second, b)?);
                let difference = if same { None } else { of_frames(&a, &b) };
                self.rows += if difference.is_none() { a.height() } else { 0 };
                difference
            }
            Some("html") => of_pages(&a, &b),
            _ => of_bytes(&a, &b, 0, &a),
        };
        match difference {
            None => self.files += 1,
            Some(what) => self.differences.push(Difference { file: name.into(), what }),
        }
        Ok(())
    }
}

/// The first byte that differs; `start` is where `a` lies in the whole file.
fn of_bytes(a: &[u8], b: &[u8], start: usize, whole: &[u8]) -> Option<What> {
    if a == b {
        return None;
    }
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let offset = start + same;
    let line = whole[..offset.min(whole.len())].iter().filter(|byte| **byte == b'\n').count() + 1;
    Some(What::Byte { offset, line })
}

/// As [`of_bytes`], outside the blocks of run facts.
fn of_pages(a: &[u8], b: &[u8]) -> Option<What> {
    let (ours, theirs) = (lasting(a), lasting(b));
    for (i, (start, part)) in ours.iter().enumerate() {
        let other = theirs.get(i).map_or(&[][..], |(_, other)| other);
        if let Some(what) = of_bytes(part, other, *start, a) {
            return Some(what);
        }
    }
    (theirs.len() > ours.len()).then_some(What::Byte { offset: a.len(), line: 0 })
}

/// The parts of a page outside the blocks of run facts, marks included, each with where it starts.
fn lasting(page: &[u8]) -> Vec<(usize, &[u8])> {
    let [open, close] = RUN_FACTS.map(str::as_bytes);
    let find = |what: &[u8], from: usize| {
        page[from..].windows(what.len()).position(|window| window == what).map(|at| from + at)
    };
    let (mut parts, mut start) = (Vec::new(), 0);
    while let Some(opened) = find(open, start)
        && let Some(closed) = find(close, opened)
    {
        parts.push((start, &page[start..opened + open.len()]));
        start = closed;
    }
    parts.push((start, &page[start..]));
    parts
}

/// The first value that differs, by rows.
fn of_frames(a: &DataFrame, b: &DataFrame) -> Option<What> {
    let columns = |frame: &DataFrame| -> Vec<Column> {
        // Earlier versions had seconds among the results.
        let own = |column: &&Column| !(column.name() == SECONDS && frame.width() > 1);
        frame.columns().iter().filter(own).cloned().collect()
    };
    let (ours, theirs) = (columns(a), columns(b));
    let lacks = |all: &[Column], one: &Column| !all.iter().any(|other| other.name() == one.name());
    if let Some(column) = ours.iter().find(|column| lacks(&theirs, column)) {
        return Some(What::Column { name: column.name().to_string(), first: true });
    }
    if let Some(column) = theirs.iter().find(|column| lacks(&ours, column)) {
        return Some(What::Column { name: column.name().to_string(), first: false });
    }
    let shape = |all: &[Column]| -> Vec<String> {
        all.iter().map(|column| format!("{}: {}", column.name(), column.dtype())).collect()
    };
    let (first, second) = (shape(&ours), shape(&theirs));
    if let Some((first, second)) = first.into_iter().zip(second).find(|(a, b)| a != b) {
        return Some(What::Columns { first, second });
    }
    let values = |all: &[Column]| -> Vec<Vec<String>> { all.iter().map(bits).collect() };
    let (x, y) = (values(&ours), values(&theirs));
    for row in 0..a.height().min(b.height()) {
        if let Some(at) = (0..ours.len()).find(|&at| x[at][row] != y[at][row]) {
            let (first, second) = (x[at][row].clone(), y[at][row].clone());
            return Some(What::Value { row, column: ours[at].name().to_string(), first, second });
        }
    }
    (a.height() != b.height()).then(|| What::Rows { first: a.height(), second: b.height() })
}

/// The values of a column as text that is the same only for the same bits.
fn bits(column: &Column) -> Vec<String> {
    if let Ok(floats) = column.f64() {
        let text = |value: f64| match value.is_nan() {
            true => format!("NaN (bits {:016x})", value.to_bits()),
            // Shortest text that reads back to the same bits; a negative zero has its sign.
            false => format!("{value:?}"),
        };
        return floats.iter().map(|value| value.map_or("empty".into(), text)).collect();
    }
    if let Ok(texts) = column.str() {
        return texts.iter().map(|value| value.map_or("empty".into(), |text| format!("{text:?}"))).collect();
    }
    let series = column.as_materialized_series();
    series.iter().map(|value| if value.is_null() { "empty".into() } else { format!("{value:?}") }).collect()
}

impl Display for Exact {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for Difference { file, what } in &self.differences {
            writeln!(f, "{file}: {what}")?;
        }
        match self.differences.len() {
            0 => write!(f, "identical to the bit: {} files, {} rows", self.files, self.rows),
            1 => write!(f, "1 file differs; {} are identical to the bit", self.files),
            count => write!(f, "{count} files differ; {} are identical to the bit", self.files),
        }
    }
}

impl Display for What {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnlyFirst => write!(f, "only in the first"),
            Self::OnlySecond => write!(f, "only in the second"),
            Self::Byte { offset, line } => write!(f, "differs from byte {offset} on (line {line} of the first)"),
            Self::Column { name, first } => {
                write!(f, "column `{name}` is only in the {}", if *first { "first" } else { "second" })
            }
            Self::Columns { first, second } => write!(f, "columns differ: `{first}` / `{second}`"),
            Self::Value { row, column, first, second } => {
                write!(f, "row {row} (from 0), column `{column}`: {first} / {second}")
            }
            Self::Rows { first, second } => write!(f, "{first} rows / {second} rows; those in both are the same"),
        }
    }
}

#[cfg(test)]
mod tests;
