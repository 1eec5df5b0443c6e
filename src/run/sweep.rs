//! Runs the variants of a sweep, and writes what they say together.
//!
//! Each variant is an experiment with a folder of its own, `results/<name>/<variant>/`. A sweep over `targets` alone has
//! many variants of little interest each (a block, a kind of linear), so only the files over all of them are kept.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::SystemTime;

use serde_json::json;

use crate::cache::key;
use crate::plan::{Kind, Part, Plan, Stage};
use crate::results::folder::{self, PAGE, PROVENANCE, Replacement, TIMINGS};
use crate::results::machine::Machine;
use crate::results::provenance::{Asset, Provenance, Run as Header, Stage as Timed, timestamp};
use crate::results::{self, Row, TimingRow, Varied, WindowRow};
use crate::spec::{Experiment, Loaded, Sweep, Variant, Warning};

use super::experiment::one;
use super::session::{Held, Run};
use super::stage::Selection;
use super::study::{self, Measurements};
use super::texts::{self, Known, Patience};
use super::{Context, Done, RunError, current, outcome, owner, products, sources};

mod draw;

use draw::render;
pub(super) use draw::report;

/// The experiment, where only one will do.
///
/// # Errors
/// If it is a sweep.
pub fn single(loaded: &Loaded) -> Result<&Loaded, RunError> {
    let Some(sweep) = &loaded.sweep else { return Ok(loaded) };
    let own = loaded.experiment.overrides.len();
    let example = sweep.variants.first().map_or(String::new(), |v| v.experiment.overrides[own..].join("` `--set "));
    Err(RunError::Swept { path: loaded.experiment.path.clone(), variants: sweep.variants.len(), example })
}

/// Downloads and verifies the assets of all variants.
pub fn fetch(loaded: &Loaded, context: &Context) -> Result<Vec<Asset>, RunError> {
    let mut assets = Vec::new();
    for experiment in loaded.experiments() {
        add(&mut assets, sources::fetch(experiment, context)?);
    }
    Ok(assets)
}

/// Files of the folder over all variants; all of them make it complete.
pub(super) fn files(loaded: &Loaded, sweep: &Sweep) -> Vec<&'static str> {
    let mut files = vec![PAGE, PROVENANCE];
    if !loaded.experiment.evaluations.is_empty() {
        files.extend(study::FILES);
        if sweep.is_over_targets() {
            files.extend(["layers.svg", "layers.png", "layers.pdf"]);
        }
        if sweep.is_replicates() || sweep.is_drawn_beside() {
            files.extend(["figure2.svg", "figure2.png", "figure2.pdf"]);
        }
    }
    files
}

/// Whether every variant has a folder of its own.
pub fn keeps_folders(sweep: &Sweep) -> bool {
    let first = sweep.variants.first().map(|variant| &variant.experiment);
    let only_study =
        |e: &Experiment| !e.evaluations.is_empty() && products::of(e).iter().all(|product| product.is_in_a_sweep());
    !sweep.is_over_targets() || !first.is_some_and(only_study)
}

/// A sweep about to run.
struct Job<'a> {
    loaded: &'a Loaded,
    sweep: &'a Sweep,
    context: &'a Context,
    /// One a variant.
    plans: Vec<Plan>,
    folder: PathBuf,
}

/// What came of the variants.
#[derive(Default)]
struct Found {
    rows: Vec<Varied<Row>>,
    windows: Vec<Varied<WindowRow>>,
    timings: Vec<Varied<TimingRow>>,
    assets: Vec<Asset>,
    stages: Vec<Timed>,
    /// Of all variants, each once.
    warnings: Vec<Warning>,
}

/// Runs what is missing of every variant, or the selected stages of each.
pub(super) fn run(loaded: &Loaded, sweep: &Sweep, context: &Context, selection: Selection) -> Result<Done, RunError> {
    let started = timestamp(SystemTime::now());
    let job = Job::new(loaded, sweep, context)?;
    if let Selection::Stage(_) = selection {
        // A stage is one experiment's.
        single(loaded)?;
    }
    if selection == Selection::All && job.is_current()? {
        folder::clear(&job.folder, &files(loaded, sweep))?;
        folder::clear_variants(&job.folder, None, &job.folders())?;
        return Ok(Done::Nothing);
    }
    let held = Rc::<Held>::default();
    let git = held.git().clone();
    // Texts that are too short are said before anything is computed.
    fetch(loaded, context)?;
    let (known, warnings) = texts::look_all(loaded, context, Patience::Run)?;
    context.warn(&warnings);
    let mut found = Found { stages: job.calibrate(selection, &held)?, warnings, ..Found::default() };
    for ((variant, plan), known) in sweep.variants.iter().zip(&job.plans).zip(&known) {
        job.variant(variant, (plan, known), selection, &held, &mut found)?;
    }
    if selection != Selection::All {
        return Ok(Done::Selected);
    }
    let run = Header {
        command: context.command.clone(),
        started,
        finished: timestamp(SystemTime::now()),
        git,
        machine: Machine::detect(rayon::current_num_threads()),
        stages: std::mem::take(&mut found.stages),
    };
    job.write(found, run)?;
    Ok(Done::Ran)
}

