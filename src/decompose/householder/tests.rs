use proptest::prelude::*;

use super::*;

fn noise(rows: usize, cols: usize, seed: u64) -> Mat<f64> {
    Mat::from_fn(rows, cols, |i, j| ((seed % 97 + 1) as f64 * (i * 7 + j * 13 + 1) as f64 * 0.37).sin())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn q_is_orthogonal_and_q_t_a_is_b_times_something_orthogonal(
        cols in 1..40usize, more in 0..40usize, seed in any::<u64>(), zero in 0..80usize,
    ) {
        let rows = cols + more;
        let mut a = noise(rows, cols, seed);
        // A column and a row of zeros.
        if zero < cols {
            a.col_mut(zero).fill(0.0);
            a.row_mut(zero).fill(0.0);
        }
        let (basis, diagonal, above) = bidiagonalise(a.as_ref());
        let q = basis.apply(Mat::identity(rows, rows).as_ref());
        prop_assert!((q.transpose() * &q - Mat::<f64>::identity(rows, rows)).norm_max() < 1e-13);
        let b = Mat::from_fn(rows, cols, |i, j| match j.wrapping_sub(i) {
            0 => diagonal[i],
            1 => above[i],
            _ => 0.0,
        });
        // A A^T = Q B B^T Q^T.
        let few = Mat::from_fn(cols, 1, |i, _| i as f64);
        prop_assert!((basis.apply(few.as_ref()) - q.subcols(0, cols) * &few).norm_max() < 1e-12 * cols as f64);
        let error = (&a * a.transpose() - &q * &b * b.transpose() * q.transpose()).norm_max();
        prop_assert!(error < 1e-13 * a.squared_norm_l2().max(1.0), "{error:e}");
    }
}
