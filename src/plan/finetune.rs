//! The stages of fine-tuning: what the undamaged model answers, the training of each learner, and what measures it.

use serde_json::{Value, json};

use super::keys::Keys;
use super::{Ask, Decompose, Kind, Measure, Trial};
use crate::spec::{self, Learner, Start};

/// The answers of one model to every set of questions; `weights` says how it differs from the undamaged one.
pub(super) fn ask(keys: &Keys, weights: Value) -> Kind {
    Kind::Ask(Ask { answers: answers(keys, weights) })
}

fn answers(keys: &Keys, weights: Value) -> Vec<String> {
    keys.experiment.questions.iter().map(|questions| keys.answers(questions, weights.clone())).collect()
}

/// Training and measuring of every learner; shards take learners in turn.
pub(super) fn stages(keys: &Keys, train: &spec::Train, decompositions: &[Decompose]) -> Vec<(Kind, Option<usize>)> {
    let mut kinds = Vec::new();
    for (index, learner) in train.learners.iter().enumerate() {
        let decomposition = match learner.start {
            Start::Components { arm, .. } => decompositions.iter().find(|decompose| decompose.arm == arm),
            Start::Full | Start::Lora { .. } | Start::Dora { .. } => None,
        };
        let decomposition = decomposition.map(|decompose| decompose.key.clone());
        let start = start(keys, learner.start, decomposition.as_deref());
        let trials = trials(keys, train, (index, learner), &start);
        let measure = Measure { learner: index, trials: trials.iter().map(|trial| trial.key.clone()).collect() };
        kinds.push((Kind::Train(super::Train { learner: index, decomposition, trials }), Some(index)));
        kinds.push((Kind::Measure(measure), Some(index)));
    }
    kinds
}

/// What a learner starts from, for its keys.
fn start(keys: &Keys, start: Start, decomposition: Option<&str>) -> Value {
    let linears = || keys.experiment.linears().into_iter().map(|linear| linear.name).collect::<Vec<_>>();
    match start {
        Start::Full => json!("full"),
        Start::Lora { point } => json!({"lora": keys.dropped(point), "linears": linears()}),
        Start::Dora { point } => json!({"dora": keys.dropped(point), "linears": linears()}),
        Start::Components { point, .. } => json!({"decomposition": decomposition, "ranks": keys.dropped(point)}),
    }
}

/// A learner at each of its learning rates from each seed.
fn trials(keys: &Keys, train: &spec::Train, (index, learner): (usize, &Learner), start: &Value) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (rate, value) in learner.rates.iter().enumerate() {
        for (seed, seed_value) in train.seeds.iter().enumerate() {
            let key = keys.training(train, start, *value, *seed_value);
            let weights = json!({"trained": key});
            let losses = keys.experiment.evaluations.iter().map(|one| keys.loss(one, weights.clone())).collect();
            trials.push(Trial {
                learner: index,
                rate,
                seed,
                validation: keys.validation(train, &key),
                losses,
                answers: answers(keys, weights),
                key,
            });
        }
    }
    trials
}
