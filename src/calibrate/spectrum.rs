//! A summary of the eigenvalues of a covariance without computing all of them: both ends by Lanczos' method, the effective rank
//! from two norms.
//!
//! Computing all eigenvalues of a 1,536-wide covariance takes longer than its share of the forward pass.

use faer::linalg::solvers::Solve;
use faer::{Col, Mat, Side};

use super::Spectrum;

/// The largest number of steps of Lanczos' method. The ends converge first, in 10 to 40 steps on real covariances.
const MOST_STEPS: usize = 200;

/// Steps between computations of the Ritz values.
const LOOK_EVERY: usize = 5;

/// The relative change of a Ritz value below which it counts as converged.
const TOLERANCE: f64 = 1e-9;

/// Shifts that make a singular covariance definite, relative to its largest eigenvalue; they are subtracted again. The first
/// exceeds what the rounding of f32 products may have put below zero.
const SHIFTS: [f64; 3] = [1e-6, 1e-5, 1e-4];

/// C + lambda I.
pub fn shifted(c: &Mat<f64>, lambda: f64) -> Mat<f64> {
    let mut out = c.clone();
    for i in 0..c.nrows() {
        out[(i, i)] += lambda;
    }
    out
}

/// The spectrum of a symmetric positive semi-definite matrix; `None` if it is not one (if an entry is not finite, for example).
pub(super) fn spectrum(c: &Mat<f64>) -> Option<Spectrum> {
    let d = c.nrows();
    let trace: f64 = c.diagonal().column_vector().iter().sum();
    if trace == 0.0 {
        return Some(Spectrum { largest: 0.0, smallest: 0.0, effective_rank: 0.0 });
    }
    let top = largest(d, |v| c * v)?;
    let (shift, cholesky) = SHIFTS.iter().find_map(|share| {
        let shift = share * top;
        Some((shift, shifted(c, shift).llt(Side::Lower).ok()?))
    })?;
    Some(Spectrum {
        largest: top,
        smallest: 1.0 / largest(d, |v| cholesky.solve(v))? - shift,
        effective_rank: trace * trace / c.squared_norm_l2(),
    })
}

/// The largest eigenvalue of a symmetric operator, by Lanczos' method with full reorthogonalisation from a fixed start.
fn largest(d: usize, apply: impl Fn(&Col<f64>) -> Col<f64>) -> Option<f64> {
    // Golden-ratio steps: no eigenvector of a real covariance is orthogonal to that.
    let start = Col::from_fn(d, |i| (i as f64 * 0.618_033_988_749_895).fract() - 0.45);
    let mut basis = vec![&start * faer::Scale(1.0 / start.norm_l2())];
    let (mut diagonal, mut beside): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut before = f64::NAN;
    loop {
        let k = diagonal.len();
        let mut next = apply(&basis[k]);
        diagonal.push(basis[k].transpose() * &next);
        // Twice is enough (Kahan): the second pass removes what rounding leaves after the first.
        for _ in 0..2 {
            for v in &basis {
                let along = v.transpose() * &next;
                next -= v * faer::Scale(along);
            }
        }
        let rest = next.norm_l2();
        if !rest.is_finite() {
            return None;
        }
        let scale = diagonal.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        let ends = k + 1 == d.min(MOST_STEPS) || rest <= f64::EPSILON * scale;
        if ends || (k + 1).is_multiple_of(LOOK_EVERY) {
            let ritz = largest_tridiagonal(&diagonal, &beside)?;
            if ends || (ritz - before).abs() <= TOLERANCE * ritz.abs() {
                return Some(ritz);
            }
            before = ritz;
        }
        beside.push(rest);
        basis.push(next * faer::Scale(1.0 / rest));
    }
}

fn largest_tridiagonal(diagonal: &[f64], beside: &[f64]) -> Option<f64> {
    let n = diagonal.len();
    let t = Mat::from_fn(n, n, |i, j| match i.abs_diff(j) {
        0 => diagonal[i],
        1 => beside[i.min(j)],
        _ => 0.0,
    });
    t.self_adjoint_eigenvalues(Side::Lower).ok()?.last().copied()
}

#[cfg(test)]
mod tests;
