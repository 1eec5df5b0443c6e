//! What stages cost: floating-point operations, counted from shapes.

use crate::model::shape::{HEAD, Linear, Shape, Site};

/// Operations (multiply and add count as two) for one token of a window of `length`: blocks only.
pub fn forward_blocks(shape: &Shape, length: usize) -> f64 {
    let linears: f64 = decoder(shape).map(|l| 2.0 * (l.d_out * l.d_in) as f64).sum();
    // q k^T and a v against half the window on average.
    let attention = 2.0 * 2.0 * (shape.heads * shape.head_dim) as f64 * length as f64 / 2.0 * shape.layers as f64;
    linears + attention
}

/// Operations for one token's logits.
pub fn head(shape: &Shape) -> f64 {
    2.0 * (shape.vocabulary * shape.hidden) as f64
}

/// Operations for one token's share of the covariances, lower triangles only.
pub fn covariances(shape: &Shape) -> f64 {
    let widths = Site::BLOCK.map(|site| site.width(shape));
    shape.layers as f64 * widths.iter().map(|d| (d * d) as f64).sum::<f64>()
}

/// Operations to decompose a linear: W T where T is not diagonal, and the SVD with left vectors (bidiagonalisation,
/// 4 m n^2 - 4 n^3 / 3, and about as much for the vectors).
pub fn decomposition(linear: &Linear, dense: bool) -> f64 {
    let (m, n) = (linear.d_out.max(linear.d_in) as f64, linear.rank() as f64);
    let product = if dense { 2.0 * linear.d_out as f64 * (linear.d_in as f64).powi(2) } else { 0.0 };
    product + 8.0 * m * n * n - 4.0 / 3.0 * n.powi(3)
}

/// Operations to measure what `depth` components of a linear carry of its output on some texts: the diagonals of W C W^T and
/// of P C P^T.
pub fn energy(linear: &Linear, depth: usize, texts: usize) -> f64 {
    2.0 * ((linear.d_out + depth) * linear.d_in * (linear.d_in + 1) * texts) as f64
}

/// Operations to drop r components of a linear.
pub fn truncation(linear: &Linear, r: usize) -> f64 {
    2.0 * (linear.d_out * linear.d_in * r) as f64
}

/// Operations to learn from one token of an example of `length`: forward, and back to the activations; weights that learn
/// cost as much again as their own forward pass. `adapters` are the parameters of adapters, `None` where every weight
/// learns. The head, which sees the few tokens of the response only, is left out.
pub fn training(shape: &Shape, length: usize, adapters: Option<u64>) -> f64 {
    let forward = forward_blocks(shape, length);
    match adapters {
        Some(parameters) => 2.0 * forward + 3.0 * 2.0 * parameters as f64,
        None => 3.0 * forward,
    }
}

fn decoder(shape: &Shape) -> impl Iterator<Item = Linear> {
    shape.linears().into_iter().filter(|linear| linear.name != HEAD)
}

#[cfg(test)]
mod tests;
