//! The operations as custom operations of candle on the CPU: each is a kernel, and its gradient another.
//!
//! Only arguments that depend on variables get a gradient: that of a frozen weight would cost as much as that of its input, and
//! is not needed.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

use super::values::Values;
use crate::model::config::Activation;
use crate::model::kernel::{self, backward};

/// The values of a contiguous tensor on the CPU.
pub fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => candle_core::bail!("a kernel needs a contiguous tensor, not {layout:?}"),
    }
}

/// A gradient with the shape of `of`, if that needs one.
fn gradient(of: &Tensor, values: Vec<f32>) -> Result<Option<Tensor>> {
    if of.track_op() { Ok(Some(Tensor::from_vec(values, of.dims(), of.device())?)) } else { Ok(None) }
}

type Gradients2 = Result<(Option<Tensor>, Option<Tensor>)>;
type Gradients3 = Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)>;

/// x W^T.
pub(super) struct Linear;

/// The widths d_in and d_out of x W^T, if the shapes fit.
fn widths(name: &str, x: &Shape, w: &Shape) -> Result<(usize, usize)> {
    let ((_, d_in), (d_out, w_in)) = (x.dims2()?, w.dims2()?);
    if d_in != w_in {
        candle_core::bail!("{name}: x has {d_in} columns, W {w_in}");
    }
    Ok((d_in, d_out))
}

impl CustomOp2 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }
    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, w: &CpuStorage, lw: &Layout) -> Result<(CpuStorage, Shape)> {
        let (d_in, d_out) = widths("linear", lx.shape(), lw.shape())?;
        let y = kernel::linear(slice(x, lx)?, slice(w, lw)?, d_in, d_out);
        Ok((CpuStorage::F32(y), (lx.dims()[0], d_out).into()))
    }
    fn bwd(&self, x: &Tensor, w: &Tensor, _: &Tensor, dy: &Tensor) -> Gradients2 {
        let (d_in, d_out) = widths("linear", x.shape(), w.shape())?;
        let dy = Values::of(dy)?;
        let dx = match x.track_op() {
            true => gradient(x, backward::linear_input(&dy, &Values::of(w)?, d_in, d_out, None))?,
            false => None,
        };
        let dw = match w.track_op() {
            true => gradient(w, backward::linear_weight(&dy, &Values::of(x)?, d_in, d_out))?,
            false => None,
        };
        Ok((dx, dw))
    }
}

/// x W^T + (x A^T) B^T of x, A and B; W is frozen.
pub(super) struct AdaptedLinear {
    w: Tensor,
    /// x A^T of the forward pass, [n, r], which the gradient of B needs.
    inner: OnceLock<Vec<f32>>,
}

impl AdaptedLinear {
    pub(super) fn new(w: &Tensor) -> Self {
        Self { w: w.clone(), inner: OnceLock::new() }
    }

    /// d_in, d_out, r.
    fn widths(&self, x: &Shape, a: &Shape, b: &Shape) -> Result<(usize, usize, usize)> {
        let (d_in, d_out) = widths("adapted linear", x, self.w.shape())?;
        let r = a.dims2()?.0;
        if a.dims() != [r, d_in] || b.dims() != [d_out, r] {
            candle_core::bail!("adapted linear: W is [{d_out}, {d_in}], A {a:?}, B {b:?}");
        }
        Ok((d_in, d_out, r))
    }
}

impl CustomOp3 for AdaptedLinear {
    fn name(&self) -> &'static str {
        "adapted-linear"
    }
    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        a: &CpuStorage,
        la: &Layout,
        b: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (d_in, d_out, r) = self.widths(lx.shape(), la.shape(), lb.shape())?;
        let x = slice(x, lx)?;
        let inner = kernel::linear(x, slice(a, la)?, d_in, r);
        let mut y = kernel::linear(x, &Values::of(&self.w)?, d_in, d_out);
        kernel::add_linear(&mut y, &inner, slice(b, lb)?, r, d_out);
        self.inner.get_or_init(|| inner);
        Ok((CpuStorage::F32(y), (lx.dims()[0], d_out).into()))
    }
    fn bwd(&self, x: &Tensor, a: &Tensor, b: &Tensor, _: &Tensor, dy: &Tensor) -> Gradients3 {
        let (d_in, d_out, r) = self.widths(x.shape(), a.shape(), b.shape())?;
        let dy = Values::of(dy)?;
        let (xs, a_values) = (Values::of(x)?, Values::of(a)?);
        let dinner = backward::linear_input(&dy, &Values::of(b)?, r, d_out, None);
        let dx = match x.track_op() {
            true => {
                let dx = backward::linear_input(&dy, &Values::of(&self.w)?, d_in, d_out, None);
                gradient(x, backward::linear_input(&dinner, &a_values, d_in, r, Some(dx)))?
            }
            false => None,
        };
        let inner = self.inner.get_or_init(|| kernel::linear(&xs, &a_values, d_in, r));
        let da = gradient(a, backward::linear_weight(&dinner, &xs, d_in, r))?;
        let db = gradient(b, backward::linear_weight(&dy, inner, r, d_out))?;
        Ok((dx, da, db))
    }
}

