//! Causal attention, forward and backward: grouped heads, several sequences in the rows, a sliding window, a cap on scores.
//!
//! Queries are processed in blocks, and a block uses the keys that its rows see and no others: half of the products of a full
//! score matrix, or a strip of it.

use multiversion::multiversion;

use super::{View, cap_in_place, dot, exp_sum_in_place, product, row_max};

/// Rows of a query block: scores of one block stay in cache.
const QUERY_BLOCK: usize = 64;

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

/// An attention layer.
#[derive(Debug, Clone, Copy)]
pub struct Attention {
    /// Its heads.
    pub heads: Heads,
    /// A token attends to itself and the `window` - 1 tokens before it; `None`: to all before it.
    pub window: Option<usize>,
    /// Scores s become cap tanh(s / cap).
    pub cap: Option<f32>,
}

impl From<Heads> for Attention {
    fn from(heads: Heads) -> Self {
        Self { heads, window: None, cap: None }
    }
}

impl Attention {
    /// The first token that the token `at` attends to.
    pub fn first_seen(&self, at: usize) -> usize {
        self.window.map_or(0, |window| (at + 1).saturating_sub(window))
    }

    /// Replaces scores by capped ones, if there is a cap.
    pub(in crate::model) fn cap(&self, scores: &mut [f32]) {
        if let Some(cap) = self.cap {
            cap_in_place(scores, cap);
        }
    }
}

/// Causal attention over n tokens: q [n, query, dim] already scaled, k and v [n, key_value, dim] -> [n, query, dim].
///
/// The rows are concatenated sequences of the lengths `segments` (in total n), which do not attend to each other.
pub fn causal_attention(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    attention: impl Into<Attention>,
    segments: &[usize],
) -> Vec<f32> {
    let attention = attention.into();
    let dim = attention.heads.dim;
    let (width, kv_width) = attention.heads.widths();
    assert_eq!(segments.iter().sum::<usize>() * width, q.len(), "segments and rows differ");
    let mut out = vec![0.0; q.len()];
    let mut scores = vec![0.0; attention.scores_of(segments)];
    for (block, at) in attention.blocks(segments) {
        let QueryBlock { kv, first, start, end, .. } = block;
        let (q, k, v) = (&q[at * width..], &k[at * kv_width..], &v[at * kv_width..]);
        let inverse_sums = block.exponentials(&mut scores, None, q, k, attention);
        let keys = end - first;
        let values = View::new(&v[first * kv_width + kv * dim..], keys, dim, kv_width);
        let block = &mut out[(at + start) * width + block.head * dim..];
        product(block, width, 0.0, View::new(&scores, end - start, keys, keys), values, 1.0);
        for (row, inverse) in inverse_sums[..end - start].iter().enumerate() {
            block[row * width..row * width + dim].iter_mut().for_each(|x| *x *= inverse);
        }
    }
    out
}

/// Of [`causal_attention`]: the gradients of q, k and v. The scores are computed again, a block at a time.
pub fn backward(
    [q, k, v]: [&[f32]; 3],
    dy: &[f32],
    attention: impl Into<Attention>,
    segments: &[usize],
) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let attention = attention.into();
    let dim = attention.heads.dim;
    let (width, kv_width) = attention.heads.widths();
    let (mut dq, mut dk, mut dv) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
    let size = attention.scores_of(segments);
    let (mut shares, mut dscores) = (vec![0.0; size], vec![0.0; size]);
    let mut slopes = attention.cap.map(|_| vec![0.0; size]);
    for (block, at) in attention.blocks(segments) {
        let (rows, keys) = (block.end - block.start, block.end - block.first);
        let own = (at + block.start) * width + block.head * dim;
        let its = (at + block.first) * kv_width + block.kv * dim;
        let (q_own, k_own) = (&q[at * width..], &k[at * kv_width..]);
        let inverse_sums = block.exponentials(&mut shares, slopes.as_deref_mut(), q_own, k_own, attention);
        let dout = View::new(&dy[own..], rows, dim, width);
        product(&mut dscores, keys, 0.0, dout, View::new(&v[its..], keys, dim, kv_width).t(), 1.0);
        for (row, inverse) in inverse_sums[..rows].iter().enumerate() {
            let row = row * keys..(row + 1) * keys;
            softmax_row(&mut shares[row.clone()], &mut dscores[row], *inverse);
        }
        if let Some(slopes) = &slopes {
            dscores[..rows * keys].iter_mut().zip(slopes).for_each(|(x, slope)| *x *= slope);
        }
        let (shares, dscores) = (View::new(&shares, rows, keys, keys), View::new(&dscores, rows, keys, keys));
        product(&mut dv[its..], kv_width, 1.0, shares.t(), dout, 1.0);
        product(&mut dq[own..], width, 0.0, dscores, View::new(&k[its..], keys, dim, kv_width), 1.0);
        product(&mut dk[its..], kv_width, 1.0, dscores.t(), View::new(&q[own..], rows, dim, width), 1.0);
    }
    (dq, dk, dv)
}

