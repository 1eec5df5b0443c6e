//! Fine-tuning: what learners left, how they got there, and what they answered.

use crate::results::record::record;

record! {
    /// One measure of one model: the model as published (`learner = none`), or the model that a learner left after
    /// fine-tuning from one seed.
    pub struct TrainedRow {
        /// Name of the experiment.
        pub experiment: String,
        /// Id of the learner, e.g. `lora-r32`, `corda-nq-64-r32`, `full`; `none` for the untrained model.
        pub learner: String,
        /// Label of the learner in tables and legends; `Untrained` for the untrained model.
        pub label: String,
        /// `full`, `lora`, `dora`, or the decomposition that the adapter starts from; `none` for the untrained model.
        pub method: String,
        /// Name of the calibration behind the decomposition; empty if there is none.
        pub calibration: Option<String>,
        /// The components that the adapter starts from, `smallest` or `largest`; empty if there is no decomposition.
        pub end: Option<String>,
        /// Rank of the adapter; empty without adapter. Unit: components.
        pub rank: Option<u32>,
        /// Number of trained parameters; 0 for the untrained model. Unit: parameters.
        pub parameters: u64,
        /// Peak learning rate, the one chosen on the validation examples; empty for the untrained model. Unit: none.
        pub rate: Option<f64>,
        /// Seed of the training run; empty for the untrained model. Unit: none.
        pub seed: Option<u64>,
        /// Name of the evaluation or of the set of questions.
        pub measure: String,
        /// What `value` is: `loss` (of a text), `exact-match` (of questions) or `answer-loss` (of the reference answers).
        pub kind: String,
        /// Number of windows or questions behind `value`. Unit: windows or questions.
        pub count: u32,
        /// The mean over windows or questions. Unit: nats per token for `loss` and `answer-loss`; a share from 0 to 1 for
        /// `exact-match`.
        pub value: f64,
        /// Standard error of `value` over windows or questions. Unit: that of `value`.
        pub stderr: f64,
        /// Lower end of the 95% confidence interval of `value`: Student's t, or Wilson's interval for `exact-match`. Unit: that
        /// of `value`.
        pub low: f64,
        /// Upper end of the 95% confidence interval of `value`. Unit: that of `value`.
        pub high: f64,
        /// `value` minus that of the untrained model, paired by window or question. Unit: that of `value`.
        pub delta: f64,
        /// Lower end of the 95% confidence interval of `delta` (Student's t over the paired differences). Unit: that of
        /// `value`.
        pub delta_low: f64,
        /// Upper end of the 95% confidence interval of `delta`. Unit: that of `value`.
        pub delta_high: f64,
        /// Content key of what was measured: a hash of everything that the value depends on.
        pub key: String,
    }
}

record! {
    /// One optimiser step of the training run of one learner from one seed, at the chosen learning rate.
    pub struct StepRow {
        /// Name of the experiment.
        pub experiment: String,
        /// Id of the learner.
        pub learner: String,
        /// Label of the learner in tables and legends.
        pub label: String,
        /// Rank of the adapter; empty without adapter. Unit: components.
        pub rank: Option<u32>,
        /// Peak learning rate of the run. Unit: none.
        pub rate: f64,
        /// Seed of the run. Unit: none.
        pub seed: u64,
        /// Number of the step, counted from 1. Unit: steps.
        pub step: u32,
        /// Mean loss of the batch before the step, over response tokens only. Unit: nats per token.
        pub loss: f64,
        /// Norm of the gradient before clipping. Unit: nats per token per unit of weight.
        pub gradient_norm: f64,
        /// Learning rate of this step, after warm-up and schedule. Unit: none.
        pub step_rate: f64,
        /// Tokens of the batch, prompts included. Unit: tokens.
        pub tokens: u64,
    }
}

record! {
    /// One learning rate that a learner tried from the first seed.
    pub struct RateRow {
        /// Name of the experiment.
        pub experiment: String,
        /// Id of the learner.
        pub learner: String,
        /// Label of the learner in tables and legends.
        pub label: String,
        /// Peak learning rate. Unit: none.
        pub rate: f64,
        /// Seed of the run, the first of the spec. Unit: none.
        pub seed: u64,
        /// Number of validation examples. Unit: examples.
        pub examples: u32,
        /// Mean loss over the validation examples after training, over response tokens only; infinite or NaN if training
        /// diverged. Unit: nats per token.
        pub loss: f64,
        /// 1 for the learning rate that was chosen, else 0. Unit: none.
        pub chosen: u32,
    }
}

record! {
    /// A learner without results because it failed.
    pub struct FailureRow {
        /// Name of the experiment.
        pub experiment: String,
        /// Id of the learner.
        pub learner: String,
        /// Label of the learner in tables and legends.
        pub label: String,
        /// The reason of the failure.
        pub why: String,
    }
}

record! {
    /// One question and the answer of one model.
    pub struct AnswerRow {
        /// Name of the experiment.
        pub experiment: String,
        /// Id of the learner; `none` for the untrained model.
        pub learner: String,
        /// Seed of the training run; empty for the untrained model. Unit: none.
        pub seed: Option<u64>,
        /// Name of the set of questions.
        pub questions: String,
        /// Index of the question's record in its file, counted from 0. Unit: records.
        pub record: u32,
        /// The answer that the model generated, greedily.
        pub given: String,
        /// The first accepted answer.
        pub expected: String,
        /// 1 if the generated answer matches an accepted answer, else 0. Unit: none.
        pub exact: u32,
        /// Mean negative log-likelihood of the reference answer's tokens, the end of the sequence left out. Unit: nats per
        /// token.
        pub nll: f64,
    }
}