/// A factor per column.
pub(super) struct ScaleColumns;

impl CustomOp2 for ScaleColumns {
    fn name(&self) -> &'static str {
        "scale-columns"
    }
    fn cpu_fwd(&self, z: &CpuStorage, lz: &Layout, s: &CpuStorage, ls: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(kernel::scale_columns(slice(z, lz)?, slice(s, ls)?)), lz.shape().clone()))
    }
    fn bwd(&self, z: &Tensor, s: &Tensor, _: &Tensor, dy: &Tensor) -> Gradients2 {
        let (dz, ds) = backward::scale_columns(&Values::of(z)?, &Values::of(s)?, &Values::of(dy)?);
        Ok((gradient(z, dz)?, gradient(s, ds)?))
    }
}

/// The norm.
pub(super) struct RmsNorm {
    pub(super) eps: f32,
}

impl CustomOp2 for RmsNorm {
    fn name(&self) -> &'static str {
        "rms-norm"
    }
    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, w: &CpuStorage, lw: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(kernel::rms_norm(slice(x, lx)?, slice(w, lw)?, self.eps)), lx.shape().clone()))
    }
    fn bwd(&self, x: &Tensor, w: &Tensor, _: &Tensor, dy: &Tensor) -> Gradients2 {
        let (dx, dw) = backward::rms_norm(&Values::of(x)?, &Values::of(w)?, &Values::of(dy)?, self.eps);
        Ok((gradient(x, dx)?, gradient(w, dw)?))
    }
}

/// The norm with mean and shift.
pub(super) struct LayerNorm {
    pub(super) eps: f32,
}

impl CustomOp3 for LayerNorm {
    fn name(&self) -> &'static str {
        "layer-norm"
    }
    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        g: &CpuStorage,
        lg: &Layout,
        s: &CpuStorage,
        ls: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let y = kernel::layer_norm(slice(x, lx)?, slice(g, lg)?, slice(s, ls)?, self.eps);
        Ok((CpuStorage::F32(y), lx.shape().clone()))
    }
    fn bwd(&self, x: &Tensor, gain: &Tensor, shift: &Tensor, _: &Tensor, dy: &Tensor) -> Gradients3 {
        let (dx, dgain, dshift) = backward::layer_norm(&Values::of(x)?, &Values::of(gain)?, &Values::of(dy)?, self.eps);
        Ok((gradient(x, dx)?, gradient(gain, dgain)?, gradient(shift, dshift)?))
    }
}

/// A row added to every row.
pub(super) struct AddRow;

impl CustomOp2 for AddRow {
    fn name(&self) -> &'static str {
        "add-row"
    }
    fn cpu_fwd(&self, y: &CpuStorage, ly: &Layout, r: &CpuStorage, lr: &Layout) -> Result<(CpuStorage, Shape)> {
        if ly.shape().dims2()?.1 != lr.shape().dims1()? {
            candle_core::bail!("add row: rows of {ly:?} and a row of {lr:?}");
        }
        Ok((CpuStorage::F32(kernel::add_row(slice(y, ly)?, slice(r, lr)?)), ly.shape().clone()))
    }
    fn bwd(&self, y: &Tensor, row: &Tensor, _: &Tensor, dy: &Tensor) -> Gradients2 {
        let dy_values = Values::of(dy)?;
        let drow = match row.track_op() {
            true => gradient(row, backward::add_row(&dy_values, row.dim(0)?))?,
            false => None,
        };
        Ok((y.track_op().then(|| dy.clone()), drow))
    }
}

