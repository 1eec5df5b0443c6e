//! Taking components away: W' = W - U_r (U_r^T W), U_r the last (or first) r left singular vectors of W T.

use candle_core::Tensor;
use faer::{Mat, MatRef};

use super::{End, Factorisation};
use crate::model::ModelError;
use crate::model::kernel::{View, product};

/// W without the r components at an end, in f64.
pub fn truncated(w: MatRef<f64>, factorisation: &Factorisation, end: End, r: usize) -> Mat<f64> {
    let u = factorisation.vectors(end, r);
    w - u * (u.transpose() * w)
}

/// What it takes to take up to `depth` components away from one linear, in f32.
#[derive(Debug, Clone)]
pub struct Truncation {
    /// Which components.
    pub end: End,
    /// The `depth` left vectors at that end in descending order, [d_out, depth] row-major.
    pub left: Vec<f32>,
    /// U^T W of those, [depth, d_in] row-major.
    pub projected: Vec<f32>,
    /// Most components that can be taken away.
    pub depth: usize,
}

impl Truncation {
    /// Computed in f64, rounded once.
    pub fn new(w: MatRef<f64>, factorisation: &Factorisation, end: End, depth: usize) -> Self {
        let u = factorisation.vectors(end, depth);
        let projected = super::product(u.transpose(), w);
        let (d_out, d_in) = w.shape();
        let row_major = |rows: usize, cols: usize, at: &dyn Fn(usize, usize) -> f64| {
            (0..rows * cols).map(|i| at(i / cols, i % cols) as f32).collect()
        };
        Self {
            end,
            left: row_major(d_out, depth, &|i, j| u[(i, j)]),
            projected: row_major(depth, d_in, &|i, j| projected[(i, j)]),
            depth,
        }
    }

    /// W' for w [d_out, d_in] without `r` components, r <= depth.
    pub fn apply(&self, w: &Tensor, r: usize) -> Result<Tensor, ModelError> {
        if r == 0 {
            return Ok(w.clone());
        }
        let (d_out, d_in) = w.dims2()?;
        let mut out = w.flatten_all()?.to_vec1::<f32>()?;
        let skip = self.end.first(r, self.depth);
        let left = View::new(&self.left[skip..], d_out, r, self.depth);
        let projected = View::new(&self.projected[skip * d_in..], r, d_in, d_in);
        product(&mut out, d_in, 1.0, left, projected, -1.0);
        Ok(Tensor::from_vec(out, (d_out, d_in), w.device())?)
    }
}
