use super::*;
use crate::results::fixture::{curve, undamaged};

#[test]
fn keeps_order_and_sorts_points() {
    let mut rows = vec![undamaged("wiki"), undamaged("ptb")];
    rows.extend(curve("ptb", "b", "plain-svd", &[(4, 400.0), (1, 100.0)]));
    rows.extend(curve("ptb", "a", "corda", &[(2, 60.0)]));
    rows.extend(curve("wiki", "a", "corda", &[(2, 60.0)]));
    let tests = arrange(&rows, By::Components).unwrap();
    assert_eq!(tests.iter().map(Test::name).collect::<Vec<_>>(), ["wiki", "ptb"]);
    let ptb = &tests[1];
    assert_eq!(ptb.points, [0.0, 1.0, 2.0, 4.0]);
    assert_eq!(ptb.curves.iter().map(|curve| curve.row.arm.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(ptb.curves[0].at(4.0).unwrap().perplexity, 400.0);
    assert!(ptb.curves[1].at(4.0).is_none());
    assert_eq!(ptb.heading(), "ptb: fixture-ptb/test, 16 windows of 512 tokens");
}

#[test]
fn incomplete_results_are_refused() {
    assert!(matches!(arrange(&[], By::Components), Err(ReportError::Empty)));
    let rows = curve("ptb", "a", "corda", &[(2, 60.0)]);
    assert!(matches!(arrange(&rows, By::Components), Err(ReportError::NoUndamaged { .. })));
    assert!(matches!(arrange(&[undamaged("ptb")], By::Components), Err(ReportError::NoArms { .. })));
    let mut rows = vec![undamaged("ptb")];
    rows.extend(curve("ptb", "a", "corda", &[(2, 60.0), (2, 61.0)]));
    let error = arrange(&rows, By::Components).unwrap_err();
    assert!(matches!(error, ReportError::Twice { .. }), "{error}");
}
