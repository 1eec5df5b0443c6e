//! Trained adapters as files: PEFT's, with a card of the run beside; or the whole model where every weight learned.

use std::path::{Path, PathBuf};

use crate::adapt::peft::{self, Named};
use crate::assets::Source;
use crate::atomic::{write_bytes, write_folder};
use crate::model::checkpoint::Checkpoint;
use crate::model::export;
use crate::model::weights::Weights;
use crate::plan::Trial;
use crate::report::card::{self, Card, Data, Form};
use crate::results::TrainedRow;
use crate::results::provenance::Outcome;
use crate::spec::{Corpus, Experiment, Start, quoted};
use crate::train::Trained;

use crate::run::finetune::{rows, settings};
use crate::run::session::Run;
use crate::run::{Context, RunError, Selection, meta, sources};

use super::base;
use super::files::chosen;

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
pub(super) fn write_all(
    experiment: &Experiment,
    context: &Context,
    out: &Path,
    only: &[String],
) -> Result<Vec<PathBuf>, RunError> {
    let plan = sources::plan(experiment, &context.store)?;
    let mut run = Run::new(experiment, &plan, context);
    let checkpoint = Checkpoint::open(&run.files(&experiment.model.source)?)?;
    // What cannot be exported is said before anything is computed.
    checkpoint.side_files(false)?;
    let wanted = chosen(all(experiment), |one| &one.id, only)?;
    // A card tells what was measured, beside the untrained model.
    run.compute_all(Selection::All)?;
    let rows = rows::rows(&run)?.trained;
    let mut written = Vec::new();
    // Failures of learners that nothing is to be written of are not this command's.
    run.failures.retain(|failure| wanted.iter().any(|one| one.learner == failure.learner));
    for one in &wanted {
        if run.failure(one.learner).is_some() {
            continue;
        }
        let folder = out.join(&experiment.name).join(&one.id);
        run.stage(&format!("write {}", one.id), |run| {
            // The base is named by where it will be, not by the folder that it is written to first.
            let residual = base::full(&folder.join("base"));
            write_folder(&folder, |folder| write(run, one, &rows, &checkpoint, (&residual, folder)))?;
            Ok((Outcome::Run, ()))
        })?;
        written.push(folder);
    }
    run.all_learned()?;
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

/// Writes one into `folder`; `residual` is what its base will be called.
fn write(
    run: &Run,
    one: &Wanted,
    rows: &[TrainedRow],
    checkpoint: &Checkpoint,
    (residual, folder): (&Named, &Path),
) -> Result<(), RunError> {
    let (chosen, _) = run.chosen(one.learner)?;
    let trial = run.trial(one.learner, chosen, one.seed)?;
    let start = run.start(trial)?;
    let shape = &run.experiment.model.shape;
    match Trained::load(&run.weights_path(trial), &start.base)? {
        Trained::Full(model) => {
            let folder = folder.join("model");
            export::write_model(&folder, &model, checkpoint)?;
            write_card(run, trial, rows, Form::Whole, &folder)?;
        }
        Trained::Adapters { adapters, magnitudes, .. } => {
            let components = matches!(run.training()?.learners[one.learner].start, Start::Components { .. });
            let name = base::name_of(&run.experiment.model);
            let base = if components { residual } else { &name };
            if components {
                export::write_model(&folder.join("base"), &start.base as &dyn Weights, checkpoint)?;
                let pairs = adapters.iter().zip(&start.adapters);
                let converted: Vec<_> = pairs.map(|(adapter, start)| adapter.converted(start)).collect();
                peft::write(&folder.join("converted"), &converted, &[], &name, shape)?;
            }
            peft::write(&folder.join("adapter"), &adapters, &magnitudes, base, shape)?;
            let form = if components { Form::Residual } else { Form::Adapter };
            write_card(run, trial, rows, form, &folder.join("adapter"))?;
        }
    }
    Ok(())
}

fn write_card(run: &Run, trial: &Trial, rows: &[TrainedRow], form: Form, folder: &Path) -> Result<(), RunError> {
    let (experiment, train) = (run.experiment, run.training()?);
    let (learner, seed) = (&train.learners[trial.learner], train.seeds[trial.seed]);
    let own = |row: &&TrainedRow| row.learner == learner.id && row.seed == Some(seed);
    let measures: Vec<TrainedRow> = rows.iter().filter(own).cloned().collect();
    let Some(first) = measures.first() else { return Ok(()) };
    let calibration = experiment.calibrations.iter().find(|c| Some(&c.name) == first.calibration.as_ref());
    let words = calibration
        .map(|c| format!("{} samples of {} tokens of {}/{}", c.samples, c.length, c.corpus.name, c.corpus.split));
    let other = calibration.map(|c| &c.corpus).filter(|corpus| corpus.name != train.corpus.name);
    let data: Vec<Data> = std::iter::once(&train.corpus).chain(other).map(data).collect();
    let settings = settings::settings(experiment);
    // Not the command line of this process: the card is the same whoever writes it.
    let id = format!("{}-seed{seed}", learner.id);
    let command = format!("{} --only {}", experiment.command("adapt"), quoted(&id));
    let card = card::card(&Card {
        experiment: &experiment.name,
        base: hub(&experiment.model.source).unwrap_or(&experiment.model.name),
        licence: stated(&experiment.model.licence),
        citations: &meta::citations(experiment),
        label: &learner.label,
        method: &first.method,
        end: first.end.as_deref(),
        rank: first.rank,
        calibration: words.as_deref(),
        data: &data,
        settings: &settings,
        seed,
        rate: learner.rates[trial.rate],
        measures: &measures,
        command: &command,
        form,
    });
    Ok(write_bytes(&folder.join("README.md"), card.as_bytes())?)
}

fn data(corpus: &Corpus) -> Data<'_> {
    Data { name: &corpus.name, hub: hub(&corpus.source), licence: stated(&corpus.licence) }
}

/// What the hub calls it, if it is from there.
fn hub(source: &Source) -> Option<&str> {
    match source {
        Source::Hub { repo, .. } => Some(repo),
        _ => None,
    }
}

/// A licence; of local files none is known.
fn stated(licence: &str) -> &str {
    if licence.is_empty() { "not stated" } else { licence }
}
