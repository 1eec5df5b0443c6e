//! The algebra of the paper, as properties.

use std::sync::Arc;

use faer::linalg::solvers::DenseSolveCore;
use proptest::prelude::*;

use super::tall::Tall;
use super::truncate::{Truncation, truncated};
use super::*;
use crate::calibrate::Spectrum;

fn method(name: &str, parameters: &str) -> Arc<dyn Method> {
    let node = yaml::parse(parameters, "test").unwrap();
    (METHODS.iter().find(|m| m.name == name).unwrap().read)(&node).unwrap()
}

/// All methods.
fn methods() -> Vec<Arc<dyn Method>> {
    METHODS.iter().map(|entry| method(entry.name, "{}")).collect()
}

fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

fn weights(d_out: usize, d_in: usize, seed: u64) -> Mat<f64> {
    let mut next = noise(seed);
    Mat::from_fn(d_out, d_in, |_, _| next())
}

/// Statistics of inputs of uneven magnitude, like those of real inputs.
fn statistics(d: usize, seed: u64) -> Statistics {
    let mut next = noise(seed);
    let x = Mat::from_fn(3 * d, d, |_, j| next() * (1.0 + (j % 5) as f64));
    let abs = |i: usize, j: usize| x[(i, j)].abs();
    Statistics {
        covariance: x.transpose() * &x,
        abs_mean: (0..d).map(|j| (0..3 * d).map(|i| abs(i, j)).sum::<f64>() / (3 * d) as f64).collect(),
        abs_max: (0..d).map(|j| (0..3 * d).map(|i| abs(i, j)).fold(0.0, f64::max)).collect(),
        spectrum: Spectrum { largest: 1.0, smallest: 1.0, effective_rank: 1.0 },
        samples: 1,
        tokens: 3 * d as u64,
    }
}

/// T itself, obtained as its product with the identity.
fn transform(method: &dyn Method, s: &Statistics) -> Mat<f64> {
    let d = s.abs_mean.len();
    method.weigh(Mat::<f64>::identity(d, d).as_ref(), Some(s)).unwrap().product
}

fn rank(m: &Mat<f64>) -> usize {
    let values = m.singular_values().unwrap();
    values.iter().filter(|v| **v > 1e-9 * values[0]).count()
}

fn relative(a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    (a - b).norm_l2() / b.norm_l2()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn truncation_is_the_textbook_form(d_out in 2usize..24, d_in in 2usize..24, seed in 1u64.., part in 0.0..1.0f64) {
        let (w, s) = (weights(d_out, d_in, seed), statistics(d_in, seed ^ 77));
        let full = d_out.min(d_in);
        let r = ((full as f64 * part) as usize).min(full - 1);
        for method in methods() {
            let product = method.weigh(w.as_ref(), Some(&s)).unwrap().product;
            let found = Factorisation::of(product.as_ref(), End::Smallest, full).unwrap();
            // Dropping nothing gives W back.
            prop_assert!(relative(&truncated(w.as_ref(), &found, 0), &w) < 1e-9);
            // All of U S V^T T^-1, the slow way, gives W back too; its first R - r terms are W'.
            let svd = product.thin_svd().unwrap();
            let (u, v, sigma) = (svd.U(), svd.V(), svd.S().column_vector());
            let t = transform(method.as_ref(), &s);
            let inverse = t.partial_piv_lu().inverse();
            let k = full - r;
            let us = Mat::from_fn(d_out, k, |i, j| u[(i, j)] * sigma[j]);
            let textbook = us * v.subcols(0, k).transpose() * &inverse;
            let ours = truncated(w.as_ref(), &found, r);
            prop_assert!(relative(&ours, &textbook) < 1e-6, "{}: {}", method.name(), relative(&ours, &textbook));
            prop_assert_eq!(rank(&ours), full - r);
            // Eckart-Young: the residual in the norm of the method is given by the dropped singular values.
            let residual = ((&w - &ours) * &t).norm_l2();
            let dropped = found.singular[k..].iter().map(|s| s * s).sum::<f64>().sqrt();
            prop_assert!((residual - dropped).abs() <= 1e-9 * found.singular[0] * full as f64);
        }
    }

    #[test]
    fn each_method_is_best_by_its_own_measure(d_out in 4usize..20, d_in in 4usize..20, seed in 1u64..) {
        let (w, s) = (weights(d_out, d_in, seed), statistics(d_in, seed ^ 77));
        let r = d_out.min(d_in) / 2;
        let all = methods();
        let results: Vec<Mat<f64>> = all
            .iter()
            .map(|method| {
                let product = method.weigh(w.as_ref(), Some(&s)).unwrap().product;
                truncated(w.as_ref(), &Factorisation::of(product.as_ref(), End::Smallest, r).unwrap(), r)
            })
            .collect();
        for (judge, own) in all.iter().zip(&results) {
            let t = transform(judge.as_ref(), &s);
            let residual = |w1: &Mat<f64>| ((&w - w1) * &t).norm_l2();
            for other in &results {
                prop_assert!(residual(own) <= residual(other) * (1.0 + 1e-9));
            }
        }
    }

    #[test]
    fn methods_agree_where_t_is_a_multiple_of_the_identity(d_out in 2usize..16, d_in in 2usize..16, seed in 1u64.., scale in 0.01..100.0f64) {
        let w = weights(d_out, d_in, seed);
        let mut s = statistics(d_in, 5);
        s.covariance = Mat::from_fn(d_in, d_in, |i, j| if i == j { scale } else { 0.0 });
        s.abs_mean = vec![scale; d_in];
        let r = d_out.min(d_in) / 2;
        let results = methods().into_iter().map(|method| {
            let product = method.weigh(w.as_ref(), Some(&s)).unwrap().product;
            truncated(w.as_ref(), &Factorisation::of(product.as_ref(), End::Smallest, r).unwrap(), r)
        });
        let results: Vec<Mat<f64>> = results.collect();
        for result in &results[1..] {
            prop_assert!(relative(result, &results[0]) < 1e-7);
        }
    }

    #[test]
    fn f32_truncation_follows_f64(d_out in 2usize..24, d_in in 2usize..24, seed in 1u64..) {
        let w = weights(d_out, d_in, seed);
        let depth = d_out.min(d_in);
        let flat: Vec<f32> = (0..d_out * d_in).map(|i| w[(i / d_in, i % d_in)] as f32).collect();
        let tensor = candle_core::Tensor::from_vec(flat, (d_out, d_in), &candle_core::Device::Cpu).unwrap();
        for (end, r) in (0..=depth).flat_map(|r| [(End::Smallest, r), (End::Largest, r)]) {
            let found = Factorisation::of(w.as_ref(), end, depth).unwrap();
            let of_core = Factorisation::of(Tall::of(w.as_ref()).core(), end, depth).unwrap();
            let truncation = Truncation::new(&Tall::of(w.as_ref()), &of_core);
            let ours = truncation.apply(&tensor, r).unwrap().to_vec2::<f32>().unwrap();
            let exact = truncated(w.as_ref(), &found, r);
            for i in 0..d_out {
                for j in 0..d_in {
                    prop_assert!((f64::from(ours[i][j]) - exact[(i, j)]).abs() < 1e-5);
                }
            }
        }
    }
}

