//! The model of an experiment, opened: its weights, its tokenizer, and the tokens that end a sequence.

use std::path::PathBuf;

use crate::model::ModelError;
use crate::model::checkpoint::Checkpoint;
use crate::model::tokenizer::Tokenizer;
use crate::plan::memory::Layout;
use crate::spec::{Experiment, Loaded, Model};

use super::{Context, RunError, weights};

/// A model's files, opened.
pub(super) struct Opened {
    pub weights: weights::Loaded,
    pub tokenizer: Tokenizer,
    /// Tokens that end a sequence, or what is wrong with them.
    eos: Result<Vec<u32>, String>,
}

impl Opened {
    /// Opens the files of an experiment's model; what is worth knowing of them is shown.
    pub fn open(
        experiment: &Experiment,
        files: &[PathBuf],
        layout: &Layout,
        context: &Context,
    ) -> Result<Self, RunError> {
        let checkpoint = Checkpoint::open(files)?;
        for note in checkpoint.notes() {
            context.progress.say(note);
        }
        let eos = ends(&checkpoint, experiment)?;
        check_shape(&checkpoint, &experiment.model)?;
        let tokenizer = checkpoint.tokenizer()?;
        for note in &tokenizer.notes {
            context.progress.say(note);
        }
        let device = experiment.device.open().map_err(RunError::Device)?;
        Ok(Self { weights: weights::Loaded::read(checkpoint, &device, layout)?, tokenizer, eos })
    }

    /// Tokens that end a sequence.
    pub fn eos(&self) -> Result<&[u32], ModelError> {
        self.eos.as_deref().map_err(|why| ModelError::Config(why.clone()))
    }
}

/// Compares the shape of the files with the one that the spec or the catalog gives.
fn check_shape(checkpoint: &Checkpoint, model: &Model) -> Result<(), ModelError> {
    let (found, expected) = (&checkpoint.config().shape, &model.shape);
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (Box::new(found.clone()), Box::new(expected.clone()));
    Err(ModelError::OtherShape { model: model.name.clone(), found, expected })
}

/// The same for fetched files that nothing else may open, because all that is computed from them is in the cache.
pub(super) fn check_files(experiment: &Experiment, context: &Context) -> Result<(), RunError> {
    let Some(fetched) = context.store.cached(&experiment.model.source) else { return Ok(()) };
    let files: Vec<PathBuf> = fetched.files.into_values().map(|file| file.path).collect();
    Ok(check_shape(&Checkpoint::open(&files)?, &experiment.model)?)
}

/// What the model's files say of tokens that end a sequence. A mistake there is an error at once where the experiment uses
/// these tokens, and kept where only another variant of a sweep may.
fn ends(checkpoint: &Checkpoint, experiment: &Experiment) -> Result<Result<Vec<u32>, String>, ModelError> {
    if !experiment.questions.is_empty() {
        checkpoint.check_greedy()?;
    }
    let eos = checkpoint.eos();
    if !experiment.questions.is_empty() || experiment.train.is_some() {
        return eos.map(Ok);
    }
    Ok(eos.map_err(|why| why.to_string()))
}

/// Shows what is worth knowing of the files of an experiment's model, of each variant of a sweep once, where they are present.
///
/// # Errors
/// Everything for which a run would stop when it opens them.
pub fn check_model(loaded: &Loaded, context: &Context) -> Result<(), RunError> {
    let variants = loaded.sweep.iter().flat_map(|sweep| sweep.variants.iter().map(|variant| &variant.experiment));
    let (mut looked, mut said) = (Vec::new(), Vec::new());
    for experiment in std::iter::once(&loaded.experiment).chain(variants) {
        let source = serde_json::json!(experiment.model.source).to_string();
        let use_of_it =
            (source, experiment.model.shape.clone(), experiment.questions.is_empty(), experiment.train.is_some());
        if looked.contains(&use_of_it) {
            continue;
        }
        looked.push(use_of_it);
        let Some(fetched) = context.store.cached(&experiment.model.source) else { continue };
        let files: Vec<PathBuf> = fetched.files.into_values().map(|file| file.path).collect();
        let checkpoint = Checkpoint::open(&files)?;
        check_shape(&checkpoint, &experiment.model)?;
        ends(&checkpoint, experiment)?.ok();
        for note in checkpoint.notes().iter().chain(&checkpoint.tokenizer()?.notes) {
            if !said.contains(note) {
                context.progress.say(note);
                said.push(note.clone());
            }
        }
    }
    Ok(())
}
