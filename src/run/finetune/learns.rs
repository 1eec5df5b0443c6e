//! What learns in a fine-tuning experiment, and how many parameters that is.

use crate::model::shape::Linear;
use crate::spec::{Experiment, Start};
use crate::train::{Tuning, memory};

/// Parameters that learn.
pub fn parameters(experiment: &Experiment, start: Start) -> u64 {
    let (kind, adapters) = learns(experiment, start);
    memory::trained(&experiment.model.shape, kind, &adapters)
}

/// What learns: the kind, and the linears that have an adapter, with its rank.
pub(in crate::run) fn learns(experiment: &Experiment, start: Start) -> (Tuning, Vec<(Linear, usize)>) {
    let kind = match start {
        Start::Full => Tuning::Full,
        Start::Dora { .. } => Tuning::Dora,
        Start::Lora { .. } | Start::Components { .. } => Tuning::Lora,
    };
    let rank = |linear: &Linear| start.point().map_or(0, |point| experiment.discard.components(point, linear));
    let linears = experiment.linears().into_iter().map(|linear| (rank(&linear), linear));
    (kind, linears.filter(|(r, _)| *r > 0).map(|(r, linear)| (linear, r)).collect())
}
