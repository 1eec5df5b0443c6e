//! The operations of a decoder block on candle tensors [n, width].
//!
//! On the CPU each is one kernel of [`super::kernel`]; on any other device the same formula in candle's own operations.
//! A test holds the two against each other, so the generic path is checked where no such device is at hand.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, DType, Device, Layout, Result, Shape, Tensor};
use candle_nn::ops::{sigmoid, softmax_last_dim};

use super::kernel::{self, Heads};

/// y = x W^T: x [n, d_in], w [d_out, d_in] -> [n, d_out].
pub fn linear(x: &Tensor, w: &Tensor) -> Result<Tensor> {
    if x.device().is_cpu() { x.apply_op2_no_bwd(w, &Linear) } else { x.matmul(&w.t()?) }
}

/// Root-mean-square normalisation of each row: x / sqrt(mean(x^2) + eps) * weight.
pub fn rms_norm(x: &Tensor, weight: &Tensor, eps: f32) -> Result<Tensor> {
    if x.device().is_cpu() { x.apply_op2_no_bwd(weight, &RmsNorm { eps }) } else { generic::rms_norm(x, weight, eps) }
}

/// Rotary embedding of x [n, heads * head_dim] by cos, sin [n, head_dim / 2], times `scale`.
pub fn rotary(x: &Tensor, cos: &Tensor, sin: &Tensor, heads: usize, scale: f32) -> Result<Tensor> {
    if x.device().is_cpu() {
        x.apply_op3_no_bwd(cos, sin, &Rotary { heads, scale })
    } else {
        generic::rotary(x, cos, sin, heads, scale)
    }
}

/// Causal attention: q [n, query * dim] scaled by dim^-1/2, k and v [n, key_value * dim] -> [n, query * dim].
pub fn causal_attention(q: &Tensor, k: &Tensor, v: &Tensor, heads: Heads) -> Result<Tensor> {
    if q.device().is_cpu() {
        q.apply_op3_no_bwd(k, v, &Attention { heads })
    } else {
        generic::causal_attention(q, k, v, heads)
    }
}

/// silu(gate) * up.
pub fn silu_times(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    if gate.device().is_cpu() { gate.apply_op2_no_bwd(up, &SiluTimes) } else { generic::silu_times(gate, up) }
}

/// -log softmax(h W^T)[target] of each row, nats: h [n, d], head [vocabulary, d], one target a row.
pub fn cross_entropy(h: &Tensor, head: &Tensor, targets: &[u32]) -> Result<Vec<f64>> {
    if !h.device().is_cpu() {
        return generic::cross_entropy(h, head, targets);
    }
    let d = h.dim(1)?;
    let (h_storage, h_layout) = h.storage_and_layout();
    let (head_storage, head_layout) = head.storage_and_layout();
    match (&*h_storage, &*head_storage) {
        (candle_core::Storage::Cpu(h), candle_core::Storage::Cpu(head)) => {
            Ok(kernel::cross_entropy(slice(h, h_layout)?, slice(head, head_layout)?, d, targets))
        }
        _ => candle_core::bail!("cross_entropy: hidden states and head are on different devices"),
    }
}

/// The values of a contiguous tensor on the CPU.
pub(super) fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => candle_core::bail!("a kernel needs a contiguous tensor, not {layout:?}"),
    }
}

struct Linear;

impl CustomOp2 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }
    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, w: &CpuStorage, lw: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, d_in) = lx.shape().dims2()?;
        let (d_out, w_in) = lw.shape().dims2()?;
        if d_in != w_in {
            candle_core::bail!("linear: x has {d_in} columns, W {w_in}");
        }
        Ok((CpuStorage::F32(kernel::linear(slice(x, lx)?, slice(w, lw)?, d_in, d_out)), (n, d_out).into()))
    }
}

struct RmsNorm {
    eps: f32,
}

impl CustomOp2 for RmsNorm {
    fn name(&self) -> &'static str {
        "rms-norm"
    }
    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, w: &CpuStorage, lw: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(kernel::rms_norm(slice(x, lx)?, slice(w, lw)?, self.eps)), lx.shape().clone()))
    }
}

struct Rotary {
    heads: usize,
    scale: f32,
}

impl CustomOp3 for Rotary {
    fn name(&self) -> &'static str {
        "rotary"
    }
    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        cos: &CpuStorage,
        lc: &Layout,
        sin: &CpuStorage,
        ls: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, width) = lx.shape().dims2()?;
        let (cos, sin) = (slice(cos, lc)?, slice(sin, ls)?);
        let y = kernel::rotary(slice(x, lx)?, cos, sin, self.heads, width / self.heads, self.scale);
        Ok((CpuStorage::F32(y), lx.shape().clone()))
    }
}

struct Attention {
    heads: Heads,
}

impl CustomOp3 for Attention {
    fn name(&self) -> &'static str {
        "causal-attention"
    }
    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        lq: &Layout,
        k: &CpuStorage,
        lk: &Layout,
        v: &CpuStorage,
        lv: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let y = kernel::causal_attention(slice(q, lq)?, slice(k, lk)?, slice(v, lv)?, self.heads);
        Ok((CpuStorage::F32(y), lq.shape().clone()))
    }
}

struct SiluTimes;

impl CustomOp2 for SiluTimes {
    fn name(&self) -> &'static str {
        "silu-times"
    }
    fn cpu_fwd(&self, g: &CpuStorage, lg: &Layout, u: &CpuStorage, lu: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(kernel::silu_times(slice(g, lg)?, slice(u, lu)?)), lg.shape().clone()))
    }
}

