//! One error at one place, and several at once. Printing is left to the caller.

use std::fmt;

use miette::{Diagnostic, LabeledSpan, SourceCode};
use serde::de;

use super::Span;

/// An error at a position. Its text is `FILE:LINE:COLUMN: message`; as a [`miette::Diagnostic`] it also shows the line.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Error(Box<Finding>);

#[derive(Debug, Clone)]
struct Finding {
    /// What the message is about, if the place alone does not show it.
    about: Option<String>,
    message: Message,
    span: Option<Span>,
}

#[derive(Debug, Clone)]
enum Message {
    Text(String),
    /// An unknown name.
    Unknown {
        what: String,
        name: String,
        known: Vec<String>,
    },
    /// A mapping without a key that it needs.
    Missing(String),
}

impl Error {
    /// An error without a position, e.g. a file that cannot be read.
    pub fn new(message: impl Into<String>) -> Self {
        Self::from_message(Message::Text(message.into()))
    }

    /// An error at a position.
    pub fn at(span: &Span, message: impl Into<String>) -> Self {
        Self::new(message).or_at(span)
    }

    /// `name` is not the name of a `what`; the message offers the nearest of those known, or lists them.
    pub fn unknown(span: &Span, what: &str, name: &str, known: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::from_message(unknown(what, name, known)).or_at(span)
    }

    /// Gives the error a position if it has none yet: the innermost place wins.
    pub fn or_at(mut self, span: &Span) -> Self {
        self.0.span.get_or_insert_with(|| span.clone());
        self
    }

    /// Prefixes the message with what it is about.
    pub fn about(mut self, what: impl Into<String>) -> Self {
        self.0.about = Some(what.into());
        self
    }

    /// If this is about an unknown key, adds keys that would have been known.
    pub fn also_known(mut self, keys: &[&str]) -> Self {
        if let Message::Unknown { what, known, .. } = &mut self.0.message
            && what == KEY
        {
            known.extend(keys.iter().map(|key| key.to_string()));
        }
        self
    }

    /// The key that a mapping lacks, if that is what this is about.
    pub fn missing_key(&self) -> Option<&str> {
        match &self.0.message {
            Message::Missing(key) => Some(key),
            _ => None,
        }
    }

    /// Whether this is about a key that is not known.
    pub fn is_unknown_key(&self) -> bool {
        matches!(&self.0.message, Message::Unknown { what, .. } if what == KEY)
    }

    /// Where it is.
    pub fn span(&self) -> Option<&Span> {
        self.0.span.as_ref()
    }

    /// The message without the position.
    pub fn message(&self) -> String {
        self.0.text()
    }

    fn from_message(message: Message) -> Self {
        Self(Box::new(Finding { about: None, message, span: None }))
    }
}

const KEY: &str = "key";

fn unknown(what: &str, name: &str, known: impl IntoIterator<Item = impl Into<String>>) -> Message {
    let known = known.into_iter().map(Into::into).collect();
    Message::Unknown { what: what.to_owned(), name: name.to_owned(), known }
}

/// The known name that `name` was probably meant to be: the one that it begins, few typing errors away, or the one that it is a
/// part of.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let distance = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let typing_errors = strsim::damerau_levenshtein(&wanted, &candidate);
        let is_part = wanted.len() >= 3 && candidate.contains(&wanted);
        let few = 1 + wanted.chars().count().max(candidate.chars().count()) / 4;
        let begins = candidate.strip_prefix(&wanted).is_some_and(|rest| rest.starts_with(['_', '-', '.', '/']));
        let near = is_part || typing_errors <= few && typing_errors < wanted.chars().count();
        near.then_some((!begins, typing_errors))
    };
    known
        .into_iter()
        .filter_map(|candidate| Some((distance(candidate)?, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, name, known) = match self {
            Self::Text(text) => return f.write_str(text),
            Self::Missing(key) => return write!(f, "missing key `{key}`"),
            Self::Unknown { what, name, known } => (what, name, known),
        };
        write!(f, "unknown {what} `{name}`")?;
        if let Some(near) = nearest(name, known.iter().map(String::as_str)) {
            return write!(f, "; did you mean `{near}`?");
        }
        match known.as_slice() {
            [] => write!(f, "; none is defined"),
            known => write!(f, "; known: {}", known.join(", ")),
        }
    }
}

