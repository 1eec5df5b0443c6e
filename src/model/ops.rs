//! The operations of a decoder block on candle tensors [n, width], with their gradients.
//!
//! On the CPU each is one kernel of [`super::kernel`], forwards and backwards; on any other device the same formula in
//! candle's own operations. A test compares the two, so the generic path is checked even without such a
//! device. If no argument depends on a variable, nothing is recorded and the result is that of the kernel alone.

use candle_core::{Result, Tensor};

use super::config::Activation;
use super::kernel::Attention;

pub(super) mod cpu;
mod generic;
pub(crate) mod values;

pub(super) use generic::capped;

/// y = x W^T: x [n, d_in], w [d_out, d_in] -> [n, d_out].
pub fn linear(x: &Tensor, w: &Tensor) -> Result<Tensor> {
    if x.device().is_cpu() { x.apply_op2(w, cpu::Linear) } else { x.matmul(&w.t()?) }
}

/// y = x W^T + (x A^T) B^T: x [n, d_in], w [d_out, d_in] frozen, a [r, d_in], b [d_out, r] -> [n, d_out].
pub fn adapted_linear(x: &Tensor, w: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if x.device().is_cpu() {
        x.apply_op3(a, b, cpu::AdaptedLinear::new(w))
    } else {
        linear(x, &w.detach())? + linear(&linear(x, a)?, b)?
    }
}

/// z scale: a factor `scale` `[d]` for each column of z [n, d].
pub fn scale_columns(z: &Tensor, scale: &Tensor) -> Result<Tensor> {
    if z.device().is_cpu() { z.apply_op2(scale, cpu::ScaleColumns) } else { z.broadcast_mul(scale) }
}

/// Root-mean-square normalisation of each row: x / sqrt(mean(x^2) + eps) * weight.
pub fn rms_norm(x: &Tensor, weight: &Tensor, eps: f32) -> Result<Tensor> {
    if x.device().is_cpu() { x.apply_op2(weight, cpu::RmsNorm { eps }) } else { generic::rms_norm(x, weight, eps) }
}

/// Layer normalisation of each row: (x - mean) / sqrt(variance + eps) * gain + shift.
pub fn layer_norm(x: &Tensor, gain: &Tensor, shift: &Tensor, eps: f32) -> Result<Tensor> {
    if x.device().is_cpu() {
        x.apply_op3(gain, shift, cpu::LayerNorm { eps })
    } else {
        generic::layer_norm(x, gain, shift, eps)
    }
}

/// y + row for each row of y [n, d]; row `[d]`.
pub fn add_row(y: &Tensor, row: &Tensor) -> Result<Tensor> {
    if y.device().is_cpu() { y.apply_op2(row, cpu::AddRow) } else { y.broadcast_add(row) }
}

/// Rotary embedding of x [n, heads * head_dim] by cos, sin [n, half], times `scale`: the first 2 half dimensions of a head are
/// rotated, the others only scaled. The tables get no gradient.
pub fn rotary(x: &Tensor, cos: &Tensor, sin: &Tensor, heads: usize, scale: f32) -> Result<Tensor> {
    if x.device().is_cpu() {
        x.apply_op3(cos, sin, cpu::Rotary { heads, scale })
    } else {
        generic::rotary(x, cos, sin, heads, scale)
    }
}

/// Causal attention: q [n, query * dim], scaled, k and v [n, key_value * dim] -> [n, query * dim].
pub fn causal_attention(q: &Tensor, k: &Tensor, v: &Tensor, attention: impl Into<Attention>) -> Result<Tensor> {
    packed_attention(q, k, v, attention, &[q.dim(0)?])
}

/// Causal attention within each of several sequences, concatenated in the n rows, of `segments` tokens.
pub fn packed_attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    attention: impl Into<Attention>,
    segments: &[usize],
) -> Result<Tensor> {
    let attention = attention.into();
    if segments.iter().sum::<usize>() != q.dim(0)? {
        candle_core::bail!("attention: segments {segments:?} are not {} rows", q.dim(0)?);
    }
    if q.device().is_cpu() {
        q.apply_op3(k, v, cpu::CausalAttention { attention, segments: segments.to_vec() })
    } else {
        generic::causal_attention(q, k, v, attention, segments)
    }
}

/// f(gate) * up.
pub fn gated(gate: &Tensor, up: &Tensor, f: Activation) -> Result<Tensor> {
    if gate.device().is_cpu() { gate.apply_op2(up, cpu::Gated(f)) } else { generic::gated(gate, up, f) }
}

/// `-log softmax(h W^T)[target]` of each row, in nats: h [n, d], head [vocabulary, d], one target per row. With a cap, logits l
/// are cap tanh(l / cap).
pub fn cross_entropy(h: &Tensor, head: &Tensor, targets: &[u32], cap: Option<f32>) -> Result<Vec<f64>> {
    if h.device().is_cpu() {
        token_losses(&h.detach(), &head.detach(), targets, cap)?.to_vec1()
    } else {
        generic::cross_entropy(h, head, targets, cap)
    }
}

/// The same losses as a tensor `[n]` that has a gradient: f64 on the CPU, f32 elsewhere. In neither case does the CPU
/// hold more logits than a chunk of the vocabulary.
pub fn token_losses(h: &Tensor, head: &Tensor, targets: &[u32], cap: Option<f32>) -> Result<Tensor> {
    if h.device().is_cpu() {
        h.apply_op2(head, cpu::TokenLosses { targets: targets.to_vec(), cap })
    } else {
        generic::token_losses(h, head, targets, cap)
    }
}

#[cfg(test)]
mod tests;
