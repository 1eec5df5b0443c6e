//! The energy of an adapter: how much of a linear's weights, and of its output on a text, its components carry.
//!
//! B A = U (U^T W) with orthonormal U, so ||B A||_F^2 is the sum over components of the squares of their rows p = u^T W, and
//! the energy of the adapter's output on inputs X, ||B A X^T||_F^2, the sum of p C p^T with C = X^T X.

use faer::{Mat, MatRef};

use crate::decompose::{product, truncate::Truncation};

/// A total and its parts by component, in the order of the components.
#[derive(Debug, Clone, PartialEq)]
pub struct Energy {
    /// The energy of the whole linear.
    pub total: f64,
    /// The energy of each component.
    pub components: Vec<f64>,
}

impl Energy {
    /// The fraction of the total in the components `range`; 0 if the total is 0.
    pub fn share(&self, range: std::ops::Range<usize>) -> f64 {
        let part: f64 = self.components[range].iter().sum();
        if self.total > 0.0 { part / self.total } else { 0.0 }
    }

    /// The energies of the weights: ||W||_F^2 and ||u u^T W||_F^2, w [d_out, d_in].
    pub fn of_weights(w: MatRef<f64>, truncation: &Truncation) -> Self {
        let p = rows(truncation, w.ncols());
        Self { total: w.squared_norm_l2(), components: (0..p.nrows()).map(|i| p.row(i).squared_norm_l2()).collect() }
    }

    /// The energies of the output on a text: tr(W C W^T) and p C p^T, c [d_in, d_in] the text's covariance.
    pub fn of_output(w: MatRef<f64>, truncation: &Truncation, c: MatRef<f64>) -> Self {
        let p = rows(truncation, w.ncols());
        let components = diagonal_of_quadratic(p.as_ref(), c);
        Self { total: diagonal_of_quadratic(w, c).iter().sum(), components }
    }
}

/// The rows U^T W in f64, [depth, d_in].
fn rows(truncation: &Truncation, d_in: usize) -> Mat<f64> {
    Mat::from_fn(truncation.depth, d_in, |i, j| f64::from(truncation.projected[i * d_in + j]))
}

/// The diagonal of m c m^T.
fn diagonal_of_quadratic(m: MatRef<f64>, c: MatRef<f64>) -> Vec<f64> {
    let mc = product(m, c);
    (0..m.nrows()).map(|i| mc.row(i) * m.row(i).transpose()).collect()
}

#[cfg(test)]
mod tests;
