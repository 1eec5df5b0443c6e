use super::*;
use proptest::prelude::*;

fn all_eigenvalues(c: &Mat<f64>) -> Vec<f64> {
    c.self_adjoint_eigenvalues(Side::Lower).unwrap()
}

#[test]
fn effective_rank_counts_dimensions() {
    let c = Mat::from_fn(8, 8, |i, j| if i == j && i < 3 { 2.0 } else { 0.0 });
    let spectrum = spectrum(&c).unwrap();
    assert!((spectrum.effective_rank - 3.0).abs() < 1e-9);
    assert!((spectrum.largest - 2.0).abs() < 1e-12 && spectrum.smallest.abs() < 1e-9);
}

#[test]
fn not_finite_or_indefinite_is_none() {
    let mut c = Mat::<f64>::identity(4, 4);
    c[(1, 1)] = f64::NAN;
    assert!(spectrum(&c).is_none());
    c[(1, 1)] = -1.0;
    assert!(spectrum(&c).is_none());
}

#[test]
fn rounding_below_zero_is_reported_not_refused() {
    let c = Mat::from_fn(6, 6, |i, j| if i == j { [9.0, 1.0, 0.5, 0.1, 0.0, -3e-6][i] } else { 0.0 });
    let smallest = spectrum(&c).unwrap().smallest;
    assert!((smallest + 3e-6).abs() < 1e-9, "{smallest}");
}

proptest! {
    /// Compared with all eigenvalues, for matrices with spectra as steep as those of real covariances, some of them singular.
    #[test]
    fn ends_match_the_full_decomposition(d in 1usize..40, n in 1usize..60, decay in 0.0f64..0.4, seed in 0u32..1000) {
        let x = Mat::from_fn(n, d, |i, j| {
            let u = f64::from(((i * 131 + j * 71 + seed as usize * 17) as f64 * 12.9898).sin() as f32) * 43758.5453;
            (u - u.floor() - 0.5) * (-decay * j as f64).exp()
        });
        let c = x.transpose() * &x;
        let (found, all) = (spectrum(&c).unwrap(), all_eigenvalues(&c));
        let (smallest, largest) = (all[0], all[d - 1]);
        prop_assert!((found.largest - largest).abs() <= 1e-7 * largest, "{} {largest}", found.largest);
        prop_assert!((found.smallest - smallest).abs() <= 1e-7 * largest, "{} {smallest}", found.smallest);
        let (sum, squares) = all.iter().fold((0.0, 0.0), |(s, q), l| (s + l, q + l * l));
        prop_assert!((found.effective_rank - sum * sum / squares).abs() < 1e-6 * d as f64);
    }
}
