//! The bases that PEFT computes, by another way.

use proptest::prelude::*;

use super::*;

fn matrix(d_out: usize, d_in: usize, seed: usize) -> Vec<f32> {
    (0..d_out * d_in).map(|i| (((i * 31 + seed * 17) % 1009) as f32 * 0.73).sin()).collect()
}

fn of(w: &[f32], d_in: usize) -> Mat<f64> {
    Mat::from_fn(w.len() / d_in, d_in, |i, j| f64::from(w[i * d_in + j]))
}

fn largest(m: &Mat<f64>) -> f64 {
    (0..m.nrows()).flat_map(|i| (0..m.ncols()).map(move |j| (i, j))).map(|at| m[at].abs()).fold(0.0, f64::max)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// Against faer's whole SVD, B0 and A0 written out as PEFT does.
    #[test]
    fn pissa_is_w_without_its_largest_components(d_out in 2usize..14, d_in in 2usize..14, seed in 0usize..99, scale in 0.5f32..3.0) {
        let w = matrix(d_out, d_in, seed);
        let r = 1 + seed % d_out.min(d_in);
        let found = of(&residual(&Init::Pissa, w.clone(), d_in, r, scale).unwrap(), d_in);
        let svd = of(&w, d_in).thin_svd().unwrap();
        let root = |k: usize| (svd.S().column_vector()[k] / f64::from(scale)).sqrt();
        let b = Mat::from_fn(d_out, r, |i, k| svd.U()[(i, k)] * root(k));
        let a = Mat::from_fn(r, d_in, |k, j| svd.V()[(j, k)] * root(k));
        let expected = of(&w, d_in) - faer::Scale(f64::from(scale)) * (b * a);
        prop_assert!(largest(&(found - expected)) < 1e-5);
    }

    /// Against Gram-Schmidt over the first r columns.
    #[test]
    fn olora_takes_the_span_of_the_first_columns(d_out in 2usize..14, d_in in 2usize..14, seed in 0usize..99, scale in 0.5f32..3.0) {
        let w = matrix(d_out, d_in, seed);
        let r = 1 + seed % d_out.min(d_in);
        let whole = of(&w, d_in);
        let mut q = Mat::<f64>::zeros(d_out, r);
        for k in 0..r {
            let mut v: Vec<f64> = (0..d_out).map(|i| whole[(i, k)]).collect();
            for _ in 0..2 {
                for l in 0..k {
                    let dot: f64 = (0..d_out).map(|i| q[(i, l)] * v[i]).sum();
                    (0..d_out).for_each(|i| v[i] -= dot * q[(i, l)]);
                }
            }
            let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
            prop_assume!(norm > 1e-3);
            (0..d_out).for_each(|i| q[(i, k)] = v[i] / norm);
        }
        let expected = &whole - faer::Scale(f64::from(scale)) * (&q * (q.transpose() * &whole));
        let found = of(&residual(&Init::Olora, w, d_in, r, scale).unwrap(), d_in);
        prop_assert!(largest(&(found - expected)) < 1e-5);
    }
}

#[test]
fn what_has_no_base_is_said() {
    let w = matrix(4, 6, 3);
    assert_eq!(residual(&Init::Plain, w.clone(), 6, 2, 1.0).unwrap(), w);
    for init in [Init::Pissa, Init::Olora] {
        assert!(residual(&init, w.clone(), 6, 5, 1.0).unwrap_err().contains("rank 5"));
    }
    assert!(residual(&Init::Pissa, w.clone(), 6, 2, -1.0).unwrap_err().contains("above 0"));
    // Two equal columns: the second of Q is any vector.
    let twice: Vec<f32> = w.chunks(6).flat_map(|row| [row[0], row[0], row[2], row[3], row[4], row[5]]).collect();
    assert!(residual(&Init::Olora, twice, 6, 2, 1.0).unwrap_err().contains("column 1"));
    let corda = Init::Other { value: "corda".into(), why: "of covariances" };
    assert!(residual(&corda, w, 6, 2, 1.0).unwrap_err().contains("of covariances"));
}
