//! Single-threaded CPU kernels on row-major f32 slices, in which the forward pass spends its time.
//!
//! Parallelism is one level up, over windows: one thread computes a window from start to end, so a loss does not depend on
//! the number of threads. Loops are written to vectorise and compiled for several instruction sets
//! (`multiversion` picks at run time); the matrix products are the `gemm` crate's.

use gemm::{Parallelism, gemm};
use multiversion::multiversion;

pub mod backward;

/// Lanes of the partial sums: wide enough for AVX-512, with fixed order, so that sums are reproducible.
const LANES: usize = 16;

/// Rows of a query block in [`causal_attention`]: scores of one block stay in cache.
const QUERY_BLOCK: usize = 64;

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
/// `cos` and `sin` are [n, head_dim / 2].
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
pub fn rotary(x: &[f32], cos: &[f32], sin: &[f32], heads: usize, head_dim: usize, scale: f32) -> Vec<f32> {
    let half = head_dim / 2;
    let mut y = vec![0.0; x.len()];
    let width = heads * head_dim;
    for (t, (x, y)) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)).enumerate() {
        let (cos, sin) = (&cos[t * half..(t + 1) * half], &sin[t * half..(t + 1) * half]);
        for (x, y) in x.chunks_exact(head_dim).zip(y.chunks_exact_mut(head_dim)) {
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

/// Heads of an attention layer.
#[derive(Debug, Clone, Copy)]
pub struct Heads {
    /// Query heads.
    pub query: usize,
    /// Key/value heads; each serves query / key_value query heads.
    pub key_value: usize,
    /// Width of a head.
    pub dim: usize,
}

/// Causal attention over n tokens: q [n, query, dim] already scaled by dim^-1/2, k and v [n, key_value, dim] -> [n, query, dim].
///
/// The rows are concatenated sequences of the lengths `segments` (in total n), which do not attend to each other. Queries are
/// processed in blocks, and a block uses the keys up to its last row only: half of the products of a full score matrix.
pub fn causal_attention(q: &[f32], k: &[f32], v: &[f32], heads: Heads, segments: &[usize]) -> Vec<f32> {
    let Heads { dim, .. } = heads;
    let (width, kv_width) = heads.widths();
    assert_eq!(segments.iter().sum::<usize>() * width, q.len(), "segments and rows differ");
    let mut out = vec![0.0; q.len()];
    let mut scores = vec![0.0; scores_of(segments)];
    for (block, at) in heads.blocks(segments) {
        let (start, end, kv) = (block.start, block.end, block.kv);
        let inverse_sums = block.exponentials(&mut scores, &q[at * width..], &k[at * kv_width..], heads);
        let values = View::new(&v[at * kv_width + kv * dim..], end, dim, kv_width);
        let block = &mut out[(at + start) * width + block.head * dim..];
        product(block, width, 0.0, View::new(&scores, end - start, end, end), values, 1.0);
        for (row, inverse) in inverse_sums[..end - start].iter().enumerate() {
            block[row * width..row * width + dim].iter_mut().for_each(|x| *x *= inverse);
        }
    }
    out
}

/// Elements of the largest score block of these segments.
fn scores_of(segments: &[usize]) -> usize {
    segments.iter().map(|&n| QUERY_BLOCK.min(n) * n).max().unwrap_or(0)
}

/// One head's queries `start..end` of a segment, which see its keys `..end` of head `kv`.
#[derive(Clone, Copy)]
struct QueryBlock {
    head: usize,
    kv: usize,
    start: usize,
    end: usize,
}

impl Heads {
    /// Widths of a row of queries, and of keys or values.
    fn widths(self) -> (usize, usize) {
        (self.query * self.dim, self.key_value * self.dim)
    }

    /// All query blocks, each with the row its segment starts at.
    fn blocks(self, segments: &[usize]) -> impl Iterator<Item = (QueryBlock, usize)> {
        let starts = segments.iter().scan(0, |next, &n| Some((std::mem::replace(next, *next + n), n)));
        starts.flat_map(move |(at, n)| {
            (0..self.query).flat_map(move |head| {
                let kv = head / (self.query / self.key_value);
                let starts = (0..n).step_by(QUERY_BLOCK);
                starts.map(move |start| (QueryBlock { head, kv, start, end: (start + QUERY_BLOCK).min(n) }, at))
            })
        })
    }
}

impl QueryBlock {
    /// e^(score - the row's largest) into `scores` [end - start, end], 0 where a query does not see; and one over the sum of
    /// each row. `q` and `k` start with the segment.
    fn exponentials(self, scores: &mut [f32], q: &[f32], k: &[f32], heads: Heads) -> [f32; QUERY_BLOCK] {
        let Self { head, kv, start, end } = self;
        let (width, kv_width) = heads.widths();
        let queries = View::new(&q[start * width + head * heads.dim..], end - start, heads.dim, width);
        let keys = View::new(&k[kv * heads.dim..], end, heads.dim, kv_width);
        product(scores, end, 0.0, queries, keys.t(), 1.0);
        let mut inverse_sums = [0.0f32; QUERY_BLOCK];
        for row in 0..end - start {
            let (seen, unseen) = scores[row * end..(row + 1) * end].split_at_mut(start + row + 1);
            let shift = row_max(seen);
            inverse_sums[row] = 1.0 / exp_sum_in_place(seen, shift);
            unseen.fill(0.0);
        }
        inverse_sums
    }
}

/// `-log softmax(h W^T)[target]` of each row, in nats: h [n, d], W the head [vocabulary, d].
///
/// The vocabulary is processed in chunks with a running maximum, so the [n, vocabulary] logits are never stored.
pub fn cross_entropy(h: &[f32], head: &[f32], d: usize, targets: &[u32]) -> Vec<f64> {
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
