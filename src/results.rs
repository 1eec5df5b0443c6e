//! Measurements: rows, their parquet and CSV, provenance, the comparison of two runs.
//!
//! [`write_rows`] and [`read_rows`] store any [`Record`] ([`Row`], [`WindowRow`], [`LinearRow`]) as parquet. Everything
//! here reaches the disk through [`atomic`](crate::atomic). Nothing here measures or draws.

use serde::Serialize;

pub mod compare;
pub mod exact;
#[cfg(test)]
pub(crate) mod fixture;
pub mod folder;
pub mod machine;
pub mod provenance;
mod record;
mod seal;
mod store;

// Until `run` and `report` name it where it is.
pub use crate::atomic;
pub use record::Record;
pub use store::{Error, read_rows, write_csv, write_rows};

/// One measurement: a curve's point on a test set. The undamaged model is `method = "none"`, `discarded = 0`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Experiment's name.
    pub experiment: String,
    /// Arm's id; `none` for the undamaged model.
    pub arm: String,
    /// Arm's label; `Undamaged` for the undamaged model.
    pub label: String,
    /// The spec's word: `plain-svd`, `asvd`, `corda`, ...; `none`.
    pub method: String,
    /// Name of the calibration.
    pub calibration: Option<String>,
    /// Calibration samples used.
    pub samples: Option<u32>,
    /// Components discarded per linear, r (with `share`: of the linear of the largest rank).
    pub discarded: u32,
    /// Share of all components of the targets that were discarded.
    pub share: f64,
    /// The spec's targets: `decoder`, `all` or the globs joined with a blank.
    pub targets: String,
    /// Name of the evaluation.
    pub evaluation: String,
    /// Corpus of the evaluation.
    pub corpus: String,
    /// Split of the corpus.
    pub split: String,
    /// Number of windows.
    pub windows: u32,
    /// Length of a window in tokens.
    pub length: u32,
    /// Predictions made: windows x (length - 1).
    pub tokens: u64,
    /// Mean negative log-likelihood, nats a token (mean over windows of each window's mean).
    pub nll: f64,
    /// Standard error of `nll` over windows.
    pub nll_stderr: f64,
    /// exp(nll).
    pub perplexity: f64,
    /// Lower end of the 95% interval of the perplexity over windows.
    pub ppl_low: f64,
    /// Upper end.
    pub ppl_high: f64,
    /// nll minus the undamaged model's, paired by window.
    pub delta_nll: f64,
    /// Lower end of its 95% interval.
    pub delta_low: f64,
    /// Upper end.
    pub delta_high: f64,
    /// Content key of the stage that measured it.
    pub key: String,
    /// Parameters that a factored form W' = B A would need, as a ratio of the targets' own.
    pub factored_ratio: f64,
}

/// A row of one of several variants of an experiment; a file without variants reads as rows without one.
#[derive(Debug, Clone, PartialEq)]
pub struct Varied<R> {
    /// The row.
    pub row: R,
    /// Name of the variant: its folder below that of the experiment.
    pub variant: Option<String>,
}

impl<R> Varied<R> {
    /// Rows of a variant.
    pub fn of(rows: Vec<R>, variant: &str) -> impl Iterator<Item = Self> {
        rows.into_iter().map(move |row| Self { row, variant: Some(variant.to_string()) })
    }
}

/// The loss of one window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WindowRow {
    /// Experiment's name.
    pub experiment: String,
    /// Arm's id.
    pub arm: String,
    /// As in [`Row::discarded`].
    pub discarded: u32,
    /// As in [`Row::share`].
    pub share: f64,
    /// Name of the evaluation.
    pub evaluation: String,
    /// Index of the window from the start of the text.
    pub window: u32,
    /// Mean negative log-likelihood of its predictions, nats a token; not finite where the model is broken.
    pub nll: f64,
}

/// What is known of one linear's decomposition under one arm: how well-posed it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LinearRow {
    /// Experiment's name.
    pub experiment: String,
    /// Arm's id.
    pub arm: String,
    /// Hugging Face name of the linear.
    pub linear: String,
    /// Rows of W.
    pub d_out: u32,
    /// Columns of W.
    pub d_in: u32,
    /// Largest and smallest singular value of W T.
    pub sigma_max: f64,
    /// Smallest singular value of W T.
    pub sigma_min: f64,
    /// Calibration tokens for each input dimension (d_in); none for methods without calibration.
    pub tokens_per_dimension: Option<f64>,
    /// (sum of the covariance's eigenvalues)^2 / (sum of their squares), in dimensions.
    pub effective_rank: Option<f64>,
    /// Condition number of the damped covariance.
    pub condition: Option<f64>,
    /// Damping lambda added to the diagonal.
    pub lambda: Option<f64>,
    /// How often damping was doubled.
    pub damping_rounds: Option<u32>,
}

/// What an adapter, made of the components an arm takes at a point, carries of one linear.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AdapterRow {
    /// Experiment's name.
    pub experiment: String,
    /// Arm's id; `lora` for plain LoRA.
    pub arm: String,
    /// Arm's label.
    pub label: String,
    /// The spec's word; `lora` for plain LoRA.
    pub method: String,
    /// The point of the spec: r.
    pub components: u32,
    /// Hugging Face name of the linear.
    pub linear: String,
    /// Index of its block.
    pub layer: u32,
    /// The adapter's rank there, at most r.
    pub rank: u32,
    /// ||B A||_F / ||W||_F.
    pub energy: f64,
    /// Name of a calibration, if its text was looked at.
    pub text: Option<String>,
    /// ||B A X^T||_F^2 / ||W X^T||_F^2 on that text.
    pub output_share: Option<f64>,
}

