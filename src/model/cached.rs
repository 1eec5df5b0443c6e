//! Attention with a key-value cache, for several sequences at once in the rows of one pass.

use candle_core::{D, Device, Result, Storage, Tensor};
use candle_nn::ops::softmax_last_dim;

use super::kernel::{self, Attention, Heads, View, product};
use super::ops::cpu::slice;

/// The cached keys and values of one sequence in one block, [tokens, key_value * dim] each.
#[derive(Debug)]
pub enum Past {
    /// On the CPU, growing in place.
    Cpu(Vec<f32>, Vec<f32>),
    /// On any other device.
    Other(Option<(Tensor, Tensor)>),
}

impl Past {
    /// An empty cache. On the CPU, memory for `tokens` tokens of `width` = key_value * dim is reserved.
    pub fn new(device: &Device, tokens: usize, width: usize) -> Self {
        if device.is_cpu() {
            Self::Cpu(Vec::with_capacity(tokens * width), Vec::with_capacity(tokens * width))
        } else {
            Self::Other(None)
        }
    }
}

/// Causal attention of sequences whose new tokens are consecutive rows, `rows[i]` of them for sequence i, which attends to its own
/// `past[i]` and to itself: q [n, query * dim] scaled, k and v [n, key_value * dim] -> [n, query * dim]. Keys and values
/// are added to the past. A sequence with a past has one new row.
pub fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    attention: Attention,
    rows: &[usize],
    past: &mut [&mut Past],
) -> Result<Tensor> {
    if !q.device().is_cpu() {
        return other::attention(q, k, v, attention, rows, past);
    }
    on_cpu(q, k, v, |q, k, v| {
        let heads = attention.heads;
        let (width, kv_width) = (heads.query * heads.dim, heads.key_value * heads.dim);
        let mut out = Vec::with_capacity(q.len());
        for ((&rows, start), past) in rows.iter().zip(starts(rows)).zip(past) {
            let (q, kv) = (&q[start * width..][..rows * width], start * kv_width..(start + rows) * kv_width);
            let Past::Cpu(keys, values) = &mut **past else {
                candle_core::bail!("attention on the CPU with a past on another device")
            };
            let fresh = keys.is_empty();
            keys.extend_from_slice(&k[kv.clone()]);
            values.extend_from_slice(&v[kv]);
            match (fresh, rows) {
                (true, _) => out.extend(kernel::causal_attention(q, keys, values, attention, &[rows])),
                (false, 1) => out.extend(one_row(q, keys, values, attention)),
                (false, _) => candle_core::bail!("{rows} new rows of a sequence that has a past; one at a time"),
            }
        }
        Ok(out)
    })
}

/// The first row of each sequence.
fn starts(rows: &[usize]) -> impl Iterator<Item = usize> + '_ {
    rows.iter().scan(0, |next, rows| {
        let start = *next;
        *next += rows;
        Some(start)
    })
}

fn on_cpu(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    attend: impl FnOnce(&[f32], &[f32], &[f32]) -> Result<Vec<f32>>,
) -> Result<Tensor> {
    let ((qs, ql), (ks, kl), (vs, vl)) = (q.storage_and_layout(), k.storage_and_layout(), v.storage_and_layout());
    let (Storage::Cpu(qs), Storage::Cpu(ks), Storage::Cpu(vs)) = (&*qs, &*ks, &*vs) else {
        candle_core::bail!("attention: q, k and v are on different devices")
    };
    let out = attend(slice(qs, ql)?, slice(ks, kl)?, slice(vs, vl)?)?;
    Tensor::from_vec(out, q.dims2()?, &Device::Cpu)
}

