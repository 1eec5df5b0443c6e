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
    let e = paired_shares(&[yes, yes, no, no, yes, no, no, yes, yes, no], &[no, yes, no, yes, no, no, no, no, yes, no]);
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
