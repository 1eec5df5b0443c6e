use proptest::prelude::*;

use super::*;

/// B B^T of the entries.
fn gram(diagonal: &[f64], above: &[f64]) -> Mat<f64> {
    let n = diagonal.len();
    let b = Mat::from_fn(n, n, |i, j| match j.wrapping_sub(i) {
        0 => diagonal[i],
        1 => above[i],
        _ => 0.0,
    });
    &b * b.transpose()
}

#[test]
fn known_values() {
    let of = |diagonal: &[f64], above: &[f64]| Bidiagonal::new(diagonal, above).unwrap().singular();
    let golden = (1.0 + 5f64.sqrt()) / 2.0;
    for (found, expected) in [
        (of(&[-3.0], &[]), vec![3.0]),
        (of(&[0.0, 0.0], &[0.0]), vec![0.0, 0.0]),
        (of(&[2.0, 5.0, -1.0], &[0.0, 0.0]), vec![5.0, 2.0, 1.0]),
        (of(&[1.0, 1.0], &[1.0]), vec![golden, 1.0 / golden]),
        (of(&[1e200, 1e200], &[1e200]), vec![golden * 1e200, 1e200 / golden]),
    ] {
        assert_eq!(found.len(), expected.len());
        let close = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 4e-16 * expected[0]);
        assert!(close, "{found:?} {expected:?}");
    }
    assert!(Bidiagonal::new(&[1.0, f64::NAN], &[1.0]).is_none());
    assert!(Bidiagonal::new(&[1.0, 1.0], &[f64::INFINITY]).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Entries from 1 down to 1e-15 and zeros: singular values that are separated, almost coincide, or coincide.
    #[test]
    fn values_and_vectors_are_those_of_b(
        entries in prop::collection::vec((0..4u8, -1.0..1.0f64), 1..60),
    ) {
        let scaled = |(kind, x): &(u8, f64)| x * [1.0, 1e-4, 1e-15, 0.0][usize::from(*kind)];
        let entries: Vec<f64> = entries.iter().map(scaled).collect();
        let n = entries.len().div_ceil(2);
        let (diagonal, above) = entries.split_at(n);
        let mut above = above.to_vec();
        above.resize(n - 1, 0.5);
        let b = Bidiagonal::new(diagonal, &above).unwrap();
        let singular = b.singular();
        let gram = gram(diagonal, &above);
        let trace = gram.diagonal().column_vector().iter().sum::<f64>();
        prop_assert!((singular.iter().map(|s| s * s).sum::<f64>() - trace).abs() <= 1e-13 * trace);
        let left = b.left(&singular);
        for (j, s) in singular.iter().enumerate() {
            let u = left.col(j);
            prop_assert!((u.norm_l2() - 1.0).abs() < 1e-12);
            let error = (&gram * u - s * s * u).norm_l2();
            prop_assert!(error <= 1e-12 * singular[0].powi(2), "{error:e} of {singular:?}");
        }
    }
}
