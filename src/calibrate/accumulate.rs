//! Sums over samples of Xn^T Xn for one input, in tiles of the lower triangle.
//!
//! Products over a few hundred tokens are f32 (they are exact to about 1e-6), and the sums of these products are f64. Each tile
//! adds the samples in their order, whichever thread computes it, so the result does not depend on the number of threads.

use faer::Mat;

use super::spectrum::spectrum;
use super::{Normalisation, Snapshot, Statistics};
use crate::model::kernel::{View, product};

/// The rows of a tile.
const TILE: usize = 192;

/// The tokens of one f32 product.
const CHUNK: usize = 512;

/// What one sample contributes to the statistics in addition to the covariance.
#[derive(Debug, Clone)]
pub(super) struct Marginals {
    /// The mean over tokens of |X|, [d].
    pub abs_mean: Vec<f64>,
    /// The largest |X|, [d].
    pub abs_max: Vec<f64>,
    /// The largest entry (not the largest absolute value), which the official normalisation uses.
    pub max: f32,
    /// Whether every entry is finite.
    pub finite: bool,
    /// The number of rows of X.
    pub tokens: usize,
}

impl Marginals {
    /// The marginals of x [n, d].
    pub fn of(x: &[f32], d: usize) -> Self {
        let tokens = x.len() / d;
        let (mut sums, mut abs_max) = (vec![0.0f64; d], vec![0.0f32; d]);
        let mut max = f32::NEG_INFINITY;
        for row in x.chunks_exact(d) {
            for ((sum, top), &x) in sums.iter_mut().zip(&mut abs_max).zip(row) {
                *sum += f64::from(x.abs());
                *top = if x.abs() > *top { x.abs() } else { *top };
                max = if x > max { x } else { max };
            }
        }
        // An f64 sum of finite f32 values is finite; one NaN or infinity makes it NaN or infinite.
        let finite = sums.iter().all(|sum| sum.is_finite());
        Self {
            abs_mean: sums.iter().map(|sum| sum / tokens as f64).collect(),
            abs_max: abs_max.into_iter().map(f64::from).collect(),
            max,
            finite,
            tokens,
        }
    }

    /// The factor of X^T X in the covariance.
    fn weight(&self, normalisation: Normalisation) -> f64 {
        match normalisation {
            Normalisation::Max => 1.0 / f64::from(self.max.abs()).powi(2),
            Normalisation::None => 1.0,
        }
    }
}

/// Rows `start..end` of the lower triangle of a d x d sum: columns 0..end, row-major.
pub(super) struct Tile {
    start: usize,
    end: usize,
    sums: Vec<(Normalisation, Vec<f64>)>,
    taken: Vec<(Snapshot, Vec<f64>)>,
    product: Vec<f32>,
}

impl Tile {
    /// The tiles that cover one input of width d.
    pub fn cover(d: usize, normalisations: &[Normalisation]) -> Vec<Tile> {
        (0..d)
            .step_by(TILE)
            .map(|start| {
                let end = (start + TILE).min(d);
                let sums = normalisations.iter().map(|&n| (n, vec![0.0; (end - start) * end])).collect();
                Tile { start, end, sums, taken: Vec::new(), product: Vec::new() }
            })
            .collect()
    }

    /// Adds sample `index`, counted from 0, with x [n, d], then takes those of the `snapshots` that end with it.
    pub fn add(&mut self, index: usize, x: &[f32], d: usize, marginals: &Marginals, snapshots: &[Snapshot]) {
        let (rows, cols) = (self.end - self.start, self.end);
        self.product.resize(rows * cols, 0.0);
        for x in x.chunks(CHUNK * d) {
            let n = x.len() / d;
            let left = View::new(&x[self.start..], n, rows, d);
            product(&mut self.product, cols, 0.0, left.t(), View::new(x, n, cols, d), 1.0);
            for (normalisation, sum) in &mut self.sums {
                let weight = marginals.weight(*normalisation);
                for (sum, &x) in sum.iter_mut().zip(&self.product) {
                    *sum += weight * f64::from(x);
                }
            }
        }
        for snapshot in snapshots.iter().filter(|snapshot| snapshot.samples == index + 1) {
            let sum = self.sums.iter().find(|(n, _)| *n == snapshot.normalisation);
            self.taken.extend(sum.map(|(_, sum)| (*snapshot, sum.clone())));
        }
    }

    /// The sum of a snapshot after `samples` samples: the copy that was taken, or the current sum if no sample came after it.
    fn sum(&self, snapshot: Snapshot, samples: usize) -> Option<&[f64]> {
        let taken = self.taken.iter().find(|(taken, _)| *taken == snapshot).map(|(_, sum)| sum);
        let standing = || self.sums.iter().find(|(n, _)| *n == snapshot.normalisation).map(|(_, sum)| sum);
        taken.or_else(|| if snapshot.samples == samples { standing() } else { None }).map(Vec::as_slice)
    }
}

/// The statistics of a snapshot from the tiles and marginals of its samples; `None` if the covariance is not positive
/// semi-definite.
pub(super) fn statistics(d: usize, tiles: &[Tile], marginals: &[Marginals], snapshot: Snapshot) -> Option<Statistics> {
    let count = snapshot.samples as f64;
    let mut covariance = Mat::zeros(d, d);
    for tile in tiles {
        let sum = tile.sum(snapshot, marginals.len())?;
        for (i, row) in (tile.start..tile.end).zip(sum.chunks_exact(tile.end)) {
            for (j, &sum) in row[..=i].iter().enumerate() {
                covariance[(i, j)] = sum / count;
                covariance[(j, i)] = sum / count;
            }
        }
    }
    let mut abs_mean = vec![0.0; d];
    let mut abs_max = vec![0.0f64; d];
    let used = &marginals[..snapshot.samples];
    for sample in used {
        abs_mean.iter_mut().zip(&sample.abs_mean).for_each(|(sum, x)| *sum += x);
        abs_max.iter_mut().zip(&sample.abs_max).for_each(|(top, x)| *top = top.max(*x));
    }
    Some(Statistics {
        spectrum: spectrum(&covariance)?,
        covariance,
        abs_mean,
        abs_max,
        samples: snapshot.samples as u64,
        tokens: used.iter().map(|sample| sample.tokens as u64).sum(),
    })
}

#[cfg(test)]
mod tests;
