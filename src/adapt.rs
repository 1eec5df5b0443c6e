//! Components of a decomposition as a LoRA adapter; adapters in PEFT's files, and merged into models. Nothing is trained here.
//!
//! With U_r the r left vectors at one end of W T = U S V^T, the adapter is B = U_r sqrt(S_r), A = sqrt(S_r) V_r^T T^-1, and
//! the model keeps W - B A. Since S V^T T^-1 = U^T W, A = S_r^-1/2 U_r^T W: no inverse of T is needed. The smallest
//! components make KPM (knowledge preserved), the largest IPM (instruction previewed); with plain SVD the latter is PiSSA.

use rand_mt::Mt64;
use serde::{Deserialize, Serialize};

use crate::decompose::store::Decomposed;
use crate::model::kernel::{View, product};
use crate::model::shape::Linear;

mod config;
pub mod energy;
mod error;
mod folder;
pub mod merge;
pub mod peft;
mod read;
pub mod residual;

/// The weights of an adapter folder.
const WEIGHTS: &str = "adapter_model.safetensors";
/// Its configuration.
const CONFIG: &str = "adapter_config.json";
/// The prefix that PEFT adds to the name of each linear.
const PREFIX: &str = "base_model.model.";

/// How the singular values are divided between B and A.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Split {
    /// Their square roots to each: B = U sqrt(S), A = sqrt(S) V^T T^-1, as in the official code by default.
    #[default]
    UV,
    /// All to B: B = U S, A = V^T T^-1.
    U,
    /// All to A: B = U, A = S V^T T^-1.
    V,
}

impl Split {
    /// The factors of a column of U, and of the row S V^T T^-1 = U^T W, for a singular value.
    fn factors(self, sigma: f64) -> (f64, f64) {
        match self {
            Self::V => (1.0, 1.0),
            // A component with singular value 0 contributes nothing, since U^T W = 0.
            _ if sigma <= 0.0 => (0.0, 0.0),
            Self::UV => (sigma.sqrt(), 1.0 / sigma.sqrt()),
            Self::U => (sigma, 1.0 / sigma),
        }
    }
}

/// One linear's adapter: y = (W0 + B A) x, scale 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapter {
    /// Hugging Face name of the linear.
    pub linear: String,
    /// Rank r.
    pub rank: usize,
    /// B, [d_out, r] row-major.
    pub b: Vec<f32>,
    /// A, [r, d_in] row-major.
    pub a: Vec<f32>,
}

impl Adapter {
    /// The `rank` outermost components of a decomposition, at most its depth.
    pub fn of_components(decomposed: &Decomposed, rank: usize, split: Split) -> Self {
        let truncation = &decomposed.truncation;
        let depth = truncation.depth;
        let skip = truncation.end.first(rank, depth);
        let first = truncation.end.first(rank, decomposed.singular.len());
        let factors: Vec<_> = decomposed.singular[first..first + rank].iter().map(|&s| split.factors(s)).collect();
        let (d_out, d_in) = (truncation.left.len() / depth.max(1), truncation.projected.len() / depth.max(1));
        let scaled = |x: f32, factor: f64| (f64::from(x) * factor) as f32;
        let b = (0..d_out).flat_map(|i| (0..rank).map(move |j| (i, j)));
        let a = (0..rank).flat_map(|j| (0..d_in).map(move |k| (j, k)));
        Self {
            linear: decomposed.linear.clone(),
            rank,
            b: b.map(|(i, j)| scaled(truncation.left[i * depth + skip + j], factors[j].0)).collect(),
            a: a.map(|(j, k)| scaled(truncation.projected[(skip + j) * d_in + k], factors[j].1)).collect(),
        }
    }

    /// Plain LoRA: A uniform in +-1/sqrt(d_in) (Kaiming's initialisation with a = sqrt(5), as in PEFT), B zero. It depends only on
    /// the seed and the linear's name.
    pub fn lora(linear: &Linear, rank: usize, seed: u64) -> Self {
        let hash = blake3::hash(format!("{seed} {}", linear.name).as_bytes());
        let start = u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("eight of 32 bytes"));
        let mut random = Mt64::new(start);
        let bound = 1.0 / (linear.d_in as f64).sqrt();
        let mut uniform = || {
            // 53 bits make a float in [0, 1).
            let unit = (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
            ((2.0 * unit - 1.0) * bound) as f32
        };
        Self {
            linear: linear.name.clone(),
            rank,
            b: vec![0.0; linear.d_out * rank],
            a: (0..rank * linear.d_in).map(|_| uniform()).collect(),
        }
    }

    /// The adapter of rank 2r which makes of the original base model what this one makes of W - B0 A0, where `start` is B0 A0, the
    /// adapter as initialised: B' A' = B A - B0 A0, A' = [A; A0], B' = [B, -B0]. PEFT converts in the same way.
    pub fn converted(&self, start: &Adapter) -> Self {
        let (r, r0) = (self.rank, start.rank);
        let rows = self.b.chunks_exact(r.max(1)).zip(start.b.chunks_exact(r0.max(1)));
        Self {
            linear: self.linear.clone(),
            rank: r + r0,
            b: rows.flat_map(|(row, row0)| row.iter().copied().chain(row0.iter().map(|x| -x))).collect(),
            a: self.a.iter().chain(&start.a).copied().collect(),
        }
    }

    /// w += scale B A, w [d_out, d_in] row-major.
    pub fn add_to(&self, w: &mut [f32], scale: f32) {
        let (r, d_in) = (self.rank, self.a.len() / self.rank.max(1));
        let d_out = self.b.len() / r.max(1);
        product(w, d_in, 1.0, View::new(&self.b, d_out, r, r), View::new(&self.a, r, d_in, d_in), scale);
    }
}

/// DoRA's weights: scales each row of w = W + B A, [d_out, d_in], to its magnitude, `[d_out]`.
pub fn to_magnitudes(w: &mut [f32], magnitudes: &[f32]) {
    let d_in = w.len() / magnitudes.len().max(1);
    for (row, magnitude) in w.chunks_exact_mut(d_in.max(1)).zip(magnitudes) {
        let norm = row_norm(row);
        row.iter_mut().for_each(|x| *x *= magnitude / norm);
    }
}

/// Euclidean norm of a row, summed in f64.
pub fn row_norm(row: &[f32]) -> f32 {
    row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt() as f32
}

#[cfg(test)]
mod tests;
