//! The end of a run: rows from the journals, results on disk, the report.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::cache::ReadArrays;
use crate::decompose::store;
use crate::evaluate::uncertainty::{Estimate, estimate, paired};
use crate::plan::{EvaluateStage, Plan};
use crate::report;
use crate::results::folder::{self, PAGE, PROVENANCE, Replacement, TIMINGS};
use crate::results::provenance::{Asset, Git, Provenance, Samples, timestamp};
use crate::results::{self, LinearRow, Row, TimingRow, WindowRow, machine::Machine};
use crate::spec::{Calibration, Experiment};

use super::extent::Extent;
use super::finetune::rows as finetune_rows;
use super::finetune::saved::{self, Saved};
use super::meta::published;
pub(super) use super::meta::{citations, meta};
use super::texts::Known;
use super::{Context, Run, RunError, energy, heatmap, owner, redraw, spectrum};

/// Files of a results folder; all of them make it complete.
pub fn files(experiment: &Experiment) -> Vec<&'static str> {
    let study = ["results.parquet", "results.csv", "windows.parquet", "table.md", "table.tex"];
    let mut files = vec![PAGE, PROVENANCE];
    if experiment.train.is_some() || !experiment.evaluations.is_empty() {
        files.push(TIMINGS);
    }
    if !experiment.arms.is_empty() {
        files.push("linears.parquet");
    }
    if experiment.train.is_some() {
        files.extend(["trained.parquet", "trained.csv", "steps.parquet", "rates.parquet", "answers.parquet"]);
        files.extend(["trained.md", "trained.tex"]);
        files.extend(["training.svg", "training.png", "training.pdf"]);
        let tested = saved::tested(experiment);
        if !tested.task.is_empty() && !tested.knowledge.is_empty() {
            files.extend(["kept.svg", "kept.png", "kept.pdf"]);
        }
    } else if !experiment.evaluations.is_empty() {
        files.extend(study);
        files.extend(["figure2.svg", "figure2.png", "figure2.pdf"]);
        files.extend(["parameters.svg", "parameters.png", "parameters.pdf"]);
    }
    if experiment.adapters.is_some() {
        files.extend(["adapters.parquet", "adapters.md", "adapters.svg", "adapters.png", "adapters.pdf"]);
    }
    if experiment.heatmaps.is_some() {
        files.extend(["heatmaps.parquet", "heatmaps.svg", "heatmaps.png", "heatmaps.pdf"]);
    }
    if experiment.spectra.is_some() {
        files.extend(["spectra.parquet", "spectra.svg", "spectra.png", "spectra.pdf"]);
    }
    files
}

/// The files of a results folder that stay when the others go: [`files`], and the failures of learners where there are any.
pub(super) fn kept(experiment: &Experiment, folder: &Path) -> Vec<&'static str> {
    let mut files = files(experiment);
    if experiment.train.is_some() && folder.join(saved::FAILURES).exists() {
        files.push(saved::FAILURES);
    }
    files
}

/// What the provenance needs from the start of a run.
pub(super) struct Header {
    pub started: String,
    pub git: Option<Git>,
    pub assets: Vec<Asset>,
}

/// Whether the folder holds the results of this very plan and the cache all it rests on.
pub(super) fn is_current(
    plan: &Plan,
    experiment: &Experiment,
    context: &Context,
    folder: &Path,
) -> Result<bool, RunError> {
    // Earlier versions had no file of times, which are no results.
    let mut needed = files(experiment).into_iter().filter(|file| *file != TIMINGS);
    if !folder::is_whole(folder) || needed.any(|file| !folder.join(file).is_file()) {
        return Ok(false);
    }
    let Ok(provenance) = Provenance::read(&folder.join(PROVENANCE)) else { return Ok(false) };
    // Results that lack a learner which failed are never the last word.
    if provenance.results_key != plan.results_key(experiment)? || folder.join(saved::FAILURES).exists() {
        return Ok(false);
    }
    // They may have been drawn again with other words.
    if !redraw::same_words(&provenance.spec, &experiment.recorded()?) {
        return Ok(false);
    }
    if experiment.evaluations.is_empty() || experiment.train.is_some() {
        return Ok(true);
    }
    match results::read_rows::<Row>(&folder.join("results.parquet")) {
        Ok(rows) => is_measured(plan, &rows, context),
        Err(_) => Ok(false),
    }
}

/// Whether these are the rows of this very plan and the cache holds the windows they rest on.
pub(super) fn is_measured(plan: &Plan, rows: &[Row], context: &Context) -> Result<bool, RunError> {
    for (stage, row) in plan.evaluate.iter().zip(rows) {
        let measured = context.cache.journal(&stage.key).read()?;
        if row.key != stage.key || (0..row.windows as usize).any(|window| !measured.contains_key(&window)) {
            return Ok(false);
        }
    }
    Ok(rows.len() == plan.evaluate.len())
}

