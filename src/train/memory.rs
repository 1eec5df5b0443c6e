//! The memory that a training step holds, in bytes, from shapes alone.

use super::Tuning;
use super::order::GROUP_TOKENS;
use crate::model::arch::{Place, Role};
use crate::model::shape::{Linear, Shape};

/// Bytes of an f32.
const SINGLE: u64 = 4;

/// Makes the allocator keep freed memory: each step allocates and frees the same gigabyte, which the system would otherwise have
/// to clear each time (measured: a fifth of the step's time). This lasts for the life of the process; only glibc supports it.
pub(super) fn keep_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt takes the allocator's own lock and changes when memory goes back to the system, nothing else.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        libc::mallopt(libc::M_TOP_PAD, 256 << 20);
    }
}

/// The number of f32 values that the backward pass needs of one token, in all blocks.
///
/// For a block: its input, two norms, two sums and two terms of them (6 hidden); queries before and after rotation and what
/// attention makes (3 heads); keys and values (3 of their width); gate, up and their product; what further norms see, what
/// fused linears give beside its parts, and outputs before a bias; of an adapter x A^T, and with a magnitude the linear's output
/// before it.
fn kept(shape: &Shape, kind: Tuning, adapters: &[(Linear, usize)]) -> u64 {
    let (q, kv) = (shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim);
    let norms = shape.family.norms.iter().map(|norm| match norm.place {
        Place::BeforeAttention | Place::BeforeMlp => 0,
        Place::Query => q,
        Place::Key => kv,
        Place::AfterAttention | Place::AfterMlp => shape.hidden,
    });
    let fused = shape.family.linears.iter().map(|linear| match linear.role {
        Role::QueryKeyValue | Role::GateUp => linear.role.d_out(shape),
        _ => 0,
    });
    let biased = shape.family.biased.iter().map(|role| role.d_out(shape));
    let further: usize = norms.chain(fused).chain(biased).sum();
    let block = 6 * shape.hidden + 3 * q + 3 * kv + 3 * shape.intermediate + further;
    let adapted: usize = adapters.iter().map(|(l, r)| r + if kind == Tuning::Dora { l.d_out } else { 0 }).sum();
    (shape.layers * block + adapted) as u64
}

/// The number of trained parameters.
pub fn trained(shape: &Shape, kind: Tuning, adapters: &[(Linear, usize)]) -> u64 {
    let one = |(l, r): &(Linear, usize)| r * (l.d_out + l.d_in) + if kind == Tuning::Dora { l.d_out } else { 0 };
    if kind == Tuning::Full { shape.parameters() } else { adapters.iter().map(|adapter| one(adapter) as u64).sum() }
}

/// The most bytes that a training step holds on so many threads, with the model's own weights; `adapters` are linears with their
/// ranks, `longest` is the length of the longest example in tokens.
///
/// These are weights; moments and the sum of gradients; and on each thread a group's gradient, its activations, and what the backward
/// pass has in hand: a block's widest gradients, and where all weights are trained the head's and embedding's, which are
/// added out of place.
pub fn step(shape: &Shape, kind: Tuning, adapters: &[(Linear, usize)], longest: usize, threads: usize) -> u64 {
    let trained = trained(shape, kind, adapters);
    let tokens = longest.max(GROUP_TOKENS) as u64;
    let in_hand = tokens * (6 * shape.intermediate + 6 * shape.hidden) as u64;
    let wide = if kind == Tuning::Full { 2 * (shape.vocabulary * shape.hidden) as u64 } else { 0 };
    let thread = trained + tokens * kept(shape, kind, adapters) + in_hand + wide;
    // DoRA materialises W + B A to take its norms, for one linear per thread.
    let widest = shape.block_linears(0).map(|l| (l.d_out * l.d_in) as u64).max().unwrap_or(0);
    let norms = if kind == Tuning::Dora { threads as u64 * widest } else { 0 };
    SINGLE * (shape.parameters() + 3 * trained + threads as u64 * thread + norms)
}

#[cfg(test)]
mod tests;
