//! Gradients of the kernels, on row-major f32 slices and one thread. `dy` is the gradient of the result. Values that are cheap to
//! compute are computed again rather than kept from the forward pass.

use multiversion::multiversion;

use super::{Heads, LANES, VOCABULARY_CHUNK, View, exp, exp_sum_in_place, product, scores_of};

/// dx [n, d_in] = dy [n, d_out] W, added to `onto` where there is one.
pub fn linear_input(dy: &[f32], w: &[f32], d_in: usize, d_out: usize, onto: Option<Vec<f32>>) -> Vec<f32> {
    let n = dy.len() / d_out;
    let alpha = if onto.is_some() { 1.0 } else { 0.0 };
    let mut dx = onto.unwrap_or_else(|| vec![0.0; n * d_in]);
    product(&mut dx, d_in, alpha, View::new(dy, n, d_out, d_out), View::new(w, d_out, d_in, d_in), 1.0);
    dx
}

/// dW [d_out, d_in] = dy^T x.
pub fn linear_weight(dy: &[f32], x: &[f32], d_in: usize, d_out: usize) -> Vec<f32> {
    let n = dy.len() / d_out;
    let mut dw = vec![0.0; d_out * d_in];
    product(&mut dw, d_in, 0.0, View::new(dy, n, d_out, d_out).t(), View::new(x, n, d_in, d_in), 1.0);
    dw
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

/// Of y = x s w, s = (mean(x^2) + eps)^-1/2: dx = s (w dy - x s^2 mean(w dy x)), and dw = sum over rows of dy x s.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
pub fn rms_norm(x: &[f32], weight: &[f32], dy: &[f32], eps: f32) -> (Vec<f32>, Vec<f32>) {
    let d = weight.len();
    let (mut dx, mut dw, mut weighed) = (vec![0.0; x.len()], vec![0.0; d], vec![0.0; d]);
    for ((x, dy), dx) in x.chunks_exact(d).zip(dy.chunks_exact(d)).zip(dx.chunks_exact_mut(d)) {
        let scale = 1.0 / (dot(x, x) / d as f32 + eps).sqrt();
        for ((g, dy), w) in weighed.iter_mut().zip(dy).zip(weight) {
            *g = dy * w;
        }
        let along = scale * scale * dot(&weighed, x) / d as f32;
        for ((((dx, x), g), dw), dy) in dx.iter_mut().zip(x).zip(&weighed).zip(&mut dw).zip(dy) {
            *dx = scale * (g - x * along);
            *dw += dy * x * scale;
        }
    }
    (dx, dw)
}

/// Of silu(gate) * up: the gradients of gate and up.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
pub fn silu_times(gate: &[f32], up: &[f32], dy: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (mut dgate, mut dup) = (vec![0.0; gate.len()], vec![0.0; gate.len()]);
    for ((((dg, du), &g), &u), &dy) in dgate.iter_mut().zip(&mut dup).zip(gate).zip(up).zip(dy) {
        let e = exp(-g.abs());
        let sigmoid = if g >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
        *dg = dy * u * sigmoid * (1.0 + g * (1.0 - sigmoid));
        *du = dy * g * sigmoid;
    }
    (dgate, dup)
}

/// Of y = z scale, one factor per column: the gradients of z and of the factors.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
pub fn scale_columns(z: &[f32], scale: &[f32], dy: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let d = scale.len();
    let (mut dz, mut dscale) = (vec![0.0; z.len()], vec![0.0; d]);
    for ((z, dy), dz) in z.chunks_exact(d).zip(dy.chunks_exact(d)).zip(dz.chunks_exact_mut(d)) {
        for ((((dz, z), dy), s), ds) in dz.iter_mut().zip(z).zip(dy).zip(scale).zip(&mut dscale) {
            *dz = dy * s;
            *ds += dy * z;
        }
    }
    (dz, dscale)
}

/// Of [`super::causal_attention`]: the gradients of q, k and v. The scores are computed again, a block at a time.
pub fn causal_attention(
    [q, k, v]: [&[f32]; 3],
    dy: &[f32],
    heads: Heads,
    segments: &[usize],
) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let dim = heads.dim;
    let (width, kv_width) = heads.widths();
    let (mut dq, mut dk, mut dv) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
    let size = scores_of(segments);
    let (mut shares, mut dscores) = (vec![0.0; size], vec![0.0; size]);
    for (block, at) in heads.blocks(segments) {
        let (rows, end) = (block.end - block.start, block.end);
        let own = (at + block.start) * width + block.head * dim;
        let its = at * kv_width + block.kv * dim;
        let inverse_sums = block.exponentials(&mut shares, &q[at * width..], &k[at * kv_width..], heads);
        let dout = View::new(&dy[own..], rows, dim, width);
        product(&mut dscores, end, 0.0, dout, View::new(&v[its..], end, dim, kv_width).t(), 1.0);
        for (row, inverse) in inverse_sums[..rows].iter().enumerate() {
            let row = row * end..(row + 1) * end;
            softmax_row(&mut shares[row.clone()], &mut dscores[row], *inverse);
        }
        let (shares, dscores) = (View::new(&shares, rows, end, end), View::new(&dscores, rows, end, end));
        product(&mut dv[its..], kv_width, 1.0, shares.t(), dout, 1.0);
        product(&mut dq[own..], width, 0.0, dscores, View::new(&k[its..], end, dim, kv_width), 1.0);
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

/// Of [`super::cross_entropy`], with `losses` its result and `dy` a factor per row: the gradient of h, and that of the head if
/// it is asked for. Logits are computed again, a chunk of the vocabulary at a time.
pub fn cross_entropy(
    [h, head]: [&[f32]; 2],
    d: usize,
    targets: &[u32],
    [losses, dy]: [&[f64]; 2],
    head_too: bool,
) -> (Vec<f32>, Option<Vec<f32>>) {
    let (n, vocabulary) = (targets.len(), head.len() / d);
    // log of the sum of exponentials = loss + the target's logit.
    let shifts: Vec<f32> = (0..n)
        .map(|i| {
            let target = targets[i] as usize * d;
            (losses[i] + f64::from(dot(&h[i * d..(i + 1) * d], &head[target..target + d]))) as f32
        })
        .collect();
    let mut dh = vec![0.0; h.len()];
    let mut dhead = head_too.then(|| vec![0.0; head.len()]);
    let mut logits = vec![0.0; n * VOCABULARY_CHUNK.min(vocabulary)];
    for start in (0..vocabulary).step_by(VOCABULARY_CHUNK) {
        let width = VOCABULARY_CHUNK.min(vocabulary - start);
        let rows = View::new(&head[start * d..], width, d, d);
        product(&mut logits, width, 0.0, View::new(h, n, d, d), rows.t(), 1.0);
        for (i, logits) in logits[..n * width].chunks_exact_mut(width).enumerate() {
            exp_sum_in_place(logits, shifts[i]);
            if let Some(share) = (targets[i] as usize).checked_sub(start).and_then(|j| logits.get_mut(j)) {
                *share -= 1.0;
            }
            logits.iter_mut().for_each(|x| *x *= dy[i] as f32);
        }
        let dlogits = View::new(&logits, n, width, width);
        product(&mut dh, d, 1.0, dlogits, rows, 1.0);
        if let Some(dhead) = &mut dhead {
            product(&mut dhead[start * d..], d, 0.0, dlogits.t(), View::new(h, n, d, d), 1.0);
        }
    }
    (dh, dhead)
}
