//! Single-threaded CPU kernels on row-major f32 slices, in which the forward pass spends its time.
//!
//! Parallelism is one level up, over windows: one thread computes a window from start to end, so a loss does not depend on
//! the number of threads. Loops are written to vectorise and compiled for several instruction sets
//! (`multiversion` picks at run time); the matrix products are the `gemm` crate's.

use gemm::{Parallelism, gemm};
use multiversion::multiversion;

mod attention;
pub mod backward;

pub use attention::{Attention, Heads, backward as attention_backward, causal_attention};

/// Lanes of the partial sums: wide enough for AVX-512, with fixed order, so that sums are reproducible.
const LANES: usize = 16;

/// Columns of a vocabulary chunk in [`cross_entropy`].
const VOCABULARY_CHUNK: usize = 1024;

/// A matrix inside a slice: `rows` x `cols`, element (i, j) at `i * row_stride + j * col_stride`.
#[derive(Clone, Copy)]
pub struct View<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> View<'a> {
    /// The row-major matrix [rows, cols] whose rows start `row_stride` elements apart.
    pub fn new(data: &'a [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        let view = Self { data, rows, cols, row_stride, col_stride: 1 };
        assert!(rows == 0 || cols == 0 || (rows - 1) * row_stride + cols <= data.len(), "a view beyond its slice");
        view
    }

    /// The transpose, without moving anything.
    pub fn t(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            data: self.data,
        }
    }
}

