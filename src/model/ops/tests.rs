//! Kernels against candle's own operations.

use candle_core::Device;

use super::*;
use crate::model::kernel::Heads;

mod gradient;

fn random(shape: (usize, usize), scale: f32) -> Tensor {
    Tensor::randn(0.0f32, scale, shape, &Device::Cpu).unwrap()
}

fn largest_difference(a: &Tensor, b: &Tensor) -> f32 {
    (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
}

#[test]
fn kernels_agree_with_candle() {
    // 77 rows: not a multiple of the query block; 3 query heads for 1 key/value head.
    let heads = Heads { query: 6, key_value: 2, dim: 16 };
    let (q, k, v) = (random((77, 96), 2.0), random((77, 32), 2.0), random((77, 32), 1.0));
    let ours = causal_attention(&q, &k, &v, heads).unwrap();
    assert!(largest_difference(&ours, &generic::causal_attention(&q, &k, &v, heads.into(), &[77]).unwrap()) < 1e-5);
    // A window shorter than a query block, one that ends inside of one, and one longer than the sequence.
    for (window, cap) in [(1, None), (20, Some(7.0)), (70, None), (100, Some(50.0))] {
        let of = Attention { heads, window: Some(window), cap };
        for segments in [&[77][..], &[30, 47]] {
            let ours = packed_attention(&q, &k, &v, of, segments).unwrap();
            let theirs = generic::causal_attention(&q, &k, &v, of, segments).unwrap();
            assert!(largest_difference(&ours, &theirs) < 1e-5, "window {window}");
        }
    }

    let (cos, sin) = (random((77, 8), 1.0), random((77, 8), 1.0));
    let ours = rotary(&q, &cos, &sin, 6, 0.25).unwrap();
    assert!(largest_difference(&ours, &generic::rotary(&q, &cos, &sin, 6, 0.25).unwrap()) < 1e-5);

    // A part of each head: 10 of 16 dimensions.
    let (cos, sin) = (random((77, 5), 1.0), random((77, 5), 1.0));
    let ours = rotary(&q, &cos, &sin, 6, 0.25).unwrap();
    assert!(largest_difference(&ours, &generic::rotary(&q, &cos, &sin, 6, 0.25).unwrap()) < 1e-5);

    let (x, weight) = (random((5, 99), 3.0), Tensor::randn(0.0f32, 1.0, 99, &Device::Cpu).unwrap());
    let ours = rms_norm(&x, &weight, 1e-5).unwrap();
    assert!(largest_difference(&ours, &generic::rms_norm(&x, &weight, 1e-5).unwrap()) < 1e-5);

    let shift = Tensor::randn(0.0f32, 1.0, 99, &Device::Cpu).unwrap();
    let ours = layer_norm(&x, &weight, &shift, 1e-5).unwrap();
    assert!(largest_difference(&ours, &generic::layer_norm(&x, &weight, &shift, 1e-5).unwrap()) < 1e-5);
    assert_eq!(largest_difference(&add_row(&x, &shift).unwrap(), &x.broadcast_add(&shift).unwrap()), 0.0);

    let up = random((5, 99), 1.0);
    for (f, scale) in [(Activation::Silu, 30.0), (Activation::GeluTanh, 3.0), (Activation::Relu, 1.0)] {
        let gate = random((5, 99), scale);
        let ours = gated(&gate, &up, f).unwrap();
        assert!(largest_difference(&ours, &generic::gated(&gate, &up, f).unwrap()) < 1e-4, "{f:?}");
    }

    let (x, w) = (random((7, 33), 1.0), random((21, 33), 1.0));
    assert!(largest_difference(&linear(&x, &w).unwrap(), &x.matmul(&w.t().unwrap()).unwrap()) < 1e-4);
}

#[test]
fn cross_entropy_agrees_with_candle_over_several_chunks() {
    let (h, head) = (random((9, 24), 2.0), random((2500, 24), 1.0));
    let targets = [0, 1, 1023, 1024, 2047, 2048, 2499, 7, 1500];
    for cap in [None, Some(3.0)] {
        let ours = cross_entropy(&h, &head, &targets, cap).unwrap();
        let theirs = generic::cross_entropy(&h, &head, &targets, cap).unwrap();
        for (a, b) in ours.iter().zip(&theirs) {
            assert!((a - b).abs() < 1e-4, "{a} against {b}");
        }
    }
}

#[test]
fn a_broken_model_gives_a_loss_that_is_not_finite() {
    let head = random((2500, 4), 1.0);
    let broken = Tensor::new(&[[f32::NAN, 0.0, 0.0, 0.0], [f32::INFINITY, 1.0, 1.0, 1.0]], &Device::Cpu).unwrap();
    let losses = cross_entropy(&broken, &head, &[3, 3], None).unwrap();
    assert!(losses.iter().all(|loss| !loss.is_finite()), "{losses:?}");
}

#[test]
fn a_broken_model_is_not_repaired_by_a_cap_or_an_activation() {
    let nan = Tensor::new(&[[f32::NAN, 1.0]], &Device::Cpu).unwrap();
    let one = Tensor::ones((1, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
    for f in [Activation::Silu, Activation::GeluTanh, Activation::Relu] {
        assert!(gated(&nan, &one, f).unwrap().to_vec2::<f32>().unwrap()[0][0].is_nan(), "{f:?}");
    }
    let head = random((30, 2), 1.0);
    assert!(!cross_entropy(&nan, &head, &[3], Some(5.0)).unwrap()[0].is_finite());
}