/// Exponentials become shares p; the gradient g of the shares becomes that of the scores, p (g - sum of p g).
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn softmax_row(shares: &mut [f32], gradient: &mut [f32], inverse: f32) {
    shares.iter_mut().for_each(|p| *p *= inverse);
    let mean = dot(shares, gradient);
    for (g, p) in gradient.iter_mut().zip(&*shares) {
        *g = p * (*g - mean);
    }
}

/// One head's queries `start..end` of a segment, which see its keys `first..end` of head `kv`.
#[derive(Clone, Copy)]
struct QueryBlock {
    head: usize,
    kv: usize,
    first: usize,
    start: usize,
    end: usize,
}

impl Heads {
    /// Widths of a row of queries, and of keys or values.
    fn widths(self) -> (usize, usize) {
        (self.query * self.dim, self.key_value * self.dim)
    }
}

impl Attention {
    /// Elements of the largest score block of these segments.
    fn scores_of(self, segments: &[usize]) -> usize {
        let keys = |n: usize| self.window.map_or(n, |window| n.min(window + QUERY_BLOCK));
        segments.iter().map(|&n| QUERY_BLOCK.min(n) * keys(n)).max().unwrap_or(0)
    }

    /// All query blocks, each with the row its segment starts at.
    fn blocks(self, segments: &[usize]) -> impl Iterator<Item = (QueryBlock, usize)> {
        let Heads { query, key_value, .. } = self.heads;
        let starts = segments.iter().scan(0, |next, &n| Some((std::mem::replace(next, *next + n), n)));
        starts.flat_map(move |(at, n)| {
            (0..query).flat_map(move |head| {
                let kv = head / (query / key_value);
                (0..n).step_by(QUERY_BLOCK).map(move |start| {
                    let (first, end) = (self.first_seen(start), (start + QUERY_BLOCK).min(n));
                    (QueryBlock { head, kv, first, start, end }, at)
                })
            })
        })
    }
}

impl QueryBlock {
    /// e^(score - the row's largest) into `scores` [end - start, end - first], 0 where a query does not see; and one over the sum
    /// of each row. With a cap, what it multiplies gradients by goes into `slopes`. `q` and `k` start with the segment.
    fn exponentials(
        self,
        scores: &mut [f32],
        slopes: Option<&mut [f32]>,
        q: &[f32],
        k: &[f32],
        attention: Attention,
    ) -> [f32; QUERY_BLOCK] {
        let Self { head, kv, first, start, end } = self;
        let heads = attention.heads;
        let (width, kv_width) = heads.widths();
        let keys = end - first;
        let queries = View::new(&q[start * width + head * heads.dim..], end - start, heads.dim, width);
        let seen = View::new(&k[first * kv_width + kv * heads.dim..], keys, heads.dim, kv_width);
        product(scores, keys, 0.0, queries, seen.t(), 1.0);
        if let Some(cap) = attention.cap {
            let scores = &mut scores[..(end - start) * keys];
            cap_in_place(scores, cap);
            if let Some(slopes) = slopes {
                slopes.iter_mut().zip(scores).for_each(|(slope, s)| *slope = 1.0 - (*s / cap).powi(2));
            }
        }
        let mut inverse_sums = [0.0f32; QUERY_BLOCK];
        for row in 0..end - start {
            let at = start + row;
            let row_scores = &mut scores[row * keys..(row + 1) * keys];
            let (before, rest) = row_scores.split_at_mut(attention.first_seen(at) - first);
            let (seen, after) = rest.split_at_mut(at + 1 - attention.first_seen(at));
            let shift = row_max(seen);
            inverse_sums[row] = 1.0 / exp_sum_in_place(seen, shift);
            before.fill(0.0);
            after.fill(0.0);
        }
        inverse_sums
    }
}
