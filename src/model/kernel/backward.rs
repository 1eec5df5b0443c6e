//! Gradients of the kernels, on row-major f32 slices and one thread. `dy` is the gradient of the result. Values that are cheap to
//! compute are computed again rather than kept from the forward pass.

use multiversion::multiversion;

use super::{
    GELU, GELU_CUBE, VOCABULARY_CHUNK, View, cap_in_place, dot, exp, exp_sum_in_place, moments, product, sigmoid,
};

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

/// Of gelu(gate) * up: the gradients of gate and up.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
pub fn gelu_times(gate: &[f32], up: &[f32], dy: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (mut dgate, mut dup) = (vec![0.0; gate.len()], vec![0.0; gate.len()]);
    for ((((dg, du), &g), &u), &dy) in dgate.iter_mut().zip(&mut dup).zip(gate).zip(up).zip(dy) {
        let s = sigmoid(GELU * (g + GELU_CUBE * g * g * g));
        *dg = dy * u * (s + g * s * (1.0 - s) * GELU * (1.0 + 3.0 * GELU_CUBE * g * g));
        *du = dy * g * s;
    }
    (dgate, dup)
}

/// Of max(gate, 0) * up: the gradients of gate and up.
pub fn relu_times(gate: &[f32], up: &[f32], dy: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let of = |g: f32, x: f32| if g > 0.0 { x } else { 0.0 };
    let dgate = gate.iter().zip(up).zip(dy).map(|((&g, u), dy)| of(g, dy * u));
    let dup = gate.iter().zip(dy).map(|(&g, dy)| of(g, dy * g));
    (dgate.collect(), dup.collect())
}

/// Of [`super::layer_norm`]: the gradients of x, gain and shift.
pub fn layer_norm(x: &[f32], gain: &[f32], dy: &[f32], eps: f32) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let d = gain.len();
    let (mut dx, mut dgain, mut dshift) = (vec![0.0; x.len()], vec![0.0; d], vec![0.0; d]);
    for ((x, dy), dx) in x.chunks_exact(d).zip(dy.chunks_exact(d)).zip(dx.chunks_exact_mut(d)) {
        let (mean, scale) = moments(x, eps);
        let normal: Vec<f32> = x.iter().map(|x| (x - mean) * scale).collect();
        let weighed: Vec<f32> = dy.iter().zip(gain).map(|(dy, gain)| dy * gain).collect();
        let (level, along) = (weighed.iter().sum::<f32>() / d as f32, dot(&weighed, &normal) / d as f32);
        for (((dx, normal), weighed), dy) in dx.iter_mut().zip(&normal).zip(&weighed).zip(dy.iter().enumerate()) {
            let (at, dy) = dy;
            *dx = scale * (weighed - level - normal * along);
            dgain[at] += dy * normal;
            dshift[at] += dy;
        }
    }
    (dx, dgain, dshift)
}

/// Of y + row: the gradient of the row, the sum of dy over rows.
pub fn add_row(dy: &[f32], d: usize) -> Vec<f32> {
    let mut drow = vec![0.0; d];
    dy.chunks_exact(d).for_each(|dy| drow.iter_mut().zip(dy).for_each(|(sum, dy)| *sum += dy));
    drow
}

/// Of [`super::cross_entropy`], with `losses` its result and `dy` a factor per row: the gradient of h, and that of the head if
/// it is asked for. Logits are computed again, a chunk of the vocabulary at a time.
pub fn cross_entropy(
    [h, head]: [&[f32]; 2],
    d: usize,
    targets: &[u32],
    [losses, dy]: [&[f64]; 2],
    head_too: bool,
    cap: Option<f32>,
) -> (Vec<f32>, Option<Vec<f32>>) {
    let (n, vocabulary) = (targets.len(), head.len() / d);
    // log of the sum of exponentials = loss + the target's logit.
    let shifts: Vec<f32> = (0..n)
        .map(|i| {
            let target = targets[i] as usize * d;
            let mut logit = [dot(&h[i * d..(i + 1) * d], &head[target..target + d])];
            if let Some(cap) = cap {
                cap_in_place(&mut logit, cap);
            }
            (losses[i] + f64::from(logit[0])) as f32
        })
        .collect();
    let mut dh = vec![0.0; h.len()];
    let mut dhead = head_too.then(|| vec![0.0; head.len()]);
    let mut logits = vec![0.0; n * VOCABULARY_CHUNK.min(vocabulary)];
    let mut slopes = Vec::new();
    for start in (0..vocabulary).step_by(VOCABULARY_CHUNK) {
        let width = VOCABULARY_CHUNK.min(vocabulary - start);
        let rows = View::new(&head[start * d..], width, d, d);
        product(&mut logits, width, 0.0, View::new(h, n, d, d), rows.t(), 1.0);
        if let Some(cap) = cap {
            cap_in_place(&mut logits[..n * width], cap);
            slopes.clear();
            slopes.extend(logits[..n * width].iter().map(|capped| 1.0 - (capped / cap).powi(2)));
        }
        for (i, logits) in logits[..n * width].chunks_exact_mut(width).enumerate() {
            exp_sum_in_place(logits, shifts[i]);
            if let Some(share) = (targets[i] as usize).checked_sub(start).and_then(|j| logits.get_mut(j)) {
                *share -= 1.0;
            }
            logits.iter_mut().for_each(|x| *x *= dy[i] as f32);
        }
        if cap.is_some() {
            logits.iter_mut().zip(&slopes).for_each(|(x, slope)| *x *= slope);
        }
        let dlogits = View::new(&logits, n, width, width);
        product(&mut dh, d, 1.0, dlogits, rows, 1.0);
        if let Some(dhead) = &mut dhead {
            product(&mut dhead[start * d..], d, 0.0, dlogits.t(), View::new(h, n, d, d), 1.0);
        }
    }
    (dh, dhead)
}