/// Whether a run would find everything done, results included.
pub(super) fn is_current(loaded: &Loaded, sweep: &Sweep, context: &Context) -> Result<bool, RunError> {
    Job::new(loaded, sweep, context)?.is_current()
}

impl<'a> Job<'a> {
    fn new(loaded: &'a Loaded, sweep: &'a Sweep, context: &'a Context) -> Result<Self, RunError> {
        let plan = |variant: &Variant| sources::plan(&variant.experiment, &context.store);
        let plans = sweep.variants.iter().map(plan).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { loaded, sweep, context, plans, folder: context.results.join(&loaded.experiment.name) })
    }

    fn variants(&self) -> impl Iterator<Item = (&Variant, &Plan)> {
        self.sweep.variants.iter().zip(&self.plans)
    }

    fn results_key(&self) -> Result<String, RunError> {
        let of = |(variant, plan): (&Variant, &Plan)| {
            Ok((variant.name.clone(), outcome::results_key(plan, &variant.experiment)?))
        };
        let variants = self.variants().map(of).collect::<Result<Vec<_>, RunError>>()?;
        Ok(key("sweep", 1, &json!({"variants": variants, "spec": self.loaded.experiment.recorded()?})))
    }

    /// Names of the folders that variants have.
    fn folders(&self) -> Vec<&str> {
        self.variants().filter(|_| keeps_folders(self.sweep)).map(|(variant, _)| variant.name.as_str()).collect()
    }

    /// Whether the files over all variants and those of each are there and still right.
    fn is_current(&self) -> Result<bool, RunError> {
        let files = files(self.loaded, self.sweep);
        if !current::holds(&self.folder, &files, &self.results_key()?, &self.loaded.experiment)? {
            return Ok(false);
        }
        let rows: Vec<Varied<Row>> = if self.loaded.experiment.evaluations.is_empty() {
            Vec::new()
        } else {
            match results::read_rows(&self.folder.join("results.parquet")) {
                Ok(rows) => rows,
                Err(_) => return Ok(false),
            }
        };
        for (variant, plan) in self.variants() {
            let current = if keeps_folders(self.sweep) {
                let folder = self.context.results.join(variant.experiment.folder());
                current::is_current(plan, &variant.experiment, self.context, &folder)?
            } else {
                let own = rows.iter().filter(|row| row.variant.as_ref() == Some(&variant.name));
                let own: Vec<Row> = own.map(|row| row.row.clone()).collect();
                study::is_measured(plan, &own, self.context)?
            };
            if !current {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The calibration passes that variants with different targets share, once over all their blocks: each variant alone
    /// would pass through all blocks before its own.
    fn calibrate(&self, selection: Selection, held: &Rc<Held>) -> Result<Vec<Timed>, RunError> {
        let mut stages = Vec::new();
        for (experiment, plan) in shared_passes(self.variants().map(|(variant, plan)| (&variant.experiment, plan))) {
            let mut run = Run::sharing(self.held(experiment, held), experiment, &plan, self.context);
            for stage in selection.stages(&plan)?.into_iter().filter(|stage| matches!(stage.kind, Kind::Calibrate(_))) {
                run.compute(&Stage { id: format!("{} for all variants", stage.id), ..stage.clone() })?;
            }
            stages.append(&mut run.stages);
        }
        Ok(stages)
    }

    /// What an experiment may share with the first variant: everything if it is on the same model.
    fn held(&self, experiment: &Experiment, shared: &Rc<Held>) -> Rc<Held> {
        let first = &self.loaded.experiment;
        if first.model == experiment.model && first.device == experiment.device {
            return shared.clone();
        }
        Held::with_git(shared.git().clone())
    }

    /// Computes a variant and adds its results.
    fn variant(
        &self,
        variant: &Variant,
        (plan, known): (&Plan, &Known),
        selection: Selection,
        held: &Rc<Held>,
        found: &mut Found,
    ) -> Result<(), RunError> {
        let Variant { experiment, name, .. } = variant;
        let held = self.held(experiment, held);
        let with = |all: Measurements, found: &mut Found| {
            found.rows.extend(Varied::of(all.rows, name));
            found.windows.extend(Varied::of(all.windows, name));
            found.timings.extend(Varied::of(all.timings, name));
        };
        if keeps_folders(self.sweep) {
            one(experiment, &|| Ok(known.clone()), self.context, selection, &held)?;
            if selection == Selection::All {
                let folder = self.context.results.join(experiment.folder());
                add(&mut found.assets, Provenance::read(&folder.join(PROVENANCE))?.assets);
                if !experiment.evaluations.is_empty() {
                    let rows = results::read_rows(&folder.join("results.parquet"))?;
                    let windows = results::read_rows(&folder.join("windows.parquet"))?;
                    // Results of earlier versions have none.
                    let timings = folder.join(TIMINGS);
                    let timings = if timings.is_file() { results::read_rows(&timings)? } else { Vec::new() };
                    with(Measurements { rows, windows, timings }, found);
                }
            }
            return Ok(());
        }
        let mut run = Run::sharing(held, experiment, plan, self.context);
        add(&mut found.assets, run.fetched()?);
        run.compute_all(selection)?;
        if selection == Selection::All {
            with(study::measurements(&run)?, found);
        }
        // This variant has no provenance of its own.
        let named = |stage: Timed| Timed { name: format!("{name}: {}", stage.name), ..stage };
        let done = run.stages.into_iter().filter(|stage| stage.outcome != results::provenance::Outcome::Cached);
        found.stages.extend(done.map(named));
        Ok(())
    }

    fn write(&self, found: Found, run: Header) -> Result<(), RunError> {
        let Self { loaded, sweep, folder, .. } = self;
        let new = Replacement::begin(folder)?;
        // Another process may have written results since this one started.
        owner::check(&loaded.experiment, self.context)?;
        let former = outcome::former(folder);
        let to = new.staging();
        if !loaded.experiment.evaluations.is_empty() {
            results::write_rows(&to.join("results.parquet"), &found.rows)?;
            results::write_csv(&to.join("results.csv"), &found.rows)?;
            results::write_rows(&to.join("windows.parquet"), &found.windows)?;
            results::write_rows(&to.join(TIMINGS), &found.timings)?;
        }
        let origin = &loaded.experiment.origin;
        let provenance = Provenance {
            version: env!("CARGO_PKG_VERSION").into(),
            spec: spec(loaded, sweep)?,
            file: Some(origin.file.clone()),
            elsewhere: origin.elsewhere.clone(),
            renamed: origin.renamed,
            overrides: loaded.experiment.overrides.clone(),
            results_key: self.results_key()?,
            assets: found.assets,
            warnings: found.warnings.iter().map(|warning| origin.warning(warning)).collect(),
            samples: Vec::new(),
            run,
        };
        render(loaded, sweep, &provenance, to, to)?;
        provenance.write(&to.join(PROVENANCE))?;
        new.commit(&provenance.to_json()?, &files(loaded, sweep))?;
        Ok(folder::clear_variants(folder, former.as_ref(), &self.folders())?)
    }
}

/// The experiment as resolved with the first value of each swept key, and how each variant differs.
fn spec(loaded: &Loaded, sweep: &Sweep) -> Result<serde_json::Value, RunError> {
    let own = loaded.experiment.overrides.len();
    let names = sweep.variants.iter();
    let variants: serde_json::Map<_, _> =
        names.map(|variant| (variant.name.clone(), json!(variant.experiment.overrides[own..]))).collect();
    let mut spec = loaded.experiment.recorded()?;
    spec["sweep"] = json!({"keys": sweep.keys, "variants": variants});
    Ok(spec)
}

/// Adds assets that are not there yet.
fn add(all: &mut Vec<Asset>, more: Vec<Asset>) {
    for asset in more {
        if !all.contains(&asset) {
            all.push(asset);
        }
    }
}

/// For variants that share statistics but not targets: an experiment, and its plan with the parts of all of them.
pub fn shared_passes<'a>(variants: impl Iterator<Item = (&'a Experiment, &'a Plan)>) -> Vec<(&'a Experiment, Plan)> {
    let mut groups: HashMap<Vec<&str>, usize> = HashMap::new();
    let mut passes: Vec<(&Experiment, Plan, bool)> = Vec::new();
    for (experiment, plan) in variants {
        let statistics = plan.calibrations().flat_map(|pass| &pass.statistics);
        let keys = statistics.map(|statistics| statistics.key.as_str()).collect();
        let at = *groups.entry(keys).or_insert(passes.len());
        match passes.get_mut(at) {
            None => passes.push((experiment, plan.clone(), false)),
            Some((_, merged, grown)) => *grown |= merge(&mut merged.parts, &plan.parts),
        }
    }
    passes.into_iter().filter(|(_, _, grown)| *grown).map(|(experiment, plan, _)| (experiment, plan)).collect()
}

/// Adds the blocks that are missing, in order; whether there were any.
fn merge(parts: &mut Vec<Part>, more: &[Part]) -> bool {
    let before = parts.len();
    for part in more {
        if !parts.iter().any(|one| one.layer == part.layer) {
            parts.push(part.clone());
        }
    }
    parts.sort_by_key(|part| part.layer);
    parts.len() > before
}
