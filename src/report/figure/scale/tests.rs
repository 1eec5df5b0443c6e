use super::*;

fn labels(scale: &Scale) -> Vec<String> {
    scale.ticks().into_iter().filter_map(|tick| tick.label).collect()
}

#[test]
fn round_values_with_the_digits_they_need() {
    assert_eq!(labels(&Scale::linear([0.0, 10.0])), ["0", "5", "10"]);
    assert_eq!(labels(&Scale::linear([3.11, 3.3])), ["3.10", "3.15", "3.20", "3.25", "3.30"]);
    assert!(!labels(&Scale::linear([5.0])).is_empty() && !labels(&Scale::linear([f64::NAN])).is_empty());
}

#[test]
fn reversed_runs_backwards() {
    for scale in [Scale::linear([1.0, 2.0]), Scale::log([1.0, 2.0])] {
        let back = scale.reversed(true);
        assert!((scale.fraction(1.2) + back.fraction(1.2) - 1.0).abs() < 1e-12);
        assert!(back.fraction(1.0) > back.fraction(2.0));
        assert!(back.ticks().iter().all(|tick| (0.0..=1.0).contains(&tick.at)));
    }
}
