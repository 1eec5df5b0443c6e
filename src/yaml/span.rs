//! Where something was written: a stretch of a file, shown as `FILE:LINE:COLUMN`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// A text that positions refer to: a YAML file, or one `--set` override.
#[derive(PartialEq, Eq)]
pub struct File {
    /// What messages call it: the path as the user gave it, or `--set`.
    pub name: String,
    /// The folder that relative paths written in it start from.
    pub folder: PathBuf,
    /// Its text.
    pub text: String,
}

impl File {
    /// A file called `name` whose relative paths start from the folder that `name` is in.
    pub fn new(name: &str, text: impl Into<String>) -> Self {
        let folder = Path::new(name).parent().unwrap_or(Path::new("")).to_owned();
        Self { name: name.to_owned(), folder, text: text.into() }
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A stretch of a file's text, in bytes. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Span {
    file: Arc<File>,
    start: usize,
    end: usize,
}

impl Span {
    /// The stretch `start..end` of the file's text, moved inside the text and onto character borders where it is not.
    pub fn new(file: &Arc<File>, start: usize, end: usize) -> Self {
        let start = floor_char(&file.text, start);
        let end = floor_char(&file.text, end).max(start);
        Self { file: file.clone(), start, end }
    }

    /// The file.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// First byte.
    pub fn start(&self) -> usize {
        self.start
    }

    /// Byte after the last.
    pub fn end(&self) -> usize {
        self.end
    }

    /// The text it covers.
    pub fn text(&self) -> &str {
        &self.file.text[self.start..self.end]
    }

    /// Line of its first character, from 1.
    pub fn line(&self) -> usize {
        1 + self.before().matches('\n').count()
    }

    /// Column of its first character, from 1, in characters.
    pub fn column(&self) -> usize {
        let line_start = self.before().rfind('\n').map_or(0, |newline| newline + 1);
        1 + self.before()[line_start..].chars().count()
    }

    /// The part of it on its first line: what to underline.
    pub(crate) fn first_line(&self) -> SourceSpan {
        let length = self.text().find('\n').unwrap_or(self.end - self.start);
        (self.start, length).into()
    }

    fn before(&self) -> &str {
        &self.file.text[..self.start]
    }
}

/// The largest character border of `text` at or before `at`.
fn floor_char(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.name, self.line(), self.column())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}-{}", self.end - self.start)
    }
}

impl SourceCode for File {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let found = self.text.read_span(span, lines_before, lines_after)?;
        let (line, column) = (found.line(), found.column());
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            found.data(),
            *found.span(),
            line,
            column,
            found.line_count(),
        )))
    }
}
