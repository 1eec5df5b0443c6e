//! The stages of the pipeline: what each kind of stage computes, under which content keys, and what it needs.
//!
//! A stage states the keys that it makes and those that it uses; the edges of the graph follow from these. How a kind of stage
//! is computed, and what it costs, is in `run`: one file for each kind, which implements `run::work::Work`.

use crate::calibrate::Snapshot;
use crate::spec::Experiment;

/// What the model is called from which nothing is taken and which has learned nothing.
pub const UNDAMAGED: &str = "undamaged";

/// One node of the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its name: in messages, in the provenance, after `--stage`, and in a Snakefile.
    pub id: String,
    /// What it computes.
    pub kind: Kind,
    /// The stages that must be complete before it, by their index in the plan.
    pub needs: Vec<usize>,
    /// The turn that assigns it to a shard (see [`Shard`](crate::run::Shard)); `None` for a stage that a shard computes only
    /// because another of its stages needs it.
    pub turn: Option<usize>,
}

/// What a stage computes. Arms, calibrations, evaluations and learners are indices into the experiment's lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A calibration pass.
    Calibrate(Calibrate),
    /// The decomposition of every target under one arm.
    Decompose(Decompose),
    /// The energies of an arm's components.
    Energy(Energy),
    /// Window losses.
    Evaluate(Evaluate),
    /// The undamaged model's answers.
    Ask(Ask),
    /// The training of a learner.
    Train(Train),
    /// Losses and answers of the models that a learner leaves.
    Measure(Measure),
}

/// One pass over the samples of a calibration, and the statistics that it leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calibrate {
    /// Which calibration.
    pub calibration: usize,
    /// Statistics of prefixes of the pass; empty where nothing needs this calibration.
    pub statistics: Vec<Statistics>,
}

/// Statistics of one prefix of a calibration pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// Which prefix, and how its samples are weighted.
    pub snapshot: Snapshot,
    /// Content key.
    pub key: String,
}

/// The decomposition of every target under one arm, down to the deepest point of the spec's `discard`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decompose {
    /// Which arm.
    pub arm: usize,
    /// Content key of the statistics that weight it; `None` for a decomposition of W itself.
    pub statistics: Option<String>,
    /// Content key.
    pub key: String,
}

/// How much of each target, and of its output on some texts, the components of an arm carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Energy {
    /// Which arm.
    pub arm: usize,
    /// Content key of its decomposition.
    pub decomposition: String,
    /// Content keys of the statistics of the texts, in the order of the spec.
    pub texts: Vec<String>,
    /// Content key.
    pub key: String,
}

/// Window losses of the undamaged model, or of all points of an arm, on the test sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluate {
    /// Which arm, with the content key of its decomposition; `None` for the undamaged model.
    pub arm: Option<(usize, String)>,
    /// What is measured, in the order of the results.
    pub losses: Vec<Losses>,
}

/// Window losses of one model on one test set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Losses {
    /// Index of the point in the experiment's `discard`; `None` for a model from which nothing is taken.
    pub point: Option<usize>,
    /// Which evaluation.
    pub evaluation: usize,
    /// Content key; more windows extend the same value.
    pub key: String,
}

/// The undamaged model's answers to every set of questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Content key of the answers to each set, in the experiment's order.
    pub answers: Vec<String>,
}

/// The training of one learner: at each of its learning rates, then at the chosen one from each further seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Train {
    /// Which learner.
    pub learner: usize,
    /// Content key of the decomposition that it starts from, if it starts from components.
    pub decomposition: Option<String>,
    /// Every learning rate from every seed; a run computes those that the choice of the rate needs.
    pub trials: Vec<Trial>,
}

/// One training run, and what measures the model that it leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Which learner.
    pub learner: usize,
    /// Index of the rate in the learner's list.
    pub rate: usize,
    /// Index of the seed in the spec's list.
    pub seed: usize,
    /// Content key of the trained weights, and of the optimiser's steps on the way to them.
    pub key: String,
    /// Content key of the loss on the validation examples.
    pub validation: String,
    /// Content key of the window losses on each evaluation, in the experiment's order.
    pub losses: Vec<String>,
    /// Content key of the answers to each set of questions, in the experiment's order.
    pub answers: Vec<String>,
}

/// Losses and answers of the models that a learner leaves, one for each seed, at the chosen learning rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// Which learner.
    pub learner: usize,
    /// Content keys of the training runs that it may have to measure.
    pub trials: Vec<String>,
}

impl Kind {
    /// The name of the stage.
    pub(super) fn name(&self, experiment: &Experiment) -> String {
        let arm = |arm: usize| &experiment.arms[arm].id;
        let learner = |learner: usize| experiment.train.as_ref().map_or("", |train| &train.learners[learner].id);
        match self {
            Self::Calibrate(one) => format!("calibrate {}", experiment.calibrations[one.calibration].name),
            Self::Decompose(one) => format!("decompose {}", arm(one.arm)),
            Self::Energy(one) => format!("energy {}", arm(one.arm)),
            Self::Evaluate(one) => format!("evaluate {}", one.arm.as_ref().map_or(UNDAMAGED, |(i, _)| arm(*i))),
            Self::Ask(_) => format!("ask {UNDAMAGED}"),
            Self::Train(one) => format!("train {}", learner(one.learner)),
            Self::Measure(one) => format!("measure {}", learner(one.learner)),
        }
    }

    /// Whether there is nothing to compute.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Evaluate(evaluate) => evaluate.losses.is_empty(),
            Self::Ask(ask) => ask.answers.is_empty(),
            _ => false,
        }
    }

    /// Content keys of the values that other stages may use.
    pub(super) fn makes(&self) -> Vec<&str> {
        match self {
            Self::Calibrate(calibrate) => calibrate.statistics.iter().map(|one| one.key.as_str()).collect(),
            Self::Decompose(decompose) => vec![&decompose.key],
            Self::Train(train) => train.trials.iter().map(|trial| trial.key.as_str()).collect(),
            Self::Energy(_) | Self::Evaluate(_) | Self::Ask(_) | Self::Measure(_) => Vec::new(),
        }
    }

    /// Content keys of the values that it is computed from.
    pub(super) fn uses(&self) -> Vec<&str> {
        match self {
            Self::Calibrate(_) | Self::Ask(_) => Vec::new(),
            Self::Decompose(decompose) => decompose.statistics.iter().map(String::as_str).collect(),
            Self::Energy(energy) => {
                std::iter::once(&energy.decomposition).chain(&energy.texts).map(String::as_str).collect()
            }
            Self::Evaluate(evaluate) => evaluate.arm.iter().map(|(_, key)| key.as_str()).collect(),
            Self::Train(train) => train.decomposition.iter().map(String::as_str).collect(),
            Self::Measure(measure) => measure.trials.iter().map(String::as_str).collect(),
        }
    }
}
