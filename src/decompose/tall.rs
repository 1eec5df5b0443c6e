//! A tall W [d_out, d_in] as Q R: then W T = Q (R T), so that weighing, the SVD and U^T W all work on R [d_in, d_in], and Q
//! meets only the vectors that are kept. For 1,536 x 576 that takes three quarters of the time.

use std::borrow::Cow;

use faer::{Mat, MatRef};

use super::householder::{Reflections, qr};

/// Rows for each column above which W counts as tall.
const TALL: f64 = 1.5;

/// W, and where it is tall its Q R.
pub struct Tall<'a> {
    w: MatRef<'a, f64>,
    qr: Option<(Reflections, Mat<f64>)>,
}

/// Whether a matrix is.
pub fn is_tall(rows: usize, cols: usize) -> bool {
    rows as f64 > TALL * cols as f64
}

impl<'a> Tall<'a> {
    /// Of W, on the calling thread alone.
    pub fn of(w: MatRef<'a, f64>) -> Self {
        Self { w, qr: is_tall(w.nrows(), w.ncols()).then(|| qr(w)) }
    }

    /// R where W is tall, otherwise W: what is weighed and factorised.
    pub fn core(&self) -> MatRef<'_, f64> {
        self.qr.as_ref().map_or(self.w, |(_, r)| r.as_ref())
    }

    /// Left vectors of the core, [core rows, r], as those of W T, [d_out, r].
    pub fn lift<'b>(&self, vectors: &'b Mat<f64>) -> Cow<'b, Mat<f64>> {
        match &self.qr {
            Some((q, _)) => Cow::Owned(q.apply(vectors.as_ref())),
            None => Cow::Borrowed(vectors),
        }
    }
}
