//! The stages of a decomposition study: calibration passes, decompositions, energies of components, window losses.

use serde_json::{Value, json};

use super::keys::Keys;
use super::{Calibrate, Decompose, Energy, Evaluate, Kind, Losses, Statistics};
use crate::calibrate::{Normalisation, Snapshot};
use crate::spec::Calibration;

/// The calibration passes of an experiment, which grow by the statistics that other stages ask for.
pub(super) struct Passes<'a> {
    keys: &'a Keys<'a>,
    passes: Vec<Calibrate>,
}

impl<'a> Passes<'a> {
    pub(super) fn new(keys: &'a Keys<'a>) -> Self {
        let pass = |calibration| Calibrate { calibration, statistics: Vec::new() };
        Self { keys, passes: (0..keys.experiment.calibrations.len()).map(pass).collect() }
    }

    /// The content key of a snapshot of a calibration; no pass computes again what an earlier one has under the same key.
    fn snapshot(&mut self, calibration: usize, snapshot: Snapshot) -> String {
        let key = self.keys.statistics(&self.keys.experiment.calibrations[calibration], snapshot);
        if !self.passes.iter().flat_map(|pass| &pass.statistics).any(|statistics| statistics.key == key) {
            self.passes[calibration].statistics.push(Statistics { snapshot, key: key.clone() });
        }
        key
    }

    /// Content keys of the statistics of whole calibrations, by name.
    pub(super) fn whole(&mut self, names: &[String], normalisation: Normalisation) -> Vec<String> {
        let all = self.keys.experiment.calibrations.iter().enumerate();
        let named = names.iter().flat_map(|name| all.clone().filter(move |(_, calibration)| calibration.name == *name));
        let snapshot = |c: &Calibration| Snapshot { samples: c.samples, normalisation };
        named.map(|(index, calibration)| self.snapshot(index, snapshot(calibration))).collect()
    }

    /// The stages. A shard takes its turn at the statistics of heat maps; others are computed where they are needed.
    pub(super) fn stages(self, heatmaps: &[String]) -> impl Iterator<Item = (Kind, Option<usize>)> {
        self.passes.into_iter().map(|pass| {
            let drawn = pass.statistics.iter().any(|statistics| heatmaps.contains(&statistics.key));
            (Kind::Calibrate(pass), drawn.then_some(0))
        })
    }
}

/// The decompositions of all arms that take something away.
pub(super) fn decompositions(keys: &Keys, passes: &mut Passes) -> Vec<Decompose> {
    let experiment = keys.experiment;
    let Some(deepest) = experiment.discard.len().checked_sub(1) else { return Vec::new() };
    if keys.dropped(deepest).iter().all(|&r| r == 0) {
        return Vec::new();
    }
    let one = |(index, arm): (usize, &crate::spec::Arm)| {
        let mut calibrations = experiment.calibrations.iter().enumerate();
        let calibration = calibrations.find(|(_, c)| arm.calibration.as_ref() == Some(&c.name));
        let statistics = calibration.map(|(i, calibration)| {
            let samples = arm.samples.unwrap_or(calibration.samples);
            passes.snapshot(i, Snapshot { samples, normalisation: arm.method.normalisation() })
        });
        let key = keys.decomposition(arm, statistics.as_deref(), deepest);
        Decompose { arm: index, statistics, key }
    };
    experiment.arms.iter().enumerate().map(one).collect()
}

/// The energies of all arms, where the experiment has adapters.
pub(super) fn energies(keys: &Keys, passes: &mut Passes, decompositions: &[Decompose]) -> Vec<Energy> {
    let Some(adapters) = &keys.experiment.adapters else { return Vec::new() };
    // Energies weight every token alike.
    let texts = passes.whole(&adapters.energy, Normalisation::None);
    let one = |decompose: &Decompose| Energy {
        arm: decompose.arm,
        decomposition: decompose.key.clone(),
        texts: texts.clone(),
        key: keys.energy(&decompose.key, &texts),
    };
    decompositions.iter().map(one).collect()
}

/// The undamaged model on every test set.
pub(super) fn undamaged(keys: &Keys) -> Kind {
    Kind::Evaluate(Evaluate { arm: None, losses: losses(keys, Value::Null) })
}

/// The window losses on every test set of one model, which is the undamaged one changed as `weights` says.
fn losses(keys: &Keys, weights: Value) -> Vec<Losses> {
    let one = |(evaluation, spec)| Losses { point: None, evaluation, key: keys.loss(spec, weights.clone()) };
    keys.experiment.evaluations.iter().enumerate().map(one).collect()
}

/// All points of an arm on the test sets that it is measured on.
pub(super) fn points(keys: &Keys, decompose: &Decompose) -> Kind {
    let experiment = keys.experiment;
    let arm = &experiment.arms[decompose.arm];
    let measured = |losses: &Losses| arm.evaluations.contains(&experiment.evaluations[losses.evaluation].name);
    let mut all = Vec::new();
    for point in 0..experiment.discard.len() {
        let dropped = keys.dropped(point);
        if dropped.iter().any(|&r| r > 0) {
            let found = losses(keys, json!({"decomposition": decompose.key, "dropped": dropped})).into_iter();
            all.extend(found.filter(measured).map(|losses| Losses { point: Some(point), ..losses }));
        }
    }
    Kind::Evaluate(Evaluate { arm: Some((decompose.arm, decompose.key.clone())), losses: all })
}
