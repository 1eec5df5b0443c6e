//! A paper's scores of fine-tuned models, as data, to show next to ours.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Published;
use crate::yaml::{self, Error, Errors, Node};

/// A published table of scores: one row per model, one column per benchmark.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
#[serde(
    deny_unknown_fields,
    expecting = "published scores: {title, citation, model, setting, contexts, columns, rows}"
)]
pub struct Scores {
    /// What it is, e.g. which table of which paper.
    pub title: String,
    /// How to cite it.
    pub citation: String,
    /// The model that was fine-tuned, in the paper's words.
    pub model: String,
    /// What is needed to read the numbers: rank, data, unit.
    pub setting: String,
    /// Contexts, of those in the rows, that are questions of knowledge.
    pub contexts: Vec<String>,
    /// The columns, in order.
    pub columns: Vec<ScoreColumn>,
    /// The rows, in order.
    pub rows: Vec<ScoreRow>,
}

/// A column.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, expecting = "a column: {name, tests}")]
pub struct ScoreColumn {
    /// The paper's name for it.
    pub name: String,
    /// What it tests.
    pub tests: Tests,
}

/// What a score measures.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Tests {
    /// The task that was learned.
    Task,
    /// Knowledge that should be kept.
    Knowledge,
    /// The mean of the other columns.
    Mean,
}

/// A model.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
#[serde(
    deny_unknown_fields,
    expecting = "a row: {label, method, end, context, rank, parameters, scores: {COLUMN: VALUE}}"
)]
pub struct ScoreRow {
    /// The paper's label.
    pub label: String,
    /// The spec's word for the method; `none` for the model as it came.
    pub method: String,
    /// Which components the adapter starts from: `smallest` or `largest`.
    pub end: Option<String>,
    /// The text of the covariance.
    pub context: Option<String>,
    /// The adapter's rank.
    pub rank: Option<u32>,
    /// Parameters trained, as the paper writes it.
    pub parameters: Option<String>,
    /// Column -> score; higher is better.
    pub scores: BTreeMap<String, f64>,
}

/// Published results of either kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Publication {
    /// Perplexity against discarded components.
    Curves(Published),
    /// Scores of fine-tuned models.
    Scores(Scores),
}

impl Publication {
    /// Reads a file of published results; one with `columns` has scores.
    ///
    /// # Errors
    /// What is wrong with it, at its position.
    pub fn load(path: &Path) -> Result<Self, Errors> {
        if yaml::load(path)?.get("columns").is_some() {
            return Ok(Self::Scores(Scores::load(path)?));
        }
        Ok(Self::Curves(Published::load(path)?))
    }
}

impl Scores {
    /// Reads a file of published scores.
    ///
    /// # Errors
    /// What is wrong with it, at its position: an unknown column, a score that is not finite, an unknown end.
    pub fn load(path: &Path) -> Result<Self, Errors> {
        let root = yaml::load(path)?;
        let scores: Self = yaml::from_node(&root)?;
        let mut errors = Errors::default();
        check(&root, &scores, &mut errors);
        errors.into_result(scores)
    }
}

/// Walks the tree, which knows the positions, in parallel with what was read from it.
fn check(root: &Node, scores: &Scores, errors: &mut Errors) {
    let rows = root.get("rows").and_then(|rows| rows.elements("a list").ok()).unwrap_or_default();
    for (node, row) in rows.iter().zip(&scores.rows) {
        if row.end.as_ref().is_some_and(|end| end != "smallest" && end != "largest")
            && let Some(end) = node.get("end")
        {
            errors.at(&end.span, "an adapter starts from the `smallest` or the `largest` components");
        }
        let values = node.get("scores").and_then(|values| values.pairs("scores").ok()).unwrap_or_default();
        if values.is_empty() {
            errors.at(&node.span, "this row has no scores");
        }
        for (key, value) in values {
            if !scores.columns.iter().any(|column| column.name == key.name) {
                let names = scores.columns.iter().map(|column| column.name.clone());
                errors.push(Error::unknown(&key.span, "column", &key.name, names));
            }
            if row.scores.get(&key.name).is_some_and(|score| !score.is_finite()) {
                errors.at(&value.span, "a score must be finite");
            }
        }
    }
    let contexts = root.get("contexts").and_then(|list| list.elements("a list").ok()).unwrap_or_default();
    for (node, context) in contexts.iter().zip(&scores.contexts) {
        if !scores.rows.iter().any(|row| row.context.as_ref() == Some(context)) {
            errors.at(&node.span, format!("no row has the context `{context}`"));
        }
    }
}
