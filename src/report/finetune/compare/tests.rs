use super::*;

#[test]
fn told_beyond_the_interval_and_in_every_seed() {
    let clear: Vec<(f64, f64)> = (0..40).map(|i| (1.0 + 0.01 * f64::from(i % 3), 1.2)).collect();
    let seeds = [(1.0, 1.2), (1.02, 1.2), (1.01, 1.2)];
    let (says, found) = judge(Some(&clear), &seeds, TRAINING);
    assert_eq!((says, found.seeds, found.over.as_str()), (Says::Holds, Some((3, 3)), "40 questions, 40 changed"));
    let swapped: Vec<(f64, f64)> = clear.iter().map(|(a, b)| (*b, *a)).collect();
    let (says, found) = judge(Some(&swapped), &seeds.map(|(a, b)| (b, a)), TRAINING);
    assert_eq!((says, found.seeds), (Says::Opposite, Some((0, 3))));
    // One seed of three says otherwise.
    let (says, found) = judge(Some(&clear), &[(1.0, 1.2), (1.0, 1.2), (1.3, 1.2)], TRAINING);
    assert_eq!((says, found.seeds), (Says::Inconclusive, Some((2, 3))));
    // The interval includes 0.
    let noise: Vec<(f64, f64)> = (0..40).map(|i| (f64::from(i % 2), 0.48)).collect();
    assert_eq!(judge(Some(&noise), &seeds, TRAINING).0, Says::Inconclusive);
    // A single seed has no interval.
    assert_eq!(training(&[(1.0, 2.0)]).0, Says::Inconclusive);
    assert_eq!(training(&[(1.0, 2.0), (1.1, 2.0), (1.05, 2.0)]).0, Says::Holds);
}

#[test]
fn none_of_many_is_not_certainty() {
    // 1 - 0.025^(1 / 100).
    assert!((of_one_kind(0.0, 100)[1] - 0.036_217).abs() < 1e-6);
    assert_eq!(of_one_kind(1.0, 100)[1], 1.0);
}

#[test]
fn few_changed_answers_tell_nothing() {
    let with =
        |right: usize| -> Vec<(f64, f64)> { (0..200).map(|i| (if i < right { 1.0 } else { 0.0 }, 0.0)).collect() };
    let exact = Measure { name: "sums", kind: Kind::ExactMatch };
    let told = |right| judge(Some(&with(right)), &[(0.05, 0.0)], exact).0;
    assert_eq!([told(9), told(10)], [Says::Inconclusive, Says::Holds]);
}

#[test]
fn a_loss_that_is_not_finite_is_not_passed_over() {
    let (says, found) = training(&[(1.0, f64::INFINITY), (1.1, 2.0), (1.05, 2.0)]);
    assert_eq!(says, Says::Inconclusive);
    assert!(found.p.is_nan());
}
