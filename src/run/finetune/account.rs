//! The account of the stages of fine-tuning: how much of them the cache has, and what the rest costs.

use crate::plan::{Ask, Measure, Train, Trial, UNDAMAGED, cost};
use crate::run::RunError;
use crate::run::work::{Account, Cost, Value};
use crate::spec::{self, Questions, Start};

use super::choice::Tried;
use super::learns::{learns, parameters};

/// The answers of the undamaged model to all sets of questions.
pub(super) fn answers(stage: &Ask, account: &Account) -> Option<Value> {
    let all = stage.answers.len();
    let done = stage.answers.iter().filter(|key| account.has("answers", key, "answers")).count();
    Some(Value {
        name: format!("ask {UNDAMAGED}"),
        key: stage.answers.first()?.clone(),
        done,
        all,
        unit: "sets",
        cost: Cost::single((all - done) as f64 / all as f64 * asking(account)),
        disk: 0,
    })
}

/// Operations to ask one model all questions.
fn asking(account: &Account) -> f64 {
    let shape = account.shape();
    let one = |(index, questions): (usize, &Questions)| {
        let asked = account.known.questions(account.experiment, index);
        let tokens = asked.mean + questions.tokens as f64;
        let forward = cost::forward_blocks(shape, asked.longest);
        // Once to answer, once for the loss of the reference answer.
        asked.count.unwrap_or(0) as f64 * (2.0 * tokens * forward + tokens * cost::head(shape))
    };
    account.experiment.questions.iter().enumerate().map(one).sum()
}

/// Tokens of the longest question with its answer.
pub(super) fn longest_answer(account: &Account) -> usize {
    let all = account.experiment.questions.iter().enumerate();
    let length =
        |(i, questions): (usize, &Questions)| account.known.questions(account.experiment, i).longest + questions.tokens;
    all.map(length).max().unwrap_or(0)
}

/// The trials of a learner at the learning rate that its validation losses choose, once all of these are known.
fn chosen<'a>(trials: &'a [Trial], train: &spec::Train, account: &Account) -> Vec<&'a Trial> {
    let Some(learner) = trials.first().map(|trial| &train.learners[trial.learner]) else { return Vec::new() };
    let first = trials.iter().filter(|trial| trial.seed == 0);
    let tried = first.map(|trial| Tried::read(account.cache(), trial, learner.rates[trial.rate]).ok());
    let best = tried.collect::<Option<Vec<_>>>().and_then(|tried| Tried::best(&tried));
    trials.iter().filter(|trial| Some(trial.rate) == best).collect()
}

/// The training runs of a learner: at every rate from the first seed, then at the chosen rate from the others. Of the chosen
/// rate the weights are needed too.
pub(super) fn runs(stage: &Train, account: &Account) -> Option<Value> {
    let train = account.experiment.train.as_ref()?;
    let learner = &train.learners[stage.learner];
    let chosen = chosen(&stage.trials, train, account);
    let all = learner.rates.len() + train.seeds.len() - 1;
    let weights = |trial: &Trial| account.has("trained", &trial.key, "weights");
    let complete = |trial: &&Trial| {
        let tried = account.has("validation", &trial.validation, "loss");
        trial.seed == 0 && tried && (!chosen.contains(trial) || weights(trial))
    };
    let done = stage.trials.iter().filter(complete).count()
        + chosen.iter().filter(|trial| trial.seed > 0 && weights(trial)).count();
    let parameters = parameters(account.experiment, learner.start);
    let tokens = match &account.known.examples {
        Some(lengths) => lengths.iter().map(|tokens| f64::from(*tokens)).sum::<f64>(),
        None => train.examples.unwrap_or(0) as f64 * train.length as f64,
    };
    let adapters = learner.start.point().map(|_| parameters);
    let one = tokens * train.epochs as f64 * cost::training(account.shape(), train.length, adapters);
    Some(Value {
        name: format!("train {}", learner.id),
        key: stage.trials.first()?.key.clone(),
        done,
        all,
        unit: "runs",
        cost: Cost::single((all - done) as f64 * one),
        disk: 4 * parameters * train.seeds.len() as u64,
    })
}

/// The most bytes of memory that training a learner takes.
pub(super) fn training(stage: &Train, account: &Account) -> u64 {
    let Some(train) = &account.experiment.train else { return 0 };
    let start = train.learners[stage.learner].start;
    let (kind, adapters) = learns(account.experiment, start);
    account.layout.training(kind, &adapters, train.length, matches!(start, Start::Components { .. }))
}

/// Texts and questions, of the model that each seed leaves.
pub(super) fn measures(stage: &Measure, account: &Account) -> Result<Option<Value>, RunError> {
    let experiment = account.experiment;
    let Some(train) = &experiment.train else { return Ok(None) };
    let trials = account.plan.trials_of(stage.learner);
    let Some(first) = trials.first() else { return Ok(None) };
    let chosen = chosen(trials, train, account);
    let (models, questions) = (train.seeds.len(), experiment.questions.len());
    let (mut measured, mut left) = (0, 0.0);
    for (evaluation, spec) in experiment.evaluations.iter().enumerate() {
        // Of a text whose length is not known, nothing is complete for certain.
        let windows = account.windows(evaluation);
        let cost = cost::forward_blocks(account.shape(), spec.length) + cost::head(account.shape());
        let whole = windows.unwrap_or(0);
        left += (models * whole * spec.length) as f64 * cost;
        for trial in &chosen {
            let journal = account.cache().journal(&trial.losses[evaluation]).read()?;
            let done = journal.keys().filter(|window| **window < whole).count();
            measured += usize::from(windows.is_some_and(|windows| windows == done));
            left -= (done * spec.length) as f64 * cost;
        }
    }
    let answers = chosen.iter().flat_map(|trial| &trial.answers);
    let asked = answers.filter(|key| account.has("answers", key, "answers")).count();
    if questions > 0 {
        left += (models * questions - asked) as f64 / questions as f64 * asking(account);
    }
    let key = first.answers.first().or(first.losses.first());
    Ok(Some(Value {
        name: format!("measure {}", train.learners[stage.learner].id),
        key: key.map_or("-", String::as_str).to_owned(),
        done: asked + measured,
        all: models * (experiment.evaluations.len() + questions),
        unit: "measures",
        cost: Cost::single(left),
        disk: 0,
    }))
}
