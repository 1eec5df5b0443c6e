//! The plan of an experiment: its stages and their content keys, before anything is touched.
//!
//! Pure: an experiment and the identities of its assets in, stages out. Resuming rests on the keys: a stage whose value
//! is in the cache under its key is done. A key holds everything the value depends on and nothing else, so experiments
//! share what they have in common, and a smaller sample count or one more window costs only what is new.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::cache::key;
use crate::calibrate::{Normalisation, Snapshot};
use crate::decompose::End;
use crate::model::shape::{LINEARS, Linear, Shape, Site};
use crate::spec::{Arm, Calibration, Corpus, Evaluation, Experiment};

pub mod cost;
pub mod memory;
mod train;

pub use train::TrainStage;

/// Version of the code behind each kind of value; raised when the same inputs would give other numbers.
const TEXT: u32 = 2;
const TOKENS: u32 = 1;
const LENGTHS: u32 = 1;
const STATISTICS: u32 = 2;
const DECOMPOSITION: u32 = 3;
const LOSS: u32 = 1;
const ENERGY: u32 = 1;
const TRAINING: u32 = 1;
const ANSWERS: u32 = 1;

/// What pins the content of the assets.
#[derive(Debug, Clone, Default)]
pub struct Identities {
    /// Of the model.
    pub model: String,
    /// Of each text's files, by [`Corpus::id`].
    pub corpora: HashMap<String, String>,
}

/// A unit of calibration and decomposition: a block, or the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Index of the block; the number of blocks for the head.
    pub layer: usize,
    /// Whether it is the head.
    pub head: bool,
    /// Its target linears, with the input that feeds each.
    pub linears: Vec<(Linear, Site)>,
}

impl Part {
    /// The inputs of its linears, one a linear.
    pub fn sites(&self) -> impl Iterator<Item = Site> {
        self.linears.iter().map(|(_, site)| *site)
    }

    /// Its distinct inputs: those whose statistics are kept.
    pub fn inputs(&self) -> Vec<Site> {
        if self.head { vec![Site::Head] } else { Site::BLOCK.to_vec() }
    }

    /// File name in the cache.
    pub fn name(&self) -> String {
        if self.head { "head".into() } else { format!("layer-{:03}", self.layer) }
    }
}

/// Statistics of one prefix of a calibration pass.
#[derive(Debug, Clone)]
pub struct CalibrateStage {
    /// Index in the experiment's calibrations.
    pub calibration: usize,
    /// Which prefix.
    pub snapshot: Snapshot,
    /// Content key.
    pub key: String,
}

/// The decomposition of every target under one arm.
#[derive(Debug, Clone)]
pub struct DecomposeStage {
    /// Index in the experiment's arms.
    pub arm: usize,
    /// Index of the statistics it needs, in [`Plan::calibrate`].
    pub statistics: Option<usize>,
    /// Content key.
    pub key: String,
}

/// How much of each target, and of its output on some texts, the components of an arm carry.
#[derive(Debug, Clone)]
pub struct EnergyStage {
    /// Index in [`Plan::decompose`].
    pub decompose: usize,
    /// Statistics of the texts, in [`Plan::calibrate`], in the order of the spec.
    pub texts: Vec<usize>,
    /// Content key.
    pub key: String,
}

/// A model on a test set.
#[derive(Debug, Clone)]
pub struct EvaluateStage {
    /// Arm and index of the point in the experiment's `discard`; `None` for the undamaged model.
    pub point: Option<(usize, usize)>,
    /// Index in the experiment's evaluations.
    pub evaluation: usize,
    /// Content key of its window losses; more windows extend the same value.
    pub key: String,
}

/// Everything an experiment needs, in order.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Blocks (and head) with target linears.
    pub parts: Vec<Part>,
    /// Content key of each evaluation's tokens, in the experiment's order.
    pub tokens: Vec<String>,
    /// Content keys of the lengths of what is taken from texts.
    pub lengths: Lengths,
    /// Calibration snapshots.
    pub calibrate: Vec<CalibrateStage>,
    /// One an arm.
    pub decompose: Vec<DecomposeStage>,
    /// The undamaged model on every test set, then each arm's points.
    pub evaluate: Vec<EvaluateStage>,
    /// One an arm where the spec has adapters.
    pub energy: Vec<EnergyStage>,
    /// Statistics that heat maps show, in [`Plan::calibrate`], in the order of the spec.
    pub heatmaps: Vec<usize>,
    /// Content key of the undamaged model's answers to each set of questions, in the experiment's order.
    pub answers: Vec<String>,
    /// Training runs: each learner at each of its rates from each seed, of which a run does what its choice of rates needs.
    pub train: Vec<TrainStage>,
}

/// Content keys of lengths in tokens, in the experiment's orders: what `check` counts, it counts once.
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

