use super::*;
use crate::model::shape::SMOLLM2;

#[test]
fn smollm2_by_hand() {
    let shape = SMOLLM2;
    // 30 x (2 x 576^2 + 2 x 192 x 576 + 3 x 1536 x 576) weights, two operations each.
    assert_eq!(forward_blocks(&shape, 0), 2.0 * 106_168_320.0);
    assert_eq!(head(&shape), 56_623_104.0);
    assert_eq!(shape.parameters(), 134_515_008);
}
