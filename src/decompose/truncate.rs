//! Dropping components: W' = W - U_r (U_r^T W), U_r the last r left singular vectors of W T.

use candle_core::Tensor;
use faer::{Mat, MatRef};

use super::Factorisation;
use crate::model::ModelError;
use crate::model::kernel::{View, product};

/// W with its smallest r components (by U) dropped, in f64.
pub fn truncated(w: MatRef<f64>, factorisation: &Factorisation, r: usize) -> Mat<f64> {
    let u = factorisation.last(r);
    w - u * (u.transpose() * w)
}

/// What it takes to drop up to `depth` components of one linear, in f32.
#[derive(Debug, Clone)]
pub struct Truncation {
    /// The last `depth` left vectors, [d_out, depth] row-major.
    pub left: Vec<f32>,
    /// U^T W of those, [depth, d_in] row-major.
    pub projected: Vec<f32>,
    /// Most components that can be dropped.
    pub depth: usize,
}

impl Truncation {
    /// Computed in f64, rounded once.
    pub fn new(w: MatRef<f64>, factorisation: &Factorisation, depth: usize) -> Self {
        let u = factorisation.last(depth);
        let projected = super::product(u.transpose(), w);
        let (d_out, d_in) = w.shape();
        let row_major = |rows: usize, cols: usize, at: &dyn Fn(usize, usize) -> f64| {
            (0..rows * cols).map(|i| at(i / cols, i % cols) as f32).collect()
        };
        Self {
            left: row_major(d_out, depth, &|i, j| u[(i, j)]),
            projected: row_major(depth, d_in, &|i, j| projected[(i, j)]),
            depth,
        }
    }

    /// W' for w [d_out, d_in] with `r` components dropped, r <= depth.
    pub fn apply(&self, w: &Tensor, r: usize) -> Result<Tensor, ModelError> {
        if r == 0 {
            return Ok(w.clone());
        }
        let (d_out, d_in) = w.dims2()?;
        let mut out = w.flatten_all()?.to_vec1::<f32>()?;
        let skip = self.depth - r;
        let left = View::new(&self.left[skip..], d_out, r, self.depth);
        let projected = View::new(&self.projected[skip * d_in..], r, d_in, d_in);
        product(&mut out, d_in, 1.0, left, projected, -1.0);
        Ok(Tensor::from_vec(out, (d_out, d_in), w.device())?)
    }
}
