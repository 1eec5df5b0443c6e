use super::*;
use crate::decompose::tall::Tall;
use crate::decompose::{End, Factorisation};

#[test]
fn agrees_with_the_definition() {
    let (d_out, d_in, r) = (5, 7, 3);
    let w = Mat::from_fn(d_out, d_in, |i, j| ((i * 3 + j * 5) as f64 * 0.9).sin());
    let x = Mat::from_fn(11, d_in, |i, j| ((i * 7 + j * 2) as f64 * 0.4).cos());
    let found = Factorisation::of(w.as_ref(), End::Largest, r).unwrap();
    let truncation = Truncation::new(&Tall::of(w.as_ref()), &found);
    let u = found.vectors(r);
    let ba = u * (u.transpose() * &w);
    let c = x.transpose() * &x;
    let weights = Energy::of_weights(w.as_ref(), &truncation);
    assert!((weights.share(0..r) - (ba.norm_l2() / w.norm_l2()).powi(2)).abs() < 1e-6);
    let output = Energy::of_output(w.as_ref(), &truncation, c.as_ref());
    let expected = ((&ba * x.transpose()).norm_l2() / (&w * x.transpose()).norm_l2()).powi(2);
    assert!((output.share(0..r) - expected).abs() < 1e-6, "{} {expected}", output.share(0..r));
    assert_eq!(output.share(1..1), 0.0);
    // A linear that nothing is taken from.
    let none = Factorisation::of(w.as_ref(), End::Largest, 0).unwrap();
    let none = Truncation::new(&Tall::of(w.as_ref()), &none);
    assert!(Energy::of_output(w.as_ref(), &none, c.as_ref()).components.is_empty());
}
