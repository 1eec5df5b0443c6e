//! Text to tree. The syntax is `saphyr-parser`'s work; the positions and the refusals are ours.

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

use super::{Error, File, Key, Node, Scalar, Span, Value};

/// Deepest nesting: far more than any experiment needs, far less than the call stack allows.
pub(super) const DEEPEST: usize = 64;

/// Parses the one document of a text; `file` is what messages call it. A text without any value is an error.
pub fn parse(text: &str, file: &str) -> Result<Node, Error> {
    // A byte order mark is not part of the text.
    let file = Arc::new(File::new(file, text.strip_prefix('\u{feff}').unwrap_or(text)));
    parse_from(&file, 0)?.ok_or_else(|| Error::at(&Span::new(&file, 0, 0), "the file is empty"))
}

/// Parses the one document that starts at byte `from` of a file's text; nothing if there is none.
pub(super) fn parse_from(file: &Arc<File>, from: usize) -> Result<Option<Node>, Error> {
    let mut builder = Builder::new(file, from);
    for event in Parser::new_from_str(&file.text[from..]) {
        let (event, span) = event.map_err(|error| builder.syntax(&error))?;
        let span = builder.span(span.start, span.end);
        builder.take(event, span)?;
    }
    Ok(builder.root)
}

/// A collection whose end is not reached yet.
enum Open {
    Sequence(Span, Vec<Node>),
    Mapping { span: Span, pairs: Vec<(Key, Node)>, key: Option<Key>, seen: HashMap<String, usize> },
}

struct Builder<'a> {
    file: &'a Arc<File>,
    /// Byte of each character from where parsing starts, and of the end.
    bytes: Vec<usize>,
    open: Vec<Open>,
    root: Option<Node>,
}

impl<'a> Builder<'a> {
    fn new(file: &'a Arc<File>, from: usize) -> Self {
        let characters = file.text[from..].char_indices().map(|(byte, _)| from + byte);
        let bytes = characters.chain([file.text.len()]).collect();
        Self { file, bytes, open: Vec::new(), root: None }
    }

    /// The parser counts characters; we count bytes. Blanks at the end do not belong.
    fn span(&self, start: Marker, end: Marker) -> Span {
        let byte = |marker: Marker| self.bytes.get(marker.index()).copied().unwrap_or(self.file.text.len());
        let (start, end) = (byte(start), byte(end));
        let covered = self.file.text.get(start..end).unwrap_or_default().trim_end().len();
        Span::new(self.file, start, start + covered)
    }

    fn take(&mut self, event: Event, span: Span) -> Result<(), Error> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(Error::at(&span, "a second document: a file must hold a single one"))
            }
            Event::DocumentStart(_) => Ok(()),
            Event::Alias(_) => Err(anchors(&span)),
            Event::Scalar(text, style, anchor, tag) => {
                plain_node(anchor, tag.is_some(), &span)?;
                self.scalar(&text, style, span)
            }
            Event::SequenceStart(anchor, tag) => {
                plain_node(anchor, tag.is_some(), &span)?;
                self.open(Open::Sequence(span.clone(), Vec::new()), &span)
            }
            Event::MappingStart(anchor, tag) => {
                plain_node(anchor, tag.is_some(), &span)?;
                let (pairs, key, seen) = (Vec::new(), None, HashMap::new());
                self.open(Open::Mapping { span: span.clone(), pairs, key, seen }, &span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
        }
    }

    fn open(&mut self, collection: Open, span: &Span) -> Result<(), Error> {
        if self.open.len() >= DEEPEST {
            return Err(too_deep(span));
        }
        self.open.push(collection);
        Ok(())
    }

    fn close(&mut self, last: Span) -> Result<(), Error> {
        let (first, value, inner) = match self.open.pop() {
            Some(Open::Sequence(span, elements)) => {
                let inner = elements.last().map(|node| node.span.end());
                (span, Value::Sequence(elements), inner)
            }
            Some(Open::Mapping { span, pairs, .. }) => {
                let inner = pairs.last().map(|(_, node)| node.span.end());
                (span, Value::Mapping(pairs), inner)
            }
            None => return Ok(()),
        };
        // A block collection ends, for the parser, where the next thing starts: take the end of its last element.
        let flow = first.text().starts_with(['{', '[']);
        let end = if flow { last.end() } else { inner.unwrap_or(first.end()) };
        self.node(Node { value, span: Span::new(self.file, first.start(), end.max(first.end())) })
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) -> Result<(), Error> {
        let plain = style == ScalarStyle::Plain;
        let scalar = if plain { Scalar::plain(text) } else { Scalar::String(text.to_owned()) };
        // The parser places an empty value at whatever comes next: its key is the better place.
        let span = match self.open.last() {
            Some(Open::Mapping { key: Some(key), .. }) if plain && text.is_empty() => key.span.clone(),
            _ => span,
        };
        if let Some(Open::Mapping { key: key @ None, seen, .. }) = self.open.last_mut() {
            if plain && text.is_empty() {
                return Err(Error::at(&span, "a key is missing before the colon"));
            }
            if let Some(line) = seen.insert(text.to_owned(), span.line()) {
                return Err(Error::at(&span, format!("duplicate key `{text}`; it is already on line {line}")));
            }
            *key = Some(Key { name: text.to_owned(), span });
            return Ok(());
        }
        self.node(Node { value: Value::Scalar(scalar), span })
    }

    /// Puts a finished node where it belongs.
    fn node(&mut self, node: Node) -> Result<(), Error> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::Sequence(_, elements)) => elements.push(node),
            Some(Open::Mapping { pairs, key, .. }) => match key.take() {
                Some(key) => pairs.push((key, node)),
                None => return Err(Error::at(&node.span, "a key must be a word or a number, not a list or a mapping")),
            },
        }
        Ok(())
    }

    fn syntax(&self, error: &ScanError) -> Error {
        let at = self.span(*error.marker(), *error.marker());
        let line_start = self.file.text[..at.start()].rfind('\n').map_or(0, |newline| newline + 1);
        let line = &self.file.text[line_start..];
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indentation].find('\t') {
            let tab = Span::new(self.file, line_start + tab, line_start + tab + 1);
            return Error::at(&tab, "a tab in the indentation; YAML requires spaces");
        }
        match error.info() {
            info if info.contains("found a tab") => {
                Error::at(&at, "a tab starts the next line; YAML requires spaces for indentation")
            }
            info if info.contains("unknown anchor") => anchors(&at),
            info if info.contains("recursion limit") => too_deep(&at),
            info => Error::at(&at, format!("not valid YAML: {info}")),
        }
    }
}

/// Refuses what a node may not carry.
fn plain_node(anchor: usize, tagged: bool, span: &Span) -> Result<(), Error> {
    match (anchor, tagged) {
        (0, false) => Ok(()),
        (0, true) => Err(Error::at(span, "tags (`!name`) are not supported; quote a value to make it text")),
        _ => Err(anchors(span)),
    }
}

fn too_deep(span: &Span) -> Error {
    Error::at(span, format!("nested more than {DEEPEST} levels deep"))
}

fn anchors(span: &Span) -> Error {
    Error::at(span, "anchors and aliases (`&name`, `*name`) are not supported; write the value out, or use `extends`")
}