/// The parts of a model that hold target linears.
fn parts(shape: &Shape, targets: &[Linear]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let all = shape.linears();
    for (i, linear) in all.iter().enumerate().filter(|(_, linear)| targets.contains(linear)) {
        let layer = i / LINEARS.len();
        let head = layer == shape.layers;
        let site = if head { Site::Head } else { Site::OF_LINEAR[i % LINEARS.len()] };
        match parts.last_mut() {
            Some(part) if part.layer == layer => part.linears.push((linear.clone(), site)),
            _ => parts.push(Part { layer, head, linears: vec![(linear.clone(), site)] }),
        }
    }
    parts
}

impl Plan {
    /// The plan of an experiment.
    pub fn new(experiment: &Experiment, identities: &Identities) -> Self {
        let mut plan = Self {
            parts: parts(&experiment.model.shape, &experiment.linears()),
            tokens: Vec::new(),
            lengths: Keys { experiment, identities }.lengths(),
            calibrate: Vec::new(),
            decompose: Vec::new(),
            evaluate: Vec::new(),
            energy: Vec::new(),
            heatmaps: Vec::new(),
            answers: Vec::new(),
            train: Vec::new(),
        };
        let keys = Keys { experiment, identities };
        for (i, evaluation) in experiment.evaluations.iter().enumerate() {
            plan.tokens.push(keys.tokens(&evaluation.corpus));
            plan.evaluate.push(EvaluateStage { point: None, evaluation: i, key: keys.loss(evaluation, Value::Null) });
        }
        for (i, arm) in experiment.arms.iter().enumerate() {
            plan.add_arm(&keys, i, arm);
        }
        plan.add_energies(&keys);
        if let Some(heatmaps) = &experiment.heatmaps {
            // The covariance as CorDA takes it.
            plan.heatmaps = plan.whole(&keys, &heatmaps.calibrations, Normalisation::Max);
        }
        plan.add_training(&keys);
        plan
    }

    fn add_energies(&mut self, keys: &Keys) {
        let Some(adapters) = &keys.experiment.adapters else { return };
        // Energies weigh every token alike.
        let texts = self.whole(keys, &adapters.energy, Normalisation::None);
        let text_keys: Vec<&str> = texts.iter().map(|&i| self.calibrate[i].key.as_str()).collect();
        for (decompose, stage) in self.decompose.iter().enumerate() {
            let key = key("energy", ENERGY, &json!({"decomposition": stage.key, "texts": text_keys}));
            self.energy.push(EnergyStage { decompose, texts: texts.clone(), key });
        }
    }

    /// The stages of whole calibrations by name.
    fn whole(&mut self, keys: &Keys, names: &[String], normalisation: Normalisation) -> Vec<usize> {
        let all = keys.experiment.calibrations.iter().enumerate();
        let named = names.iter().flat_map(|name| all.clone().filter(move |(_, calibration)| calibration.name == *name));
        let snapshot = |c: &Calibration| Snapshot { samples: c.samples, normalisation };
        named.map(|(index, c)| self.statistics(keys, index, snapshot(c))).collect()
    }

    fn add_arm(&mut self, keys: &Keys, index: usize, arm: &Arm) {
        let experiment = keys.experiment;
        if experiment.discard.is_empty() {
            return;
        }
        let deepest = experiment.discard.len() - 1;
        if experiment.linears().iter().all(|l| experiment.discard.components(deepest, l) == 0) {
            return;
        }
        let mut calibrations = experiment.calibrations.iter().enumerate();
        let calibration = calibrations.find(|(_, c)| arm.calibration.as_ref() == Some(&c.name));
        let statistics = calibration.map(|(index, calibration)| {
            let samples = arm.samples.unwrap_or(calibration.samples);
            self.statistics(keys, index, Snapshot { samples, normalisation: arm.method.normalisation() })
        });
        let statistics_key = statistics.map(|i| self.calibrate[i].key.clone());
        let decomposition = keys.decomposition(arm, statistics_key, deepest);
        self.decompose.push(DecomposeStage { arm: index, statistics, key: decomposition.clone() });
        if experiment.train.is_some() {
            // What is measured are trained models.
            return;
        }
        for point in 0..experiment.discard.len() {
            let dropped = keys.dropped(point);
            if dropped.iter().all(|&r| r == 0) {
                continue;
            }
            for (i, evaluation) in experiment.evaluations.iter().enumerate() {
                if arm.evaluations.contains(&evaluation.name) {
                    let weights = json!({"decomposition": decomposition, "dropped": dropped});
                    let key = keys.loss(evaluation, weights);
                    self.evaluate.push(EvaluateStage { point: Some((index, point)), evaluation: i, key });
                }
            }
        }
    }

