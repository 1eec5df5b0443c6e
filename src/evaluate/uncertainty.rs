//! Means over windows and their 95% intervals (Student's t over windows); differences paired by window. Shares of
//! questions and their 95% intervals (Wilson's); differences paired by question.

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

/// The estimate of a mean from one value a window.
pub fn estimate(values: &[f64]) -> Estimate {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let stderr = (variance / n).sqrt();
    // A single window says nothing of its spread: NaN ends, shown as such.
    let half = match StudentsT::new(0.0, 1.0, n - 1.0) {
        Ok(t) => t.inverse_cdf(0.975) * stderr,
        Err(_) => f64::NAN,
    };
    Estimate { mean, stderr, low: mean - half, high: mean + half }
}

/// The estimate of the mean difference `values - reference`, window by window.
pub fn paired(values: &[f64], reference: &[f64]) -> Estimate {
    let differences: Vec<f64> = values.iter().zip(reference).map(|(a, b)| a - b).collect();
    estimate(&differences)
}

/// The p-value of a paired t-test (two-sided): how likely a mean difference this large is if there is none. NaN where
/// there are fewer than two windows or a loss is not finite.
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

/// The share of questions answered right, with Wilson's interval: unlike the mean's own it stays within 0 and 1 and says
/// something where none or all are right. `stderr` is sqrt(p (1 - p) / n). All NaN for no questions.
pub fn share(right: usize, questions: usize) -> Estimate {
    let (n, z2) = (questions as f64, NORMAL_975.powi(2));
    let p = right as f64 / n;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = NORMAL_975 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    // At none or all right an end is exactly 0 or 1, but for rounding.
    let (low, high) = ((centre - half).max(0.0), (centre + half).min(1.0));
    Estimate { mean: p, stderr: (p * (1.0 - p) / n).sqrt(), low, high }
}

/// The difference of the shares answered right by two models, question by question: [`paired`] on 0 and 1. Its interval is
/// an approximation that wants some 100 questions and several that only one of the two has right (McNemar's discordant
/// pairs); where they agree on all, it is of no width, which is not certainty.
pub fn paired_shares(right: &[bool], reference: &[bool]) -> Estimate {
    let as_numbers = |right: &[bool]| right.iter().map(|&right| f64::from(right)).collect::<Vec<_>>();
    paired(&as_numbers(right), &as_numbers(reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // t(0.975, 3 degrees) = 3.182446; sample standard deviation of 1, 2, 3, 4 is 1.290994.
        let e = estimate(&[1.0, 2.0, 3.0, 4.0]);
        assert!((e.mean - 2.5).abs() < 1e-12 && (e.stderr - 0.645_497).abs() < 1e-6);
        assert!((e.high - (2.5 + 3.182_446 * 0.645_497)).abs() < 1e-5 && (e.low + e.high - 5.0).abs() < 1e-12);
    }

    #[test]
    fn pairing_removes_what_windows_share() {
        let reference = [1.0, 5.0, 9.0];
        let e = paired(&[1.1, 5.1, 9.1], &reference);
        assert!((e.mean - 0.1).abs() < 1e-12 && e.stderr < 1e-12);
        assert_eq!(paired(&reference, &reference), Estimate { mean: 0.0, stderr: 0.0, low: 0.0, high: 0.0 });
    }

    #[test]
    fn p_values_by_hand() {
        // t = 2.5 / 0.645497 = 3.872983 with 3 degrees of freedom: p = 0.030466.
        assert!((paired_p(&[1.0, 2.0, 3.0, 4.0], &[0.0; 4]) - 0.030_466).abs() < 1e-5);
        assert_eq!(paired_p(&[1.0, 2.0], &[1.0, 2.0]), 1.0);
        assert!(paired_p(&[1.0], &[0.0]).is_nan() && paired_p(&[1.0, f64::INFINITY], &[0.0, 0.0]).is_nan());
    }

    #[test]
    fn shares_by_hand() {
        // The ends are where |p - q| = z sqrt(q (1 - q) / n): found by bisection on q, not by the closed form.
        for (right, of, low, high) in [
            (0, 10, 0.0, 0.277_533),
            (5, 10, 0.236_593, 0.763_407),
            (10, 10, 0.722_467, 1.0),
            (81, 263, 0.255_289, 0.366_210),
        ] {
            let e = share(right, of);
            assert!((e.low - low).abs() < 1e-6 && (e.high - high).abs() < 1e-6, "{right} of {of}: {e:?}");
            assert_eq!(e.mean, right as f64 / of as f64);
        }
        assert!(share(0, 0).mean.is_nan());
    }

    #[test]
    fn shares_are_paired_by_question() {
        // Differences 1, 0, 0, -1, 1, 0, 0, 1, 0, 0: mean 0.2, sample variance (4 - 10 * 0.04) / 9 = 0.4.
        let (yes, no) = (true, false);
        let e =
            paired_shares(&[yes, yes, no, no, yes, no, no, yes, yes, no], &[no, yes, no, yes, no, no, no, no, yes, no]);
        // t(0.975, 9 degrees) = 2.262157.
        assert!((e.mean - 0.2).abs() < 1e-12 && (e.stderr - 0.2).abs() < 1e-12);
        assert!((e.high - (0.2 + 2.262_157 * 0.2)).abs() < 1e-6);
    }

    #[test]
    fn a_broken_window_is_never_passed_over() {
        assert!(!estimate(&[1.0, f64::INFINITY, 2.0]).mean.is_finite());
        assert!(estimate(&[1.0, f64::NAN]).mean.is_nan());
        assert!(estimate(&[1.0]).stderr.is_nan());
    }
}
