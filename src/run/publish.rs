//! Trained adapters as files: PEFT's, with a card of the run beside; or the whole model where every weight learned.

use std::path::{Path, PathBuf};

use crate::adapt::peft;
use crate::model::checkpoint::Checkpoint;
use crate::model::export;
use crate::model::llama::Weights;
use crate::plan::{Plan, TrainStage};
use crate::report::card::{self, Card};
use crate::results::TrainedRow;
use crate::results::atomic::{write_bytes, write_folder};
use crate::results::provenance::Outcome;
use crate::spec::{Experiment, Loaded, Start};
use crate::train::Trained;

use super::{Context, Run, RunError, identities, steps, trained};

/// A trained model to write.
struct Wanted {
    id: String,
    learner: usize,
    seed: usize,
}

/// Writes the trained models of an experiment below `out/<experiment>/<learner>-seed<n>/`: the model left behind (`base`,
/// where adapters start from components), the trained adapter on it (`adapter`), the adapter of twice the rank on the
/// untouched model (`converted`), or the whole model (`model`). `only` names some of them; none means all. What they need is
/// computed first, as far as the cache lacks it.
pub(super) fn adapters(
    loaded: &Loaded,
    context: &Context,
    out: &Path,
    only: &[String],
) -> Result<Vec<PathBuf>, RunError> {
    let experiment = &loaded.experiment;
    let plan = Plan::new(experiment, &identities(experiment, &context.store)?);
    let mut run = Run::new(experiment, &plan, context);
    let checkpoint = Checkpoint::open(&run.files(&experiment.model.source)?)?;
    // What cannot be exported is said before anything is computed.
    checkpoint.side_files(false)?;
    let wanted = chosen(all(experiment), only)?;
    compute(&mut run, &wanted)?;
    let rows = trained::rows(&run)?.trained;
    let mut written = Vec::new();
    for one in &wanted {
        let folder = out.join(&experiment.name).join(&one.id);
        run.stage(&format!("write {}", one.id), |run| {
            write_folder(&folder, |folder| write(run, one, &rows, &checkpoint, folder))?;
            Ok((Outcome::Run, ()))
        })?;
        written.push(folder);
    }
    Ok(written)
}

fn all(experiment: &Experiment) -> Vec<Wanted> {
    let mut all = Vec::new();
    for (learner, one) in experiment.train.iter().flat_map(|train| &train.learners).enumerate() {
        let seeds = experiment.train.iter().flat_map(|train| &train.seeds).enumerate();
        all.extend(seeds.map(|(seed, value)| Wanted { id: format!("{}-seed{value}", one.id), learner, seed }));
    }
    all
}

fn chosen(all: Vec<Wanted>, only: &[String]) -> Result<Vec<Wanted>, RunError> {
    if let Some(name) = only.iter().find(|name| !all.iter().any(|one| one.id == **name)) {
        let known = all.iter().map(|one| one.id.as_str()).collect::<Vec<_>>().join(", ");
        return Err(RunError::NoSuchAdapter { name: name.clone(), known });
    }
    Ok(all.into_iter().filter(|one| only.is_empty() || only.contains(&one.id)).collect())
}

/// The steps before the wanted models: their own, and those all rows rest on (a card tells what was measured).
fn compute(run: &mut Run, wanted: &[Wanted]) -> Result<(), RunError> {
    let all = steps::steps(run.experiment, run.plan);
    for step in all {
        run.stage(&step.name, |run| step.run(run).map(|outcome| (outcome, ())))?;
    }
    let _ = wanted;
    Ok(())
}

fn write(
    run: &Run,
    one: &Wanted,
    rows: &[TrainedRow],
    checkpoint: &Checkpoint,
    folder: &Path,
) -> Result<(), RunError> {
    let (chosen, _) = run.chosen(one.learner)?;
    let stage = run.trial(one.learner, chosen, one.seed)?;
    let card = card::card(&facts(run, stage, rows)?);
    let start = run.start(stage)?;
    let shape = &run.experiment.model.shape;
    match Trained::load(&run.weights_path(stage), &start.base)? {
        Trained::Full(model) => {
            let folder = folder.join("model");
            export::write_model(&folder, &model, checkpoint)?;
            write_bytes(&folder.join("README.md"), card.as_bytes())?;
        }
        Trained::Adapters { adapters, magnitudes, .. } => {
            let components = matches!(run.training()?.learners[one.learner].start, Start::Components { .. });
            let name = &run.experiment.model.name;
            let base = if components { "base" } else { name.as_str() };
            if components {
                export::write_model(&folder.join("base"), &start.base as &dyn Weights, checkpoint)?;
                let pairs = adapters.iter().zip(&start.adapters);
                let converted: Vec<_> = pairs.map(|(adapter, start)| adapter.converted(start)).collect();
                peft::write(&folder.join("converted"), &converted, &[], name, shape)?;
            }
            peft::write(&folder.join("adapter"), &adapters, &magnitudes, base, shape)?;
            write_bytes(&folder.join("adapter").join("README.md"), card.as_bytes())?;
        }
    }
    Ok(())
}