/// Removes what an earlier shape of the experiment left beside results that are current.
pub(super) fn tidy(experiment: &Experiment, folder: &Path) -> Result<(), RunError> {
    folder::clear(folder, &kept(experiment, folder))?;
    if experiment.variant.is_none() {
        folder::clear_variants(folder, None, &[])?;
    }
    Ok(())
}

/// The spec that wrote the results which a folder holds.
pub(super) fn former(folder: &Path) -> Option<serde_json::Value> {
    Provenance::read(&folder.join(PROVENANCE)).ok().map(|provenance| provenance.spec)
}

/// Writes results and report: all of them, or nothing.
pub(super) fn write(run: &mut Run, known: &Known, header: Header, folder: &Path) -> Result<(), RunError> {
    let experiment = run.experiment;
    let new = Replacement::begin(folder)?;
    // Another process may have written results since this one started.
    owner::check(experiment, run.context)?;
    let former = former(folder);
    let lines = write_rows(run, known, new.staging())?;
    let provenance = Provenance {
        version: env!("CARGO_PKG_VERSION").into(),
        spec: experiment.recorded()?,
        file: Some(experiment.origin.file.clone()),
        elsewhere: experiment.origin.elsewhere.clone(),
        renamed: experiment.origin.renamed,
        overrides: experiment.overrides.clone(),
        results_key: run.plan.results_key(experiment)?,
        assets: header.assets,
        warnings: lines,
        samples: samples(experiment, known),
        run: results::provenance::Run {
            command: run.context.command.clone(),
            started: header.started,
            finished: timestamp(SystemTime::now()),
            git: header.git,
            machine: Machine::detect(rayon::current_num_threads()),
            stages: std::mem::take(&mut run.stages),
        },
    };
    render(experiment, run.context, &provenance, new.staging(), new.staging())?;
    provenance.write(&new.staging().join(PROVENANCE))?;
    let keeps = kept(experiment, new.staging());
    new.commit(&provenance.to_json()?, &keeps)?;
    if experiment.variant.is_none() {
        folder::clear_variants(folder, former.as_ref(), &[])?;
    }
    Ok(())
}

/// Writes the rows of everything that was measured; gives the warnings.
fn write_rows(run: &Run, known: &Known, to: &Path) -> Result<Vec<String>, RunError> {
    let mut lines: Vec<String> = known.warnings.iter().map(|warning| run.experiment.origin.warning(warning)).collect();
    if run.experiment.train.is_some() {
        lines.extend(finetune_rows::too_long(run)?);
        let rows = finetune_rows::rows(run)?;
        results::write_rows(&to.join("trained.parquet"), &rows.trained)?;
        results::write_csv(&to.join("trained.csv"), &rows.trained)?;
        results::write_rows(&to.join("steps.parquet"), &rows.steps)?;
        results::write_rows(&to.join("rates.parquet"), &rows.rates)?;
        results::write_rows(&to.join("answers.parquet"), &rows.answers)?;
        results::write_rows(&to.join(TIMINGS), &rows.timings)?;
        lines.extend(rows.failures.iter().map(|failed| format!("{} failed: {}", failed.label, failed.why)));
        saved::write_failures(to, &rows.failures)?;
    } else if !run.experiment.evaluations.is_empty() {
        let Measurements { rows, windows, timings } = measurements(run)?;
        results::write_rows(&to.join("results.parquet"), &rows)?;
        results::write_csv(&to.join("results.csv"), &rows)?;
        results::write_rows(&to.join("windows.parquet"), &windows)?;
        results::write_rows(&to.join(TIMINGS), &timings)?;
    }
    if !run.experiment.arms.is_empty() {
        results::write_rows(&to.join("linears.parquet"), &linears(run)?)?;
    }
    if run.experiment.adapters.is_some() {
        results::write_rows(&to.join("adapters.parquet"), &energy::rows(run)?)?;
    }
    if run.experiment.heatmaps.is_some() {
        results::write_rows(&to.join("heatmaps.parquet"), &heatmap::rows(run)?)?;
    }
    if run.experiment.spectra.is_some() {
        results::write_rows(&to.join("spectra.parquet"), &spectrum::rows(run)?)?;
    }
    Ok(lines)
}