impl Finding {
    fn text(&self) -> String {
        self.about.iter().map(|about| format!("{about}: ")).chain([self.message.to_string()]).collect()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.span {
            Some(span) => write!(f, "{span}: {}", self.text()),
            None => f.write_str(&self.text()),
        }
    }
}

impl Diagnostic for Error {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.span()?.file().as_ref())
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new_with_span(None, self.span()?.first_line());
        Some(Box::new(std::iter::once(label)))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        match &self.0.message {
            Message::Unknown { name, known, .. } if nearest(name, known.iter().map(String::as_str)).is_some() => {
                Some(Box::new(format!("known: {}", known.join(", "))))
            }
            _ => None,
        }
    }
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: de::Unexpected, expected: &dyn de::Expected) -> Self {
        let hint = match (found, expected.to_string().as_str()) {
            (de::Unexpected::Signed(_) | de::Unexpected::Unsigned(_) | de::Unexpected::Float(_), "a string") => {
                " (put it in quotes if it is meant as text)"
            }
            _ => "",
        };
        Self::new(format!("expected {}, found {}{hint}", in_words(expected), found_in_words(found)))
    }

    fn invalid_value(found: de::Unexpected, expected: &dyn de::Expected) -> Self {
        Self::new(format!("expected {}, found {}", in_words(expected), found_in_words(found)))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::from_message(unknown("value", variant, expected.iter().copied()))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::from_message(unknown(KEY, field, expected.iter().copied()))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::from_message(Message::Missing(field.to_owned()))
    }
}

/// What serde expected, without the names of Rust's types.
fn in_words(expected: &dyn de::Expected) -> String {
    match expected.to_string().as_str() {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0".into(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a string" => "text".into(),
        "a sequence" => "a list".into(),
        "a map" => "a mapping".into(),
        other if other.starts_with("struct ") => "a mapping".into(),
        other => other.into(),
    }
}

fn found_in_words(found: de::Unexpected) -> String {
    match found {
        de::Unexpected::Unit | de::Unexpected::Option => "nothing".into(),
        de::Unexpected::Bool(value) => format!("`{value}`"),
        de::Unexpected::Signed(value) => format!("the number {value}"),
        de::Unexpected::Unsigned(value) => format!("the number {value}"),
        de::Unexpected::Float(value) => format!("the number {value}"),
        de::Unexpected::Str(text) => format!("the text {text:?}"),
        de::Unexpected::Seq => "a list".into(),
        de::Unexpected::Map => "a mapping".into(),
        other => other.to_string(),
    }
}

/// Several errors, reported together.
#[derive(Debug, Clone, Default, thiserror::Error)]
pub struct Errors(Vec<Error>);

impl Errors {
    /// Adds one.
    pub fn push(&mut self, error: Error) {
        self.0.push(error);
    }

    /// Adds one at a position.
    pub fn at(&mut self, span: &Span, message: impl Into<String>) {
        self.push(Error::at(span, message));
    }

    /// Adds several.
    pub fn extend(&mut self, errors: Errors) {
        self.0.extend(errors.0);
    }

    /// The value, or nothing and the error is added.
    pub fn keep<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// The value if there are no errors, else the errors.
    pub fn into_result<T>(self, value: T) -> Result<T, Errors> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// The value, or nothing and the errors are added.
    pub fn keep_all<T>(&mut self, result: Result<T, Errors>) -> Option<T> {
        result.map_err(|errors| self.extend(errors)).ok()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Error> {
        self.0.iter()
    }
}

impl From<Error> for Errors {
    fn from(error: Error) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Error::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}
