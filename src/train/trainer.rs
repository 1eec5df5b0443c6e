//! Training step by step.

use std::time::Instant;

use rayon::prelude::*;

use super::adamw::{self, AdamW, Moments};
use super::learner::{Learner, Parameter};
use super::{Settings, Start, Step, Tokenised, TrainError, Trained, gradient, memory, order, schedule};
use crate::model::ops::values::change;
use crate::model::shape::Shape;

/// A model in training.
#[derive(Debug)]
pub struct Trainer {
    learner: Learner,
    pub(super) parameters: Vec<Parameter>,
    pub(super) moments: Vec<Moments>,
    examples: Vec<Tokenised>,
    settings: Settings,
    pub(super) history: Vec<Step>,
    /// The current epoch, and its order of examples.
    epoch: (usize, Vec<usize>),
}

impl Trainer {
    /// Prepares the first step.
    pub fn new(start: Start, examples: Vec<Tokenised>, settings: Settings) -> Result<Self, TrainError> {
        check(&start.base.config.shape, &examples, &settings)?;
        memory::keep_freed();
        let (learner, parameters) = Learner::new(&start)?;
        let moments = parameters.iter().map(|parameter| Moments::zero(parameter.var.elem_count())).collect();
        let epoch = (0, order::shuffled(examples.len(), settings.seed, 0));
        Ok(Self { learner, parameters, moments, examples, settings, history: Vec::new(), epoch })
    }

    /// The number of steps of the whole training.
    pub fn steps(&self) -> usize {
        self.settings.epochs * order::steps_an_epoch(self.examples.len(), self.settings.batch)
    }

    /// The number of tokens of all examples over all epochs.
    pub fn tokens(&self) -> u64 {
        self.examples.iter().map(|example| example.tokens.len() as u64).sum::<u64>() * self.settings.epochs as u64
    }

    /// The steps done, including those before a restored checkpoint.
    pub fn history(&self) -> &[Step] {
        &self.history
    }

    /// The number of trained parameters.
    pub fn trained_parameters(&self) -> usize {
        self.parameters.iter().map(|parameter| parameter.var.elem_count()).sum()
    }

    /// The result so far: a copy, which further steps do not change.
    pub fn finished(&self) -> Result<Trained, TrainError> {
        self.learner.trained()
    }

    /// Makes the next optimiser step. If it fails, parameters and moments are unchanged.
    pub fn step(&mut self) -> Result<Step, TrainError> {
        let start = Instant::now();
        let (done, steps) = (self.history.len(), self.steps());
        if done >= steps {
            return Err(TrainError::Finished(steps));
        }
        let batch = self.batch(done);
        let batch: Vec<&Tokenised> = batch.iter().map(|&i| &self.examples[i]).collect();
        let gradient = gradient::of_batch(&self.learner, &self.parameters, &batch)?;
        let gradient_norm = adamw::norm(gradient.values.iter().map(Vec::as_slice));
        for (what, value) in [("the loss", gradient.loss), ("the gradient norm", gradient_norm)] {
            if !value.is_finite() && done == 0 {
                return Err(TrainError::StartNotFinite { what, value });
            }
            if !value.is_finite() {
                return Err(TrainError::NotFinite { step: done + 1, what, value });
            }
        }
        let warmup = schedule::warmup_steps(self.settings.warmup, steps);
        let rate = self.settings.rate * schedule::cosine(done, steps, warmup);
        let tokens = batch.iter().map(|example| example.inputs() as u64).sum();
        self.update(rate, adamw::clipping(gradient_norm, self.settings.clip), gradient.values)?;
        let seconds = start.elapsed().as_secs_f64();
        let step = Step { step: done + 1, loss: gradient.loss, tokens, gradient_norm, rate, seconds };
        self.history.push(step);
        Ok(step)
    }

    /// Indices of the examples of the step after `done` others.
    fn batch(&mut self, done: usize) -> Vec<usize> {
        let each = order::steps_an_epoch(self.examples.len(), self.settings.batch);
        let epoch = done / each;
        if self.epoch.0 != epoch {
            self.epoch = (epoch, order::shuffled(self.examples.len(), self.settings.seed, epoch));
        }
        let from = done % each * self.settings.batch;
        self.epoch.1[from..(from + self.settings.batch).min(self.examples.len())].to_vec()
    }

    fn update(&mut self, rate: f64, scale: f64, gradients: Vec<Vec<f32>>) -> Result<(), TrainError> {
        let Settings { betas, eps, weight_decay, .. } = self.settings;
        let step = self.history.len() + 1;
        let one = |((parameter, moments), gradient): ((&Parameter, &mut Moments), Vec<f32>)| {
            let weight_decay = if parameter.decays { weight_decay } else { 0.0 };
            let adamw = AdamW { rate, betas, eps, weight_decay, step, scale };
            change(&parameter.var, |values| adamw.update(values, moments, &gradient))
        };
        Ok(self.parameters.par_iter().zip(&mut self.moments).zip(gradients).try_for_each(one)?)
    }
}

/// Refuses what cannot be trained on, before any computation.
fn check(shape: &Shape, examples: &[Tokenised], settings: &Settings) -> Result<(), TrainError> {
    if examples.is_empty() {
        return Err(TrainError::NoExamples);
    }
    if settings.batch == 0 {
        return Err(TrainError::Settings("a batch of no examples".into()));
    }
    if !(settings.rate.is_finite() && settings.rate >= 0.0 && (0.0..=1.0).contains(&settings.warmup)) {
        let Settings { rate, warmup, .. } = settings;
        return Err(TrainError::Settings(format!("a rate of {rate} and a warm-up of {warmup} of the steps")));
    }
    for (index, example) in examples.iter().enumerate() {
        let refuse = |why: String| Err(TrainError::Example { index, why });
        let Tokenised { tokens, .. } = example;
        if example.targets() == 0 {
            return refuse("its response has no token".into());
        }
        if tokens.len() > shape.context {
            return refuse(format!("it has {} tokens, the model takes {}", tokens.len(), shape.context));
        }
        if let Some(id) = tokens.iter().find(|&&id| id as usize >= shape.vocabulary) {
            return refuse(format!("its token id {id} is beyond the vocabulary of {}", shape.vocabulary));
        }
    }
    Ok(())
}
