//! The reference of keys: a section per mapping of an experiment file, from the schema.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use super::table;
use crate::spec;

/// Sections with a table each: the top level first, then what it refers to.
pub fn reference() -> String {
    let mut root = spec::keys();
    let methods = root["properties"]["arms"]["items"].take();
    root["properties"]["arms"]["items"] = arms(&methods);
    let mut sections = Sections { root: &root, waiting: VecDeque::from([(String::new(), &root)]), places: Vec::new() };
    let mut text = String::new();
    while let Some((path, schema)) = sections.waiting.pop_front() {
        text += &sections.section(&path, schema);
    }
    text + "\n"
}

/// The schema of an arm, `oneOf` the methods, rearranged: the keys that all methods share, then `oneOf` those of each.
fn arms(methods: &Value) -> Value {
    let methods = list(&methods["oneOf"]);
    let shared = |key: &str| spec::ARM_KEYS.contains(&key);
    let part = |method: &Value, wanted: bool| -> Map<String, Value> {
        let keys = properties(method).filter(|(key, _)| shared(key) == wanted);
        keys.map(|(key, schema)| (key.clone(), schema.clone())).collect()
    };
    let words: Vec<Value> = methods.iter().map(|method| method["properties"]["method"].clone()).collect();
    // A method that uses statistics has the keys about calibrations too.
    let mut all: Map<String, Value> = methods.iter().flat_map(|method| part(method, true)).collect();
    all["method"] = json!({"description": "The decomposition.", "oneOf": words});
    let own = methods.iter().map(|method| {
        json!({"title": method["title"], "description": method["description"], "properties": part(method, false)})
    });
    json!({
        "description": "An arm, one curve. Further keys depend on its method.",
        "properties": all,
        "required": ["method"],
        "oneOf": own.collect::<Vec<_>>()
    })
}

