use super::*;

#[test]
fn squares_sum_to_one_however_large_they_are() {
    for scale in [1.0, 1e200, 1e-200] {
        let values = normalised(&[4.0 * scale, 3.0 * scale, 0.0]);
        assert!((values[0] - 0.8).abs() < 1e-15 && (values[1] - 0.6).abs() < 1e-15 && values[2] == 0.0);
    }
    assert_eq!(normalised(&[0.0, 0.0]), [0.0, 0.0]);
}
