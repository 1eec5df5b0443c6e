//! The study: perplexity against discarded components.

use crate::results::record::record;

record! {
    /// One measurement of a study: a model with r components discarded (one arm, one point), measured on one test set. The
    /// undamaged model has `method = none` and `discarded = 0`.
    pub struct Row {
        /// Name of the experiment.
        pub experiment: String,
        /// Id of the arm, e.g. `corda-wiki-32`; `none` for the undamaged model.
        pub arm: String,
        /// Label of the arm in tables and legends; `Undamaged` for the undamaged model.
        pub label: String,
        /// Decomposition, as the spec names it: `plain-svd`, `asvd`, `corda`, `svd-whitening`; `none` for the undamaged model.
        pub method: String,
        /// Name of the calibration that the decomposition used; empty for methods that use none.
        pub calibration: Option<String>,
        /// Number of calibration samples that the decomposition used; empty for methods that use none. Unit: samples.
        pub samples: Option<u32>,
        /// Components discarded from every linear, the paper's r. With `discard: {share: ...}`, r of the linear with the
        /// largest rank. Unit: components.
        pub discarded: u32,
        /// Discarded components of all target linears divided by the sum of their ranks; with `discard: {share: ...}`, the
        /// share that was asked for. Unit: ratio, from 0 to 1.
        pub share: f64,
        /// The linears that were decomposed: `decoder`, `all`, or the globs of the spec separated by spaces.
        pub targets: String,
        /// Name of the evaluation (the test set).
        pub evaluation: String,
        /// Corpus of the test set.
        pub corpus: String,
        /// Split of the corpus.
        pub split: String,
        /// Number of windows that were measured. Unit: windows.
        pub windows: u32,
        /// Length of a window. Unit: tokens.
        pub length: u32,
        /// Number of predictions, windows × (length - 1). Unit: tokens.
        pub tokens: u64,
        /// Negative log-likelihood: the mean over windows of each window's mean over its predictions. Unit: nats per token.
        pub nll: f64,
        /// Standard error of `nll` over windows; NaN for a single window. Unit: nats per token.
        pub nll_stderr: f64,
        /// Perplexity, exp(nll). Unit: none.
        pub perplexity: f64,
        /// Lower end of the 95% confidence interval of `perplexity` (Student's t over windows). Unit: none.
        pub ppl_low: f64,
        /// Upper end of the 95% confidence interval of `perplexity`. Unit: none.
        pub ppl_high: f64,
        /// Mean over windows of the loss minus the undamaged model's loss on the same window. Unit: nats per token.
        pub delta_nll: f64,
        /// Lower end of the 95% confidence interval of `delta_nll` (Student's t over the paired differences). Unit: nats per
        /// token.
        pub delta_low: f64,
        /// Upper end of the 95% confidence interval of `delta_nll`. Unit: nats per token.
        pub delta_high: f64,
        /// Content key of the stage that measured it: a hash of everything that the value depends on.
        pub key: String,
        /// Parameters that a factored form W' = B A of the kept rank needs, divided by the parameters of the target linears.
        /// Unit: ratio; above 1 where factors would be larger than W.
        pub factored_ratio: f64,
    }
}

record! {
    /// The loss of one window of a test set under one arm at one point.
    pub struct WindowRow {
        /// Name of the experiment.
        pub experiment: String,
        /// Id of the arm; `none` for the undamaged model.
        pub arm: String,
        /// Components discarded from every linear, as in `results.parquet`. Unit: components.
        pub discarded: u32,
        /// Share of components discarded, as in `results.parquet`. Unit: ratio, from 0 to 1.
        pub share: f64,
        /// Name of the evaluation (the test set).
        pub evaluation: String,
        /// Index of the window from the start of the text, counted from 0. Unit: windows.
        pub window: u32,
        /// Mean negative log-likelihood of the window's predictions; infinite or NaN where the damaged model produces such a
        /// loss. Unit: nats per token.
        pub nll: f64,
    }
}

record! {
    /// How well-posed the decomposition of one linear under one arm was.
    pub struct LinearRow {
        /// Name of the experiment.
        pub experiment: String,
        /// Id of the arm.
        pub arm: String,
        /// Hugging Face name of the linear, e.g. `model.layers.0.mlp.up_proj`.
        pub linear: String,
        /// Number of outputs of the linear, the rows of W. Unit: dimensions.
        pub d_out: u32,
        /// Number of inputs of the linear, the columns of W. Unit: dimensions.
        pub d_in: u32,
        /// Largest singular value of W T, T the matrix of the method. Unit: that of W T.
        pub sigma_max: f64,
        /// Smallest singular value of W T. Unit: that of W T.
        pub sigma_min: f64,
        /// Calibration tokens divided by `d_in`; below 1 the covariance cannot have full rank. Empty for methods without
        /// calibration. Unit: tokens per dimension.
        pub tokens_per_dimension: Option<f64>,
        /// Participation ratio of the covariance before damping: (sum of eigenvalues)² / (sum of squared eigenvalues). Empty
        /// for methods without calibration. Unit: dimensions.
        pub effective_rank: Option<f64>,
        /// Condition number of the covariance, after damping where the method damps; infinite where it is singular. Empty for
        /// methods without calibration. Unit: ratio.
        pub condition: Option<f64>,
        /// Damping lambda that was added to the diagonal of the covariance; empty for methods that do not damp. Unit: that of
        /// the covariance.
        pub lambda: Option<f64>,
        /// How often the damping was doubled before the covariance could be inverted; empty for methods that do not damp.
        /// Unit: doublings.
        pub damping_rounds: Option<u32>,
    }
}
