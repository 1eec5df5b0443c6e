//! Rows of the trained models, from what the cache holds of their training and measuring.

use crate::decompose::End;
use crate::evaluate::uncertainty::{Estimate, estimate, paired, share};
use crate::plan::Trial;
use crate::results::{AnswerRow, FailureRow, RateRow, StepRow, TimingRow, TrainedRow};
use crate::spec::{Experiment, Learner, Start};

use super::learns::parameters;
use super::measure::Answers;
use crate::run::RunError;
use crate::run::session::Run;

/// Everything a fine-tuning experiment measured.
#[derive(Default)]
pub(in crate::run) struct Rows {
    pub trained: Vec<TrainedRow>,
    pub steps: Vec<StepRow>,
    pub rates: Vec<RateRow>,
    pub answers: Vec<AnswerRow>,
    pub failures: Vec<FailureRow>,
    pub timings: Vec<TimingRow>,
}

/// What the undamaged model was measured at, to compare with.
struct Before {
    losses: Vec<Vec<f64>>,
    answers: Vec<Answers>,
}

/// The rows: the undamaged model's, then each learner's from each seed.
pub(in crate::run) fn rows(run: &Run) -> Result<Rows, RunError> {
    let train = run.training()?;
    let mut rows = Rows::default();
    let before = Before {
        losses: run
            .plan
            .losses()
            .map(|(_, losses)| Ok(window_losses(run, losses.evaluation, &losses.key)?.0))
            .collect::<Result<_, RunError>>()?,
        answers: run.plan.answers().iter().map(|key| run.read_answers(key)).collect::<Result<_, _>>()?,
    };
    let undamaged: Vec<&str> = run.plan.losses().map(|(_, losses)| losses.key.as_str()).collect();
    let answers: Vec<&str> = run.plan.answers().iter().map(String::as_str).collect();
    measures(run, &row(run.experiment, None), (&undamaged, &answers), &before, &mut rows)?;
    for (index, learner) in train.learners.iter().enumerate() {
        let (chosen, tried) = match run.failure(index) {
            None => run.chosen(index).map(|(chosen, tried)| (Some(chosen), tried))?,
            Some(why) => {
                rows.failures.push(FailureRow {
                    experiment: run.experiment.name.clone(),
                    learner: learner.id.clone(),
                    label: learner.label.clone(),
                    why: why.into(),
                });
                (None, if run.has_tried(index)? { run.tried(index)? } else { Vec::new() })
            }
        };
        rows.rates.extend(tried.iter().enumerate().map(|(i, tried)| RateRow {
            experiment: run.experiment.name.clone(),
            learner: learner.id.clone(),
            label: learner.label.clone(),
            rate: tried.rate,
            seed: train.seeds[0],
            examples: tried.examples as u32,
            loss: tried.loss,
            chosen: u32::from(Some(i) == chosen),
        }));
        let Some(chosen) = chosen else { continue };
        for (seed, &value) in train.seeds.iter().enumerate() {
            let trial = run.trial(index, chosen, seed)?;
            let like = TrainedRow {
                rate: Some(learner.rates[chosen]),
                seed: Some(value),
                ..row(run.experiment, Some(learner))
            };
            steps(run, trial, &like, &mut rows)?;
            let losses: Vec<&str> = trial.losses.iter().map(String::as_str).collect();
            let answers: Vec<&str> = trial.answers.iter().map(String::as_str).collect();
            measures(run, &like, (&losses, &answers), &before, &mut rows)?;
        }
    }
    Ok(rows)
}

/// Losses of an evaluation's windows under a key, and the seconds they took.
fn window_losses(run: &Run, evaluation: usize, key: &str) -> Result<(Vec<f64>, f64), RunError> {
    let measured = run.context.cache.journal(key).read()?;
    let found: Vec<_> = (0..run.windows(evaluation)?).filter_map(|window| measured.get(&window)).collect();
    Ok((found.iter().map(|m| m.nll).collect(), found.iter().map(|m| m.seconds).sum()))
}

