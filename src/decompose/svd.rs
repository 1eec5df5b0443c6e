//! The SVD of W T, as far as truncation needs it: left vectors and singular values, checked.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{self, ComputeEigenvectors};
use faer::linalg::svd::{self, ComputeSvdVectors};
use faer::{Mat, MatRef, Par};

use super::{DecompositionError, End, product};

/// Left vectors and singular values of M = W T [d_out, d_in], R = min(d_out, d_in).
#[derive(Debug, Clone)]
pub struct Factorisation {
    /// U, [d_out, R], orthonormal columns in the order of the singular values.
    pub left: Mat<f64>,
    /// S, [R], descending.
    pub singular: Vec<f64>,
}

/// Largest relative error the check lets pass.
const TOLERANCE: f64 = 1e-8;

impl Factorisation {
    /// Of M, on the calling thread alone: parallelism is over linears. The `depth` vectors at that end are checked, those
    /// that are used.
    pub fn of(m: MatRef<f64>, end: End, depth: usize) -> Result<Self, DecompositionError> {
        let first = Self::by_svd(m);
        let why = match &first {
            Some(found) => match found.check(m, end, depth) {
                Ok(()) => return Ok(first.expect("just matched")),
                Err(why) => why,
            },
            None => "no convergence".into(),
        };
        // The Gram matrix squares the condition number, which is why this comes second; its result is checked as well.
        let found = Self::by_gram(m).ok_or(DecompositionError::Svd(why))?;
        found.check(m, end, depth).map_err(DecompositionError::Svd)?;
        Ok(found)
    }

    fn by_svd(m: MatRef<f64>) -> Option<Self> {
        let (rows, cols) = m.shape();
        let rank = rows.min(cols);
        let (mut left, mut values) = (Mat::zeros(rows, rank), Diag::<f64>::zeros(rank));
        let (thin, no) = (ComputeSvdVectors::Thin, ComputeSvdVectors::No);
        let need = svd::svd_scratch::<f64>(rows, cols, thin, no, Par::Seq, Default::default());
        let mut memory = MemBuffer::new(need);
        let stack = MemStack::new(&mut memory);
        svd::svd(m, values.as_mut(), Some(left.as_mut()), None, Par::Seq, stack, Default::default()).ok()?;
        Some(Self { left, singular: values.column_vector().iter().copied().collect() })
    }

    fn by_gram(m: MatRef<f64>) -> Option<Self> {
        let (rows, cols) = m.shape();
        let gram = product(m, m.transpose());
        let (mut vectors, mut values) = (Mat::zeros(rows, rows), Diag::<f64>::zeros(rows));
        let need = evd::self_adjoint_evd_scratch::<f64>(rows, ComputeEigenvectors::Yes, Par::Seq, Default::default());
        let mut memory = MemBuffer::new(need);
        let stack = MemStack::new(&mut memory);
        evd::self_adjoint_evd(
            gram.as_ref(),
            values.as_mut(),
            Some(vectors.as_mut()),
            Par::Seq,
            stack,
            Default::default(),
        )
        .ok()?;
        // Eigenvalues ascend; singular values descend.
        let rank = rows.min(cols);
        let values: Vec<f64> = values.column_vector().iter().copied().collect();
        Some(Self {
            left: Mat::from_fn(rows, rank, |i, j| vectors[(i, rows - 1 - j)]),
            singular: (0..rank).map(|j| values[rows - 1 - j].max(0.0).sqrt()).collect(),
        })
    }

    /// The `r` left vectors at an end, [d_out, r].
    pub fn vectors(&self, end: End, r: usize) -> MatRef<'_, f64> {
        self.left.subcols(end.first(r, self.left.ncols()), r)
    }

    /// The `r` singular values at an end, descending.
    pub fn values(&self, end: End, r: usize) -> &[f64] {
        let first = end.first(r, self.singular.len());
        &self.singular[first..first + r]
    }

    /// U_r orthonormal, and U_r^T M = S_r V_r^T: rows orthogonal, of the lengths the singular values say.
    fn check(&self, m: MatRef<f64>, end: End, depth: usize) -> Result<(), String> {
        let u = self.vectors(end, depth);
        let orthonormal = error(&product(u.transpose(), u), |i| if i < depth { 1.0 } else { 0.0 });
        if orthonormal.is_nan() || orthonormal > TOLERANCE {
            return Err(format!("U^T U differs from the identity by {orthonormal:.1e}"));
        }
        let rows = product(u.transpose(), m);
        let scale = self.singular.first().copied().unwrap_or(0.0).powi(2).max(f64::MIN_POSITIVE);
        let expected = self.values(end, depth);
        let residual = error(&product(rows.as_ref(), rows.transpose()), |i| expected[i] * expected[i]) / scale;
        if residual.is_nan() || residual > TOLERANCE {
            return Err(format!("the singular values are off by {residual:.1e} of the largest squared"));
        }
        Ok(())
    }
}

/// Largest difference of a square matrix to the diagonal matrix `diagonal`; NaN where any entry is.
fn error(m: &Mat<f64>, diagonal: impl Fn(usize) -> f64) -> f64 {
    let mut worst = 0.0f64;
    for j in 0..m.ncols() {
        for i in 0..m.nrows() {
            let e = (m[(i, j)] - if i == j { diagonal(i) } else { 0.0 }).abs();
            if e.is_nan() {
                return f64::NAN;
            }
            worst = worst.max(e);
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fallback_gives_the_same_subspace() {
        // Well separated singular values: the subspace is then well determined.
        let m = Mat::from_fn(7, 5, |i, j| {
            ((i * 7 + j * 3) as f64 * 1.7).sin() + if i == j { (3 * i + 2) as f64 } else { 0.0 }
        });
        for m in [m.as_ref(), m.transpose()] {
            let (a, b) = (Factorisation::by_svd(m).unwrap(), Factorisation::by_gram(m).unwrap());
            for (a, b) in a.singular.iter().zip(&b.singular) {
                assert!((a - b).abs() < 1e-7);
            }
            let (a, b) = (a.vectors(End::Smallest, 2), b.vectors(End::Smallest, 2));
            let difference = a * a.transpose() - b * b.transpose();
            assert!(difference.norm_max() < 1e-7);
        }
    }

    #[test]
    fn weights_that_are_not_finite_are_an_error() {
        let mut m = Mat::from_fn(6, 6, |i, j| (i * 6 + j) as f64);
        m[(2, 3)] = f64::NAN;
        assert!(matches!(Factorisation::of(m.as_ref(), End::Smallest, 2), Err(DecompositionError::Svd(_))));
    }
}
