//! `corda adapt`, `corda convert`, `corda merge`: adapters written, and read back into a model.

use std::path::{Path, PathBuf};

use candle_core::Device;

use crate::adapt::Adapter;
use crate::adapt::merge::Merged;
use crate::adapt::peft::{self, AdapterError, Init, Named};
use crate::assets::Source;
use crate::cache::Arrays;
use crate::evaluate::uncertainty::{Estimate, estimate, paired};
use crate::model::checkpoint::Checkpoint;
use crate::model::llama::{Resident, Weights, logits};
use crate::model::{ModelError, export, read_shape};
use crate::plan::{DecomposeStage, Plan};
use crate::results::atomic::{replaceable, write_folder};
use crate::results::provenance::Outcome;
use crate::spec::{Catalog, Experiment, Loaded};

use super::base::{self, Base, Search};
use super::weights::Truncated;
use super::{Context, Run, RunError, calibrate, decompose, finetune, identities};

/// What plain LoRA is called beside the arms.
pub const LORA: &str = "lora";

/// One adapter to write: an arm (`None` for plain LoRA) at a point of `discard`.
struct Wanted<'a> {
    id: String,
    arm: Option<&'a DecomposeStage>,
    point: usize,
}

/// Writes the adapters of an experiment below `out/<experiment>/<arm>-r<r>/`, each a folder with the model left behind
/// (`base`), the adapter on it (`adapter`) and the adapter of twice the rank on the untouched model (`converted`). `only`
/// names some of them; none means all.
pub fn adapt(loaded: &Loaded, context: &Context, out: &Path, only: &[String]) -> Result<Vec<PathBuf>, RunError> {
    let experiment = &loaded.experiment;
    super::texts::look_all(loaded, context, super::texts::Patience::Check)?;
    if experiment.train.is_some() {
        return finetune::publish::adapters(loaded, context, out, only);
    }
    let Some(adapters) = &experiment.adapters else { return Err(RunError::NoAdapters(experiment.path.clone())) };
    let plan = Plan::new(experiment, &identities(experiment, &context.store)?);
    let mut run = Run::new(experiment, &plan, context);
    let checkpoint = Checkpoint::open(&run.files(&experiment.model.source)?)?;
    // What cannot be exported is said before anything is computed.
    checkpoint.side_files(false)?;
    let wanted = chosen(all(experiment, &plan, adapters.lora), |one| &one.id, only)?;
    let arms: Vec<usize> = wanted.iter().filter_map(|one| Some(one.arm?.arm)).collect();
    for (i, calibration) in experiment.calibrations.iter().enumerate() {
        // By the statistics, not by the name: two calibrations of equal content share them.
        let statistics = plan.decompose.iter().filter(|s| arms.contains(&s.arm)).filter_map(|s| s.statistics);
        if statistics.into_iter().any(|s| plan.calibrate[s].calibration == i) {
            let name = format!("calibrate {}", calibration.name);
            run.stage(&name, |run| calibrate::run(run, i).map(|outcome| (outcome, ())))?;
        }
    }
    for stage in plan.decompose.iter().filter(|stage| arms.contains(&stage.arm)) {
        let name = format!("decompose {}", experiment.arms[stage.arm].id);
        run.stage(&name, |run| decompose::run(run, stage).map(|outcome| (outcome, ())))?;
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
    for arm in plan.decompose.iter().map(Some).chain(lora.then_some(None)) {
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

/// Those of `all` that `only` names; all where it names none.
pub(super) fn chosen<W>(all: Vec<W>, id: impl Fn(&W) -> &String, only: &[String]) -> Result<Vec<W>, RunError> {
    if let Some(name) = only.iter().find(|name| !all.iter().any(|one| id(one) == *name)) {
        let known = all.iter().map(|one| id(one).as_str()).collect::<Vec<_>>().join(", ");
        return Err(RunError::NoSuchAdapter { name: name.clone(), known });
    }
    Ok(all.into_iter().filter(|one| only.is_empty() || only.contains(id(one))).collect())
}

fn write(run: &Run, one: &Wanted, checkpoint: &Checkpoint, base_name: &Named, folder: &Path) -> Result<(), RunError> {
    let experiment = run.experiment;
    let split = experiment.adapters.as_ref().map(|a| a.split).unwrap_or_default();
    let count = |linear: &crate::model::shape::Linear| experiment.discard.components(one.point, linear);
    let base = run.model()?.weights.weights();
    let mut adapters = Vec::new();
    match one.arm {
        Some(stage) => {
            let taken = run.taken(stage, &count);
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

/// Refuses a folder for output that holds what is read, or that may not be replaced.
///
/// # Errors
/// [`RunError::OverInput`]; as [`replaceable`].
fn apart(out: &Path, inputs: &[&Path]) -> Result<(), RunError> {
    if let Ok(full) = out.canonicalize() {
        let inside = |input: &&&Path| input.canonicalize().is_ok_and(|input| input.starts_with(&full));
        if let Some(input) = inputs.iter().find(inside) {
            return Err(RunError::OverInput { out: out.into(), input: input.to_path_buf() });
        }
    }
    Ok(replaceable(out)?)
}

/// Writes the adapter for the untouched base model that a trained adapter amounts to, given the adapter it started from.
///
/// # Errors
/// Among others, if `base` is the very model that the trained adapter is for although that is not the untouched one.
pub fn convert(trained: &Path, start: &Path, base: &Path, out: &Path) -> Result<(), RunError> {
    apart(out, &[trained, start, base])?;
    let shape = read_shape(base)?;
    let (folder, trained, start) = (trained, peft::read(trained)?, peft::read(start)?);
    trained.check_fits(&shape)?;
    start.check_fits(&shape)?;
    let name = base::full(base);
    let moved = start.linears.values().any(|(adapter, _)| adapter.b.iter().any(|x| *x != 0.0));
    if trained.init == Init::Plain
        && moved
        && trained.base.as_ref().is_some_and(|named| base::is_at(named, folder, base))
    {
        return Err(AdapterError::Base {
            adapter: folder.into(),
            wanted: name.name,
            why: "which lacks what the adapter started from, and the converted adapter is for the untouched model"
                .into(),
        }
        .into());
    }
    let converted = trained.converted(&start)?;
    write_folder(out, |folder| Ok(peft::write(folder, &converted, &[], &name, &shape)?))
}

/// Writes token ids and logits of the first `tokens` tokens of a text, of a model with or without an adapter, as
/// safetensors: what `tests/interop` compares with other programs' logits.
pub fn write_logits(
    model: &Path,
    adapter: Option<&Path>,
    text: &Path,
    tokens: usize,
    out: &Path,
) -> Result<(), RunError> {
    let checkpoint = Checkpoint::open_path(model)?;
    let resident = Resident::read(&checkpoint, &Device::Cpu)?;
    let string = std::fs::read_to_string(text).map_err(|source| ModelError::Read { path: text.into(), source })?;
    let mut ids = checkpoint.tokenizer()?.encode(&string)?;
    ids.truncate(tokens);
    let logits = match adapter.map(peft::read).transpose()? {
        Some(adapter) => {
            adapter.check_fits(&checkpoint.config().shape)?;
            logits(&Merged::new(&resident, &adapter)?, &ids)?
        }
        None => logits(&resident, &ids)?,
    };
    let flat = logits.flatten_all().and_then(|l| l.to_vec1::<f32>()).map_err(ModelError::from)?;
    let mut arrays = Arrays::default();
    arrays.push_u32("tokens".into(), &[ids.len()], ids.iter().copied());
    arrays.push_f32("logits".into(), logits.dims(), flat.iter().copied());
    Ok(arrays.write(out)?)
}

/// A test set on the base model and on the merged one.
#[derive(Debug)]
pub struct Measured {
    /// The evaluation's name.
    pub evaluation: String,
    /// Predictions.
    pub tokens: usize,
    /// Loss of the base model, nats a token.
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
    super::texts::look_all(loaded, context, super::texts::Patience::Check)?;
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
    let plan = Plan::new(&experiment, &identities(&experiment, &context.store)?);
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