/// Rows of one model's measures, in the order of the spec: texts, then questions.
fn measures(
    run: &Run,
    like: &TrainedRow,
    (losses, answers): (&[&str], &[&str]),
    before: &Before,
    rows: &mut Rows,
) -> Result<(), RunError> {
    for (i, key) in losses.iter().enumerate() {
        let (values, seconds) = window_losses(run, i, key)?;
        let evaluation = &run.experiment.evaluations[i];
        let like = TrainedRow { key: (*key).into(), measure: evaluation.name.clone(), ..like.clone() };
        rows.timings.push(timing("evaluate", &like, seconds));
        rows.trained.push(measure(like, "loss", &values, &before.losses[i], estimate(&values)));
    }
    for (i, key) in answers.iter().enumerate() {
        let (found, questions) = (run.read_answers(key)?, &run.experiment.questions[i]);
        let like = TrainedRow { key: (*key).into(), measure: questions.name.clone(), ..like.clone() };
        rows.timings.push(timing("ask", &like, found.seconds));
        let (values, untrained) = (found.matches(), before.answers[i].matches());
        let hits = found.exact.iter().filter(|exact| **exact).count();
        rows.trained.push(measure(like.clone(), "exact-match", &values, &untrained, share(hits, values.len())));
        let losses = estimate(&found.losses);
        rows.trained.push(measure(like.clone(), "answer-loss", &found.losses, &before.answers[i].losses, losses));
        rows.answers.extend((0..found.records.len()).map(|q| AnswerRow {
            experiment: like.experiment.clone(),
            learner: like.learner.clone(),
            seed: like.seed,
            questions: questions.name.clone(),
            record: found.records[q],
            given: found.given[q].clone(),
            expected: found.expected[q].clone(),
            exact: u32::from(found.exact[q]),
            nll: found.losses[q],
        }));
    }
    Ok(())
}

fn measure(like: TrainedRow, kind: &str, values: &[f64], before: &[f64], found: Estimate) -> TrainedRow {
    let delta = paired(values, before);
    TrainedRow {
        kind: kind.into(),
        count: values.len() as u32,
        value: found.mean,
        stderr: found.stderr,
        low: found.low,
        high: found.high,
        delta: delta.mean,
        delta_low: delta.low,
        delta_high: delta.high,
        ..like
    }
}

impl Answers {
    /// 1 where the answer is accepted, 0 where it is not.
    fn matches(&self) -> Vec<f64> {
        self.exact.iter().map(|&exact| f64::from(u8::from(exact))).collect()
    }
}

fn steps(run: &Run, trial: &Trial, like: &TrainedRow, rows: &mut Rows) -> Result<(), RunError> {
    for step in run.read_steps(trial)? {
        rows.timings.push(TimingRow { step: Some(step.step as u32), ..timing("train", like, step.seconds) });
        rows.steps.push(StepRow {
            experiment: like.experiment.clone(),
            learner: like.learner.clone(),
            label: like.label.clone(),
            rank: like.rank,
            rate: like.rate.unwrap_or(f64::NAN),
            seed: like.seed.unwrap_or_default(),
            step: step.step as u32,
            loss: step.loss,
            gradient_norm: step.gradient_norm,
            step_rate: step.rate,
            tokens: step.tokens,
        });
    }
    Ok(())
}

/// How long a stage took of what a row is about.
fn timing(stage: &str, like: &TrainedRow, seconds: f64) -> TimingRow {
    TimingRow {
        experiment: like.experiment.clone(),
        stage: stage.into(),
        arm: like.learner.clone(),
        discarded: like.rank,
        share: None,
        measure: (!like.measure.is_empty()).then(|| like.measure.clone()),
        seed: like.seed,
        step: None,
        seconds,
    }
}

/// What all rows of a learner (`None`: of the undamaged model) share; measures are filled in.
fn row(experiment: &Experiment, learner: Option<&Learner>) -> TrainedRow {
    let start = learner.map(|learner| learner.start);
    let arm = match start {
        Some(Start::Components { arm, .. }) => Some(&experiment.arms[arm]),
        _ => None,
    };
    let method = match start {
        None => "none",
        Some(Start::Full) => "full",
        Some(Start::Lora { .. }) => "lora",
        Some(Start::Dora { .. }) => "dora",
        Some(Start::Components { .. }) => arm.map_or("none", |arm| arm.method.name()),
    };
    let point = start.and_then(Start::point);
    let end = |end: End| if end.is_smallest() { "smallest" } else { "largest" };
    TrainedRow {
        experiment: experiment.name.clone(),
        learner: learner.map_or("none".into(), |learner| learner.id.clone()),
        label: learner.map_or("Untrained".into(), |learner| learner.label.clone()),
        method: method.into(),
        calibration: arm.and_then(|arm| arm.calibration.clone()),
        end: arm.map(|arm| end(arm.end).into()),
        rank: point.map(|point| experiment.discard.named(point, &experiment.linears()) as u32),
        parameters: start.map_or(0, |start| parameters(experiment, start)),
        rate: None,
        seed: None,
        measure: String::new(),
        kind: String::new(),
        count: 0,
        value: f64::NAN,
        stderr: f64::NAN,
        low: f64::NAN,
        high: f64::NAN,
        delta: f64::NAN,
        delta_low: f64::NAN,
        delta_high: f64::NAN,
        key: String::new(),
    }
}
