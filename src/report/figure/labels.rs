//! Labels at the ends of lines, moved apart where they would overlap.

/// A label's wish.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wish {
    /// Where its middle should be.
    pub at: f64,
    /// How tall it is, distance to its neighbours included.
    pub height: f64,
}

/// Middles of the labels, in the order given: none overlap, none move past another, all lie between `low` and `high` if
/// they fit at all, and the sum of the squared moves is as small as that allows.
pub fn spread(wishes: &[Wish], low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    // Stable: labels with the same wish keep the order given.
    order.sort_by(|&a, &b| wishes[a].at.total_cmp(&wishes[b].at));

    // With every label's distance from the top of a gapless stack taken off, "do not overlap" reads "do not descend":
    // an isotonic regression, solved by pooling neighbours that descend into their mean.
    let mut offsets = Vec::with_capacity(order.len());
    let mut total = 0.0;
    for &index in &order {
        offsets.push(total + 0.5 * wishes[index].height);
        total += wishes[index].height;
    }
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (&index, offset) in order.iter().zip(&offsets) {
        let mut pool = (wishes[index].at - offset, 1);
        while let Some(&(sum, count)) = pools.last()
            && sum / count as f64 > pool.0 / pool.1 as f64
        {
            pools.pop();
            pool = (pool.0 + sum, pool.1 + count);
        }
        pools.push(pool);
    }
    let tops = pools.into_iter().flat_map(|(sum, count)| std::iter::repeat_n(sum / count as f64, count));

    let mut middles = vec![0.0; wishes.len()];
    for ((&index, offset), top) in order.iter().zip(&offsets).zip(tops) {
        middles[index] = top.min(high - total).max(low) + offset;
    }
    middles
}

#[cfg(test)]
mod tests;
