//! The same operations in candle's own operations, for devices without a kernel of ours; candle computes the gradients.

use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::ops::{sigmoid, softmax, softmax_last_dim};

use crate::model::kernel::Heads;

pub(super) fn rms_norm(x: &Tensor, weight: &Tensor, eps: f32) -> Result<Tensor> {
    let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
    x.broadcast_div(&(mean + f64::from(eps))?.sqrt()?)?.broadcast_mul(weight)
}

pub(super) fn rotary(x: &Tensor, cos: &Tensor, sin: &Tensor, heads: usize, scale: f32) -> Result<Tensor> {
    let (n, width) = x.dims2()?;
    let half = width / heads / 2;
    let x = x.reshape((n, heads, 2, half))?;
    let (x0, x1) = (x.narrow(2, 0, 1)?.squeeze(2)?, x.narrow(2, 1, 1)?.squeeze(2)?);
    let (cos, sin) = (cos.reshape((n, 1, half))?, sin.reshape((n, 1, half))?);
    let y0 = (x0.broadcast_mul(&cos)? - x1.broadcast_mul(&sin)?)?;
    let y1 = (x1.broadcast_mul(&cos)? + x0.broadcast_mul(&sin)?)?;
    Tensor::stack(&[y0, y1], 2)?.reshape((n, width))? * f64::from(scale)
}

pub(super) fn causal_attention(q: &Tensor, k: &Tensor, v: &Tensor, heads: Heads, segments: &[usize]) -> Result<Tensor> {
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
    let scores = scores.broadcast_add(&causal_mask(segments, q.device())?)?;
    // The fused one has no gradient.
    let shares = if scores.track_op() { softmax(&scores, D::Minus1)? } else { softmax_last_dim(&scores)? };
    let out = shares.matmul(&per_query(v)?)?;
    out.transpose(0, 1)?.contiguous()?.reshape((n, heads.query * heads.dim))
}

/// The mask of attention: 0 where a row attends to a column, which is neither later nor in another segment.
fn causal_mask(segments: &[usize], device: &Device) -> Result<Tensor> {
    let starts = segments.iter().scan(0, |next, n| Some((std::mem::replace(next, *next + n), *n)));
    let first = starts.flat_map(|(start, n)| std::iter::repeat_n(start, n));
    let n: usize = segments.iter().sum();
    let rows = first.enumerate().flat_map(|(row, first)| {
        (0..n).map(move |column| if (first..=row).contains(&column) { 0.0 } else { f32::NEG_INFINITY })
    });
    Tensor::from_vec(rows.collect::<Vec<f32>>(), (n, n), device)
}

pub(super) fn silu_times(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    (gate * sigmoid(gate)?)? * up
}

pub(super) fn token_losses(h: &Tensor, head: &Tensor, targets: &[u32]) -> Result<Tensor> {
    let logits = h.matmul(&head.t()?)?;
    let log_sum = logits.log_sum_exp(D::Minus1)?;
    let at = Tensor::new(targets, h.device())?.unsqueeze(1)?;
    log_sum - logits.gather(&at, 1)?.squeeze(1)?
}

pub(super) fn cross_entropy(h: &Tensor, head: &Tensor, targets: &[u32]) -> Result<Vec<f64>> {
    token_losses(h, head, targets)?.to_dtype(DType::F64)?.to_vec1()
}
