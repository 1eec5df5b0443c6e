use candle_core::Device;

use super::*;

#[test]
fn ties_go_to_the_lowest_id_and_broken_rows_to_nothing() {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    let logits = [[1.0, 3.0, 3.0], [-1.0, -2.0, nan], [0.0, inf, 0.0], [-5.0, -6.0, -4.0]];
    let next = likeliest(&Tensor::new(&logits, &Device::Cpu).unwrap()).unwrap();
    assert_eq!(next, [Some(1), None, None, Some(2)]);
}

#[test]
fn runs_cover_everything_in_order() {
    let cut = |items: &[usize], most| runs(items, most, |&n| n).map(<[_]>::to_vec).collect::<Vec<_>>();
    assert_eq!(cut(&[3, 4, 5, 20, 1, 1], 8), [vec![3, 4], vec![5], vec![20], vec![1, 1]]);
    assert_eq!(cut(&[20], 8), [vec![20]]);
    assert!(cut(&[], 8).is_empty());
}
