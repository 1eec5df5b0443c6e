//! Templates: texts with `{field}` in place of a value of a record.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Object, container};

/// A text with `{field}` in place of a value; `{{` and `}}` are literal braces.
///
/// A field is a key of the record, or keys joined by dots that lead through objects. A value is trimmed, and of a list the first
/// element is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    written: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(String),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Braces that do not pair; no field at all.
    pub fn parse(written: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = written;
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let brace = &rest[at..at + 1];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                text.push_str(brace);
                rest = after;
            } else if brace == "{" {
                let (field, after) = field(rest)?;
                pieces.extend((!text.is_empty()).then(|| Piece::Text(std::mem::take(&mut text))));
                pieces.push(Piece::Field(field.to_owned()));
                rest = after;
            } else {
                return Err("a `}` without its `{`; write `}}` for the brace itself".to_owned());
            }
        }
        text.push_str(rest);
        pieces.extend((!text.is_empty()).then_some(Piece::Text(text)));
        if !pieces.iter().any(|piece| matches!(piece, Piece::Field(_))) {
            return Err("the template names no field, so it says the same of every record; write {FIELD}".to_owned());
        }
        Ok(Self { written: written.to_owned(), pieces })
    }

    /// The fields it names.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Field(field) => Some(field.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The text for a record, or what is wrong with the record.
    pub(super) fn render(&self, record: &Object) -> Result<String, String> {
        let mut rendered = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => rendered.push_str(text),
                Piece::Field(field) => rendered.push_str(&text_of(lookup(record, field)?, field)?),
            }
        }
        Ok(rendered)
    }
}

/// The field that starts `rest`, and what follows its brace.
fn field(rest: &str) -> Result<(&str, &str), String> {
    let (field, after) = rest
        .split_once('}')
        .filter(|(field, _)| !field.contains('{'))
        .ok_or("a `{` without its `}`; write `{{` for the brace itself")?;
    match field.trim() {
        "" => Err("`{}` names no field; write `{{}}` for the braces themselves".to_owned()),
        field => Ok((field, after)),
    }
}

/// The value at a path: a key of the object, or keys joined by dots that lead through objects.
pub(super) fn lookup<'a>(record: &'a Object, path: &str) -> Result<&'a Value, String> {
    if let Some(value) = record.get(path) {
        return Ok(value);
    }
    let Some((outer, inner)) = path.split_once('.') else { return Err(container::missing(path, record)) };
    match record.get(outer) {
        Some(Value::Object(object)) => lookup(object, inner).map_err(|what| format!("in `{outer}`, {what}")),
        Some(other) => Err(format!("`{path}` asks for a part of `{outer}`, which is {}", container::kind(other))),
        None => Err(container::missing(outer, record)),
    }
}

/// A value as text: trimmed, and the first of a list.
pub(super) fn text_of(value: &Value, path: &str) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.trim().to_owned()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Array(values) => match values.first() {
            Some(first) => text_of(first, path),
            None => Err(format!("the list `{path}` is empty")),
        },
        Value::Object(object) => {
            let inner: Vec<String> = object.keys().map(|key| format!("{path}.{key}")).collect();
            Err(format!("the field `{path}` holds an object; name a part of it: {}", inner.join(", ")))
        }
        Value::Null | Value::Bool(_) => Err(format!("the field `{path}` holds {}, not text", container::kind(value))),
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

// By a visitor, so that an error is at the template's place and not at that of the mapping around it.
impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TemplateVisitor;
        impl Visitor<'_> for TemplateVisitor {
            type Value = Template;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a template: a text with {FIELD} where a value goes")
            }
            fn visit_str<E: Error>(self, written: &str) -> Result<Template, E> {
                Template::parse(written).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(TemplateVisitor)
    }
}

impl JsonSchema for Template {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string"})
    }
}