/// The same operations in candle's own terms, for devices without a kernel of ours.
mod generic {
    use super::*;
    use candle_core::D;

    pub fn rms_norm(x: &Tensor, weight: &Tensor, eps: f32) -> Result<Tensor> {
        let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
        x.broadcast_div(&(mean + f64::from(eps))?.sqrt()?)?.broadcast_mul(weight)
    }

    pub fn rotary(x: &Tensor, cos: &Tensor, sin: &Tensor, heads: usize, scale: f32) -> Result<Tensor> {
        let (n, width) = x.dims2()?;
        let half = width / heads / 2;
        let x = x.reshape((n, heads, 2, half))?;
        let (x0, x1) = (x.narrow(2, 0, 1)?.squeeze(2)?, x.narrow(2, 1, 1)?.squeeze(2)?);
        let (cos, sin) = (cos.reshape((n, 1, half))?, sin.reshape((n, 1, half))?);
        let y0 = (x0.broadcast_mul(&cos)? - x1.broadcast_mul(&sin)?)?;
        let y1 = (x1.broadcast_mul(&cos)? + x0.broadcast_mul(&sin)?)?;
        Tensor::stack(&[y0, y1], 2)?.reshape((n, width))? * f64::from(scale)
    }

    pub fn causal_attention(q: &Tensor, k: &Tensor, v: &Tensor, heads: Heads) -> Result<Tensor> {
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
        let scores = scores.broadcast_add(&causal_mask(n, q.device())?)?;
        let out = softmax_last_dim(&scores)?.matmul(&per_query(v)?)?;
        out.transpose(0, 1)?.contiguous()?.reshape((n, heads.query * heads.dim))
    }

    fn causal_mask(n: usize, device: &Device) -> Result<Tensor> {
        let mask: Vec<f32> = (0..n * n).map(|at| if at % n > at / n { f32::NEG_INFINITY } else { 0.0 }).collect();
        Tensor::from_vec(mask, (n, n), device)
    }

    pub fn silu_times(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
        (gate * sigmoid(gate)?)? * up
    }

    pub fn cross_entropy(h: &Tensor, head: &Tensor, targets: &[u32]) -> Result<Vec<f64>> {
        let logits = h.matmul(&head.t()?)?;
        let log_sum = logits.log_sum_exp(D::Minus1)?;
        let at = Tensor::new(targets, h.device())?.unsqueeze(1)?;
        let losses = (log_sum - logits.gather(&at, 1)?.squeeze(1)?)?;
        losses.to_dtype(DType::F64)?.to_vec1()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(shape: (usize, usize), scale: f32) -> Tensor {
        Tensor::randn(0.0f32, scale, shape, &Device::Cpu).unwrap()
    }

    fn largest_difference(a: &Tensor, b: &Tensor) -> f32 {
        (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn kernels_agree_with_candle() {
        // 77 rows: not a multiple of the query block; 3 query heads for 1 key/value head.
        let heads = Heads { query: 6, key_value: 2, dim: 16 };
        let (q, k, v) = (random((77, 96), 2.0), random((77, 32), 2.0), random((77, 32), 1.0));
        let ours = causal_attention(&q, &k, &v, heads).unwrap();
        assert!(largest_difference(&ours, &generic::causal_attention(&q, &k, &v, heads).unwrap()) < 1e-5);

        let (cos, sin) = (random((77, 8), 1.0), random((77, 8), 1.0));
        let ours = rotary(&q, &cos, &sin, 6, 0.25).unwrap();
        assert!(largest_difference(&ours, &generic::rotary(&q, &cos, &sin, 6, 0.25).unwrap()) < 1e-5);

        let (x, weight) = (random((5, 99), 3.0), Tensor::randn(0.0f32, 1.0, 99, &Device::Cpu).unwrap());
        let ours = rms_norm(&x, &weight, 1e-5).unwrap();
        assert!(largest_difference(&ours, &generic::rms_norm(&x, &weight, 1e-5).unwrap()) < 1e-5);

        let (gate, up) = (random((5, 99), 30.0), random((5, 99), 1.0));
        let ours = silu_times(&gate, &up).unwrap();
        assert!(largest_difference(&ours, &generic::silu_times(&gate, &up).unwrap()) < 1e-4);

        let (x, w) = (random((7, 33), 1.0), random((21, 33), 1.0));
        assert!(largest_difference(&linear(&x, &w).unwrap(), &x.matmul(&w.t().unwrap()).unwrap()) < 1e-4);
    }

    #[test]
    fn cross_entropy_agrees_with_candle_over_several_chunks() {
        let (h, head) = (random((9, 24), 2.0), random((2500, 24), 1.0));
        let targets = [0, 1, 1023, 1024, 2047, 2048, 2499, 7, 1500];
        let ours = cross_entropy(&h, &head, &targets).unwrap();
        let theirs = generic::cross_entropy(&h, &head, &targets).unwrap();
        for (a, b) in ours.iter().zip(&theirs) {
            assert!((a - b).abs() < 1e-4, "{a} against {b}");
        }
    }

    #[test]
    fn a_broken_model_gives_a_loss_that_is_not_finite() {
        let head = random((2500, 4), 1.0);
        let broken = Tensor::new(&[[f32::NAN, 0.0, 0.0, 0.0], [f32::INFINITY, 1.0, 1.0, 1.0]], &Device::Cpu).unwrap();
        let losses = cross_entropy(&broken, &head, &[3, 3]).unwrap();
        assert!(losses.iter().all(|loss| !loss.is_finite()), "{losses:?}");
    }
}
