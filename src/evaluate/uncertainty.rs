//! Means over windows and their 95% intervals (Student's t over windows), and differences paired by window. Fractions of
//! questions answered right and their 95% intervals (Wilson's), and differences paired by question.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// A mean with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Mean over windows; not finite if any window's loss is not.
    pub mean: f64,
    /// Standard error of the mean; NaN for a single window.
    pub stderr: f64,
    /// Lower end of the 95% interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Estimates a mean from one value per window.
pub fn estimate(values: &[f64]) -> Estimate {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let stderr = (variance / n).sqrt();
    // A single window says nothing about the spread: the ends are NaN, and shown as such.
    let half = match StudentsT::new(0.0, 1.0, n - 1.0) {
        Ok(t) => t.inverse_cdf(0.975) * stderr,
        Err(_) => f64::NAN,
    };
    Estimate { mean, stderr, low: mean - half, high: mean + half }
}

/// Estimates the mean of the difference `values - reference`, window by window.
pub fn paired(values: &[f64], reference: &[f64]) -> Estimate {
    let differences: Vec<f64> = values.iter().zip(reference).map(|(a, b)| a - b).collect();
    estimate(&differences)
}

/// The p-value of a paired t-test (two-sided): the probability of a mean difference at least this large if the true one is 0.
/// NaN for fewer than two windows, or if a loss is not finite.
pub fn paired_p(values: &[f64], reference: &[f64]) -> f64 {
    let Estimate { mean, stderr, .. } = paired(values, reference);
    match StudentsT::new(0.0, 1.0, values.len() as f64 - 1.0) {
        Ok(_) if mean == 0.0 && stderr == 0.0 => 1.0,
        Ok(t) if mean.is_finite() && stderr.is_finite() => 2.0 * t.cdf(-(mean / stderr).abs()),
        _ => f64::NAN,
    }
}

/// 97.5% of the standard normal distribution lie below.
const NORMAL_975: f64 = 1.959_963_984_540_054;

/// The fraction of questions answered right, with Wilson's interval, which stays within 0 and 1 and is informative even if none
/// or all are right. `stderr` is sqrt(p (1 - p) / n). All are NaN if there are no questions.
pub fn share(right: usize, questions: usize) -> Estimate {
    let (n, z2) = (questions as f64, NORMAL_975.powi(2));
    let p = right as f64 / n;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = NORMAL_975 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    // If none or all are right, an end is exactly 0 or 1 except for rounding.
    let (low, high) = ((centre - half).max(0.0), (centre + half).min(1.0));
    Estimate { mean: p, stderr: (p * (1.0 - p) / n).sqrt(), low, high }
}

/// The difference between the fractions that two models answer right, question by question: [`paired`] on 0 and 1. The interval
/// is an approximation for about 100 questions or more, several of which only one model answers right (McNemar's discordant
/// pairs). Where the models agree on all questions its width is 0, which does not mean certainty.
pub fn paired_shares(right: &[bool], reference: &[bool]) -> Estimate {
    let as_numbers = |right: &[bool]| right.iter().map(|&right| f64::from(right)).collect::<Vec<_>>();
    paired(&as_numbers(right), &as_numbers(reference))
}

#[cfg(test)]
mod tests;
