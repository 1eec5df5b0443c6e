//! Checkpoints: parameters, moments and history. The order of the examples follows from the step.

use std::path::Path;

use super::trainer::Trainer;
use super::{Step, TrainError};
use crate::cache::{Arrays, CacheError, ReadArrays};
use crate::model::ops::values::{Values, change};

/// Entry of the metadata that holds the run's key.
const RUN: &str = "run";

impl Trainer {
    /// Writes the state after the last step, whole or not at all. `key` says which run it belongs to.
    pub fn save(&self, path: &Path, key: &str) -> Result<(), TrainError> {
        let values = self.parameters.iter().map(|parameter| Values::of(&parameter.var));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        let mut arrays = Arrays::default();
        arrays.metadata.insert(RUN.into(), key.into());
        for ((parameter, moments), values) in self.parameters.iter().zip(&self.moments).zip(&values) {
            let (name, dims) = (&parameter.name, parameter.var.dims());
            arrays.push_f32(name.clone(), dims, values.iter().copied());
            arrays.push_f32(format!("{name}.first"), dims, moments.first.iter().copied());
            arrays.push_f32(format!("{name}.second"), dims, moments.second.iter().copied());
        }
        let mut column = |name: &str, of: fn(&Step) -> f64| {
            arrays.push_f64(format!("history.{name}"), &[self.history.len()], self.history.iter().map(of));
        };
        column("loss", |step| step.loss);
        column("tokens", |step| step.tokens as f64);
        column("gradient_norm", |step| step.gradient_norm);
        column("rate", |step| step.rate);
        column("seconds", |step| step.seconds);
        Ok(arrays.write(path)?)
    }

    /// Restores the state saved at `path`; false if there is none. A checkpoint of another run is an error.
    pub fn restore(&mut self, path: &Path, key: &str) -> Result<bool, TrainError> {
        if !path.exists() {
            return Ok(false);
        }
        let file = ReadArrays::open(path)?;
        let found = file.metadata(RUN)?;
        if found != key {
            return Err(TrainError::OtherRun { path: path.into(), found, expected: key.into() });
        }
        let history = history(&file)?;
        // Everything is read before anything is changed.
        let unfit = |name: &str| TrainError::Unfit { path: path.into(), why: format!("{name} has another shape") };
        let mut all = Vec::with_capacity(self.parameters.len());
        for parameter in &self.parameters {
            let read = |suffix: &str| {
                let name = format!("{}{suffix}", parameter.name);
                let (dims, values) = file.f32(&name)?;
                if dims == parameter.var.dims() { Ok(values) } else { Err(unfit(&name)) }
            };
            all.push([read("")?, read(".first")?, read(".second")?]);
        }
        for ((parameter, moments), [values, first, second]) in self.parameters.iter().zip(&mut self.moments).zip(all) {
            change(&parameter.var, |own| own.copy_from_slice(&values))?;
            (moments.first, moments.second) = (first, second);
        }
        self.history = history;
        Ok(true)
    }
}

fn history(file: &ReadArrays) -> Result<Vec<Step>, CacheError> {
    let column = |name: &str| file.f64(&format!("history.{name}"));
    let (loss, tokens, norm) = (column("loss")?, column("tokens")?, column("gradient_norm")?);
    let (rate, seconds) = (column("rate")?, column("seconds")?);
    let rows = loss.iter().zip(&tokens).zip(&norm).zip(&rate).zip(&seconds).enumerate();
    Ok(rows
        .map(|(i, ((((&loss, &tokens), &gradient_norm), &rate), &seconds))| Step {
            step: i + 1,
            loss,
            tokens: tokens as u64,
            gradient_norm,
            rate,
            seconds,
        })
        .collect())
}
