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