/// Attention of the last row: q [query, dim] scaled, keys and values [n, key_value, dim] -> [query, dim]. The query heads
/// that share a key head are one product.
fn one_row(q: &[f32], keys: &[f32], values: &[f32], attention: Attention) -> Vec<f32> {
    let Heads { query, key_value, dim } = attention.heads;
    let (sharing, kv_width) = (query / key_value, key_value * dim);
    // Of the past, what the window shows.
    let first = attention.first_seen(keys.len() / kv_width - 1);
    let (keys, values) = (&keys[first * kv_width..], &values[first * kv_width..]);
    let n = keys.len() / kv_width;
    let mut scores = vec![0.0; sharing * n];
    let mut out = vec![0.0; q.len()];
    for kv in 0..key_value {
        let at = kv * sharing * dim;
        let keys = View::new(&keys[kv * dim..], n, dim, kv_width);
        product(&mut scores, n, 0.0, View::new(&q[at..], sharing, dim, dim), keys.t(), 1.0);
        attention.cap(&mut scores);
        for scores in scores.chunks_exact_mut(n) {
            let shift = kernel::row_max(scores);
            let inverse = 1.0 / kernel::exp_sum_in_place(scores, shift);
            scores.iter_mut().for_each(|x| *x *= inverse);
        }
        let values = View::new(&values[kv * dim..], n, dim, kv_width);
        product(&mut out[at..], dim, 0.0, View::new(&scores, sharing, n, n), values, 1.0);
    }
    out
}

/// The same in candle's operations, for devices without a kernel of ours.
mod other {
    use super::*;
    use crate::model::ops::capped;

    pub fn attention(
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        attention: Attention,
        rows: &[usize],
        past: &mut [&mut Past],
    ) -> Result<Tensor> {
        let mut out = Vec::with_capacity(rows.len());
        for ((&rows, start), past) in rows.iter().zip(starts(rows)).zip(past) {
            let Past::Other(past) = &mut **past else {
                candle_core::bail!("attention on another device with a past on the CPU")
            };
            let part = |x: &Tensor| x.narrow(0, start, rows);
            let (k, v) = match past.take() {
                Some((keys, values)) => (Tensor::cat(&[keys, part(k)?], 0)?, Tensor::cat(&[values, part(v)?], 0)?),
                None => (part(k)?, part(v)?),
            };
            out.push(one(&part(q)?, &k, &v, attention)?);
            *past = Some((k, v));
        }
        Tensor::cat(&out, 0)
    }

    /// The last rows of a sequence, each attending to all keys up to its own.
    fn one(q: &Tensor, k: &Tensor, v: &Tensor, attention: Attention) -> Result<Tensor> {
        let heads = attention.heads;
        let (rows, n, sharing) = (q.dim(0)?, k.dim(0)?, heads.query / heads.key_value);
        // [key_value, sharing * rows, dim] against [key_value, n, dim]: keys are not repeated.
        let q = q.reshape((rows, heads.key_value, sharing, heads.dim))?.permute((1, 2, 0, 3))?.contiguous()?;
        let q = q.reshape((heads.key_value, sharing * rows, heads.dim))?;
        let split = |x: &Tensor| x.reshape((n, heads.key_value, heads.dim))?.transpose(0, 1)?.contiguous();
        let scores = q.matmul(&split(k)?.transpose(1, 2)?)?.reshape((heads.query, rows, n))?;
        let seen = |at: usize| {
            let row = n - rows + at / n;
            (attention.first_seen(row)..=row).contains(&(at % n))
        };
        let scores = capped(scores, attention.cap)?;
        let mask: Vec<f32> = (0..rows * n).map(|at| if seen(at) { 0.0 } else { f32::NEG_INFINITY }).collect();
        let scores = scores.broadcast_add(&Tensor::from_vec(mask, (rows, n), q.device())?)?;
        debug_assert_eq!(scores.dim(D::Minus1)?, n);
        let weights = softmax_last_dim(&scores)?.reshape((heads.key_value, sharing * rows, n))?;
        let out = weights.matmul(&split(v)?)?.reshape((heads.key_value, sharing, rows, heads.dim))?;
        out.permute((2, 0, 1, 3))?.contiguous()?.reshape((rows, heads.query * heads.dim))
    }
}

#[cfg(test)]
mod tests;
