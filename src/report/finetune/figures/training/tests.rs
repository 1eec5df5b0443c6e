use super::*;

#[test]
fn windows_are_whole() {
    assert_eq!(running_mean(&[1.0, 2.0, 3.0, 6.0], 3), [2.0, 11.0 / 3.0]);
    assert_eq!(running_mean(&[1.0, 2.0], 1), [1.0, 2.0]);
    assert!(running_mean(&[1.0], 2).is_empty());
}
