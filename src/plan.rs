//! The plan of an experiment: one graph of stages with their content keys, made before anything is touched.
//!
//! Pure: an experiment and the identities of its assets in, stages out. `corda run`, `corda plan`, Snakefiles, shards and
//! `--stage` all walk [`Plan::stages`]. What a stage costs in operations and memory is counted in [`cost`] and [`memory`].

mod finetune;
mod keys;
mod part;
mod stage;
mod study;

pub mod cost;
pub mod memory;

use serde_json::Value;

use crate::calibrate::Normalisation;
use crate::spec::Experiment;

pub use keys::{Identities, RESULTS};
pub use part::Part;
pub use stage::UNDAMAGED;
pub use stage::{Ask, Calibrate, Decompose, Energy, Evaluate, Kind, Losses, Measure, Stage, Statistics, Train, Trial};

use keys::Keys;
use study::Passes;

/// Everything that an experiment needs.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Blocks (and head) with target linears.
    pub parts: Vec<Part>,
    /// Content key of each evaluation's tokens, in the experiment's order.
    pub tokens: Vec<String>,
    /// Content keys of the lengths of what is taken from texts.
    pub lengths: Lengths,
    /// The stages, in an order in which they can be computed one after the other.
    pub stages: Vec<Stage>,
    /// Content keys of the statistics that heat maps show, in the order of the spec.
    pub heatmaps: Vec<String>,
}

/// Content keys of lengths in tokens, in the experiment's orders: what `corda check` counts, it counts once.
#[derive(Debug, Clone, Default)]
pub struct Lengths {
    /// Of each calibration's samples.
    pub samples: Vec<String>,
    /// Of each set of questions, without answers.
    pub prompts: Vec<String>,
    /// Of the examples to learn.
    pub examples: Option<String>,
    /// Of the examples that learning rates are chosen on.
    pub validation: Option<String>,
}

/// What the stages of one kind compute, in order.
macro_rules! stages {
    ($plan:expr, $kind:ident) => {
        $plan.stages.iter().filter_map(|stage| if let Kind::$kind(one) = &stage.kind { Some(one) } else { None })
    };
}

impl Plan {
    /// The plan of an experiment.
    pub fn new(experiment: &Experiment, identities: &Identities) -> Self {
        let keys = Keys { experiment, identities };
        let mut passes = Passes::new(&keys);
        let decompositions = study::decompositions(&keys, &mut passes);
        let energies = study::energies(&keys, &mut passes, &decompositions);
        // The covariance as CorDA takes it.
        let heatmaps = experiment.heatmaps.as_ref().map(|heatmaps| &heatmaps.calibrations[..]).unwrap_or_default();
        let heatmaps = passes.whole(heatmaps, Normalisation::Max);
        // The undamaged model comes first: a test set that is too short shows at once.
        let mut kinds = vec![(study::undamaged(&keys), Some(0)), (finetune::ask(&keys, Value::Null), Some(0))];
        kinds.retain(|(kind, _)| !kind.is_empty());
        kinds.extend(passes.stages(&heatmaps));
        let arms = || decompositions.iter().enumerate();
        kinds.extend(arms().map(|(_, decompose)| (Kind::Decompose(decompose.clone()), None)));
        kinds.extend(energies.into_iter().enumerate().map(|(i, energy)| (Kind::Energy(energy), Some(i))));
        match &experiment.train {
            // What is measured are trained models.
            Some(train) => kinds.extend(finetune::stages(&keys, train, &decompositions)),
            None => kinds.extend(arms().map(|(i, decompose)| (study::points(&keys, decompose), Some(i)))),
        }
        Self {
            parts: Part::all(&experiment.model.shape, &experiment.linears()),
            tokens: experiment.evaluations.iter().map(|evaluation| keys.tokens(evaluation)).collect(),
            lengths: keys.lengths(),
            stages: graph(experiment, kinds),
            heatmaps,
        }
    }

    /// The stages that satisfy `wanted` and all that they need, directly or not, as a flag for each stage.
    pub fn with_needs(&self, wanted: impl Fn(&Stage) -> bool) -> Vec<bool> {
        let mut flags: Vec<bool> = self.stages.iter().map(wanted).collect();
        // A stage comes after all that it needs.
        for (i, stage) in self.stages.iter().enumerate().rev() {
            if flags[i] {
                stage.needs.iter().for_each(|&need| flags[need] = true);
            }
        }
        flags
    }

    /// The number of target linears.
    pub fn linears(&self) -> usize {
        self.parts.iter().map(|part| part.linears.len()).sum()
    }

    /// The calibration passes, one for each calibration of the experiment.
    pub fn calibrations(&self) -> impl Iterator<Item = &Calibrate> + Clone {
        stages!(self, Calibrate)
    }

    /// The decompositions, one for each arm that takes something away.
    pub fn decompositions(&self) -> impl Iterator<Item = &Decompose> + Clone {
        stages!(self, Decompose)
    }

    /// The decomposition of an arm, by its index in the experiment.
    pub fn decomposition(&self, arm: usize) -> Option<&Decompose> {
        self.decompositions().find(|decompose| decompose.arm == arm)
    }

    /// The energies, one for each decomposition where the experiment has adapters.
    pub fn energies(&self) -> impl Iterator<Item = &Energy> {
        stages!(self, Energy)
    }

    /// The window losses of the undamaged model and of each arm's points, in the order of the results: with the arm, if any.
    pub fn losses(&self) -> impl Iterator<Item = (Option<usize>, &Losses)> {
        stages!(self, Evaluate)
            .flat_map(|one| one.losses.iter().map(|losses| (one.arm.as_ref().map(|(arm, _)| *arm), losses)))
    }

    /// Content keys of the undamaged model's answers to each set of questions.
    pub fn answers(&self) -> &[String] {
        stages!(self, Ask).next().map_or(&[], |ask| &ask.answers)
    }

    /// Every training run: each learner at each of its learning rates from each seed.
    pub fn trials(&self) -> impl Iterator<Item = &Trial> {
        stages!(self, Train).flat_map(|train| &train.trials)
    }

    /// The training runs of one learner.
    pub fn trials_of(&self, learner: usize) -> &[Trial] {
        stages!(self, Train).find(|train| train.learner == learner).map_or(&[], |train| &train.trials)
    }

    /// The run of a learner at one of its learning rates from one of the seeds.
    pub fn trial(&self, learner: usize, rate: usize, seed: usize) -> Option<&Trial> {
        self.trials_of(learner).iter().find(|trial| (trial.rate, trial.seed) == (rate, seed))
    }
}

/// Names the stages and connects each with those that make what it uses.
fn graph(experiment: &Experiment, kinds: Vec<(Kind, Option<usize>)>) -> Vec<Stage> {
    let maker = |key: &str| kinds.iter().position(|(kind, _)| kind.makes().contains(&key));
    let needs: Vec<Vec<usize>> = kinds
        .iter()
        .map(|(kind, _)| {
            let mut needs: Vec<usize> = Vec::new();
            for need in kind.uses().into_iter().filter_map(maker) {
                if !needs.contains(&need) {
                    needs.push(need);
                }
            }
            needs
        })
        .collect();
    let stage = |((kind, turn), needs): ((Kind, Option<usize>), Vec<usize>)| Stage {
        id: kind.name(experiment),
        kind,
        needs,
        turn,
    };
    kinds.into_iter().zip(needs).map(stage).collect()
}

#[cfg(test)]
mod tests;
