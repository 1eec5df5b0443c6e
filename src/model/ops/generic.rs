//! The same operations in candle's own operations, for devices without a kernel of ours; candle computes the gradients.

use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::ops::{sigmoid, softmax, softmax_last_dim};

use crate::model::config::Activation;
use crate::model::kernel::Attention;

pub(super) fn rms_norm(x: &Tensor, weight: &Tensor, eps: f32) -> Result<Tensor> {
    let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
    x.broadcast_div(&(mean + f64::from(eps))?.sqrt()?)?.broadcast_mul(weight)
}

pub(super) fn layer_norm(x: &Tensor, gain: &Tensor, shift: &Tensor, eps: f32) -> Result<Tensor> {
    let x = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let variance = x.sqr()?.mean_keepdim(D::Minus1)?;
    x.broadcast_div(&(variance + f64::from(eps))?.sqrt()?)?.broadcast_mul(gain)?.broadcast_add(shift)
}

pub(super) fn rotary(x: &Tensor, cos: &Tensor, sin: &Tensor, heads: usize, scale: f32) -> Result<Tensor> {
    let (n, width) = x.dims2()?;
    let (half, dim) = (cos.dim(1)?, width / heads);
    let x = x.reshape((n, heads, dim))?;
    let (x0, x1) = (x.narrow(2, 0, half)?, x.narrow(2, half, half)?);
    let (cos, sin) = (cos.reshape((n, 1, half))?, sin.reshape((n, 1, half))?);
    let y0 = (x0.broadcast_mul(&cos)? - x1.broadcast_mul(&sin)?)?;
    let y1 = (x1.broadcast_mul(&cos)? + x0.broadcast_mul(&sin)?)?;
    let mut parts = vec![y0, y1];
    if 2 * half < dim {
        parts.push(x.narrow(2, 2 * half, dim - 2 * half)?);
    }
    Tensor::cat(&parts, 2)?.reshape((n, width))? * f64::from(scale)
}

pub(super) fn causal_attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    attention: Attention,
    segments: &[usize],
) -> Result<Tensor> {
    let heads = attention.heads;
    let n = q.dim(0)?;
    let groups = heads.query / heads.key_value;
    let q = q.reshape((n, heads.query, heads.dim))?.transpose(0, 1)?.contiguous()?;
    let per_query = |x: &Tensor| -> Result<Tensor> {
        let x = x.reshape((n, heads.key_value, heads.dim))?.transpose(0, 1)?;
        x.unsqueeze(1)?.broadcast_as((heads.key_value, groups, n, heads.dim))?.contiguous()?.reshape((
            heads.query,
            n,
            heads.dim,
        ))
    };
    let scores = q.matmul(&per_query(k)?.t()?)?;
    let scores = capped(scores, attention.cap)?;
    let scores = scores.broadcast_add(&causal_mask(segments, attention, q.device())?)?;
    // The fused one has no gradient.
    let shares = if scores.track_op() { softmax(&scores, D::Minus1)? } else { softmax_last_dim(&scores)? };
    let out = shares.matmul(&per_query(v)?)?;
    out.transpose(0, 1)?.contiguous()?.reshape((n, heads.query * heads.dim))
}

/// cap tanh(x / cap), or x if there is no cap.
pub(in crate::model) fn capped(x: Tensor, cap: Option<f32>) -> Result<Tensor> {
    match cap {
        Some(cap) => (x / f64::from(cap))?.tanh()? * f64::from(cap),
        None => Ok(x),
    }
}

/// The mask of attention: 0 where a row attends to a column, which is neither later, nor before its window, nor in another
/// segment.
fn causal_mask(segments: &[usize], attention: Attention, device: &Device) -> Result<Tensor> {
    let starts = segments.iter().scan(0, |next, n| Some((std::mem::replace(next, *next + n), *n)));
    let n: usize = segments.iter().sum();
    let rows = starts.flat_map(|(start, length)| {
        (0..length).flat_map(move |at| {
            let seen = start + attention.first_seen(at)..=start + at;
            (0..n).map(move |column| if seen.contains(&column) { 0.0 } else { f32::NEG_INFINITY })
        })
    });
    Tensor::from_vec(rows.collect::<Vec<f32>>(), (n, n), device)
}

pub(super) fn gated(gate: &Tensor, up: &Tensor, f: Activation) -> Result<Tensor> {
    match f {
        Activation::Silu => (gate * sigmoid(gate)?)? * up,
        Activation::GeluTanh => gate.gelu()? * up,
        Activation::Relu => gate.relu()? * up,
    }
}

pub(super) fn token_losses(h: &Tensor, head: &Tensor, targets: &[u32], cap: Option<f32>) -> Result<Tensor> {
    let logits = capped(h.matmul(&head.t()?)?, cap)?;
    let log_sum = logits.log_sum_exp(D::Minus1)?;
    let at = Tensor::new(targets, h.device())?.unsqueeze(1)?;
    log_sum - logits.gather(&at, 1)?.squeeze(1)?
}

pub(super) fn cross_entropy(h: &Tensor, head: &Tensor, targets: &[u32], cap: Option<f32>) -> Result<Vec<f64>> {
    token_losses(h, head, targets, cap)?.to_dtype(DType::F64)?.to_vec1()
}
