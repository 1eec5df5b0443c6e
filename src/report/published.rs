//! Numbers from a paper, to show beside ours. Data only.

use std::collections::BTreeMap;

/// A published study.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// What it is, e.g. `Table 6`.
    pub title: String,
    /// Where it is from.
    pub citation: String,
    /// The model it was measured on.
    pub model: String,
    /// Its test sets, in order.
    pub tests: Vec<PublishedTest>,
}

/// One test set of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedTest {
    /// Name of our evaluation that corresponds to it.
    pub evaluation: String,
    /// What the paper calls it.
    pub name: String,
    /// Its curves, in order.
    pub rows: Vec<PublishedRow>,
}

/// One curve of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedRow {
    /// The spec's word for the method.
    pub method: String,
    /// What the paper calls it.
    pub label: String,
    /// Calibration text, if any.
    pub calibration: Option<String>,
    /// Calibration samples, if any.
    pub samples: Option<usize>,
    /// Components discarded -> perplexity.
    pub perplexity: BTreeMap<usize, f64>,
}

impl Published {
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
