//! Means over windows and their 95% intervals (Student's t over windows); differences paired by window.

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
    fn a_broken_window_is_never_passed_over() {
        assert!(!estimate(&[1.0, f64::INFINITY, 2.0]).mean.is_finite());
        assert!(estimate(&[1.0, f64::NAN]).mean.is_nan());
        assert!(estimate(&[1.0]).stderr.is_nan());
    }
}
