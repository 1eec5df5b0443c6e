//! Records: files of questions and answers, as texts to calibrate on, examples to train on, and questions to ask.
//!
//! Which fields of a record are used, how they are worded, and which records are for training, validation and test is data
//! ([`Records`]) in the catalog or a spec. Nothing here tokenises or compares answers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::CorpusError;

pub use answers::Answers;
pub use parts::{Part, Parts};
pub use template::Template;

mod answers;
mod container;
mod parts;
mod template;
#[cfg(test)]
mod tests;

/// A record as read from its file.
pub(super) type Object = Map<String, Value>;

/// How records are read and put into words.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields, expecting = "records: {file, text, prompt, response, answers, score}")]
pub struct Records {
    /// The kind of file that holds the records.
    pub file: Container,
    /// The text of a record for calibrations and perplexities: `{FIELD}` stands for the value of a field.
    pub text: Template,
    /// The question that a model is asked, with `{FIELD}` as in `text`.
    pub prompt: Template,
    /// The answer that a model is trained to give right after the prompt, with `{FIELD}` as in `text`.
    pub response: Template,
    /// The accepted answers: a field, `{field: ..., after: MARK}`, or a list of these.
    #[schemars(with = "answers::Written")]
    pub answers: Answers,
    /// How a generated answer is compared with the accepted ones.
    pub score: Score,
    /// The text whose hash decides on the part, so that records with the same text are in the same part. Without it, the
    /// prompt is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Template>,
    /// The parts of the file: name -> [from, to) in percent. A split that is not listed here is the whole file.
    #[serde(default, skip_serializing_if = "Parts::is_empty")]
    pub parts: Parts,
}

/// Kinds of files with records.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Container {
    /// One JSON object per line.
    Jsonl,
    /// One JSON array of objects.
    Json,
    /// One record per row.
    Parquet,
}

/// How a generated answer is compared with the right ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Score {
    /// The same text as any accepted answer, compared as in SQuAD and NQ-open: without case, punctuation and articles.
    Text,
    /// The same number as any accepted answer: the first number given, after the last "The answer is", "####" or "=" if there is
    /// one.
    Number,
}

/// One question with its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Index of its record in the files read, from 0, whatever the split.
    pub record: usize,
    /// The question.
    pub prompt: String,
    /// The answer that a model is trained to give, directly after the prompt.
    pub response: String,
    /// The right answers, at least one.
    pub answers: Vec<String>,
}

/// The examples of a split, in the order of the files.
///
/// # Errors
/// Files that are missing, damaged or not of the kind promised; records without a field that a template names, or
/// without an answer; files without records, splits into which no record falls.
pub fn examples(records: &Records, split: &str, paths: &[PathBuf]) -> Result<Vec<Example>, CorpusError> {
    let templates = [&records.prompt, &records.response];
    let fields = templates.into_iter().flat_map(Template::fields).chain(records.answers.fields());
    select(records, split, paths, fields.collect(), |index, record| {
        let (prompt, response) = (records.prompt.render(record)?, records.response.render(record)?);
        for (what, text) in [("prompt", &prompt), ("response", &response)] {
            if text.trim().is_empty() {
                return Err(format!("the {what} is blank"));
            }
        }
        Ok(Example { record: index, prompt, response, answers: records.answers.of(record)? })
    })
}

/// The texts of a split, one per record, in the order of the files.
pub(super) fn texts(records: &Records, split: &str, paths: &[PathBuf]) -> Result<Vec<String>, CorpusError> {
    select(records, split, paths, records.text.fields().collect(), |_, record| records.text.render(record))
}

/// The results of `make` on the records of a split, given the index of each.
fn select<'a, T>(
    records: &'a Records,
    split: &str,
    paths: &[PathBuf],
    mut fields: BTreeSet<&'a str>,
    make: impl Fn(usize, &Object) -> Result<T, String>,
) -> Result<Vec<T>, CorpusError> {
    if paths.is_empty() {
        return Err(CorpusError::NoFile);
    }
    let group = records.group.as_ref().unwrap_or(&records.prompt);
    let part = records.parts.get(split);
    if part.is_some() {
        fields.extend(group.fields());
    }
    let fields: Vec<&str> = fields.into_iter().collect();
    let (mut made, mut seen) = (Vec::new(), 0);
    for path in paths {
        container::each(records.file, path, &fields, &mut |record| {
            if part.map_or(Ok(true), |part| group.render(record).map(|group| part.holds(&group)))? {
                made.push(make(seen, record)?);
            }
            seen += 1;
            Ok(())
        })?;
    }
    match (made.is_empty(), seen) {
        (false, _) => Ok(made),
        (true, 0) => Err(CorpusError::Empty { files: listed(paths), format: "records" }),
        (true, records) => Err(CorpusError::EmptyPart { files: listed(paths), split: split.to_owned(), records }),
    }
}

fn listed(paths: &[PathBuf]) -> String {
    let paths: Vec<String> =
        paths.iter().map(PathBuf::as_path).map(Path::display).map(|path| path.to_string()).collect();
    paths.join(", ")
}
