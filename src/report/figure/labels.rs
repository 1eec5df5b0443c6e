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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wish(at: f64, height: f64) -> Wish {
        Wish { at, height }
    }

    #[test]
    fn labels_with_room_stay() {
        assert_eq!(spread(&[wish(80.0, 20.0), wish(20.0, 20.0)], 0.0, 100.0), [80.0, 20.0]);
    }

    #[test]
    fn coincident_labels_share_the_move_and_keep_their_order() {
        assert_eq!(spread(&[wish(50.0, 20.0); 3], 0.0, 100.0), [30.0, 50.0, 70.0]);
    }

    #[test]
    fn the_edge_pushes_back() {
        assert_eq!(spread(&[wish(100.0, 20.0), wish(100.0, 20.0)], 0.0, 100.0), [70.0, 90.0]);
        assert_eq!(spread(&[wish(0.0, 20.0), wish(5.0, 20.0), wish(60.0, 20.0)], 0.0, 100.0), [10.0, 30.0, 60.0]);
    }

    proptest! {
        #[test]
        fn never_overlapping_never_outside(
            wishes in prop::collection::vec((-50.0..550.0f64, 10.0..45.0f64), 0..11),
        ) {
            let wishes: Vec<Wish> = wishes.into_iter().map(|(at, height)| wish(at, height)).collect();
            let middles = spread(&wishes, 0.0, 500.0);
            let mut boxes: Vec<(f64, f64)> =
                wishes.iter().zip(&middles).map(|(w, m)| (m - 0.5 * w.height, m + 0.5 * w.height)).collect();
            boxes.sort_by(|a, b| a.0.total_cmp(&b.0));
            prop_assert!(boxes.windows(2).all(|pair| pair[0].1 <= pair[1].0 + 1e-9), "{boxes:?}");
            prop_assert!(boxes.iter().all(|(top, bottom)| *top >= -1e-9 && *bottom <= 500.0 + 1e-9), "{boxes:?}");
            let placed: Vec<(f64, f64)> = wishes.iter().map(|wish| wish.at).zip(middles).collect();
            for (index, (at, middle)) in placed.iter().enumerate() {
                let mut above = placed[index + 1..].iter().filter(|(other, _)| at < other);
                prop_assert!(above.all(|(_, other)| middle < other), "moved past another");
            }
        }
    }
}