/// `out = alpha out + beta a b` (alpha 0 ignores what `out` held), with `out` row-major [a.rows, b.cols], rows `out_stride` apart. One thread.
pub fn product(out: &mut [f32], out_stride: usize, alpha: f32, a: View, b: View, beta: f32) {
    assert_eq!(a.cols, b.rows, "inner dimensions differ");
    if a.rows == 0 || b.cols == 0 {
        return;
    }
    assert!((a.rows - 1) * out_stride + b.cols <= out.len(), "a product beyond its output");
    // SAFETY: the assertions here and in `View::new` keep every access inside the three slices; `out` is exclusive.
    unsafe {
        gemm(
            a.rows,
            b.cols,
            a.cols,
            out.as_mut_ptr(),
            1,
            out_stride as isize,
            alpha != 0.0,
            a.data.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            alpha,
            beta,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// y [n, d_out] = x [n, d_in] W^T, W row-major [d_out, d_in].
pub fn linear(x: &[f32], w: &[f32], d_in: usize, d_out: usize) -> Vec<f32> {
    let n = x.len() / d_in;
    let mut y = vec![0.0; n * d_out];
    product(&mut y, d_out, 0.0, View::new(x, n, d_in, d_in), View::new(w, d_out, d_in, d_in).t(), 1.0);
    y
}

/// y [n, d_out] += x [n, d_in] W^T.
pub fn add_linear(y: &mut [f32], x: &[f32], w: &[f32], d_in: usize, d_out: usize) {
    let n = y.len() / d_out;
    product(y, d_out, 1.0, View::new(x, n, d_in, d_in), View::new(w, d_out, d_in, d_in).t(), 1.0);
}

/// A factor for each column: z [n, d], scale `[d]`.
pub fn scale_columns(z: &[f32], scale: &[f32]) -> Vec<f32> {
    let rows = z.chunks_exact(scale.len());
    let mut y = Vec::with_capacity(z.len());
    rows.for_each(|row| y.extend(row.iter().zip(scale).map(|(z, s)| z * s)));
    y
}

/// e^x to about 2 units in the last place for x <= 0 (and where finite); exactly 0 below -87.3.
#[inline(always)]
fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23: adding it rounds to an integer
    let t = x * std::f32::consts::LOG2_E + ROUND;
    let n = t - ROUND;
    let r = (x - n * 0.693_359_4) - n * -2.121_944_4e-4; // ln 2 in two parts
    let p = 1.987_569_2e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let y = p * r * r + r + 1.0;
    // The low bits of t hold the integer n; moved up to the exponent they make 2^n.
    let scale = f32::from_bits((t.to_bits() << 23).wrapping_add(0x3f80_0000));
    if x < -87.3 { 0.0 } else { y * scale }
}

/// Sum of a b, in a fixed order of partial sums.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (chunks_a, chunks_b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = chunks_a.remainder().iter().zip(chunks_b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in chunks_a.zip(chunks_b) {
        for ((s, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *s += a * b;
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// The largest value; NaN values are passed over (they surface in the sum of exponentials).
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
pub(super) fn row_max(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let mut chunks = row.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (m, &x) in lanes.iter_mut().zip(chunk) {
            *m = if x > *m { x } else { *m };
        }
    }
    lanes.iter().chain(chunks.remainder()).fold(f32::NEG_INFINITY, |m, &x| if x > m { x } else { m })
}

/// Replaces each x by e^(x - shift) and returns the sum.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
pub(super) fn exp_sum_in_place(row: &mut [f32], shift: f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let mut chunks = row.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        for (s, x) in lanes.iter_mut().zip(chunk) {
            *x = exp(*x - shift);
            *s += *x;
        }
    }
    let mut sum: f32 = lanes.iter().sum();
    for x in chunks.into_remainder() {
        *x = exp(*x - shift);
        sum += *x;
    }
    sum
}

/// Root-mean-square normalisation of each row of x [n, d]: x / sqrt(mean(x^2) + eps) * weight.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
pub fn rms_norm(x: &[f32], weight: &[f32], eps: f32) -> Vec<f32> {
    let d = weight.len();
    let mut y = vec![0.0; x.len()];
    for (x, y) in x.chunks_exact(d).zip(y.chunks_exact_mut(d)) {
        let mut lanes = [0.0f32; LANES];
        let chunks = x.chunks_exact(LANES);
        let rest: f32 = chunks.remainder().iter().map(|x| x * x).sum();
        for chunk in chunks {
            for (s, x) in lanes.iter_mut().zip(chunk) {
                *s += x * x;
            }
        }
        let mean = (lanes.iter().sum::<f32>() + rest) / d as f32;
        let scale = 1.0 / (mean + eps).sqrt();
        for ((y, x), w) in y.iter_mut().zip(x).zip(weight) {
            *y = x * scale * w;
        }
    }
    y
}

/// Rotary embedding of x [n, heads, head_dim] (Hugging Face's layout: halves, not pairs), then times `scale`.
/// `cos` and `sin` are [n, half]: the first 2 half dimensions of a head are rotated, the others only scaled.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
pub fn rotary(x: &[f32], cos: &[f32], sin: &[f32], heads: usize, head_dim: usize, scale: f32) -> Vec<f32> {
    let mut y = vec![0.0; x.len()];
    let width = heads * head_dim;
    let half = cos.len() / (x.len() / width).max(1);
    for (t, (x, y)) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)).enumerate() {
        let (cos, sin) = (&cos[t * half..(t + 1) * half], &sin[t * half..(t + 1) * half]);
        for (x, y) in x.chunks_exact(head_dim).zip(y.chunks_exact_mut(head_dim)) {
            let ((x, x_rest), (y, y_rest)) = (x.split_at(2 * half), y.split_at_mut(2 * half));
            y_rest.iter_mut().zip(x_rest).for_each(|(y, x)| *y = x * scale);
            let (x0, x1) = x.split_at(half);
            let (y0, y1) = y.split_at_mut(half);
            for j in 0..half {
                y0[j] = (x0[j] * cos[j] - x1[j] * sin[j]) * scale;
                y1[j] = (x1[j] * cos[j] + x0[j] * sin[j]) * scale;
            }
        }
    }
    y
}

/// silu(gate) * up, silu(x) = x / (1 + e^-x).
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
pub fn silu_times(gate: &[f32], up: &[f32]) -> Vec<f32> {
    let mut y = vec![0.0; gate.len()];
    for ((y, &g), &u) in y.iter_mut().zip(gate).zip(up) {
        // From e^-|g|, which never overflows.
        let e = exp(-g.abs());
        let sigmoid = if g >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
        *y = g * sigmoid * u;
    }
    y
}

/// gelu(gate) * up, gelu with tanh: x (1 + tanh(z / 2)) / 2 = x / (1 + e^-z), z = 2 sqrt(2 / pi) (x + 0.044715 x^3).
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
pub fn gelu_times(gate: &[f32], up: &[f32]) -> Vec<f32> {
    let mut y = vec![0.0; gate.len()];
    for ((y, &g), &u) in y.iter_mut().zip(gate).zip(up) {
        *y = g * sigmoid(GELU * (g + GELU_CUBE * g * g * g)) * u;
    }
    y
}

/// 2 sqrt(2 / pi).
const GELU: f32 = 1.595_769;
const GELU_CUBE: f32 = 0.044_715;

