//! Truncation: W' = W - U_r (U_r^T W), with U_r the last (or first) r left singular vectors of W T.

use candle_core::Tensor;
use faer::{Mat, MatRef};

use super::tall::Tall;
use super::{End, Factorisation};
use crate::model::ModelError;
use crate::model::kernel::{View, product};

/// W without the r components at the end of the factorisation, in f64.
pub fn truncated(w: MatRef<f64>, factorisation: &Factorisation, r: usize) -> Mat<f64> {
    let u = factorisation.vectors(r);
    w - u * (u.transpose() * w)
}

/// The factors that remove up to `depth` components from one linear, in f32.
#[derive(Debug, Clone)]
pub struct Truncation {
    /// The end at which components are removed.
    pub end: End,
    /// The `depth` left vectors at that end in descending order, [d_out, depth] row-major.
    pub left: Vec<f32>,
    /// U^T W for these vectors, [depth, d_in] row-major.
    pub projected: Vec<f32>,
    /// The largest number of components that can be removed.
    pub depth: usize,
}

impl Truncation {
    /// From W and the factorisation of its weighed core; computed in f64 and rounded once.
    pub fn new(w: &Tall, factorisation: &Factorisation) -> Self {
        let u = &factorisation.left;
        // (Q U)^T Q R = U^T R.
        let projected = super::product(u.transpose(), w.core());
        Self {
            end: factorisation.end,
            left: row_major(w.lift(u).as_ref().as_ref()),
            projected: row_major(projected.as_ref()),
            depth: u.ncols(),
        }
    }

    /// W': w [d_out, d_in] without `r` components, r <= depth.
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

fn row_major(m: MatRef<f64>) -> Vec<f32> {
    (0..m.nrows()).flat_map(|i| m.row(i).iter().map(|x| *x as f32)).collect()
}
