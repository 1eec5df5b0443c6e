//! Products of Householder reflections: the QR decomposition and the reduction to bidiagonal form. Everything runs on the
//! calling thread: linears are processed in parallel.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as apply_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply,
};
use faer::linalg::qr::no_pivoting::factor;
use faer::{Conj, Mat, MatRef, Par};
use multiversion::multiversion;

use super::product;

/// An orthogonal Q [rows, rows] in faer's representation: reflections I - v v^T / tau, where v is 1 on the diagonal of `basis`
/// [rows, cols] and the column below it, and a triangle of coefficients for each block of columns.
pub struct Reflections {
    basis: Mat<f64>,
    coefficients: Mat<f64>,
}

impl Reflections {
    /// Q V, [rows, count], for V [at most rows, count], which is extended by zeros below.
    pub fn apply(&self, vectors: MatRef<f64>) -> Mat<f64> {
        let count = vectors.ncols();
        let mut out = Mat::zeros(self.basis.nrows(), count);
        out.subrows_mut(0, vectors.nrows()).copy_from(vectors);
        let need = apply_scratch::<f64>(self.basis.nrows(), self.coefficients.nrows(), count);
        let mut memory = MemBuffer::new(need);
        let stack = MemStack::new(&mut memory);
        apply(self.basis.as_ref(), self.coefficients.as_ref(), Conj::No, out.as_mut(), Par::Seq, stack);
        out
    }

    /// From the basis alone: tau = v^T v / 2 on the diagonal, and the products of different v above it (Puglisi 1992).
    fn of(basis: Mat<f64>) -> Self {
        let (rows, cols) = basis.shape();
        let block = factor::recommended_block_size::<f64>(rows, cols);
        let mut coefficients = Mat::zeros(block, cols);
        for j in (0..cols).step_by(block) {
            let count = block.min(cols - j);
            let v = Mat::from_fn(rows - j, count, |i, k| match i.cmp(&k) {
                std::cmp::Ordering::Less => 0.0,
                std::cmp::Ordering::Equal => 1.0,
                std::cmp::Ordering::Greater => basis[(j + i, j + k)],
            });
            let products = product(v.transpose(), v.as_ref());
            for k in 0..count {
                // The last reflection of a square basis is the identity, which faer leaves out.
                coefficients[(k, j + k)] = if j + k + 1 < rows { products[(k, k)] / 2.0 } else { f64::INFINITY };
                for i in 0..k {
                    coefficients[(i, j + k)] = products[(i, k)];
                }
            }
        }
        Self { basis, coefficients }
    }
}

/// A = Q R for A [rows, cols], rows >= cols: Q, and R [cols, cols].
pub fn qr(a: MatRef<f64>) -> (Reflections, Mat<f64>) {
    let (rows, cols) = a.shape();
    let block = factor::recommended_block_size::<f64>(rows, cols);
    let (mut basis, mut coefficients) = (a.to_owned(), Mat::zeros(block, cols));
    let need = factor::qr_in_place_scratch::<f64>(rows, cols, block, Par::Seq, Default::default());
    let mut memory = MemBuffer::new(need);
    let stack = MemStack::new(&mut memory);
    factor::qr_in_place(basis.as_mut(), coefficients.as_mut(), Par::Seq, stack, Default::default());
    let r = Mat::from_fn(cols, cols, |i, j| if i <= j { basis[(i, j)] } else { 0.0 });
    (Reflections { basis, coefficients }, r)
}

/// The rows that a loop takes at once, and the columns that share what it reads from u and z.
const LANES: usize = 4;
const COLUMNS: usize = 4;

type Rows = [f64; LANES];

