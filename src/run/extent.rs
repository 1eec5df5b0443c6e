//! How much a point of the spec's `discard` takes away: components, and parameters however one counts them.

use crate::model::shape::Linear;
use crate::report::{By, Parameters};
use crate::spec::{Discard, Experiment};

/// What one point takes from all targets together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Extent {
    /// Components dropped of the linear of the largest rank.
    pub discarded: usize,
    /// Share of all components.
    pub share: f64,
    /// Share of the parameters: a d x n matrix of rank k has k (d + n - k), its degrees of freedom.
    pub dropped: f64,
    /// What two factors of the ranks kept, k (d + n) numbers, take of the linears' own parameters.
    pub factored: f64,
}

impl Extent {
    /// Of point `point`; of the undamaged model for `None`.
    pub fn of(experiment: &Experiment, point: Option<usize>) -> Self {
        let Some(point) = point else { return Self { discarded: 0, share: 0.0, dropped: 0.0, factored: 1.0 } };
        let linears = experiment.linears();
        let dropped = |linear: &Linear| experiment.discard.components(point, linear);
        let kept = |linear: &Linear| linear.rank() - dropped(linear);
        let sum = |of: &dyn Fn(&Linear) -> usize| linears.iter().map(of).sum::<usize>() as f64;
        let all = sum(&|l| l.d_out * l.d_in);
        Self {
            discarded: experiment.discard.named(point, &linears),
            share: match &experiment.discard {
                Discard::Components { .. } => sum(&dropped) / sum(&Linear::rank),
                Discard::Share { values } => values[point],
            },
            dropped: sum(&|l| (l.d_out - kept(l)) * (l.d_in - kept(l))) / all,
            factored: sum(&|l| kept(l) * (l.d_out + l.d_in)) / all,
        }
    }
}

/// What every point drops, the undamaged model's 0 first, as the report places them.
pub(super) fn parameters(experiment: &Experiment) -> Vec<Parameters> {
    let by = by(experiment);
    let at = |point: Option<usize>| {
        let extent = Extent::of(experiment, point);
        let place = by.place(extent.discarded as u32, extent.share);
        Parameters { place, dropped: extent.dropped, factored: extent.factored }
    };
    let mut all = vec![at(None)];
    all.extend((0..experiment.discard.len()).map(|point| at(Some(point))).filter(|it| it.dropped > 0.0));
    all
}

/// What the points of a curve count.
pub(super) fn by(experiment: &Experiment) -> By {
    match experiment.discard {
        Discard::Components { .. } => By::Components,
        Discard::Share { .. } => By::Share,
    }
}
