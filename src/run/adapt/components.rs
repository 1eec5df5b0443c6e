//! `corda adapt` without training: the components that arms take, as adapters.

use std::path::{Path, PathBuf};

use crate::adapt::Adapter;
use crate::adapt::peft::{self, Named};
use crate::atomic::write_folder;
use crate::model::checkpoint::Checkpoint;
use crate::model::export;
use crate::model::shape::Linear;
use crate::plan::{Decompose, Kind, Plan};
use crate::results::provenance::Outcome;
use crate::run::adapters::LORA;
use crate::run::session::Run;
use crate::run::weights::Truncated;
use crate::run::{Context, RunError, sources};
use crate::spec::Experiment;

use super::base;
use super::files::chosen;

/// One adapter to write: an arm (`None` for plain LoRA) at a point of `discard`.
struct Wanted<'a> {
    id: String,
    arm: Option<&'a Decompose>,
    point: usize,
}

/// Writes the adapters that arms and points make: each a folder with the model left behind (`base`), the adapter on it
/// (`adapter`) and the adapter of twice the rank on the untouched model (`converted`).
pub(super) fn write_all(
    experiment: &Experiment,
    context: &Context,
    out: &Path,
    only: &[String],
) -> Result<Vec<PathBuf>, RunError> {
    let Some(adapters) = &experiment.adapters else { return Err(RunError::NoAdapters(experiment.path.clone())) };
    let plan = sources::plan(experiment, &context.store)?;
    let mut run = Run::new(experiment, &plan, context);
    let checkpoint = Checkpoint::open(&run.files(&experiment.model.source)?)?;
    // What cannot be exported is said before anything is computed.
    checkpoint.side_files(false)?;
    let wanted = chosen(all(experiment, &plan, adapters.lora), |one| &one.id, only)?;
    let arms: Vec<usize> = wanted.iter().filter_map(|one| Some(one.arm?.arm)).collect();
    let flags = plan.with_needs(|stage| matches!(&stage.kind, Kind::Decompose(one) if arms.contains(&one.arm)));
    for (stage, _) in plan.stages.iter().zip(flags).filter(|(_, needed)| *needed) {
        run.compute(stage)?;
    }
    let mut written = Vec::new();
    for one in &wanted {
        let folder = out.join(&experiment.name).join(&one.id);
        let name = format!("write {}", one.id);
        run.stage(&name, |run| {
            // The base is named by where it will be, not by the folder that it is written to first.
            let base = base::full(&folder.join("base"));
            write_folder(&folder, |folder| write(run, one, &checkpoint, &base, folder))?;
            Ok((Outcome::Run, ()))
        })?;
        written.push(folder);
    }
    Ok(written)
}

/// Every adapter of an experiment.
fn all<'a>(experiment: &Experiment, plan: &'a Plan, lora: bool) -> Vec<Wanted<'a>> {
    let linears = experiment.linears();
    let mut all = Vec::new();
    for arm in plan.decompositions().map(Some).chain(lora.then_some(None)) {
        for point in 0..experiment.discard.len() {
            let r = experiment.discard.named(point, &linears);
            if r > 0 {
                let name = arm.map_or(LORA, |stage| experiment.arms[stage.arm].id.as_str());
                all.push(Wanted { id: format!("{name}-r{r}"), arm, point });
            }
        }
    }
    all
}

fn write(run: &Run, one: &Wanted, checkpoint: &Checkpoint, base_name: &Named, folder: &Path) -> Result<(), RunError> {
    let experiment = run.experiment;
    let split = experiment.adapters.as_ref().map(|a| a.split).unwrap_or_default();
    let count = |linear: &Linear| experiment.discard.components(one.point, linear);
    let base = run.model()?.weights.weights();
    let mut adapters = Vec::new();
    match one.arm {
        Some(stage) => {
            let taken = run.taken((stage.arm, &stage.key), &count);
            adapters = run.adapters_of(&taken, split)?;
            export::write_model(&folder.join("base"), &Truncated::new(base, taken)?, checkpoint)?;
        }
        None => {
            let linears = experiment.linears();
            let linears = linears.iter().filter(|linear| count(linear) > 0);
            adapters.extend(linears.map(|linear| Adapter::lora(linear, count(linear), experiment.seed)));
            export::write_model(&folder.join("base"), base, checkpoint)?;
        }
    }
    let shape = &experiment.model.shape;
    peft::write(&folder.join("adapter"), &adapters, &[], base_name, shape)?;
    let converted: Vec<Adapter> = adapters.iter().map(|adapter| adapter.converted(adapter)).collect();
    Ok(peft::write(&folder.join("converted"), &converted, &[], &base::name_of(&experiment.model), shape)?)
}