#[test]
fn a_tall_w_by_way_of_its_core_is_the_same() {
    let (w, s) = (weights(40, 9, 5), statistics(9, 6));
    let tall = Tall::of(w.as_ref());
    assert_eq!(tall.core().shape(), (9, 9));
    for method in methods() {
        let whole = method.weigh(w.as_ref(), Some(&s)).unwrap().product;
        let core = method.weigh(tall.core(), Some(&s)).unwrap().product;
        for (end, depth) in [(End::Smallest, 4), (End::Largest, 1), (End::Smallest, 9), (End::Smallest, 0)] {
            let [a, b] = [&whole, &core].map(|m| Factorisation::of(m.as_ref(), end, depth).unwrap());
            for (a, b) in a.singular.iter().zip(&b.singular) {
                assert!((a - b).abs() < 1e-10 * whole.norm_l2());
            }
            let (a, b) = (&a.left, tall.lift(&b.left).into_owned());
            assert!((a * a.transpose() - &b * b.transpose()).norm_max() < 1e-7, "{} {end:?} {depth}", method.name());
        }
    }
    assert_eq!(Tall::of(w.as_ref().transpose()).core(), w.as_ref().transpose());
}

#[test]
fn damping_in_f32_doubles_where_f64_does_not() {
    // One huge direction in 64: too ill-conditioned for f32 at the first lambda.
    let c = Mat::from_fn(64, 64, |i, j| {
        if i != j {
            0.0
        } else if i == 0 {
            1e4
        } else {
            1e-9
        }
    });
    let rule = |precision| corda::Damping { threshold: 1e-6, start: 1e-6, precision };
    let in_f64 = corda::damp(&c, &rule(corda::Precision::F64)).unwrap();
    assert_eq!(in_f64.rounds, 0);
    assert!((in_f64.lambda - 1e-6 * (1e4 + 63e-9) / 64.0).abs() < 1e-12);
    let mut rotated = c.clone();
    let q = weights(64, 64, 3).qr().compute_thin_Q();
    rotated = &q * rotated * q.transpose();
    let in_f32 = corda::damp(&rotated, &rule(corda::Precision::F32)).unwrap();
    assert!(in_f32.rounds > 0 && in_f32.lambda > in_f64.lambda, "{in_f32:?}");
}

#[test]
fn statistics_of_another_width_are_refused() {
    let (w, s) = (weights(4, 6, 1), statistics(5, 1));
    for method in &methods()[1..] {
        let refused = method.weigh(w.as_ref(), Some(&s)).unwrap_err();
        assert_eq!(refused, DecompositionError::Width { statistics: 5, d_in: 6 });
        assert!(matches!(method.weigh(w.as_ref(), None), Err(DecompositionError::NoStatistics { .. })));
    }
}
