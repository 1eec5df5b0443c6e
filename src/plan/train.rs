//! The stages of fine-tuning and their keys.

use serde_json::{Value, json};

use super::{ANSWERS, Keys, Plan, TRAINING};
use crate::cache::key;
use crate::spec::{Questions, Start, Train};

/// One training run, and what measures the model it leaves.
#[derive(Debug, Clone)]
pub struct TrainStage {
    /// Index in the experiment's learners.
    pub learner: usize,
    /// Index in the learner's rates.
    pub rate: usize,
    /// Index in the experiment's seeds.
    pub seed: usize,
    /// Content key of the trained weights, and of the steps on the way to them.
    pub key: String,
    /// Content key of the loss on the validation examples.
    pub validation: String,
    /// Content key of the window losses on each evaluation, in the experiment's order.
    pub losses: Vec<String>,
    /// Content key of the answers to each set of questions, in the experiment's order.
    pub answers: Vec<String>,
}

impl Plan {
    pub(super) fn add_training(&mut self, keys: &Keys) {
        let Some(train) = &keys.experiment.train else { return };
        self.answers = keys.experiment.questions.iter().map(|questions| keys.answers(questions, Value::Null)).collect();
        for (index, learner) in train.learners.iter().enumerate() {
            let start = self.start(keys, learner.start);
            for (rate, value) in learner.rates.iter().enumerate() {
                for seed in 0..train.seeds.len() {
                    let key = keys.training(train, &start, *value, train.seeds[seed]);
                    self.train.push(stage(keys, train, (index, rate, seed), key));
                }
            }
        }
    }

    /// What a learner starts from, for its key.
    fn start(&self, keys: &Keys, start: Start) -> Value {
        let linears = || keys.experiment.linears().into_iter().map(|linear| linear.name).collect::<Vec<_>>();
        match start {
            Start::Full => json!("full"),
            Start::Lora { point } => json!({"lora": keys.dropped(point), "linears": linears()}),
            Start::Dora { point } => json!({"dora": keys.dropped(point), "linears": linears()}),
            Start::Components { arm, point } => {
                let stage = self.decompose.iter().find(|stage| stage.arm == arm);
                json!({"decomposition": stage.map(|stage| &stage.key), "ranks": keys.dropped(point)})
            }
        }
    }

    /// The run of a learner at one of its rates from one of the seeds.
    pub fn training(&self, learner: usize, rate: usize, seed: usize) -> Option<&TrainStage> {
        self.train.iter().find(|stage| (stage.learner, stage.rate, stage.seed) == (learner, rate, seed))
    }
}

fn stage(keys: &Keys, train: &Train, (learner, rate, seed): (usize, usize, usize), key: String) -> TrainStage {
    let weights = json!({"trained": key});
    let experiment = keys.experiment;
    TrainStage {
        learner,
        rate,
        seed,
        validation: keys.validation(train, &key),
        losses: experiment.evaluations.iter().map(|evaluation| keys.loss(evaluation, weights.clone())).collect(),
        answers: experiment.questions.iter().map(|questions| keys.answers(questions, weights.clone())).collect(),
        key,
    }
}

impl Keys<'_> {
    fn training(&self, train: &Train, start: &Value, rate: f64, seed: u64) -> String {
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

    fn validation(&self, train: &Train, trained: &str) -> String {
        let inputs = json!({
            "trained": trained,
            "corpus": self.corpus(&train.validation),
            "examples": train.validation_examples,
            "length": train.length,
        });
        key("validation", ANSWERS, &inputs)
    }

    fn answers(&self, questions: &Questions, weights: Value) -> String {
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
