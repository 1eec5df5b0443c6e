//! How long things took: the only rows that depend on the run.

use crate::results::record::record;

record! {
    /// How long one measurement or optimiser step took in the run that computed it. These are not results: they differ from
    /// run to run.
    pub struct TimingRow {
        /// Name of the experiment.
        pub experiment: String,
        /// What was timed: `evaluate` (the windows of a text), `ask` (a set of questions) or `train` (an optimiser step).
        pub stage: String,
        /// Id of the arm or learner; `none` for the undamaged model.
        pub arm: String,
        /// Components discarded, as in `results.parquet`; for a learner the rank of its adapter. Unit: components.
        pub discarded: Option<u32>,
        /// Share of components discarded, as in `results.parquet`; empty for a learner. Unit: ratio, from 0 to 1.
        pub share: Option<f64>,
        /// Name of the evaluation or of the set of questions; empty for an optimiser step.
        pub measure: Option<String>,
        /// Seed of the training run; empty outside fine-tuning. Unit: none.
        pub seed: Option<u64>,
        /// Number of the optimiser step, counted from 1; empty for measurements. Unit: steps.
        pub step: Option<u32>,
        /// Time it took; for windows the sum over the threads that measured them. Unit: seconds.
        pub seconds: f64,
    }
}
