//! The SVD of W T, as far as truncation needs it: left vectors and singular values, checked.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{self, ComputeEigenvectors};
use faer::linalg::svd::{self, ComputeSvdVectors, SvdParams};
use faer::{Auto, Mat, MatRef, Par, Spec};

use super::{DecompositionError, End, product};

/// Singular values of M = W T [d_out, d_in], R = min(d_out, d_in), and left vectors at one end of them.
#[derive(Debug, Clone)]
pub struct Factorisation {
    /// Which end.
    pub end: End,
    /// The `depth` left vectors at that end, [d_out, depth], orthonormal columns in the order of the singular values.
    pub left: Mat<f64>,
    /// S, [R], descending: all of them.
    pub singular: Vec<f64>,
}

/// Largest relative error the check lets pass.
const TOLERANCE: f64 = 1e-8;

/// Size below which faer's divide and conquer hands over to QR iterations. Its default, 128, takes an eighth longer at 576.
const RECURSION: usize = 64;

fn parameters() -> Spec<SvdParams, f64> {
    let defaults: SvdParams = <SvdParams as Auto<f64>>::auto();
    Spec::new(SvdParams { recursion_threshold: RECURSION, ..defaults })
}

impl Factorisation {
    /// Of M, on the calling thread alone: parallelism is over linears.
    pub fn of(m: MatRef<f64>, end: End, depth: usize) -> Result<Self, DecompositionError> {
        let why = match Self::by_svd(m, end, depth) {
            Some(found) => match found.check(m) {
                Ok(()) => return Ok(found),
                Err(why) => why,
            },
            None => "no convergence".into(),
        };
        // The Gram matrix squares the condition number, which is why this comes second; its result is checked as well.
        let found = Self::by_gram(m, end, depth).ok_or(DecompositionError::Svd(why))?;
        found.check(m).map_err(DecompositionError::Svd)?;
        Ok(found)
    }

    /// Bytes that factorising M [rows, cols] takes besides M.
    pub fn memory(rows: usize, cols: usize) -> u64 {
        let (thin, no) = (ComputeSvdVectors::Thin, ComputeSvdVectors::No);
        let scratch = svd::svd_scratch::<f64>(rows, cols, thin, no, Par::Seq, parameters());
        (scratch.unaligned_bytes_required() + 8 * rows * rows.min(cols)) as u64
    }

    fn by_svd(m: MatRef<f64>, end: End, depth: usize) -> Option<Self> {
        let (rows, cols) = m.shape();
        let rank = rows.min(cols);
        let (mut left, mut values) = (Mat::zeros(rows, rank), Diag::<f64>::zeros(rank));
        let (thin, no) = (ComputeSvdVectors::Thin, ComputeSvdVectors::No);
        let need = svd::svd_scratch::<f64>(rows, cols, thin, no, Par::Seq, parameters());
        let mut memory = MemBuffer::new(need);
        let stack = MemStack::new(&mut memory);
        svd::svd(m, values.as_mut(), Some(left.as_mut()), None, Par::Seq, stack, parameters()).ok()?;
        let left = left.subcols(end.first(depth, rank), depth).to_owned();
        Some(Self { end, left, singular: values.column_vector().iter().copied().collect() })
    }

    fn by_gram(m: MatRef<f64>, end: End, depth: usize) -> Option<Self> {
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
        let first = end.first(depth, rank);
        Some(Self {
            end,
            left: Mat::from_fn(rows, depth, |i, j| vectors[(i, rows - 1 - first - j)]),
            singular: (0..rank).map(|j| values[rows - 1 - j].max(0.0).sqrt()).collect(),
        })
    }

    /// The `r` left vectors furthest at the end, [d_out, r], r <= depth.
    pub fn vectors(&self, r: usize) -> MatRef<'_, f64> {
        self.left.subcols(self.end.first(r, self.left.ncols()), r)
    }

    /// U_r orthonormal, and U_r^T M = S_r V_r^T: rows orthogonal, of the lengths the singular values say.
    fn check(&self, m: MatRef<f64>) -> Result<(), String> {
        let (u, depth) = (self.left.as_ref(), self.left.ncols());
        let orthonormal = error(&product(u.transpose(), u), |i| if i < depth { 1.0 } else { 0.0 });
        if orthonormal.is_nan() || orthonormal > TOLERANCE {
            return Err(format!("U^T U differs from the identity by {orthonormal:.1e}"));
        }
        let rows = product(u.transpose(), m);
        let scale = self.singular.first().copied().unwrap_or(0.0).powi(2).max(f64::MIN_POSITIVE);
        let expected = &self.singular[self.end.first(depth, self.singular.len())..];
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
            for end in [End::Smallest, End::Largest] {
                let by = [Factorisation::by_svd, Factorisation::by_gram].map(|by| by(m, end, 2).unwrap());
                assert!(agree(&by[0], &by[1]));
            }
        }
    }

    /// Whether values and the subspaces of 1 and of all vectors are the same.
    fn agree(a: &Factorisation, b: &Factorisation) -> bool {
        let values = a.singular.iter().zip(&b.singular).all(|(a, b)| (a - b).abs() < 1e-7);
        let subspaces = [1, a.left.ncols()].into_iter().all(|r| {
            let (a, b) = (a.vectors(r), b.vectors(r));
            (a * a.transpose() - b * b.transpose()).norm_max() < 1e-7
        });
        values && a.singular.len() == b.singular.len() && subspaces
    }

    #[test]
    fn weights_that_are_not_finite_are_an_error() {
        let mut m = Mat::from_fn(6, 6, |i, j| (i * 6 + j) as f64);
        m[(2, 3)] = f64::NAN;
        assert!(matches!(Factorisation::of(m.as_ref(), End::Smallest, 2), Err(DecompositionError::Svd(_))));
    }
}
