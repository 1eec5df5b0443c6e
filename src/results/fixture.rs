//! Made-up rows for tests. No number here was measured; every experiment is called `fixture`.

use super::Row;

/// A point of a made-up curve: `nll` on 16 windows of 512, with an interval of +-10% of the perplexity.
pub(crate) fn row(evaluation: &str, arm: &str, method: &str, discarded: u32, perplexity: f64) -> Row {
    let undamaged = 59.0_f64;
    let nll = perplexity.ln();
    let calibration = (method == "asvd" || method == "corda").then(|| "wiki".to_string());
    Row {
        experiment: "fixture".into(),
        arm: arm.into(),
        label: if method == "none" { "Undamaged".into() } else { format!("{method}, {arm}") },
        method: method.into(),
        samples: calibration.as_ref().map(|_| 64),
        calibration,
        discarded,
        share: f64::from(discarded) / 576.0,
        targets: "decoder".into(),
        evaluation: evaluation.into(),
        corpus: format!("fixture-{evaluation}"),
        split: "test".into(),
        windows: 16,
        length: 512,
        tokens: 16 * 511,
        nll,
        nll_stderr: 0.05,
        perplexity,
        ppl_low: perplexity * 0.9,
        ppl_high: perplexity * 1.1,
        delta_nll: nll - undamaged.ln(),
        delta_low: nll - undamaged.ln() - 0.01,
        delta_high: nll - undamaged.ln() + 0.01,
        key: "c0ffee".into(),
        factored_ratio: 1.0,
    }
}

/// The undamaged model on a test set.
pub(crate) fn undamaged(evaluation: &str) -> Row {
    row(evaluation, "none", "none", 0, 59.0)
}

/// A curve through the given points.
pub(crate) fn curve(evaluation: &str, arm: &str, method: &str, points: &[(u32, f64)]) -> Vec<Row> {
    points.iter().map(|&(discarded, perplexity)| row(evaluation, arm, method, discarded, perplexity)).collect()
}

pub(crate) mod trained;
