use super::*;
use faer::Mat;

#[test]
fn cells_are_means_and_cover_everything() {
    let c = Mat::from_fn(5, 5, |i, j| if (i + j) % 2 == 0 { -1.0 } else { 3.0 });
    let one = downsampled(c.as_ref(), 1);
    assert!((one[0] - (13.0 + 36.0) / 25.0).abs() < 1e-12);
    // Edges at 0, 2, 5.
    let four = downsampled(c.as_ref(), 2);
    assert_eq!(four[0], 2.0);
    let whole = four[0] * 4.0 + four[1] * 6.0 + four[2] * 6.0 + four[3] * 9.0;
    assert!((whole - 49.0).abs() < 1e-12);
    assert_eq!(downsampled(c.as_ref(), 5)[1], 3.0);
}
