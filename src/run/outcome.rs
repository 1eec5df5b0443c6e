//! The end of a run: results on disk and the report, all of them or nothing.

use std::path::Path;
use std::time::SystemTime;

use serde_json::json;

use crate::cache::key;
use crate::plan::{Plan, RESULTS};
use crate::results::folder::{self, PAGE, PROVENANCE, Replacement};
use crate::results::machine::Machine;
use crate::results::provenance::{self, Asset, Git, Provenance, timestamp};
use crate::spec::Experiment;

use super::meta::samples;
use super::session::Run;
use super::texts::Known;
use super::{RunError, draw, owner, products};

/// Files of a results folder; all of them make it complete.
pub fn files(experiment: &Experiment) -> Vec<&'static str> {
    let products = products::of(experiment);
    [PAGE, PROVENANCE].into_iter().chain(products.iter().flat_map(|product| product.files())).collect()
}

/// The files of a results folder that stay when the others go: [`files`], and those that are there only in some cases.
pub(super) fn kept(experiment: &Experiment, folder: &Path) -> Vec<&'static str> {
    let products = products::of(experiment);
    files(experiment).into_iter().chain(products.iter().flat_map(|product| product.more_files(folder))).collect()
}

/// The content key of everything that a results folder shows: what was measured, and how it is labelled.
///
/// # Errors
/// If the experiment cannot be written as JSON.
pub fn results_key(plan: &Plan, experiment: &Experiment) -> Result<String, RunError> {
    let mut inputs = json!({"losses": [], "energies": [], "heatmaps": [], "spec": experiment.recorded()?});
    let mut keys: Vec<_> = products::of(experiment).iter().flat_map(|product| product.keys(plan)).collect();
    // The order of names is part of the key: among those that only some experiments have, spectra come first.
    keys.sort_by_key(|(name, _)| *name != "spectra");
    keys.into_iter().for_each(|(name, value)| inputs[name] = value);
    Ok(key("results", RESULTS, &inputs))
}

/// The spec that wrote the results which a folder has.
pub(super) fn former(folder: &Path) -> Option<serde_json::Value> {
    Provenance::read(&folder.join(PROVENANCE)).ok().map(|provenance| provenance.spec)
}

/// What products are made of when results are written: a name, a count and its unit each.
pub fn drawn(plan: &Plan, experiment: &Experiment) -> Vec<(&'static str, usize, &'static str)> {
    products::of(experiment).iter().filter_map(|product| product.drawn(plan)).collect()
}

/// What the provenance needs from the start of a run.
pub(super) struct Header {
    pub started: String,
    pub git: Option<Git>,
    pub assets: Vec<Asset>,
}

/// Writes results and report: all of them, or nothing.
pub(super) fn write(run: &mut Run, known: &Known, header: Header, folder: &Path) -> Result<(), RunError> {
    let experiment = run.experiment;
    let new = Replacement::begin(folder)?;
    // Another process may have written results since this one started.
    owner::check(experiment, run.context)?;
    let former = former(folder);
    let mut warnings: Vec<String> = known.warnings.iter().map(|warning| experiment.origin.warning(warning)).collect();
    for product in products::of(experiment) {
        warnings.extend(product.write(run, new.staging())?);
    }
    let origin = &experiment.origin;
    let provenance = Provenance {
        version: env!("CARGO_PKG_VERSION").into(),
        spec: experiment.recorded()?,
        file: Some(origin.file.clone()),
        elsewhere: origin.elsewhere.clone(),
        renamed: origin.renamed,
        overrides: experiment.overrides.clone(),
        results_key: results_key(run.plan, experiment)?,
        assets: header.assets,
        warnings,
        samples: samples(experiment, known),
        run: provenance::Run {
            command: run.context.command.clone(),
            started: header.started,
            finished: timestamp(SystemTime::now()),
            git: header.git,
            machine: Machine::detect(rayon::current_num_threads()),
            stages: std::mem::take(&mut run.stages),
        },
    };
    draw::draw(experiment, run.context, &provenance, new.staging(), new.staging())?;
    provenance.write(&new.staging().join(PROVENANCE))?;
    let keeps = kept(experiment, new.staging());
    new.commit(&provenance.to_json()?, &keeps)?;
    if experiment.variant.is_none() {
        folder::clear_variants(folder, former.as_ref(), &[])?;
    }
    Ok(())
}
