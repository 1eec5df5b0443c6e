//! `corda merge`: an adapter merged into its base, and both measured.

use std::path::Path;

use crate::adapt::merge::Merged;
use crate::adapt::peft;
use crate::assets::Source;
use crate::atomic::write_folder;
use crate::evaluate::uncertainty::{Estimate, estimate, paired};
use crate::model::checkpoint::Checkpoint;
use crate::model::export;
use crate::model::weights::{Resident, Weights};
use crate::run::session::Run;
use crate::run::texts::{self, Patience};
use crate::run::{Context, RunError, sources};
use crate::spec::{Catalog, Loaded};

use super::base::{Base, Search};
use super::files::apart;

/// A test set on the base model and on the merged one.
#[derive(Debug)]
pub struct Measured {
    /// The evaluation's name.
    pub evaluation: String,
    /// Predictions.
    pub tokens: usize,
    /// Loss of the base model, nats per token.
    pub base: Estimate,
    /// Of the merged one.
    pub merged: Estimate,
    /// The second minus the first, paired by window.
    pub delta: Estimate,
}

/// Merges an adapter into the base that it names, or into `base` (a path, or a name of the catalog), measures both on the
/// spec's test sets, and writes the merged model to `out` if asked.
pub fn merge(
    loaded: &Loaded,
    context: &Context,
    adapter: &Path,
    base: Option<&Path>,
    out: Option<&Path>,
) -> Result<Vec<Measured>, RunError> {
    texts::look_all(loaded, context, Patience::Check)?;
    let mut experiment = loaded.experiment.clone();
    let (folder, adapter) = (adapter, peft::read(adapter)?);
    let catalog = Catalog::load(&context.experiments.join("catalog.yaml")).ok();
    let search = Search { model: &experiment.model, spec: &experiment.path, catalog: catalog.as_ref(), folder };
    let Base { model, notes } = search.base(&adapter, base)?;
    notes.iter().for_each(|note| context.progress.say(note));
    if let Some(out) = out {
        let local = if let Source::Path { path, .. } = &model.source { Some(path.as_path()) } else { None };
        apart(out, &[&[folder][..], local.as_slice()].concat())?;
    }
    experiment.model = model;
    adapter.check_fits(&experiment.model.shape)?;
    let plan = sources::plan(&experiment, &context.store)?;
    let run = Run::new(&experiment, &plan, context);
    let opened = run.model()?;
    let merged = Merged::new(opened.weights.weights(), &adapter)?;
    let resident = if run.layout.resident { Some(Resident::collect(&merged)?) } else { None };
    let weights: &dyn Weights = resident.as_ref().map_or(&merged, |resident| resident);
    let mut all = Vec::new();
    for i in 0..experiment.evaluations.len() {
        let losses = |weights: &dyn Weights, name: &str| run.losses(i, weights, name);
        let (before, after) = (losses(opened.weights.weights(), "base")?, losses(weights, "merged")?);
        let evaluation = &experiment.evaluations[i];
        all.push(Measured {
            evaluation: evaluation.name.clone(),
            tokens: before.len() * (evaluation.length - 1),
            base: estimate(&before),
            merged: estimate(&after),
            delta: paired(&after, &before),
        });
    }
    if let Some(out) = out {
        let checkpoint = Checkpoint::open(&run.files(&experiment.model.source)?)?;
        write_folder(out, |folder| Ok::<_, RunError>(export::write_model(folder, weights, &checkpoint)?))?;
    }
    Ok(all)
}