/// A = Q B P^T for A [rows, cols], rows >= cols >= 1: Q, and the diagonal [cols] and superdiagonal [cols - 1] of B.
///
/// Golub and Kahan's reduction. Step k reflects column k by u and then row k by v, which subtracts u y^T + z v^T from the
/// remaining part of A. The subtraction is deferred to step k + 1, whose products with A read the same numbers: A is read once
/// per step, and not twice as in faer.
pub fn bidiagonalise(a: MatRef<f64>) -> (Reflections, Vec<f64>, Vec<f64>) {
    let (rows, cols) = a.shape();
    let stride = rows.next_multiple_of(LANES);
    let mut columns = vec![0.0; stride * cols];
    for (column, from) in columns.chunks_exact_mut(stride).zip(a.col_iter()) {
        column.iter_mut().zip(from.iter()).for_each(|(x, from)| *x = *from);
    }
    let (mut diagonal, mut above) = (Vec::with_capacity(cols), Vec::with_capacity(cols - 1));
    let [mut before, mut u, mut z, mut along] = std::array::from_fn(|_| vec![0.0; stride]);
    let [mut y, mut v, mut row] = std::array::from_fn(|_| vec![0.0; cols]);
    for k in 0..cols {
        let (done, rest) = columns.split_at_mut((k + 1) * stride);
        let column = &mut done[k * stride..];
        for i in k..rows {
            column[i] -= before[i] * y[k] + z[i] * v[k];
        }
        diagonal.push(if k + 1 < rows { reflect(&mut column[k..rows]) } else { column[k] });
        u[k] = 1.0;
        u[k + 1..rows].copy_from_slice(&column[k + 1..rows]);
        if k + 1 == cols {
            break;
        }
        let step = Step { stride, from: k / LANES * LANES, head: k % LANES, tau: squares(&u[k..]) / 2.0 };
        let right = k + 1..cols;
        along.fill(0.0);
        let across = [&mut y[right.clone()], &mut v[right.clone()], &mut row[right.clone()]];
        sweep(&step, rest, [&before, &z, &u], across, &mut along);
        let first = row[k + 1];
        let beta = reflect(&mut row[right.clone()]);
        above.push(beta);
        v[k + 1] = 1.0;
        v[k + 2..].copy_from_slice(&row[k + 2..]);
        let tau = squares(&v[right.clone()]) / 2.0;
        let yv: f64 = y[right.clone()].iter().zip(&v[right]).map(|(y, v)| y * v).sum();
        // v is (row - beta e_1) / (first - beta), so A v follows from A row^T.
        for i in k + 1..rows {
            let av = if first == beta { rest[i] } else { (along[i] - beta * rest[i]) / (first - beta) };
            z[i] = (av - u[i] * yv) / tau;
        }
        // Row k is done: what the next steps multiply ends below it.
        (before[k], u[k], z[k]) = (0.0, 0.0, 0.0);
        std::mem::swap(&mut before, &mut u);
    }
    (Reflections::of(Mat::from_fn(rows, cols, |i, j| columns[j * stride + i])), diagonal, above)
}

/// Reflects x to beta e_1: returns beta, and leaves v in x except for its first entry, 1.
fn reflect(x: &mut [f64]) -> f64 {
    let norm = squares(x).sqrt();
    let beta = -norm.copysign(x[0]);
    let divisor = x[0] - beta;
    if norm > 0.0 {
        x[1..].iter_mut().for_each(|x| *x /= divisor);
    }
    beta
}

fn squares(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum()
}

/// A step of the reduction: the length of a column in memory, the first row of the loops, row k relative to it, and tau of u.
struct Step {
    stride: usize,
    from: usize,
    head: usize,
    tau: f64,
}

/// For the columns right of k: A <- A - before y^T - z v^T; y <- u^T A / tau; row <- row k of (I - u u^T / tau) A; along <-
/// A row^T. Above row k, u, before and z are 0.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn sweep(step: &Step, columns: &mut [f64], down: [&[f64]; 3], across: [&mut [f64]; 3], along: &mut [f64]) {
    let down = down.map(|x| x[step.from..].as_chunks::<LANES>().0);
    let along = along[step.from..].as_chunks_mut::<LANES>().0;
    let [y, v, row] = across;
    let whole = y.len() / COLUMNS * COLUMNS;
    for j in (0..whole).step_by(COLUMNS) {
        let columns = &mut columns[j * step.stride..(j + COLUMNS) * step.stride];
        group::<COLUMNS>(step, columns, down, [&mut y[j..], &mut v[j..], &mut row[j..]], along);
    }
    for j in whole..y.len() {
        let columns = &mut columns[j * step.stride..(j + 1) * step.stride];
        group::<1>(step, columns, down, [&mut y[j..], &mut v[j..], &mut row[j..]], along);
    }
}

/// `sweep` for C neighbouring columns.
#[inline(always)]
fn group<const C: usize>(
    step: &Step,
    columns: &mut [f64],
    [before, z, u]: [&[Rows]; 3],
    [y, v, row]: [&mut [f64]; 3],
    along: &mut [Rows],
) {
    let count = before.len();
    let mut rest = columns.chunks_exact_mut(step.stride);
    let columns: [&mut [Rows]; C] = std::array::from_fn(|_| {
        let column = rest.next().map(|column| column[step.from..].as_chunks_mut::<LANES>().0);
        &mut column.unwrap_or_default()[..count]
    });
    let (z, u, along) = (&z[..count], &u[..count], &mut along[..count]);
    let (by_y, by_v): ([f64; C], [f64; C]) = (std::array::from_fn(|c| -y[c]), std::array::from_fn(|c| -v[c]));
    let mut sums = [[0.0; LANES]; C];
    for i in 0..count {
        let (before, z, u) = (before[i], z[i], u[i]);
        for c in 0..C {
            let a = &mut columns[c][i];
            for l in 0..LANES {
                a[l] = z[l].mul_add(by_v[c], before[l].mul_add(by_y[c], a[l]));
                sums[c][l] = a[l].mul_add(u[l], sums[c][l]);
            }
        }
    }
    let mut reflected = [0.0; C];
    for c in 0..C {
        y[c] = sums[c].iter().sum::<f64>() / step.tau;
        reflected[c] = columns[c][0][step.head] - y[c];
        row[c] = reflected[c];
    }
    for i in 0..count {
        let mut sum = along[i];
        for c in 0..C {
            let a = columns[c][i];
            for l in 0..LANES {
                sum[l] = a[l].mul_add(reflected[c], sum[l]);
            }
        }
        along[i] = sum;
    }
}

#[cfg(test)]
mod tests;
