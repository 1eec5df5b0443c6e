//! The end of a run: rows from the journals, results on disk, the report.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::cache::ReadArrays;
use crate::decompose::store;
use crate::evaluate::uncertainty::{Estimate, estimate, paired};
use crate::plan::{EvaluateStage, Plan};
use crate::report::published::{PublishedRow, PublishedTest};
use crate::report::{self, Meta};
use crate::results::provenance::{Asset, Git, Provenance, timestamp};
use crate::results::{self, LinearRow, Row, WindowRow, machine::Machine};
use crate::spec::{Experiment, Publication, Warning};

use super::extent::{self, Extent};
use super::saved::{self, Saved};
use super::{Context, Run, RunError, energy, heatmap, spectrum, trained};

/// Files of a results folder; all of them make it complete.
pub fn files(experiment: &Experiment) -> Vec<&'static str> {
    let study = ["results.parquet", "results.csv", "windows.parquet", "table.md", "table.tex"];
    let mut files = vec!["report.html", "provenance.json"];
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

/// Fewest calibration tokens for each input dimension below which the report warns.
const TOKENS_PER_DIMENSION: f64 = 1.0;

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
    if files(experiment).iter().any(|file| !folder.join(file).is_file()) {
        return Ok(false);
    }
    let Ok(provenance) = Provenance::read(&folder.join("provenance.json")) else { return Ok(false) };
    // Results that lack a learner which failed are never the last word.
    if provenance.results_key != plan.results_key(experiment) || folder.join(saved::FAILURES).exists() {
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

/// Writes results and report.
pub(super) fn write(run: &mut Run, warnings: &[Warning], header: Header, folder: &Path) -> Result<(), RunError> {
    let mut lines: Vec<String> = warnings.iter().map(Warning::to_string).collect();
    if run.experiment.train.is_some() {
        lines.extend(trained::too_long(run)?);
        let rows = trained::rows(run)?;
        results::write_rows(&folder.join("trained.parquet"), &rows.trained)?;
        results::write_csv(&folder.join("trained.csv"), &rows.trained)?;
        results::write_rows(&folder.join("steps.parquet"), &rows.steps)?;
        results::write_rows(&folder.join("rates.parquet"), &rows.rates)?;
        results::write_rows(&folder.join("answers.parquet"), &rows.answers)?;
        lines.extend(rows.failures.iter().map(|failed| format!("{} failed: {}", failed.label, failed.why)));
        saved::write_failures(folder, &rows.failures)?;
    } else if !run.experiment.evaluations.is_empty() {
        let (rows, windows) = measurements(run)?;
        results::write_rows(&folder.join("results.parquet"), &rows)?;
        results::write_csv(&folder.join("results.csv"), &rows)?;
        results::write_rows(&folder.join("windows.parquet"), &windows)?;
    }
    if !run.experiment.arms.is_empty() {
        let linears = linears(run)?;
        lines.extend(thin_calibrations(&linears));
        results::write_rows(&folder.join("linears.parquet"), &linears)?;
    }
    if run.experiment.adapters.is_some() {
        results::write_rows(&folder.join("adapters.parquet"), &energy::rows(run)?)?;
    }
    if run.experiment.heatmaps.is_some() {
        results::write_rows(&folder.join("heatmaps.parquet"), &heatmap::rows(run)?)?;
    }
    if run.experiment.spectra.is_some() {
        results::write_rows(&folder.join("spectra.parquet"), &spectrum::rows(run)?)?;
    }
    let provenance = Provenance {
        version: env!("CARGO_PKG_VERSION").into(),
        spec: serde_json::to_value(run.experiment).unwrap_or_default(),
        overrides: run.experiment.overrides.clone(),
        results_key: run.plan.results_key(run.experiment),
        assets: header.assets,
        warnings: lines,
        run: results::provenance::Run {
            command: run.context.command.clone(),
            started: header.started,
            finished: timestamp(SystemTime::now()),
            git: header.git,
            machine: Machine::detect(rayon::current_num_threads()),
            stages: std::mem::take(&mut run.stages),
        },
    };
    render(run.experiment, run.context, &provenance, folder)?;
    Ok(provenance.write(&folder.join("provenance.json"))?)
}

/// Tables and figures from the saved rows.
pub(super) fn render(
    experiment: &Experiment,
    context: &Context,
    provenance: &Provenance,
    folder: &Path,
) -> Result<Vec<PathBuf>, RunError> {
    let meta = meta(experiment, &provenance.warnings);
    let mut written = Vec::new();
    let published = published(experiment, context)?;
    let (mut rows, mut windows) = (Vec::new(), Vec::new());
    let saved = Saved::read(experiment, context, folder)?;
    let trained = saved.as_ref().map(Saved::trained);
    if let Some(trained) = &trained {
        written.extend(report::render_trained(trained, &meta, folder)?);
    } else if !experiment.evaluations.is_empty() {
        rows = results::read_rows(&folder.join("results.parquet"))?;
        windows = results::read_rows(&folder.join("windows.parquet"))?;
        written.extend(report::render(&rows, &windows, published.as_ref(), &meta, folder)?);
        if experiment.adapters.is_some() {
            let adapters = results::read_rows(&folder.join("adapters.parquet"))?;
            written.extend(report::render_adapters(&adapters, &rows, &meta, folder)?);
        }
    }
    if experiment.heatmaps.is_some() {
        let cells = results::read_rows(&folder.join("heatmaps.parquet"))?;
        written.extend(report::render_heatmaps(&cells, &meta, folder)?);
    }
    if let Some(spectra) = &experiment.spectra {
        let values = results::read_rows(&folder.join("spectra.parquet"))?;
        written.extend(report::render_spectra(&values, spectra.last, &meta, folder)?);
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
        published: published.as_ref(),
        figures,
        sweep: None,
        trained: trained.as_ref(),
    };
    written.extend(report::render_page(&sources, folder)?);
    Ok(written)
}

/// The rows of a plan, from the journals.
pub(super) fn measurements(run: &Run) -> Result<(Vec<Row>, Vec<WindowRow>), RunError> {
    let (mut rows, mut window_rows) = (Vec::new(), Vec::new());
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
        let seconds = found.iter().map(|m| m.seconds).sum();
        let row = row(run.experiment, stage, &losses, &undamaged[stage.evaluation], seconds);
        window_rows.extend(losses.iter().zip(0..).map(|(&nll, window)| WindowRow {
            experiment: row.experiment.clone(),
            arm: row.arm.clone(),
            discarded: row.discarded,
            share: row.share,
            evaluation: row.evaluation.clone(),
            window,
            nll,
        }));
        rows.push(row);
    }
    Ok((rows, window_rows))
}

