//! Gradients of the operations against central finite differences, and against candle's own where the formula is in its terms.

use candle_core::{Device, Var};

use super::super::*;
use crate::model::kernel::Heads;

/// Values in about [-scale, scale] that look random, a sequence for each salt.
fn values(n: usize, salt: u32, scale: f32) -> Vec<f32> {
    let at = |i: u32| (1.3 * f64::from(i) + f64::from(salt) + 0.7 * (0.37 * f64::from(i)).sin()).sin();
    (0..n as u32).map(|i| scale * at(i) as f32).collect()
}

fn var(shape: (usize, usize), salt: u32, scale: f32) -> Var {
    Var::from_vec(values(shape.0 * shape.1, salt, scale), shape, &Device::Cpu).unwrap()
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Sum of the result times fixed weights: something whose gradient has a part from every element.
fn weighed(y: &Tensor) -> f64 {
    let y = y.to_dtype(candle_core::DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
    y.iter().zip(values(y.len(), 77, 1.0)).map(|(y, w)| y * f64::from(w)).sum()
}

fn gradients(y: &Tensor, vars: &[&Var]) -> Vec<Option<Tensor>> {
    let weights = Tensor::from_vec(values(y.elem_count(), 77, 1.0), y.dims(), y.device()).unwrap();
    let mut store = (y * weights.to_dtype(y.dtype()).unwrap()).unwrap().backward().unwrap();
    vars.iter().map(|var| store.remove(var)).collect()
}

/// Every element of every variable, moved up and down.
fn holds(name: &str, vars: &[&Var], f: impl Fn() -> Result<Tensor>) {
    let found = gradients(&f().unwrap(), vars);
    for (i, (var, found)) in vars.iter().zip(found).enumerate() {
        let found = flat(&found.unwrap_or_else(|| panic!("{name}: no gradient for argument {i}")));
        let start = flat(var);
        let h = 2e-3;
        let at = |j: usize, by: f32| {
            let mut moved = start.clone();
            moved[j] += by;
            var.set(&Tensor::from_vec(moved, var.dims(), var.device()).unwrap()).unwrap();
            weighed(&f().unwrap())
        };
        let expected: Vec<f64> = (0..start.len()).map(|j| (at(j, h) - at(j, -h)) / (2.0 * f64::from(h))).collect();
        var.set(&Tensor::from_vec(start, var.dims(), var.device()).unwrap()).unwrap();
        let size = expected.iter().map(|x| x * x).sum::<f64>().sqrt();
        assert!(size > 1e-2, "{name}: argument {i} does not matter");
        let off = found.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum::<f64>().sqrt();
        assert!(off < 2e-3 * size, "{name}, argument {i}: off by {off} of {size}");
    }
}

#[test]
fn gradients_are_finite_differences() {
    // 19 columns and 17 keys: not multiples of the kernels' 16 lanes.
    let (x, w) = (var((5, 19), 1, 1.0), var((7, 19), 2, 1.0));
    holds("linear", &[&x, &w], || linear(&x, &w));
    let (a, b) = (var((3, 19), 3, 1.0), var((7, 3), 4, 1.0));
    let frozen = w.as_detached_tensor();
    holds("adapted linear", &[&x, &a, &b], || adapted_linear(&x, &frozen, &a, &b));
    let row = Var::from_vec(values(19, 5, 1.0), 19, &Device::Cpu).unwrap();
    holds("scaled columns", &[&x, &row], || scale_columns(&x, &row));
    holds("norm", &[&x, &row], || rms_norm(&x, &row, 1e-5));
    let up = var((5, 19), 6, 1.0);
    for f in [Activation::Silu, Activation::GeluTanh] {
        holds("gated", &[&x, &up], || gated(&x, &up, f));
    }
    // Away from the corner at 0.
    let away = Var::from_tensor(&((x.sign().unwrap() * 0.1).unwrap() + x.as_tensor()).unwrap()).unwrap();
    holds("relu", &[&away, &up], || gated(&away, &up, Activation::Relu));
    let shift = Var::from_vec(values(19, 13, 1.0), 19, &Device::Cpu).unwrap();
    holds("layer norm", &[&x, &row, &shift], || layer_norm(&x, &row, &shift, 1e-5));
    holds("added row", &[&x, &shift], || add_row(&x, &shift));
    let angle = var((5, 2), 7, 1.0);
    let (cos, sin) = (angle.as_detached_tensor().cos().unwrap(), angle.as_detached_tensor().sin().unwrap());
    let heads = var((5, 12), 8, 1.0);
    holds("rotary", &[&heads], || rotary(&heads, &cos, &sin, 3, 0.5));
    holds("rotary of a part", &[&heads], || rotary(&heads, &cos, &sin, 2, 0.5));
    let of = Heads { query: 4, key_value: 2, dim: 6 };
    let (q, k, v) = (var((20, 24), 9, 1.0), var((20, 12), 10, 1.0), var((20, 12), 11, 1.0));
    holds("attention", &[&q, &k, &v], || packed_attention(&q, &k, &v, of, &[17, 1, 2]));
    let windowed = Attention { heads: of, window: Some(4), cap: Some(2.0) };
    holds("attention", &[&q, &k, &v], || packed_attention(&q, &k, &v, windowed, &[17, 1, 2]));
    let head = var((23, 19), 12, 1.0);
    for cap in [None, Some(2.0)] {
        holds("losses", &[&x, &head], || token_losses(&x, &head, &[0, 22, 5, 5, 13], cap));
    }
}

#[test]
fn gradients_are_candles_over_several_blocks() {
    let of = Heads { query: 6, key_value: 2, dim: 16 };
    let (q, k, v) = (var((200, 96), 1, 1.0), var((200, 32), 2, 1.0), var((200, 32), 3, 1.0));
    let segments = [77, 64, 59];
    let ours = packed_attention(&q, &k, &v, of, &segments).unwrap();
    let theirs = generic::causal_attention(&q, &k, &v, of.into(), &segments).unwrap();
    let windowed = Attention { heads: of, window: Some(70), cap: Some(3.0) };
    let ours_windowed = packed_attention(&q, &k, &v, windowed, &segments).unwrap();
    let theirs_windowed = generic::causal_attention(&q, &k, &v, windowed, &segments).unwrap();
    let (h, head) = (var((9, 24), 4, 1.0), var((2500, 24), 5, 1.0));
    let targets = [0, 1, 1023, 1024, 2047, 2048, 2499, 7, 1500];
    let (losses, generic_losses) =
        (token_losses(&h, &head, &targets, None).unwrap(), generic::token_losses(&h, &head, &targets, None).unwrap());
    let (capped, generic_capped) = (
        token_losses(&h, &head, &targets, Some(3.0)).unwrap(),
        generic::token_losses(&h, &head, &targets, Some(3.0)).unwrap(),
    );
    for (ours, theirs, vars) in [
        (ours, theirs, vec![&q, &k, &v]),
        (ours_windowed, theirs_windowed, vec![&q, &k, &v]),
        (losses, generic_losses, vec![&h, &head]),
        (capped, generic_capped, vec![&h, &head]),
    ] {
        for (a, b) in gradients(&ours, &vars).into_iter().zip(gradients(&theirs, &vars)) {
            let (a, b) = (flat(&a.unwrap()), flat(&b.unwrap()));
            let largest = b.iter().fold(0.0f32, |m, x| m.max(x.abs()));
            let worst = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-4 * largest, "{worst} of {largest}");
        }
    }
}

#[test]
fn segments_are_sequences_of_their_own() {
    let of = Heads { query: 4, key_value: 2, dim: 8 };
    let (q, k, v) = (var((100, 32), 1, 2.0), var((100, 16), 2, 2.0), var((100, 16), 3, 1.0));
    let packed = packed_attention(&q, &k, &v, of, &[70, 30]).unwrap();
    let apart = [(0, 70), (70, 30)].map(|(start, n)| {
        let part = |x: &Var| x.as_detached_tensor().narrow(0, start, n).unwrap();
        flat(&causal_attention(&part(&q), &part(&k), &part(&v), of).unwrap())
    });
    assert_eq!(flat(&packed), apart.concat());
    assert!(packed_attention(&q, &k, &v, of, &[70, 31]).is_err());
}

#[test]
fn what_is_frozen_has_no_gradient_and_what_has_none_is_not_recorded() {
    let (x, w) = (var((5, 19), 1, 1.0), var((7, 19), 2, 1.0));
    let y = linear(&x, &w.as_detached_tensor()).unwrap();
    let found = gradients(&y, &[&x, &w]);
    assert!(found[0].is_some() && found[1].is_none());
    let plain = linear(&x.as_detached_tensor(), &w.as_detached_tensor()).unwrap();
    assert!(!plain.track_op() && y.track_op());
    assert_eq!(flat(&plain), flat(&y));
}
