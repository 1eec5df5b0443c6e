//! Content keys: a hash of everything that a value depends on, and of nothing else.
//!
//! Resuming rests on them: a stage whose values are in the cache under its keys is complete. Experiments share what they have
//! in common, and a smaller sample count or one more window costs only what is new.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::Lengths;
use crate::cache::key;
use crate::calibrate::Snapshot;
use crate::decompose::End;
use crate::spec::{Arm, Calibration, Corpus, Evaluation, Experiment, Questions, Train};

/// Version of the code behind each kind of value; raised when the same inputs would give different numbers.
const TEXT: u32 = 2;
const TOKENS: u32 = 1;
const LENGTHS: u32 = 1;
const STATISTICS: u32 = 2;
const DECOMPOSITION: u32 = 3;
const LOSS: u32 = 1;
const ENERGY: u32 = 1;
const TRAINING: u32 = 1;
const ANSWERS: u32 = 1;
/// Of results folders: raised when the same values would give other rows.
pub const RESULTS: u32 = 2;

/// What pins the content of the assets.
#[derive(Debug, Clone, Default)]
pub struct Identities {
    /// Of the model.
    pub model: String,
    /// Of each text's files, by [`Corpus::id`].
    pub corpora: HashMap<String, String>,
}

/// Makes content keys.
pub(super) struct Keys<'a> {
    pub experiment: &'a Experiment,
    pub identities: &'a Identities,
}

impl Keys<'_> {
    fn corpus(&self, corpus: &Corpus) -> Value {
        let identity = self.identities.corpora.get(&corpus.id());
        json!({"version": TEXT, "identity": identity, "format": corpus.format, "split": corpus.split})
    }

    pub(super) fn tokens(&self, evaluation: &Evaluation) -> String {
        let mut inputs = json!({"tokenizer": self.identities.model, "corpus": self.corpus(&evaluation.corpus)});
        if !evaluation.bos.is_stream() {
            inputs["bos"] = json!(false);
        }
        key("tokens", TOKENS, &inputs)
    }

    pub(super) fn lengths(&self) -> Lengths {
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

    pub(super) fn statistics(&self, calibration: &Calibration, snapshot: Snapshot) -> String {
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

    /// Adds the device: another one computes in another order, so that the last digits of its values differ.
    fn on_device(&self, mut inputs: Value) -> Value {
        if !self.experiment.device.is_cpu() {
            inputs["device"] = json!(self.experiment.device);
        }
        inputs
    }

    /// The number of components that each target drops at a point.
    pub(super) fn dropped(&self, point: usize) -> Vec<usize> {
        let linears = self.experiment.linears();
        linears.iter().map(|linear| self.experiment.discard.components(point, linear)).collect()
    }

    pub(super) fn decomposition(&self, arm: &Arm, statistics: Option<&str>, deepest: usize) -> String {
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

    pub(super) fn energy(&self, decomposition: &str, texts: &[String]) -> String {
        key("energy", ENERGY, &json!({"decomposition": decomposition, "texts": texts}))
    }

    /// Of window losses; `weights` says how the model differs from the undamaged one, for which it is null.
    pub(super) fn loss(&self, evaluation: &Evaluation, weights: Value) -> String {
        let mut inputs = json!({
            "model": self.identities.model,
            "corpus": self.corpus(&evaluation.corpus),
            "length": evaluation.length,
            "weights": weights,
        });
        if !evaluation.bos.is_stream() {
            inputs["bos"] = json!(evaluation.bos);
        }
        key("loss", LOSS, &self.on_device(inputs))
    }

    pub(super) fn training(&self, train: &Train, start: &Value, rate: f64, seed: u64) -> String {
        let inputs = json!({
            "model": self.identities.model,
            "corpus": self.corpus(&train.corpus),
            "examples": train.examples,
            "length": train.length,
            "epochs": train.epochs,
            "batch": train.batch,
            "warmup": train.warmup,
            "weight_decay": train.weight_decay,
            "clip": train.clip,
            "start": start,
            "rate": rate,
            "seed": seed,
        });
        key("training", TRAINING, &self.on_device(inputs))
    }

    pub(super) fn validation(&self, train: &Train, trained: &str) -> String {
        let inputs = json!({
            "trained": trained,
            "corpus": self.corpus(&train.validation),
            "examples": train.validation_examples,
            "length": train.length,
        });
        key("validation", ANSWERS, &inputs)
    }

    pub(super) fn answers(&self, questions: &Questions, weights: Value) -> String {
        let inputs = json!({
            "model": self.identities.model,
            "corpus": self.corpus(&questions.corpus),
            "examples": questions.examples,
            "tokens": questions.tokens,
            "weights": weights,
        });
        key("answers", ANSWERS, &self.on_device(inputs))
    }
}