fn row(experiment: &Experiment, stage: &EvaluateStage, losses: &[f64], undamaged: &[f64], seconds: f64) -> Row {
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
        seconds,
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

/// A warning for each arm whose calibration has fewer tokens than some input has dimensions.
fn thin_calibrations(linears: &[LinearRow]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for arm in linears.chunk_by(|a, b| a.arm == b.arm) {
        let tokens = |row: &&LinearRow| row.tokens_per_dimension.is_some_and(|t| t < TOKENS_PER_DIMENSION);
        let thin: Vec<&LinearRow> = arm.iter().filter(tokens).collect();
        if let Some(first) = thin.first() {
            lines.push(format!(
                "{}: the calibration has fewer tokens than input dimensions for {} of {} linears (first {}: {:.2} tokens \
                 a dimension); its covariance rests on damping there",
                first.arm,
                thin.len(),
                arm.len(),
                first.linear,
                first.tokens_per_dimension.unwrap_or(f64::NAN),
            ));
        }
    }
    lines
}

/// What the report says besides rows.
pub(super) fn meta(experiment: &Experiment, warnings: &[String]) -> Meta {
    let model = &experiment.model;
    let mut settings = vec![
        format!("model {} ({} parameters)", model.name, model.shape.parameters()),
        format!("targets {} ({} linears)", experiment.targets.describe(), experiment.linears().len()),
        format!("seed {}", experiment.seed),
    ];
    settings.extend(experiment.calibrations.iter().map(|c| {
        let (corpus, split) = (&c.corpus.name, &c.corpus.split);
        format!("calibration {}: {} samples of {} tokens of {corpus}/{split}", c.name, c.samples, c.length)
    }));
    settings.extend(trained::settings(experiment));
    Meta {
        title: experiment.title.clone(),
        description: experiment.description.clone(),
        name: experiment.name.clone(),
        model: model.name.clone(),
        by: extent::by(experiment),
        settings,
        warnings: warnings.to_vec(),
        citations: citations(experiment),
        parameters: extent::parameters(experiment),
        largest: experiment.arms.iter().filter(|arm| !arm.end.is_smallest()).map(|arm| arm.id.clone()).collect(),
    }
}

/// The paper, then the model and the texts, each once.
pub(super) fn citations(experiment: &Experiment) -> Vec<String> {
    let paper = "Yang et al. (2024). CorDA: Context-Oriented Decomposition Adaptation of Large Language Models for \
                 Task-Aware Parameter-Efficient Fine-tuning. NeurIPS. arXiv:2406.05223.";
    let mut all = vec![paper.to_string()];
    let corpora = super::corpora(experiment);
    for citation in std::iter::once(&experiment.model.citation).chain(corpora.iter().map(|c| &c.citation)) {
        if !citation.is_empty() && !all.contains(citation) {
            all.push(citation.clone());
        }
    }
    all
}

/// The paper's numbers that a spec names, of either kind.
pub(super) fn publication(experiment: &Experiment, context: &Context) -> Result<Option<Publication>, RunError> {
    let Some(name) = &experiment.published else { return Ok(None) };
    Ok(Some(Publication::load(&context.experiments.join("published").join(format!("{name}.yaml")))?))
}

/// The paper's numbers that a spec names, as the report takes them.
pub(super) fn published(experiment: &Experiment, context: &Context) -> Result<Option<report::Published>, RunError> {
    let Some(Publication::Curves(data)) = publication(experiment, context)? else { return Ok(None) };
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
    Ok(Some(report::Published {
        title: data.title,
        citation: data.citation,
        model: data.model,
        tests: tests.collect(),
    }))
}
