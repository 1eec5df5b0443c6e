//! The stages that measure models in a fine-tuning experiment: answers to questions, and window losses on texts.

use std::time::Instant;

use rayon::prelude::*;

use crate::cache::{Arrays, CacheError, ReadArrays};
use crate::evaluate::answers::exact;
use crate::evaluate::questions::Asking;
use crate::evaluate::responses::response_losses;
use crate::model::generate::GROUP;
use crate::model::tokenised::Tokenised;
use crate::model::weights::Weights;
use crate::plan::{Ask, Losses, Measure, Trial, UNDAMAGED};
use crate::progress::Unit;
use crate::results::provenance::Outcome;
use crate::spec::Questions;

use super::account;
use crate::run::RunError;
use crate::run::evaluate::Todo;
use crate::run::session::Run;
use crate::run::work::{Account, Value, Work};

/// A model's answers to a set of questions.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::run) struct Answers {
    /// Index of each question's record in its file.
    pub records: Vec<u32>,
    /// What was said.
    pub given: Vec<String>,
    /// The first accepted answer.
    pub expected: Vec<String>,
    /// Whether what was said is accepted.
    pub exact: Vec<bool>,
    /// Loss of the reference answer, mean nats per token, the end of the sequence left out.
    pub losses: Vec<f64>,
    /// Seconds that asking took.
    pub seconds: f64,
}

impl Work for Ask {
    fn run(&self, run: &Run) -> Result<Outcome, RunError> {
        let mut asked = 0;
        for (questions, key) in run.experiment.questions.iter().zip(&self.answers) {
            if !run.has_answers(key) {
                run.ask(run.model()?.weights.weights(), questions, key, UNDAMAGED)?;
                asked += 1;
            }
        }
        Ok(outcome(asked, self.answers.len()))
    }

    fn values(&self, account: &Account) -> Result<Vec<Value>, RunError> {
        Ok(account::answers(self, account).into_iter().collect())
    }

    fn memory(&self, account: &Account) -> u64 {
        account.layout.asking(account::longest_answer(account))
    }
}

impl Work for Measure {
    fn run(&self, run: &Run) -> Result<Outcome, RunError> {
        let seeds = run.training()?.seeds.len();
        let (chosen, _) = run.chosen(self.learner)?;
        let (mut measured, mut all) = (0, 0);
        for seed in 0..seeds {
            let trial = run.trial(self.learner, chosen, seed)?;
            all += trial.losses.len() + trial.answers.len();
            measured += run.measure_trained(trial)?;
        }
        Ok(outcome(measured, all))
    }

    fn values(&self, account: &Account) -> Result<Vec<Value>, RunError> {
        Ok(account::measures(self, account)?.into_iter().collect())
    }

    fn memory(&self, account: &Account) -> u64 {
        // The trained model, its weights and its base at once; then its measures.
        let layout = &account.layout;
        let losses = account.plan.losses().map(|(_, losses)| losses);
        let measuring = account.evaluation(losses, 0).max(layout.asking(account::longest_answer(account)));
        layout.merging().max(measuring) + layout.model()
    }
}

fn outcome(done: usize, all: usize) -> Outcome {
    match done {
        0 => Outcome::Cached,
        done if done == all => Outcome::Run,
        _ => Outcome::Resumed,
    }
}

