//! The decomposition study: perplexity of the undamaged model and of each arm's points, as rows, tables and Figure 2.

use std::path::Path;

use serde_json::{Value, json};

use crate::evaluate::uncertainty::{Estimate, estimate, paired};
use crate::plan::{Losses, Plan};
use crate::report;
use crate::results::folder::TIMINGS;
use crate::results::{self, Row, TimingRow, WindowRow};
use crate::spec::Experiment;

use super::extent::Extent;
use super::product::{Drawing, Product};
use super::session::Run;
use super::{Context, RunError};

/// The product.
pub(super) struct Study;

impl Study {
    /// The study of an experiment that measures arms on test sets.
    pub fn of(experiment: &Experiment) -> Option<Self> {
        (experiment.train.is_none() && !experiment.evaluations.is_empty()).then_some(Self)
    }
}

/// Files of rows and tables; a sweep has the same over all of its variants.
pub(super) const FILES: [&str; 6] =
    [TIMINGS, "results.parquet", "results.csv", "windows.parquet", "table.md", "table.tex"];

impl Product for Study {
    fn files(&self) -> Vec<&'static str> {
        let figures =
            ["figure2.svg", "figure2.png", "figure2.pdf", "parameters.svg", "parameters.png", "parameters.pdf"];
        FILES.into_iter().chain(figures).collect()
    }

    fn keys(&self, plan: &Plan) -> Vec<(&'static str, Value)> {
        vec![("losses", losses(plan))]
    }

    fn is_current(&self, plan: &Plan, context: &Context, folder: &Path) -> Result<bool, RunError> {
        match results::read_rows::<Row>(&folder.join("results.parquet")) {
            Ok(rows) => is_measured(plan, &rows, context),
            Err(_) => Ok(false),
        }
    }

    fn write(&self, run: &Run, to: &Path) -> Result<Vec<String>, RunError> {
        let Measurements { rows, windows, timings } = measurements(run)?;
        results::write_rows(&to.join("results.parquet"), &rows)?;
        results::write_csv(&to.join("results.csv"), &rows)?;
        results::write_rows(&to.join("windows.parquet"), &windows)?;
        results::write_rows(&to.join(TIMINGS), &timings)?;
        Ok(Vec::new())
    }

    fn render(&self, drawing: &mut Drawing) -> Result<(), RunError> {
        let rows = results::read_rows(&drawing.folder.join("results.parquet"))?;
        let windows = results::read_rows(&drawing.folder.join("windows.parquet"))?;
        drawing.written.extend(report::render(&rows, &windows, drawing.published, drawing.meta, drawing.to)?);
        drawing.page.rows = rows;
        drawing.page.windows = windows;
        Ok(())
    }

    fn is_in_a_sweep(&self) -> bool {
        true
    }
}

/// Content keys of all window losses.
pub(super) fn losses(plan: &Plan) -> Value {
    json!(plan.losses().map(|(_, losses)| losses.key.as_str()).collect::<Vec<_>>())
}

/// Whether these are the rows of this very plan and the cache has the windows that they rest on.
pub(super) fn is_measured(plan: &Plan, rows: &[Row], context: &Context) -> Result<bool, RunError> {
    for ((_, losses), row) in plan.losses().zip(rows) {
        let measured = context.cache.journal(&losses.key).read()?;
        if row.key != losses.key || (0..row.windows as usize).any(|window| !measured.contains_key(&window)) {
            return Ok(false);
        }
    }
    Ok(rows.len() == plan.losses().count())
}

/// What a plan measured.
#[derive(Default)]
pub(super) struct Measurements {
    pub rows: Vec<Row>,
    pub windows: Vec<WindowRow>,
    pub timings: Vec<TimingRow>,
}

/// The rows of a plan, from the journals: the undamaged model's, then each arm's.
pub(super) fn measurements(run: &Run) -> Result<Measurements, RunError> {
    let mut all = Measurements::default();
    let mut undamaged: Vec<Vec<f64>> = vec![Vec::new(); run.experiment.evaluations.len()];
    let plan = run.plan;
    for (arm, stage) in plan.losses() {
        let count = run.windows(stage.evaluation)?;
        let measured = run.context.cache.journal(&stage.key).read()?;
        let found: Vec<_> = (0..count).filter_map(|window| measured.get(&window)).collect();
        let losses: Vec<f64> = found.iter().map(|m| m.nll).collect();
        if stage.point.is_none() {
            undamaged[stage.evaluation].clone_from(&losses);
        }
        let row = row(run.experiment, (arm, stage), &losses, &undamaged[stage.evaluation]);
        all.timings.push(TimingRow {
            experiment: row.experiment.clone(),
            stage: "evaluate".into(),
            arm: row.arm.clone(),
            discarded: Some(row.discarded),
            share: Some(row.share),
            measure: Some(row.evaluation.clone()),
            seed: None,
            step: None,
            seconds: found.iter().map(|m| m.seconds).sum(),
        });
        all.windows.extend(losses.iter().zip(0..).map(|(&nll, window)| WindowRow {
            experiment: row.experiment.clone(),
            arm: row.arm.clone(),
            discarded: row.discarded,
            share: row.share,
            evaluation: row.evaluation.clone(),
            window,
            nll,
        }));
        all.rows.push(row);
    }
    Ok(all)
}

fn row(experiment: &Experiment, (arm, stage): (Option<usize>, &Losses), losses: &[f64], undamaged: &[f64]) -> Row {
    let evaluation = &experiment.evaluations[stage.evaluation];
    let arm = arm.map(|arm| &experiment.arms[arm]);
    let calibration = arm.and_then(|arm| experiment.calibration(arm));
    let Extent { discarded, share, factored: factored_ratio, .. } = Extent::of(experiment, stage.point);
    let Estimate { mean, stderr, low, high } = estimate(losses);
    let delta = paired(losses, undamaged);
    Row {
        experiment: experiment.name.clone(),
        arm: arm.map_or("none".into(), |arm| arm.id.clone()),
        label: arm.map_or("Undamaged".into(), |arm| arm.label.clone()),
        method: arm.map_or("none".into(), |arm| arm.method.name().into()),
        calibration: calibration.map(|calibration| calibration.name.clone()),
        samples: calibration.map(|c| arm.and_then(|arm| arm.samples).unwrap_or(c.samples) as u32),
        discarded: discarded as u32,
        share,
        targets: experiment.targets.describe(),
        evaluation: evaluation.name.clone(),
        corpus: evaluation.corpus.name.clone(),
        split: evaluation.corpus.split.clone(),
        windows: losses.len() as u32,
        length: evaluation.length as u32,
        tokens: (losses.len() * (evaluation.length - 1)) as u64,
        nll: mean,
        nll_stderr: stderr,
        perplexity: mean.exp(),
        ppl_low: low.exp(),
        ppl_high: high.exp(),
        delta_nll: delta.mean,
        delta_low: delta.low,
        delta_high: delta.high,
        key: stage.key.clone(),
        factored_ratio,
    }
}