/// The rotary embedding.
pub(super) struct Rotary {
    pub(super) heads: usize,
    pub(super) scale: f32,
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
    fn bwd(&self, x: &Tensor, cos: &Tensor, sin: &Tensor, _: &Tensor, dy: &Tensor) -> Gradients3 {
        // A rotation's transpose is the rotation back.
        let back: Vec<f32> = Values::of(sin)?.iter().map(|sin| -sin).collect();
        let dim = x.dim(1)? / self.heads;
        let dx = kernel::rotary(&Values::of(dy)?, &Values::of(cos)?, &back, self.heads, dim, self.scale);
        Ok((gradient(x, dx)?, None, None))
    }
}

/// Causal attention inside each segment.
pub(super) struct CausalAttention {
    pub(super) attention: kernel::Attention,
    pub(super) segments: Vec<usize>,
}

impl CustomOp3 for CausalAttention {
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
        let y = kernel::causal_attention(slice(q, lq)?, slice(k, lk)?, slice(v, lv)?, self.attention, &self.segments);
        Ok((CpuStorage::F32(y), lq.shape().clone()))
    }
    fn bwd(&self, q: &Tensor, k: &Tensor, v: &Tensor, _: &Tensor, dy: &Tensor) -> Gradients3 {
        let (qs, ks, vs) = (Values::of(q)?, Values::of(k)?, Values::of(v)?);
        let (dq, dk, dv) =
            kernel::attention_backward([&*qs, &*ks, &*vs], &Values::of(dy)?, self.attention, &self.segments);
        Ok((gradient(q, dq)?, gradient(k, dk)?, gradient(v, dv)?))
    }
}

/// f(gate) * up.
pub(super) struct Gated(pub(super) Activation);

impl CustomOp2 for Gated {
    fn name(&self) -> &'static str {
        "gated"
    }
    fn cpu_fwd(&self, g: &CpuStorage, lg: &Layout, u: &CpuStorage, lu: &Layout) -> Result<(CpuStorage, Shape)> {
        let f = match self.0 {
            Activation::Silu => kernel::silu_times,
            Activation::GeluTanh => kernel::gelu_times,
            Activation::Relu => kernel::relu_times,
        };
        Ok((CpuStorage::F32(f(slice(g, lg)?, slice(u, lu)?)), lg.shape().clone()))
    }
    fn bwd(&self, gate: &Tensor, up: &Tensor, _: &Tensor, dy: &Tensor) -> Gradients2 {
        let f = match self.0 {
            Activation::Silu => backward::silu_times,
            Activation::GeluTanh => backward::gelu_times,
            Activation::Relu => backward::relu_times,
        };
        let (dgate, dup) = f(&Values::of(gate)?, &Values::of(up)?, &Values::of(dy)?);
        Ok((gradient(gate, dgate)?, gradient(up, dup)?))
    }
}

/// The loss of each row against its target.
pub(super) struct TokenLosses {
    pub(super) targets: Vec<u32>,
    pub(super) cap: Option<f32>,
}

impl CustomOp2 for TokenLosses {
    fn name(&self) -> &'static str {
        "token-losses"
    }
    fn cpu_fwd(&self, h: &CpuStorage, lh: &Layout, w: &CpuStorage, lw: &Layout) -> Result<(CpuStorage, Shape)> {
        let (d, _) = widths("token losses", lh.shape(), lw.shape())?;
        let losses = kernel::cross_entropy(slice(h, lh)?, slice(w, lw)?, d, &self.targets, self.cap);
        Ok((CpuStorage::F64(losses), self.targets.len().into()))
    }
    fn bwd(&self, h: &Tensor, head: &Tensor, losses: &Tensor, dy: &Tensor) -> Gradients2 {
        let (d, vocabulary) = widths("token losses", h.shape(), head.shape())?;
        if let Some(id) = self.targets.iter().find(|&&id| id as usize >= vocabulary) {
            candle_core::bail!("target {id} is beyond the vocabulary of {vocabulary}");
        }
        let (losses, dy) = (losses.to_vec1::<f64>()?, dy.to_vec1::<f64>()?);
        let (hs, heads) = (Values::of(h)?, Values::of(head)?);
        let (of, needs) = ([&losses[..], &dy], head.track_op());
        let (dh, dhead) = backward::cross_entropy([&*hs, &*heads], d, &self.targets, of, needs, self.cap);
        let dhead = dhead.map(|values| gradient(head, values)).transpose()?.flatten();
        Ok((gradient(h, dh)?, dhead))
    }
}
