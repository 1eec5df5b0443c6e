//! AdamW as PyTorch computes it, and clipping by the global norm. Moments are plain vectors, which a
//! checkpoint can hold.

use rayon::prelude::*;

/// Elements that a thread updates at a time. Sums of squares are taken over the same pieces, whatever the number of threads.
pub(super) const PIECE: usize = 1 << 16;

/// The numbers of one update.
#[derive(Debug, Clone, Copy)]
pub struct AdamW {
    /// Learning rate.
    pub rate: f64,
    /// Decay of the moments.
    pub betas: (f64, f64),
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// The number of this update, from 1.
    pub step: usize,
    /// Factor of the gradient, from clipping.
    pub scale: f64,
}

/// First and second moment of a parameter's gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Running mean.
    pub first: Vec<f32>,
    /// Running mean of squares.
    pub second: Vec<f32>,
}

impl Moments {
    /// The moments of a parameter of `elements` elements before the first step.
    pub fn zero(elements: usize) -> Self {
        Self { first: vec![0.0; elements], second: vec![0.0; elements] }
    }
}

impl AdamW {
    /// Updates one parameter and its moments.
    pub fn update(&self, parameter: &mut [f32], moments: &mut Moments, gradient: &[f32]) {
        let (b1, b2) = self.betas;
        let correction = |beta: f64| 1.0 - beta.powi(self.step as i32);
        let keep = (1.0 - self.rate * self.weight_decay) as f32;
        let size = (self.rate / correction(b1)) as f32;
        let (root, eps, scale) = (correction(b2).sqrt() as f32, self.eps as f32, self.scale as f32);
        let (w1, b2, w2) = ((1.0 - b1) as f32, b2 as f32, (1.0 - b2) as f32);
        parameter
            .par_chunks_mut(PIECE)
            .zip(moments.first.par_chunks_mut(PIECE))
            .zip(moments.second.par_chunks_mut(PIECE))
            .zip(gradient.par_chunks(PIECE))
            .for_each(|(((parameter, first), second), gradient)| {
                for (((p, m), v), g) in parameter.iter_mut().zip(first).zip(second).zip(gradient) {
                    let g = g * scale;
                    *m += w1 * (g - *m);
                    *v = *v * b2 + w2 * g * g;
                    *p = *p * keep - size * *m / (v.sqrt() / root + eps);
                }
            });
    }
}

/// Euclidean norm over all gradients.
pub fn norm<'a>(gradients: impl IntoIterator<Item = &'a [f32]>) -> f64 {
    let square = |piece: &[f32]| piece.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
    let of_one = |gradient: &[f32]| gradient.par_chunks(PIECE).map(square).collect::<Vec<_>>().iter().sum::<f64>();
    gradients.into_iter().map(of_one).sum::<f64>().sqrt()
}

/// The factor that scales a gradient of norm `norm` down to norm `most`, as PyTorch's `clip_grad_norm_` computes it.
pub fn clipping(norm: f64, most: Option<f64>) -> f64 {
    most.map_or(1.0, |most| (most / (norm + 1e-6)).min(1.0))
}

#[cfg(test)]
mod tests;
