//! The SVD of W T as far as truncation needs it: all singular values and the left vectors at one end, both checked.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{self, ComputeEigenvectors};
use faer::linalg::svd::{self, ComputeSvdVectors, SvdParams};
use faer::{Auto, Mat, MatRef, Par, Spec};

use super::bidiagonal::Bidiagonal;
use super::householder::{bidiagonalise, qr};
use super::{DecompositionError, End, product};

/// The singular values of M = W T [d_out, d_in], R = min(d_out, d_in), and the left vectors at one end of them.
#[derive(Debug, Clone)]
pub struct Factorisation {
    /// The end.
    pub end: End,
    /// The `depth` left vectors at that end, [d_out, depth], orthonormal columns in the order of the singular values.
    pub left: Mat<f64>,
    /// All singular values, `[R]`, descending.
    pub singular: Vec<f64>,
}

/// The largest relative error that the check accepts.
const TOLERANCE: f64 = 1e-8;

/// The size below which faer's divide and conquer switches to QR iterations. The default, 128, takes an eighth longer at 576.
const RECURSION: usize = 64;

/// Whether so few vectors are wanted that computing only those is faster than computing all of them.
fn is_few(depth: usize, rank: usize) -> bool {
    0 < rank && 4 * depth <= 3 * rank
}

fn parameters() -> Spec<SvdParams, f64> {
    let defaults: SvdParams = <SvdParams as Auto<f64>>::auto();
    Spec::new(SvdParams { recursion_threshold: RECURSION, ..defaults })
}

impl Factorisation {
    /// The factorisation of M, on the calling thread: linears are processed in parallel.
    pub fn of(m: MatRef<f64>, end: End, depth: usize) -> Result<Self, DecompositionError> {
        let few = is_few(depth, m.nrows().min(m.ncols()));
        // The Gram matrix comes last because it squares the condition number. The first result that passes the check is taken.
        let ways = [Self::by_bidiagonal, Self::by_svd, Self::by_gram];
        let mut why = String::new();
        for way in &ways[usize::from(!few)..] {
            match way(m, end, depth).map(|found| found.check(m).map(|()| found)) {
                Some(Ok(found)) => return Ok(found),
                Some(Err(failed)) => why = failed,
                None => why = "no convergence".into(),
            }
        }
        Err(DecompositionError::Svd(why))
    }

    /// The bytes that factorising M [rows, cols] takes in addition to M.
    pub fn memory(rows: usize, cols: usize, depth: usize) -> u64 {
        let rank = rows.min(cols);
        if is_few(depth, rank) {
            // First, for a wide M, its transpose and R; then the matrix that is reduced and the reflections; then the
            // reflections and three copies of the vectors: as found, orthonormalised, and transformed back.
            let r = rank * rank;
            let (rows, square, wide) = if cols > rows { (rank, r, rows * cols + r) } else { (rows, 0, 0) };
            let reduced = square + 2 * rows * rank;
            let vectors = square + rows * rank + 3 * rows * depth;
            return 8 * wide.max(reduced).max(vectors) as u64;
        }
        let (thin, no) = (ComputeSvdVectors::Thin, ComputeSvdVectors::No);
        let scratch = svd::svd_scratch::<f64>(rows, cols, thin, no, Par::Seq, parameters());
        (scratch.unaligned_bytes_required() + 8 * rows * rank) as u64
    }

    /// For few vectors: M = Q B P^T, all singular values of B, and only the left vectors that are wanted.
    fn by_bidiagonal(m: MatRef<f64>, end: End, depth: usize) -> Option<Self> {
        let (rows, cols) = m.shape();
        // With M^T = Q R, M has the left vectors of R^T, which is square.
        let square = (cols > rows).then(|| qr(m.transpose()).1);
        let (q, diagonal, above) = bidiagonalise(square.as_ref().map_or(m, |r| r.transpose()));
        let b = Bidiagonal::new(&diagonal, &above)?;
        let singular = b.singular();
        let first = end.first(depth, singular.len());
        // If values almost coincide, the vectors span the right space but are not orthogonal yet.
        let (basis, _) = qr(b.left(&singular[first..first + depth]).as_ref());
        let vectors = basis.apply(Mat::identity(depth, depth).as_ref());
        Some(Self { end, left: q.apply(vectors.as_ref()), singular })
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

    /// The outermost `r` left vectors at the end, [d_out, r], r <= depth.
    pub fn vectors(&self, r: usize) -> MatRef<'_, f64> {
        self.left.subcols(self.end.first(r, self.left.ncols()), r)
    }

    /// Checks that U is orthonormal; that the rows of U^T M = S V^T are orthogonal with the singular values as their lengths; and
    /// that the squares of all singular values add up to the squared norm of M.
    fn check(&self, m: MatRef<f64>) -> Result<(), String> {
        let (u, depth) = (self.left.as_ref(), self.left.ncols());
        let orthonormal = error(&product(u.transpose(), u), |i| if i < depth { 1.0 } else { 0.0 });
        within(orthonormal, "U^T U differs from the identity by")?;
        let rows = product(u.transpose(), m);
        let scale = self.singular.first().copied().unwrap_or(0.0).powi(2).max(f64::MIN_POSITIVE);
        let expected = &self.singular[self.end.first(depth, self.singular.len())..];
        let residual = error(&product(rows.as_ref(), rows.transpose()), |i| expected[i] * expected[i]) / scale;
        within(residual, "the squared singular values are off, of the largest, by")?;
        let largest = scale.sqrt();
        let lengths = rows.row_iter().zip(expected).map(|(row, s)| (row.norm_l2() - s).abs() / largest);
        within(lengths.fold(0.0, f64::max), "the singular values are off, of the largest, by")?;
        let (all, of_m) = (self.singular.iter().map(|s| s * s).sum::<f64>(), m.squared_norm_l2());
        within((all - of_m).abs() / scale / self.singular.len().max(1) as f64, "S and M differ in length by")
    }
}

fn within(error: f64, what: &str) -> Result<(), String> {
    if error.is_nan() || error > TOLERANCE { Err(format!("{what} {error:.1e}")) } else { Ok(()) }
}

/// The largest difference between a square matrix and the diagonal matrix `diagonal`; NaN if any entry is NaN.
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
mod tests;
