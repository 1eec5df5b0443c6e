//! The paper's numbers that an experiment names, to show beside ours.

use crate::report;
use crate::report::published::{PublishedRow, PublishedTest};
use crate::spec::{Experiment, Publication, Published};

use super::{Context, RunError};

/// The paper's numbers that a spec names, of either kind.
pub(super) fn publication(experiment: &Experiment, context: &Context) -> Result<Option<Publication>, RunError> {
    let Some(name) = &experiment.published else { return Ok(None) };
    Ok(Some(Publication::load(&context.experiments.join("published").join(format!("{name}.yaml")))?))
}

/// A paper's curves, as the report takes them.
pub(super) fn curves(data: Published) -> report::Published {
    let tests = data.tests.into_iter().map(|test| PublishedTest {
        evaluation: test.evaluation,
        name: test.name,
        rows: test
            .rows
            .into_iter()
            .map(|row| PublishedRow {
                method: row.method,
                label: row.label,
                calibration: row.calibration,
                samples: row.samples.map(|n| n as usize),
                perplexity: row.perplexity.into_iter().map(|(r, value)| (r as usize, value)).collect(),
            })
            .collect(),
    });
    report::Published { title: data.title, citation: data.citation, model: data.model, tests: tests.collect() }
}
