//! Keys of a file that another program wrote: those that are read, those that cannot change a number, and those that must have a
//! neutral value.
//!
//! The files of a model can say in many ways that it is not a plain Llama. A key that is neither read nor known to be harmless,
//! and has a value, is refused by name.

use serde_json::{Map, Value};

use super::ModelError;

/// A value under which a key changes nothing. `null` is one for every key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Neutral {
    /// This flag.
    Flag(bool),
    /// This number.
    Number(f64),
    /// This text.
    Text(&'static str),
    /// An empty text, list or object.
    Empty,
    /// A list of this text alone, however often.
    All(&'static str),
}

impl Neutral {
    fn holds(self, value: &Value) -> bool {
        match self {
            Self::Flag(flag) => value.as_bool() == Some(flag),
            Self::Number(number) => value.as_f64() == Some(number),
            Self::Text(text) => value.as_str() == Some(text),
            Self::Empty => is_empty(value),
            Self::All(text) => value.as_array().is_some_and(|all| all.iter().all(|one| one.as_str() == Some(text))),
        }
    }

    fn show(self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => format!("{text:?}"),
            Self::Empty => "nothing".into(),
            Self::All(text) => format!("a list of {text:?} only"),
        }
    }
}

/// The known keys of one kind of file.
#[derive(Debug)]
pub struct Keys {
    /// Read, and checked where they are read.
    pub used: &'static [&'static str],
    /// Cannot change a number, whatever they hold. A `*` at the end stands for any ending, at the start for any beginning.
    pub harmless: &'static [&'static str],
    /// Change what the numbers mean unless they hold one of these values.
    pub neutral: &'static [(&'static str, &'static [Neutral])],
}

impl Keys {
    /// Whether `key` is one that the file's reader looks at or may ignore.
    fn passes(&self, key: &str) -> bool {
        let matches = |pattern: &&str| match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
            (Some(start), _) => key.starts_with(start),
            (None, Some(end)) => key.ends_with(end),
            (None, None) => *pattern == key,
        };
        self.used.contains(&key) || self.harmless.iter().any(matches)
    }

    /// Refuses the first key that may change a number and is not read. `file` is named in the message.
    pub fn check<'a>(
        &self,
        file: &str,
        entries: impl IntoIterator<Item = (&'a str, &'a Value)>,
    ) -> Result<(), ModelError> {
        for (key, value) in entries {
            if value.is_null() {
                continue;
            }
            if let Some((_, neutral)) = self.neutral.iter().find(|(name, _)| *name == key) {
                if !neutral.iter().any(|one| one.holds(value)) {
                    let values: Vec<String> = neutral.iter().map(|one| one.show()).collect();
                    let only = if values.is_empty() {
                        "is not supported".into()
                    } else {
                        format!("is not supported; only {} is", values.join(" or "))
                    };
                    return Err(refused(file, key, value, only));
                }
            } else if !self.passes(key) && value.as_bool() != Some(false) && !is_empty(value) {
                return Err(refused(file, key, value, self.unknown(key)));
            }
        }
        Ok(())
    }

    fn unknown(&self, key: &str) -> String {
        let all = self.used.iter().chain(self.harmless).copied().chain(self.neutral.iter().map(|(name, _)| *name));
        let nearest = all.map(|name| (strsim::jaro_winkler(name, key), name)).max_by(|a, b| a.0.total_cmp(&b.0));
        let meant = match nearest {
            Some((similarity, name)) if similarity > 0.9 && !name.contains('*') => {
                format!(" (is `{name}` meant?)")
            }
            _ => String::new(),
        };
        format!("is not a known key{meant}, so it may change what the model computes; remove it if it does not")
    }
}

/// Whether a value is an empty text, list or object.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        _ => false,
    }
}

/// Values of a JSON object by type. Null counts as missing.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    /// The file, for messages.
    pub file: &'a str,
    /// What it holds.
    pub object: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// What the key holds.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// The error that there is no such key.
    pub fn lacks(&self, key: &str) -> ModelError {
        ModelError::Config(format!("{} has no `{key}`, which is needed to compute the model", self.file))
    }

    /// What the key holds, which must be there.
    pub fn need(&self, key: &str) -> Result<&'a Value, ModelError> {
        self.get(key).ok_or_else(|| self.lacks(key))
    }

    fn read<T>(&self, key: &str, read: impl Fn(&'a Value) -> Option<T>, why: &str) -> Result<Option<T>, ModelError> {
        self.get(key).map(|value| read(value).ok_or_else(|| refused(self.file, key, value, why))).transpose()
    }

    /// A whole number of at least 0.
    pub fn count(&self, key: &str) -> Result<Option<usize>, ModelError> {
        self.read(
            key,
            |value| usize::try_from(value.as_u64()?).ok(),
            "must be a whole number, without a sign, fraction or quotes",
        )
    }

    /// A number, which must be there.
    pub fn number(&self, key: &str) -> Result<f64, ModelError> {
        self.read(key, Value::as_f64, "must be a number")?.ok_or_else(|| self.lacks(key))
    }

    /// A flag.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, ModelError> {
        self.read(key, Value::as_bool, "must be true or false")
    }

    /// A text.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>, ModelError> {
        self.read(key, Value::as_str, "must be a text")
    }
}

/// The error of a key that holds something that is not supported. `why` goes on after "which", or says what it contradicts
/// after "but".
pub fn refused(file: &str, key: &str, value: &Value, why: impl Into<String>) -> ModelError {
    let why = why.into();
    let why = if why.starts_with("but ") { why } else { format!("which {why}") };
    ModelError::Key { file: file.into(), key: key.into(), value: short(&shown(key, value)), why }
}

/// Whether a key may hold a password: people run `from_pretrained(..., token=...)`, and what is given there was saved with a
/// tokenizer.
fn is_secret(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key).to_ascii_lowercase();
    matches!(
        last.as_str(),
        "token" | "auth" | "hf_token" | "auth_token" | "use_auth_token" | "access_token" | "api_token"
    ) || ["api_key", "apikey", "secret", "password", "credential", "credentials"].iter().any(|end| last.ends_with(end))
}

/// The value as a message may show it, with `...` in place of what may be a secret.
fn shown(key: &str, value: &Value) -> Value {
    match value {
        Value::Bool(_) | Value::Null => value.clone(),
        _ if is_secret(key) => "...".into(),
        // A token of the Hugging Face hub, wherever it stands.
        Value::String(text) if text.starts_with("hf_") && text.len() > 20 => "...".into(),
        Value::Array(all) => all.iter().map(|one| shown(key, one)).collect(),
        Value::Object(all) => Value::Object(all.iter().map(|(key, one)| (key.clone(), shown(key, one))).collect()),
        _ => value.clone(),
    }
}

/// The value as JSON, shortened if it is long.
fn short(value: &Value) -> String {
    const MOST: usize = 120;
    let text = value.to_string();
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST).chain("...".chars()).collect() }
}

#[cfg(test)]
mod tests;
