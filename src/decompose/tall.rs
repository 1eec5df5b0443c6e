//! A tall W [d_out, d_in] as Q R: then W T = Q (R T), so that weighing, the SVD and U^T W all work on R [d_in, d_in], and Q
//! meets only the vectors that are kept. For 1,536 x 576 that takes three quarters of the time.

use std::borrow::Cow;

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as apply_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply,
};
use faer::linalg::qr::no_pivoting::factor;
use faer::{Conj, Mat, MatRef, Par};

/// Rows for each column above which W counts as tall.
const TALL: f64 = 1.5;

/// W, and where it is tall its Q R.
pub struct Tall<'a> {
    w: MatRef<'a, f64>,
    qr: Option<Qr>,
}

/// Householder vectors and their coefficients, and R.
struct Qr {
    basis: Mat<f64>,
    coefficients: Mat<f64>,
    r: Mat<f64>,
}

/// Whether a matrix is.
pub fn is_tall(rows: usize, cols: usize) -> bool {
    rows as f64 > TALL * cols as f64
}

impl<'a> Tall<'a> {
    /// Of W, on the calling thread alone.
    pub fn of(w: MatRef<'a, f64>) -> Self {
        let (rows, cols) = w.shape();
        if !is_tall(rows, cols) {
            return Self { w, qr: None };
        }
        let block = factor::recommended_block_size::<f64>(rows, cols);
        let (mut basis, mut coefficients) = (w.to_owned(), Mat::zeros(block, cols));
        let need = factor::qr_in_place_scratch::<f64>(rows, cols, block, Par::Seq, Default::default());
        let mut memory = MemBuffer::new(need);
        let stack = MemStack::new(&mut memory);
        factor::qr_in_place(basis.as_mut(), coefficients.as_mut(), Par::Seq, stack, Default::default());
        let r = Mat::from_fn(cols, cols, |i, j| if i <= j { basis[(i, j)] } else { 0.0 });
        Self { w, qr: Some(Qr { basis, coefficients, r }) }
    }

    /// R where W is tall, otherwise W: what is weighed and factorised.
    pub fn core(&self) -> MatRef<'_, f64> {
        self.qr.as_ref().map_or(self.w, |qr| qr.r.as_ref())
    }

    /// Left vectors of the core, [core rows, r], as those of W T, [d_out, r].
    pub fn lift<'b>(&self, vectors: &'b Mat<f64>) -> Cow<'b, Mat<f64>> {
        let Some(Qr { basis, coefficients, r }) = &self.qr else { return Cow::Borrowed(vectors) };
        let (rows, count) = (basis.nrows(), vectors.ncols());
        let mut lifted = Mat::zeros(rows, count);
        lifted.submatrix_mut(0, 0, r.nrows(), count).copy_from(vectors);
        let mut memory = MemBuffer::new(apply_scratch::<f64>(rows, coefficients.nrows(), count));
        let stack = MemStack::new(&mut memory);
        apply(basis.as_ref(), coefficients.as_ref(), Conj::No, lifted.as_mut(), Par::Seq, stack);
        Cow::Owned(lifted)
    }
}