/// What is left to write.
struct Sections<'a> {
    root: &'a Value,
    /// Mappings without a section yet, each with the path of its key.
    waiting: VecDeque<(String, &'a Value)>,
    /// Mappings, and the paths of the sections that describe them.
    places: Vec<(&'a Value, String)>,
}

impl<'a> Sections<'a> {
    fn section(&mut self, path: &str, schema: &'a Value) -> String {
        let heading = if path.is_empty() { "Top level".into() } else { shown(path) };
        let below = path.split(WITH).next().unwrap_or_default();
        let mut text = format!("\n### {heading}\n\n{}\n\n{}", description(schema), self.keys(below, schema));
        for one in list(&schema["oneOf"]) {
            let keys =
                if properties(one).count() == 0 { "It has no keys of its own.\n".into() } else { self.keys(path, one) };
            let (title, about) = (one["title"].as_str().unwrap_or_default(), description(one));
            text += &format!("\n#### `{path}` with `method: {title}`\n\n{about}\n\n{keys}");
        }
        text
    }

    /// The table of a mapping's keys.
    fn keys(&mut self, path: &str, schema: &'a Value) -> String {
        let required = list(&schema["required"]);
        let row = |(key, one): (&'a String, &'a Value)| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let default = match one.get("default").filter(|default| !default.is_null()) {
                _ if required.iter().any(|name| name == key) => "required".into(),
                Some(default) => format!("`{}`", yaml(default)),
                None => String::new(),
            };
            vec![format!("`{key}`"), self.kind(&path, one), default, self.about(key, one)]
        };
        let rows: Vec<Vec<String>> = properties(schema).map(row).collect();
        table(&["key", "value", "default", "meaning"], &rows)
    }

    /// What a key takes, in words; mappings are put off to sections of their own.
    fn kind(&mut self, path: &str, schema: &'a Value) -> String {
        if let Some(mapping) = self.mapping(schema) {
            return see(&self.place(path, mapping));
        }
        if let Some(name) = reference_of(schema) {
            return self.kind(path, &self.root["$defs"][name]);
        }
        if let Some(word) = schema.get("const") {
            return format!("`{}`", yaml(word));
        }
        let choices = [&schema["anyOf"], &schema["oneOf"]].into_iter().flat_map(list);
        let choices: Vec<&Value> = choices.filter(|one| one["type"] != "null").collect();
        let several = choices.iter().filter(|one| self.mapping(one).is_some()).count() > 1;
        match properties(schema).next() {
            Some((key, one)) => format!("`{{{key}: ...}}` ({})", self.kind(&format!("{path}.{key}"), one)),
            _ if !choices.is_empty() => {
                let mut kinds = Vec::new();
                for one in choices {
                    let first = self.mapping(one).and_then(|mapping| properties(mapping).next());
                    let path = match first.filter(|_| several) {
                        Some((key, _)) => format!("{path}{WITH}{key}"),
                        None => path.to_string(),
                    };
                    kinds.push(self.kind(&path, one));
                }
                kinds.join(" or ")
            }
            _ if schema["additionalProperties"].is_object() => {
                format!("by name: {}", self.kind(&format!("{path}.NAME"), &schema["additionalProperties"]))
            }
            _ if schema["items"].is_object() => {
                format!("list of: {}", self.kind(&format!("{path}[]"), &schema["items"]))
            }
            _ => scalar(schema),
        }
    }

    /// The mapping that a schema is or refers to; one with a single key is written out where it is used.
    fn mapping(&self, schema: &'a Value) -> Option<&'a Value> {
        let (schema, least) = reference_of(schema).map_or((schema, 2), |name| (&self.root["$defs"][name], 1));
        (properties(schema).count() >= least).then_some(schema)
    }

    /// The path of the section about a mapping, which is put off if there is none yet.
    fn place(&mut self, path: &str, mapping: &'a Value) -> String {
        if let Some((_, known)) = self.places.iter().find(|(other, _)| *other == mapping) {
            return known.clone();
        }
        self.places.push((mapping, path.to_string()));
        self.waiting.push_back((path.to_string(), mapping));
        path.to_string()
    }

    /// The meaning of a key, of the words it takes, and examples.
    fn about(&self, key: &str, schema: &'a Value) -> String {
        let mut text = description(schema);
        let mut words = Vec::new();
        self.words(schema, &mut words);
        words.iter().for_each(|(word, about)| text += &format!("<br>`{word}`: {about}"));
        let examples: Vec<String> =
            list(&schema["examples"]).iter().map(|one| format!("`{key}: {}`", yaml(one))).collect();
        if !examples.is_empty() {
            text += &format!("<br>Example: {}", examples.join(" or "));
        }
        text
    }

    /// The words that a key takes, with their descriptions; those of mappings are described in their own sections.
    fn words(&self, schema: &'a Value, found: &mut Vec<(String, String)>) {
        if let Some(word) = schema.get("const") {
            found.push((yaml(word), description(schema)));
        }
        if let Some(name) = reference_of(schema) {
            self.words(&self.root["$defs"][name], found);
        }
        [&schema["anyOf"], &schema["oneOf"], &schema["items"]["anyOf"], &schema["items"]["oneOf"]]
            .into_iter()
            .flat_map(list)
            .filter(|one| properties(one).next().is_none())
            .for_each(|one| self.words(one, found));
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

fn reference_of(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}

fn description(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default().replace('\n', " ");
    if text.is_empty() || text.ends_with(['.', '?']) { text } else { text + "." }
}

/// Between the path of a key that takes one of several mappings, and the key that distinguishes the mapping.
const WITH: &str = " with ";

/// A path as text.
fn shown(path: &str) -> String {
    format!("`{}`", path.replace(WITH, "` with `"))
}

/// A link to a section, as GitHub names it.
fn see(path: &str) -> String {
    let anchor = path.to_lowercase().replace(' ', "-");
    let anchor: String = anchor.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect();
    format!("mapping, see [{}](#{anchor})", shown(path))
}

/// A type without parts, and its bounds.
fn scalar(schema: &Value) -> String {
    let of = |kind: &str| schema["type"] == kind || list(&schema["type"]).iter().any(|one| one == kind);
    let bound = |key: &str, words: &str| schema.get(key).map_or(String::new(), |at| format!("{words} {}", yaml(at)));
    let bounds = ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"];
    let words = [" from", " above", " to", ", below"];
    let bounds: String = bounds.iter().zip(words).map(|(key, words)| bound(key, words)).collect();
    match () {
        () if of("boolean") => "`true` or `false`".into(),
        () if of("integer") => format!("integer{bounds}"),
        () if of("number") => format!("number{bounds}"),
        () if of("array") => "list".into(),
        () => "text".into(),
    }
}

/// A value as YAML on one line.
fn yaml(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:".contains(c)) => text.clone(),
        Value::String(text) => format!("'{text}'"),
        Value::Array(all) => format!("[{}]", all.iter().map(yaml).collect::<Vec<_>>().join(", ")),
        Value::Object(all) => {
            let pairs: Vec<String> =
                all.iter().map(|(key, one)| format!("{}: {}", yaml(&Value::from(key.as_str())), yaml(one))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}
