//! JSON lines: one object a line, of which some text fields make a document.

use std::path::Path;

use serde_json::{Map, Value};

use super::{CorpusError, text};

/// One document a line: the values of `fields`, joined with a blank. Blank lines are skipped.
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
    serde_json::from_str(line).map_err(|error| format!("not one JSON object a line: {error}"))
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
mod tests {
    use super::*;

    fn read_str(content: &str, fields: &[&str]) -> Result<Vec<String>, CorpusError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.jsonl");
        std::fs::write(&path, content).unwrap();
        read(&path, &fields.iter().map(|field| field.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn fields_are_joined_in_the_order_asked() -> Result<(), CorpusError> {
        let content = "{\"a\": \"A\\n\", \"b\": \"B\", \"c\": 1}\n\n{\"b\": \"é\", \"a\": \"\"}\n";
        assert_eq!(read_str(content, &["b", "a"])?, ["B A\n", "é "]);
        Ok(())
    }

    /// Line ends are those of the file; escapes, and separators that JSON allows in a string, are the text's.
    #[test]
    fn line_ends_are_universal_and_escapes_stay() -> Result<(), CorpusError> {
        let content = "\u{feff}{\"a\": \"x\\r\\ny\"}\n\n{\"a\": \"u\u{2028}\u{85}v\"}\n";
        for end in ["\n", "\r\n", "\r"] {
            assert_eq!(read_str(&content.replace('\n', end), &["a"])?, ["x\r\ny", "u\u{2028}\u{85}v"], "{end:?}");
        }
        let error = read_str("{\"a\": \"x\"}\r{\"a\": 1}\r", &["a"]).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
        Ok(())
    }

    #[test]
    fn errors_name_the_line_and_the_fields() {
        let missing = read_str("{\"question\": \"q\"}\n{\"answer\": \"a\"}\n", &["question"]).unwrap_err().to_string();
        assert!(missing.contains("data.jsonl, line 2") && missing.contains("it has answer"), "{missing}");
        let near = read_str("{\"question\": \"q\"}", &["qestion"]).unwrap_err().to_string();
        assert!(near.contains("did you mean `question`?"), "{near}");
        let broken = read_str("{\"a\": \"x\"}\n{\"a\": \n", &["a"]).unwrap_err().to_string();
        assert!(broken.contains("line 2"), "{broken}");
        let list = read_str("[1]", &["a"]).unwrap_err().to_string();
        assert!(list.contains("line 1"), "{list}");
        let number = read_str("{\"a\": 3}", &["a"]).unwrap_err().to_string();
        assert!(number.contains("holds a number"), "{number}");
    }
}
