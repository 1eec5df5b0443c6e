use super::*;

#[test]
fn l_is_the_factor_of_the_damped_covariance() {
    let x = Mat::from_fn(9, 6, |i, j| ((i * 5 + j * 3) as f64 * 0.7).sin());
    let c = x.transpose() * &x;
    let (l, damped) = Whitening::default().factor(&c).unwrap();
    let again = &l * l.transpose();
    assert_eq!(damped.rounds, 0);
    for i in 0..6 {
        for j in 0..6 {
            let expected = c[(i, j)] + if i == j { damped.lambda } else { 0.0 };
            assert!((again[(i, j)] - expected).abs() < 1e-12);
            assert!(j <= i || l[(i, j)] == 0.0);
        }
    }
}

#[test]
fn a_covariance_below_zero_by_rounding_is_damped_further() {
    let c = Mat::from_fn(3, 3, |i, j| if i == j { [6.0, 3.0, -1e-5][i] } else { 0.0 });
    let (_, damped) = Whitening::default().factor(&c).unwrap();
    assert!(damped.rounds > 0 && damped.lambda > 1e-5, "{damped:?}");
}
