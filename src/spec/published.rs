//! Results from a paper, as data, to show next to ours.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Catalog;
use super::scores::Publication;
use crate::yaml::{self, Error, Errors, Node, Spanned};

/// A published study of perplexity against discarded components.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, expecting = "published results: {title, citation, model, tests: [...]}")]
pub struct Published {
    /// What it is, e.g. which table of which paper.
    pub title: String,
    /// How to cite it.
    pub citation: String,
    /// The model, in the paper's words.
    pub model: String,
    /// The test sets.
    pub tests: Vec<PublishedTest>,
}

/// One test set.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, expecting = "a test set: {evaluation, name, rows: [...]}")]
pub struct PublishedTest {
    /// The name that our specs give to the evaluation it corresponds to.
    pub evaluation: String,
    /// The paper's name for it.
    pub name: String,
    /// The curves.
    pub rows: Vec<PublishedRow>,
}

/// One curve.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, expecting = "a row: {method, label, calibration, samples, perplexity: {R: VALUE}}")]
pub struct PublishedRow {
    /// The spec's word for the method.
    pub method: String,
    /// The paper's label.
    pub label: String,
    /// The name that our specs give to the calibration it corresponds to.
    pub calibration: Option<String>,
    /// Number of calibration samples.
    pub samples: Option<u32>,
    /// Discarded components -> perplexity.
    pub perplexity: BTreeMap<u32, f64>,
}

impl Published {
    /// Reads a file of published results.
    ///
    /// # Errors
    /// What is wrong with it, at its position; a perplexity below 1 is none.
    pub fn load(path: &Path) -> Result<Self, Errors> {
        let root = yaml::load(path)?;
        let published: Self = yaml::from_node(&root)?;
        let mut errors = Errors::default();
        check_perplexities(&root, &mut errors);
        errors.into_result(published)
    }

    /// The test set that corresponds to an evaluation of ours.
    pub fn test(&self, evaluation: &str) -> Option<&PublishedTest> {
        self.tests.iter().find(|test| test.evaluation == evaluation)
    }

    /// All test sets: those that correspond to these evaluations, in their order, then the rest.
    pub fn beside<'a>(&self, evaluations: impl Iterator<Item = &'a str> + Clone) -> Vec<&PublishedTest> {
        let rest = self.tests.iter().filter(|test| !evaluations.clone().any(|name| name == test.evaluation));
        evaluations.clone().filter_map(|name| self.test(name)).chain(rest).collect()
    }
}

/// Each value is a perplexity: finite, at least 1. Walks the tree, which knows the positions.
fn check_perplexities(root: &Node, errors: &mut Errors) {
    let lists = |node: &Node, key: &str| {
        node.get(key).and_then(|list| list.elements("a list").ok()).map(<[Node]>::to_vec).unwrap_or_default()
    };
    for row in lists(root, "tests").iter().flat_map(|test| lists(test, "rows")) {
        let values = row.get("perplexity").and_then(|values| values.pairs("values").ok()).unwrap_or_default();
        if values.is_empty() {
            errors.at(&row.span, "this row has no values");
        }
        for (_, node) in values {
            if let Ok(value) = yaml::from_node::<f64>(node)
                && !(1.0..f64::INFINITY).contains(&value)
            {
                errors.at(&node.span, format!("{value} is not a perplexity: it must be finite and at least 1"));
            }
        }
    }
}

/// Reads the results, of either kind, that a spec's `published` names: a file in `published/` beside the catalog.
pub(super) fn find(name: &Spanned<String>, catalog: &Catalog) -> Result<Publication, Errors> {
    let names = available(catalog);
    if !names.contains(&name.value) {
        return Err(Error::unknown(&name.span, "published results", name, names).into());
    }
    Publication::load(&catalog.published(name))
}

/// The names of the files there are.
fn available(catalog: &Catalog) -> Vec<String> {
    let entries = fs::read_dir(catalog.folder.join("published")).into_iter().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".yaml")?.to_owned())).collect();
    names.sort();
    names
}