/// max(gate, 0) * up.
pub fn relu_times(gate: &[f32], up: &[f32]) -> Vec<f32> {
    // Not `max`, which would turn NaN into 0.
    gate.iter().zip(up).map(|(&g, &u)| if g < 0.0 { 0.0 } else { g * u }).collect()
}

/// 1 / (1 + e^-x), from e^-|x|, which never overflows.
#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    let e = exp(-x.abs());
    if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

/// tanh(x), to about 1e-7.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    let e = exp(-2.0 * x.abs());
    let far = ((1.0 - e) / (1.0 + e)).copysign(x);
    // 1 - e cancels where x is small.
    let s = x * x;
    let near = x * (1.0 - s * (1.0 / 3.0 - s * (2.0 / 15.0 - s * (17.0 / 315.0))));
    if x.abs() < 0.2 { near } else { far }
}

/// Replaces each x by cap tanh(x / cap).
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn cap_in_place(row: &mut [f32], cap: f32) {
    let inverse = 1.0 / cap;
    row.iter_mut().for_each(|x| *x = cap * tanh(*x * inverse));
}

/// Mean and (variance + eps)^-1/2 of a row.
#[inline(always)]
fn moments(x: &[f32], eps: f32) -> (f32, f32) {
    let sum = |of: &dyn Fn(f32) -> f64| x.iter().map(|&x| of(x)).sum::<f64>() / x.len() as f64;
    let mean = sum(&f64::from);
    let variance = sum(&|x| (f64::from(x) - mean).powi(2));
    (mean as f32, (1.0 / (variance + f64::from(eps)).sqrt()) as f32)
}

/// Layer normalisation of each row of x [n, d]: (x - mean) / sqrt(variance + eps) * gain + shift.
pub fn layer_norm(x: &[f32], gain: &[f32], shift: &[f32], eps: f32) -> Vec<f32> {
    let mut y = vec![0.0; x.len()];
    for (x, y) in x.chunks_exact(gain.len()).zip(y.chunks_exact_mut(gain.len())) {
        let (mean, scale) = moments(x, eps);
        for (((y, x), gain), shift) in y.iter_mut().zip(x).zip(gain).zip(shift) {
            *y = (x - mean) * scale * gain + shift;
        }
    }
    y
}

/// y + row for each row of y [n, d].
pub fn add_row(y: &[f32], row: &[f32]) -> Vec<f32> {
    let mut out = Vec::with_capacity(y.len());
    y.chunks_exact(row.len()).for_each(|y| out.extend(y.iter().zip(row).map(|(y, x)| y + x)));
    out
}

/// `-log softmax(h W^T)[target]` of each row, in nats: h [n, d], W the head [vocabulary, d].
///
/// With a cap, logits l are cap tanh(l / cap). The vocabulary is processed in chunks with a running maximum, so the [n, vocabulary]
/// logits are never stored.
pub fn cross_entropy(h: &[f32], head: &[f32], d: usize, targets: &[u32], cap: Option<f32>) -> Vec<f64> {
    let n = targets.len();
    let vocabulary = head.len() / d;
    let mut shift = vec![f32::NEG_INFINITY; n];
    let mut sum = vec![0.0f64; n];
    let mut target_logit = vec![f32::NAN; n];
    let mut logits = vec![0.0; n * VOCABULARY_CHUNK.min(vocabulary)];
    for start in (0..vocabulary).step_by(VOCABULARY_CHUNK) {
        let width = VOCABULARY_CHUNK.min(vocabulary - start);
        let rows = View::new(&head[start * d..], width, d, d);
        product(&mut logits, width, 0.0, View::new(h, n, d, d), rows.t(), 1.0);
        if let Some(cap) = cap {
            cap_in_place(&mut logits[..n * width], cap);
        }
        for (i, logits) in logits[..n * width].chunks_exact_mut(width).enumerate() {
            if let Some(&logit) = (targets[i] as usize).checked_sub(start).and_then(|j| logits.get(j)) {
                target_logit[i] = logit;
            }
            let larger = row_max(logits).max(shift[i]);
            let rescale = if shift[i] == larger { 1.0 } else { f64::from(shift[i] - larger).exp() };
            shift[i] = larger;
            sum[i] = sum[i] * rescale + f64::from(exp_sum_in_place(logits, larger));
        }
    }
    (0..n).map(|i| f64::from(shift[i]) + sum[i].ln() - f64::from(target_logit[i])).collect()
}
