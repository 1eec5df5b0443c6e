//! JSON lines: one object per line, of which some text fields make a document.

use std::path::Path;

use serde_json::{Map, Value};

use super::{CorpusError, text};

/// One document per line: the values of `fields`, joined with a blank. Blank lines are skipped.
pub fn read(path: &Path, fields: &[String]) -> Result<Vec<String>, CorpusError> {
    let text = text::utf8(path)?;
    let mut documents = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let document = document(line, fields);
        documents.push(document.map_err(|what| CorpusError::Layout {
            path: path.to_owned(),
            line: index + 1,
            what,
        })?);
    }
    Ok(documents)
}

/// The document of one line, or what is wrong with the line.
fn document(line: &str, fields: &[String]) -> Result<String, String> {
    let object = object(line)?;
    let mut parts = Vec::with_capacity(fields.len());
    for field in fields {
        match object.get(field) {
            Some(Value::String(value)) => parts.push(value.as_str()),
            Some(other) => return Err(format!("the field `{field}` holds {}, not a string", kind(other))),
            None => return Err(missing(field, &object)),
        }
    }
    Ok(parts.join(" "))
}

/// The object of one line.
pub(super) fn object(line: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(line).map_err(|error| format!("not one JSON object per line: {error}"))
}

/// Says that `object` has no such field, and which it has.
pub(super) fn missing(field: &str, object: &Map<String, Value>) -> String {
    let names: Vec<&str> = object.keys().map(String::as_str).collect();
    if names.is_empty() {
        return format!("the object has no field `{field}`; it is empty");
    }
    format!("the object has no field `{field}`; it has {}{}", names.join(", "), CorpusError::nearest(field, &names))
}

/// What a value is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