    /// The stage of the statistics of a calibration (by its index in the experiment), added if nothing before needed the same.
    fn statistics(&mut self, keys: &Keys, calibration: usize, snapshot: Snapshot) -> usize {
        let key = keys.statistics(&keys.experiment.calibrations[calibration], snapshot);
        if let Some(i) = self.calibrate.iter().position(|stage| stage.key == key) {
            return i;
        }
        self.calibrate.push(CalibrateStage { calibration, snapshot, key });
        self.calibrate.len() - 1
    }

    /// A key of everything a results folder shows: the losses, and how they are labelled.
    ///
    /// # Errors
    /// If the experiment cannot be put into JSON.
    pub fn results_key(&self, experiment: &Experiment) -> serde_json::Result<String> {
        let losses: Vec<_> = self.evaluate.iter().map(|stage| &stage.key).collect();
        let energies: Vec<_> = self.energy.iter().map(|stage| &stage.key).collect();
        let heatmaps: Vec<_> = self.heatmaps.iter().map(|&i| &self.calibrate[i].key).collect();
        let mut inputs =
            json!({"losses": losses, "energies": energies, "heatmaps": heatmaps, "spec": experiment.recorded()?});
        if experiment.spectra.is_some() {
            inputs["spectra"] = self.decompose.iter().map(|stage| stage.key.as_str()).collect();
        }
        if experiment.train.is_some() {
            inputs["answers"] = json!(self.answers);
            inputs["training"] = self.train.iter().map(|stage| stage.key.as_str()).collect();
        }
        Ok(key("results", 2, &inputs))
    }
}

/// Makes content keys.
struct Keys<'a> {
    experiment: &'a Experiment,
    identities: &'a Identities,
}

impl Keys<'_> {
    fn corpus(&self, corpus: &Corpus) -> Value {
        let identity = self.identities.corpora.get(&corpus.id());
        json!({"version": TEXT, "identity": identity, "format": corpus.format, "split": corpus.split})
    }

    fn tokens(&self, corpus: &Corpus) -> String {
        key("tokens", TOKENS, &json!({"tokenizer": self.identities.model, "corpus": self.corpus(corpus)}))
    }

    fn lengths(&self) -> Lengths {
        let experiment = self.experiment;
        let key = |what: &str, corpus: &Corpus, more: Value| {
            let (tokenizer, corpus) = (&self.identities.model, self.corpus(corpus));
            key("lengths", LENGTHS, &json!({"of": what, "tokenizer": tokenizer, "corpus": corpus, "more": more}))
        };
        let samples = experiment.calibrations.iter().map(|c| {
            let more = json!({"samples": c.samples, "length": c.length, "sampling": c.sampling, "seed": c.seed});
            key("samples", &c.corpus, more)
        });
        let prompts = experiment.questions.iter().map(|q| key("prompts", &q.corpus, json!(q.examples)));
        let train = experiment.train.as_ref();
        Lengths {
            samples: samples.collect(),
            prompts: prompts.collect(),
            examples: train.map(|train| key("examples", &train.corpus, json!(train.examples))),
            validation: train.map(|train| key("examples", &train.validation, json!(train.validation_examples))),
        }
    }

    fn statistics(&self, calibration: &Calibration, snapshot: Snapshot) -> String {
        // Not the pass's own sample count: a prefix is the same whatever comes after it.
        let inputs = json!({
            "model": self.identities.model,
            "corpus": self.corpus(&calibration.corpus),
            "sampling": calibration.sampling,
            "seed": calibration.seed,
            "length": calibration.length,
            "snapshot": snapshot,
        });
        key("statistics", STATISTICS, &self.on_device(inputs))
    }

    /// Another device computes in another order, so its values are others in the last digits.
    fn on_device(&self, mut inputs: Value) -> Value {
        if !self.experiment.device.is_cpu() {
            inputs["device"] = json!(self.experiment.device);
        }
        inputs
    }

    /// Components each target drops at a point.
    fn dropped(&self, point: usize) -> Vec<usize> {
        let linears = self.experiment.linears();
        linears.iter().map(|linear| self.experiment.discard.components(point, linear)).collect()
    }

    fn decomposition(&self, arm: &Arm, statistics: Option<String>, deepest: usize) -> String {
        let linears: Vec<_> = self.experiment.linears().into_iter().map(|linear| linear.name).collect();
        let mut inputs = json!({
            "model": self.identities.model,
            "statistics": statistics,
            "method": arm.method.name(),
            "parameters": arm.method.parameters(),
            "linears": linears,
            "depth": self.dropped(deepest),
        });
        if arm.end == End::Largest {
            inputs["end"] = json!(arm.end);
        }
        key("decomposition", DECOMPOSITION, &inputs)
    }

    fn loss(&self, evaluation: &Evaluation, weights: Value) -> String {
        let inputs = json!({
            "model": self.identities.model,
            "corpus": self.corpus(&evaluation.corpus),
            "length": evaluation.length,
            "weights": weights,
        });
        key("loss", LOSS, &self.on_device(inputs))
    }
}
