//! Adapters hold what truncation takes.

use faer::Mat;
use proptest::prelude::*;

use super::*;
use crate::decompose::store::Conditioning;
use crate::decompose::tall::Tall;
use crate::decompose::{End, Factorisation};

fn decomposed(w: &Mat<f64>, end: End, depth: usize) -> Decomposed {
    let w = Tall::of(w.as_ref());
    let found = Factorisation::of(w.core(), end, depth).unwrap();
    Decomposed::new("model.layers.0.self_attn.q_proj".into(), &w, &found, Conditioning::default())
}

fn flat(w: &Mat<f64>) -> Vec<f32> {
    (0..w.nrows() * w.ncols()).map(|i| w[(i / w.ncols(), i % w.ncols())] as f32).collect()
}

proptest! {
    #[test]
    fn residual_and_adapter_make_the_weights_again(
        d_out in 1usize..20, d_in in 1usize..20, seed in 0u32..1000, part in 0.0..1.0f64,
    ) {
        let w = Mat::from_fn(d_out, d_in, |i, j| ((i * 31 + j * 17 + seed as usize) as f64 * 0.73).sin());
        let depth = d_out.min(d_in);
        let r = (depth as f64 * part) as usize;
        for end in [End::Smallest, End::Largest] {
            let decomposed = decomposed(&w, end, depth);
            let tensor = candle_core::Tensor::from_vec(flat(&w), (d_out, d_in), &candle_core::Device::Cpu).unwrap();
            let residual = decomposed.truncation.apply(&tensor, r).unwrap().flatten_all().unwrap();
            for split in [Split::UV, Split::U, Split::V] {
                let adapter = Adapter::of_components(&decomposed, r, split);
                let mut sum = residual.to_vec1::<f32>().unwrap();
                adapter.add_to(&mut sum, 1.0);
                for (sum, w) in sum.iter().zip(flat(&w)) {
                    prop_assert!((sum - w).abs() < 1e-5, "{end:?} {split:?}: {sum} {w}");
                }
                // Converted at the start it does nothing, and after training the difference.
                let mut nothing = vec![0.0f32; d_out * d_in];
                adapter.converted(&adapter).add_to(&mut nothing, 1.0);
                prop_assert!(nothing.iter().all(|x| x.abs() < 1e-5));
            }
        }
    }
}

#[test]
fn splits_are_the_papers() {
    // Singular values 3, 2, 0 along the axes.
    let w = Mat::from_fn(3, 3, |i, j| if i == j { [3.0, 2.0, 0.0][i] } else { 0.0 });
    let largest = decomposed(&w, End::Largest, 1);
    for (split, b, a) in [(Split::UV, 3f32.sqrt(), 3f32.sqrt()), (Split::U, 3.0, 1.0), (Split::V, 1.0, 3.0)] {
        let adapter = Adapter::of_components(&largest, 1, split);
        assert!(
            (adapter.b[0].abs() - b).abs() < 1e-6 && (adapter.a[0].abs() - a).abs() < 1e-6,
            "{split:?} {adapter:?}"
        );
    }
    let smallest = Adapter::of_components(&decomposed(&w, End::Smallest, 1), 1, Split::UV);
    assert!(smallest.a.iter().chain(&smallest.b).all(|x| x.is_finite()), "{smallest:?}");
}

#[test]
fn lora_starts_at_nothing_and_depends_on_seed_and_name() {
    let linear = |name: &str| Linear { name: name.into(), d_out: 3, d_in: 400 };
    let one = Adapter::lora(&linear("x"), 4, 7);
    assert!(one.b.iter().all(|x| *x == 0.0));
    let bound = 1.0 / 20.0;
    assert!(one.a.iter().all(|x| x.abs() <= bound) && one.a.iter().any(|x| x.abs() > 0.9 * bound));
    let variance = one.a.iter().map(|x| f64::from(x * x)).sum::<f64>() / one.a.len() as f64;
    assert!((variance / (f64::from(bound * bound) / 3.0) - 1.0).abs() < 0.15, "{variance}");
    assert_eq!(one, Adapter::lora(&linear("x"), 4, 7));
    assert_ne!(one.a, Adapter::lora(&linear("y"), 4, 7).a);
    assert_ne!(one.a, Adapter::lora(&linear("x"), 4, 8).a);
}