/// One cell of a covariance's heat map.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeatRow {
    /// Experiment's name.
    pub experiment: String,
    /// Hugging Face name of the linear whose input it is.
    pub linear: String,
    /// Name of the calibration.
    pub calibration: String,
    /// Row of the cell, from the top.
    pub row: u32,
    /// Column of the cell.
    pub column: u32,
    /// Mean of |C| over the cell.
    pub value: f64,
}

/// One singular value of a target as an arm's method weighs it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpectrumRow {
    /// Experiment's name.
    pub experiment: String,
    /// Arm's id.
    pub arm: String,
    /// Arm's label.
    pub label: String,
    /// The spec's word.
    pub method: String,
    /// Hugging Face name of the linear.
    pub linear: String,
    /// Which, from 0: the largest.
    pub index: u32,
    /// The singular value of W T.
    pub value: f64,
    /// The same of W T / ||W T||_F: the squares of a linear's sum to 1.
    pub normalised: f64,
}

/// One measure of a model: as it came (`learner = "none"`), or as a learner left it after fine-tuning from one seed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainedRow {
    /// Experiment's name.
    pub experiment: String,
    /// Learner's id, e.g. `lora-r32`, `corda-nq-64-r32`, `full`; `none` for the model as it came.
    pub learner: String,
    /// What tables and legends say.
    pub label: String,
    /// `full`, `lora`, `dora`, or the spec's word of the decomposition that the adapter starts from; `none`.
    pub method: String,
    /// Name of the calibration behind the decomposition.
    pub calibration: Option<String>,
    /// Which components the adapter starts from: `smallest` or `largest`.
    pub end: Option<String>,
    /// The adapter's rank.
    pub rank: Option<u32>,
    /// Parameters that were trained.
    pub parameters: u64,
    /// Learning rate at its peak.
    pub rate: Option<f64>,
    /// Seed of the training's random choices.
    pub seed: Option<u64>,
    /// Name of the evaluation or of the set of questions.
    pub measure: String,
    /// What `value` is: `loss` (nats a token of a text), `exact-match` (share of questions), `answer-loss` (nats a token
    /// of the answers, mean over questions).
    pub kind: String,
    /// Windows or questions.
    pub count: u32,
    /// The mean over them.
    pub value: f64,
    /// Its standard error over them.
    pub stderr: f64,
    /// Lower end of its 95% interval over them.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// `value` minus that of the model as it came, paired.
    pub delta: f64,
    /// Lower end of its 95% interval.
    pub delta_low: f64,
    /// Upper end.
    pub delta_high: f64,
    /// Content key of what was measured.
    pub key: String,
}

/// One optimiser step of a training run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepRow {
    /// Experiment's name.
    pub experiment: String,
    /// As in [`TrainedRow::learner`].
    pub learner: String,
    /// As in [`TrainedRow::label`].
    pub label: String,
    /// As in [`TrainedRow::rank`].
    pub rank: Option<u32>,
    /// Learning rate at its peak.
    pub rate: f64,
    /// Seed of the run.
    pub seed: u64,
    /// From 1.
    pub step: u32,
    /// Mean loss of the batch before the step, nats a response token.
    pub loss: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Learning rate of this step.
    pub step_rate: f64,
    /// Tokens passed, prompts included.
    pub tokens: u64,
}

/// How long one thing took when it was computed, in whichever run that was. No result: the only rows that differ from run
/// to run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimingRow {
    /// Experiment's name.
    pub experiment: String,
    /// What was done: `evaluate` (the windows of a text), `ask` (questions), `train` (an optimiser step).
    pub stage: String,
    /// Arm's or learner's id; `none` for the undamaged model.
    pub arm: String,
    /// Components discarded, as in [`Row::discarded`]; of a learner its rank.
    pub discarded: Option<u32>,
    /// As in [`Row::share`].
    pub share: Option<f64>,
    /// Name of the evaluation or of the set of questions.
    pub measure: Option<String>,
    /// Seed of a training run.
    pub seed: Option<u64>,
    /// Optimiser step, from 1.
    pub step: Option<u32>,
    /// Seconds; of windows those of each one's thread, summed.
    pub seconds: f64,
}

/// One learning rate that a learner tried.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RateRow {
    /// Experiment's name.
    pub experiment: String,
    /// As in [`TrainedRow::learner`].
    pub learner: String,
    /// As in [`TrainedRow::label`].
    pub label: String,
    /// Learning rate at its peak.
    pub rate: f64,
    /// Seed of the run.
    pub seed: u64,
    /// Examples of the validation part.
    pub examples: u32,
    /// Mean loss over them after training, nats a response token; not finite where training broke down.
    pub loss: f64,
    /// 1 for the rate that was chosen.
    pub chosen: u32,
}

/// A learner that has no results, for it failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FailureRow {
    /// Experiment's name.
    pub experiment: String,
    /// As in [`TrainedRow::learner`].
    pub learner: String,
    /// As in [`TrainedRow::label`].
    pub label: String,
    /// What happened.
    pub why: String,
}

/// One question, as a model answered it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnswerRow {
    /// Experiment's name.
    pub experiment: String,
    /// As in [`TrainedRow::learner`].
    pub learner: String,
    /// As in [`TrainedRow::seed`].
    pub seed: Option<u64>,
    /// Name of the set of questions.
    pub questions: String,
    /// Index of the record in its file, from 0.
    pub record: u32,
    /// What the model said.
    pub given: String,
    /// The first accepted answer.
    pub expected: String,
    /// 1 if it matches an accepted answer.
    pub exact: u32,
    /// Loss of the reference answer, mean nats a token.
    pub nll: f64,
}
