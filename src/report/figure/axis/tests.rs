use super::*;

fn labels(ticks: &[Tick]) -> Vec<&str> {
    ticks.iter().filter_map(|tick| tick.label.as_deref()).collect()
}

fn ascend_within(ticks: &[Tick]) -> bool {
    ticks.windows(2).all(|pair| pair[0].at < pair[1].at) && ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.at))
}

#[test]
fn decades_over_a_large_range() {
    let axis = Scale::log([20.0, 1e7]);
    let ticks = axis.ticks();
    assert_eq!(labels(&ticks), ["10²", "10³", "10⁴", "10⁵", "10⁶", "10⁷"]);
    assert!(ascend_within(&ticks));
    // Eight minors in each of the five whole decades, and some at the ends.
    assert!(ticks.iter().filter(|tick| tick.label.is_none()).count() >= 40);
}

#[test]
fn decades_below_a_thousandth_are_written_alike() {
    assert_eq!([-9, -4, -3, -1, 0, 1, 2].map(decade), ["1e-9", "1e-4", "0.001", "0.1", "1", "10", "10²"]);
}

#[test]
fn few_labels_over_an_enormous_range() {
    let ticks = Scale::log([20.0, 1e300]).ticks();
    assert!((4..=9).contains(&labels(&ticks).len()), "{:?}", labels(&ticks));
    assert!(ascend_within(&ticks));
}

#[test]
fn ones_twos_and_fives_within_a_decade_or_so() {
    let ticks = Scale::log([20.0, 300.0]).ticks();
    assert_eq!(labels(&ticks), ["20", "50", "100", "200"]);
    assert!(ascend_within(&ticks));
}

#[test]
fn round_steps_over_a_narrow_range() {
    let ticks = Scale::log([59.0, 61.5]).ticks();
    assert!((3..=8).contains(&labels(&ticks).len()), "{:?}", labels(&ticks));
    assert!(ascend_within(&ticks));
}

#[test]
fn one_value_or_none_still_makes_an_axis() {
    for axis in [Scale::log([59.0]), Scale::log([f64::NAN, f64::INFINITY])] {
        assert!(axis.low < axis.high && ascend_within(&axis.ticks()));
    }
    assert!((Scale::log([59.0]).fraction(59.0) - 0.5).abs() < 1e-9);
}

#[test]
fn doubling_r_is_one_step() {
    let axis = PointAxis::Components(vec![0.0, 1.0, 2.0, 4.0, 8.0]);
    let at = |point| axis.fraction(point);
    assert!(at(0.0) < PointAxis::BREAK && PointAxis::BREAK < at(1.0));
    assert!((at(2.0) - at(1.0) - (at(8.0) - at(4.0))).abs() < 1e-12);
    assert_eq!(labels(&axis.ticks()), ["0", "1", "2", "4", "8"]);
    assert!(ascend_within(&axis.ticks()));
    let single = PointAxis::Components(vec![0.0, 16.0]);
    assert!(ascend_within(&single.ticks()));
}

#[test]
fn shares_of_parameters_have_round_ticks_wherever_they_lie() {
    let of = |points: &[f64]| PointAxis::Parameters(points.to_vec()).ticks();
    let ticks = of(&[0.0, 0.0017, 0.02, 0.13]);
    assert_eq!(labels(&ticks), ["0", "0.2%", "0.5%", "1%", "2%", "5%", "10%"]);
    assert!(ascend_within(&ticks));
    assert_eq!(labels(&of(&[0.0, 1.5e-5, 0.1])), ["0", "0.01%", "0.1%", "1%", "10%"]);
    assert_eq!(labels(&of(&[0.0, 0.05])), ["0", "5%"]);
    assert_eq!(labels(&of(&[0.0, 0.03, 0.04])), ["0", "3%", "4%"]);
    assert_eq!(labels(&of(&[0.0])), ["0"]);
}

#[test]
fn shares_are_linear() {
    let axis = PointAxis::Share(0.5);
    assert_eq!(labels(&axis.ticks()), ["0%", "10%", "20%", "30%", "40%", "50%"]);
    assert!((axis.fraction(0.25) - 0.5 * (axis.fraction(0.0) + axis.fraction(0.5))).abs() < 1e-12);
}

#[test]
fn round_values_with_the_digits_they_need() {
    assert_eq!(said(&Scale::linear([0.0, 10.0])), ["0", "5", "10"]);
    assert_eq!(said(&Scale::linear([3.11, 3.3])), ["3.10", "3.15", "3.20", "3.25", "3.30"]);
    assert!(!said(&Scale::linear([5.0])).is_empty() && !said(&Scale::linear([f64::NAN])).is_empty());
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

fn said(scale: &Scale) -> Vec<String> {
    labels(&scale.ticks()).into_iter().map(str::to_string).collect()
}
