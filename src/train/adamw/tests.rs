use candle_core::{Device, Tensor, Var};
use candle_nn::{AdamW as Candle, Optimizer, ParamsAdamW};

use super::*;

#[test]
fn updates_are_candles() {
    let n = PIECE + 77;
    let start: Vec<f32> = (0..n).map(|i| (i as f32 * 0.37).sin()).collect();
    let var = Var::from_slice(&start, n, &Device::Cpu).unwrap();
    let params = ParamsAdamW { lr: 0.01, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1 };
    let mut candle = Candle::new(vec![var.clone()], params).unwrap();
    let (mut ours, mut moments) = (start, Moments::zero(n));
    for step in 1..=6 {
        let gradient: Vec<f32> = (0..n).map(|i| (i as f32 * 0.11 + step as f32).cos()).collect();
        let wanted = Tensor::from_slice(&gradient, n, &Device::Cpu).unwrap();
        candle.backward_step(&(var.as_tensor() * wanted).unwrap().sum_all().unwrap()).unwrap();
        // A gradient twice as long, halved.
        let doubled: Vec<f32> = gradient.iter().map(|g| 2.0 * g).collect();
        let adamw = AdamW { rate: 0.01, betas: (0.9, 0.95), eps: 1e-8, weight_decay: 0.1, step, scale: 0.5 };
        adamw.update(&mut ours, &mut moments, &doubled);
        let theirs = var.to_vec1::<f32>().unwrap();
        let worst = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-6, "step {step}: {worst}");
    }
}

#[test]
fn long_gradients_are_cut_to_length_and_short_ones_left() {
    let gradients: [&[f32]; 2] = [&[3.0, 0.0], &[4.0]];
    assert_eq!(norm(gradients), 5.0);
    assert!((clipping(5.0, Some(1.0)) - 0.2).abs() < 1e-7);
    assert_eq!((clipping(0.5, Some(1.0)), clipping(5.0, None)), (1.0, 1.0));
}