impl Run<'_> {
    fn has_answers(&self, key: &str) -> bool {
        self.context.cache.part("answers", key, "answers").exists()
    }

    /// Measures what is missing of one trained model; how many measures that were.
    fn measure_trained(&self, trial: &Trial) -> Result<usize, RunError> {
        let losses: Vec<Losses> = trial.losses.iter().enumerate().map(on_text).collect();
        let mut texts = Vec::new();
        for one in &losses {
            let missing = self.missing(one)?;
            if !missing.is_empty() {
                texts.push(Todo { losses: one, missing });
            }
        }
        let questions = self.experiment.questions.iter().zip(&trial.answers);
        let questions: Vec<_> = questions.filter(|(_, key)| !self.has_answers(key)).collect();
        if texts.is_empty() && questions.is_empty() {
            return Ok(0);
        }
        let (weights, name) = (self.weights(trial)?, self.name(trial));
        let tokens = |todo: &Todo| todo.missing.len() * self.experiment.evaluations[todo.losses.evaluation].length;
        let total = texts.iter().map(tokens).sum::<usize>() as u64;
        let bar = self.context.progress.bar(format!("evaluate {name}"), total, Unit::Count("tokens"));
        self.measure(&[&weights], &[None], &texts, &bar)?;
        drop(bar);
        for (questions, key) in &questions {
            self.ask(&weights, questions, key, &name)?;
        }
        Ok(texts.len() + questions.len())
    }

    /// Asks a model a set of questions and keeps the answers.
    fn ask(&self, weights: &dyn Weights, questions: &Questions, key: &str, name: &str) -> Result<(), RunError> {
        let start = Instant::now();
        let opened = self.model()?;
        let tokenizer = &opened.tokenizer;
        let examples = self.examples(&questions.corpus, questions.examples)?;
        let score = questions.score();
        let bar = self.context.progress.bar(
            format!("ask {name} about {}", questions.name),
            examples.len() as u64,
            Unit::Count("questions"),
        );
        let stop = [String::from("\n")];
        let asking = Asking { tokenizer, eos: opened.eos()?, most: questions.tokens, stop: &stop };
        let prompts: Vec<String> = examples.iter().map(|example| example.prompt.clone()).collect();
        let groups = prompts.par_chunks(GROUP).with_max_len(1).map(|prompts| {
            let answers = asking.group(weights, prompts)?;
            bar.advance(prompts.len() as u64);
            Ok::<_, RunError>(answers)
        });
        let given = groups.collect::<Result<Vec<_>, _>>()?.concat();
        let references = examples.iter().map(|e| Tokenised::new(tokenizer, &e.prompt, &e.response, None));
        let losses = response_losses(weights, &references.collect::<Result<Vec<_>, _>>()?)?;
        let answers = Answers {
            records: examples.iter().map(|example| example.record as u32).collect(),
            exact: given.iter().zip(&examples).map(|(given, example)| exact(score, given, &example.answers)).collect(),
            expected: examples.iter().map(|e| e.answers.first().cloned().unwrap_or_default()).collect(),
            given,
            losses,
            seconds: start.elapsed().as_secs_f64(),
        };
        self.write_answers(key, &answers)
    }

    fn write_answers(&self, key: &str, answers: &Answers) -> Result<(), RunError> {
        let n = answers.records.len();
        let mut arrays = Arrays::default();
        arrays.push_u32("records".into(), &[n], answers.records.iter().copied());
        arrays.push_u32("exact".into(), &[n], answers.exact.iter().map(|&exact| u32::from(exact)));
        arrays.push_f64("losses".into(), &[n], answers.losses.iter().copied());
        arrays.push_f64("seconds".into(), &[1], std::iter::once(answers.seconds));
        let texts = [("given", &answers.given), ("expected", &answers.expected)];
        for (name, texts) in texts {
            arrays.metadata.insert(name.into(), serde_json::json!(texts).to_string());
        }
        Ok(arrays.write(&self.context.cache.part("answers", key, "answers"))?)
    }

    /// Answers as they were kept.
    pub(in crate::run) fn read_answers(&self, key: &str) -> Result<Answers, RunError> {
        let path = self.context.cache.part("answers", key, "answers");
        let file = ReadArrays::open(&path)?;
        let unusable = |why: String| CacheError::Read { path: path.clone(), why };
        let texts = |name: &str| {
            let texts: Result<Vec<String>, _> = serde_json::from_str(&file.metadata(name)?);
            texts.map_err(|e| unusable(format!("{name:?} is not a list of texts: {e}")))
        };
        let answers = Answers {
            records: file.u32("records")?,
            given: texts("given")?,
            expected: texts("expected")?,
            exact: file.u32("exact")?.into_iter().map(|exact| exact == 1).collect(),
            losses: file.f64("losses")?,
            seconds: file.f64("seconds")?.first().copied().unwrap_or(0.0),
        };
        let Answers { records, given, expected, exact, losses, .. } = &answers;
        let counts = [records.len(), given.len(), expected.len(), exact.len(), losses.len()];
        if counts.iter().any(|count| *count != counts[0]) {
            let why =
                format!("records, given, expected, exact and losses have {counts:?} entries, not the same number");
            return Err(unusable(why).into());
        }
        Ok(answers)
    }
}

fn on_text((evaluation, key): (usize, &String)) -> Losses {
    Losses { point: None, evaluation, key: key.clone() }
}