/// Tables and figures into a folder, from the rows that are saved in another or in the same.
pub(super) fn render(
    experiment: &Experiment,
    context: &Context,
    provenance: &Provenance,
    folder: &Path,
    to: &Path,
) -> Result<Vec<PathBuf>, RunError> {
    let meta = meta(experiment, provenance);
    let mut written = Vec::new();
    let published = published(experiment, context)?;
    let (mut rows, mut windows) = (Vec::new(), Vec::new());
    let mut timings: Vec<TimingRow> = Vec::new();
    if folder.join(TIMINGS).is_file() {
        timings = results::read_rows(&folder.join(TIMINGS))?;
    }
    let saved = Saved::read(experiment, context, folder)?;
    let trained = saved.as_ref().map(Saved::trained);
    if let Some(trained) = &trained {
        written.extend(report::render_trained(trained, &meta, to)?);
    } else if !experiment.evaluations.is_empty() {
        rows = results::read_rows(&folder.join("results.parquet"))?;
        windows = results::read_rows(&folder.join("windows.parquet"))?;
        written.extend(report::render(&rows, &windows, published.as_ref(), &meta, to)?);
        if experiment.adapters.is_some() {
            let adapters = results::read_rows(&folder.join("adapters.parquet"))?;
            written.extend(report::render_adapters(&adapters, &rows, &meta, to)?);
        }
    }
    if experiment.heatmaps.is_some() {
        let cells = results::read_rows(&folder.join("heatmaps.parquet"))?;
        written.extend(report::render_heatmaps(&cells, &meta, to)?);
    }
    if let Some(spectra) = &experiment.spectra {
        let values = results::read_rows(&folder.join("spectra.parquet"))?;
        written.extend(report::render_spectra(&values, spectra.last, &meta, to)?);
    }
    let figures = written.iter().filter(|path| path.extension().is_some_and(|e| e == "svg"));
    let read = |path: &PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let svg =
            std::fs::read_to_string(path).map_err(|source| results::Error::Read { path: path.clone(), source })?;
        Ok::<_, results::Error>((name, svg))
    };
    let figures = figures.map(read).collect::<Result<Vec<_>, _>>()?;
    let sources = report::Sources {
        meta: &meta,
        provenance,
        rows: &rows,
        windows: &windows,
        timings: &timings,
        published: published.as_ref(),
        figures,
        sweep: None,
        trained: trained.as_ref(),
    };
    written.extend(report::render_page(&sources, to)?);
    Ok(written)
}

/// What a plan measured of curves.
#[derive(Default)]
pub(super) struct Measurements {
    pub rows: Vec<Row>,
    pub windows: Vec<WindowRow>,
    pub timings: Vec<TimingRow>,
}

/// The rows of a plan, from the journals.
pub(super) fn measurements(run: &Run) -> Result<Measurements, RunError> {
    let mut all = Measurements::default();
    let mut undamaged: Vec<Vec<f64>> = vec![Vec::new(); run.experiment.evaluations.len()];
    let plan = run.plan;
    for stage in &plan.evaluate {
        let count = run.windows(stage.evaluation)?;
        let measured = run.context.cache.journal(&stage.key).read()?;
        let found: Vec<_> = (0..count).filter_map(|window| measured.get(&window)).collect();
        let losses: Vec<f64> = found.iter().map(|m| m.nll).collect();
        if stage.point.is_none() {
            undamaged[stage.evaluation].clone_from(&losses);
        }
        let row = row(run.experiment, stage, &losses, &undamaged[stage.evaluation]);
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

fn row(experiment: &Experiment, stage: &EvaluateStage, losses: &[f64], undamaged: &[f64]) -> Row {
    let evaluation = &experiment.evaluations[stage.evaluation];
    let arm = stage.point.map(|(arm, _)| &experiment.arms[arm]);
    let calibration = arm.and_then(|arm| experiment.calibration(arm));
    let Extent { discarded, share, factored: factored_ratio, .. } = Extent::of(experiment, stage.point.map(|p| p.1));
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

fn linears(run: &Run) -> Result<Vec<LinearRow>, RunError> {
    let mut rows = Vec::new();
    for stage in &run.plan.decompose {
        for part in &run.plan.parts {
            let path = run.context.cache.part("decomposition", &stage.key, &part.name());
            let file = ReadArrays::open(&path)?;
            for (linear, _) in &part.linears {
                let (singular, conditioning) = store::read_spectrum(&file, &path, &linear.name)?;
                rows.push(LinearRow {
                    experiment: run.experiment.name.clone(),
                    arm: run.experiment.arms[stage.arm].id.clone(),
                    linear: linear.name.clone(),
                    d_out: linear.d_out as u32,
                    d_in: linear.d_in as u32,
                    sigma_max: singular.first().copied().unwrap_or(f64::NAN),
                    sigma_min: singular.last().copied().unwrap_or(f64::NAN),
                    tokens_per_dimension: conditioning.tokens_per_dimension,
                    effective_rank: conditioning.effective_rank,
                    condition: conditioning.condition,
                    lambda: conditioning.lambda,
                    damping_rounds: conditioning.damping_rounds.map(|rounds| rounds as u32),
                });
            }
        }
    }
    Ok(rows)
}

/// The samples of each calibration as they were counted.
fn samples(experiment: &Experiment, known: &Known) -> Vec<Samples> {
    let all = experiment.calibrations.iter().zip(&known.samples);
    let one = |(calibration, lengths): (&Calibration, &Option<Vec<u32>>)| {
        let lengths = lengths.as_ref()?;
        Some(Samples {
            calibration: calibration.name.clone(),
            samples: lengths.len(),
            tokens: lengths.iter().map(|tokens| u64::from(*tokens)).sum(),
            shortest: lengths.iter().copied().min()?,
            longest: lengths.iter().copied().max()?,
        })
    };
    all.filter_map(one).collect()
}
