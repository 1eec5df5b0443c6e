use super::*;
use crate::report::claims::{by_order, count, judge};
use crate::report::study::arrange;
use crate::results::Row;
use crate::results::fixture::{curve, undamaged};
use crate::spec::PublishedRow;

fn says(duels: &[Duel]) -> String {
    let Cell::Verdict(_, text) = by_order(duels) else { panic!("not a verdict") };
    text
}

fn windows(arm: &str, discarded: u32, losses: &[f64]) -> Vec<WindowRow> {
    let row = |(window, &nll): (usize, &f64)| WindowRow {
        experiment: "x".into(),
        arm: arm.into(),
        discarded,
        share: 0.0,
        evaluation: "ptb".into(),
        window: window as u32,
        nll,
    };
    losses.iter().enumerate().map(row).collect()
}

fn with(calibration: &str, rows: Vec<Row>) -> Vec<Row> {
    let set = |row| Row { calibration: Some(calibration.into()), samples: Some(4), ..row };
    rows.into_iter().map(set).collect()
}

#[test]
fn orderings_are_judged_with_their_evidence() {
    let mut rows = vec![undamaged("ptb")];
    rows.extend(with("ptb", curve("ptb", "own", "corda", &[(2, 60.0), (8, 64.0)])));
    rows.extend(with("wiki", curve("ptb", "other", "corda", &[(2, 59.5), (8, 70.0)])));
    rows.extend(curve("ptb", "plain", "plain-svd", &[(2, 600.0), (8, f64::INFINITY)]));
    let all = [
        windows("own", 2, &[4.0, 4.2, 4.1]),
        windows("own", 8, &[4.1, 4.3, 4.2]),
        windows("other", 2, &[3.99, 4.19, 4.09]),
        windows("other", 8, &[4.2, 4.5, 4.35]),
        windows("plain", 2, &[6.0, 6.2, 6.1]),
        windows("plain", 8, &[9.0, f64::INFINITY, 9.0]),
    ]
    .concat();
    let tests = arrange(&rows, By::Components).unwrap();
    let mut meta = crate::report::tests::meta(By::Components);
    fn here<'a>(test: &'a Test<'a>, windows: &'a [WindowRow], meta: &'a Meta) -> Here<'a> {
        Here { test, windows, meta }
    }
    let claims = judge(&RULES, None::<&PublishedTest>, &here(&tests[0], &all, &meta));
    // No ASVD here, so one claim is left.
    assert_eq!(claims.len(), 1);
    assert_eq!((count(&claims[0].here, Says::Holds), claims[0].here.len()), (1, 2));
    let duel = &claims[0].here[1];
    let Paired { estimate, p, .. } = duel.paired.as_ref().unwrap();
    assert!(duel.says == Says::Holds && (estimate.mean - 0.15).abs() < 1e-12 && (0.0..0.1).contains(p), "{duel:?}");
    assert_eq!(says(&claims[0].here), "Holds in 1 of 2 comparisons, 1 beyond the 95% interval.");
    let winners = here(&tests[0], &all, &meta).winners();
    assert_eq!(
        winners.iter().map(|duel| duel.sides[0].as_str()).collect::<Vec<_>>(),
        [rows[3].label.clone(), rows[1].label.clone()]
    );
    assert!(winners.iter().all(|duel| duel.says == Says::Holds));
    // An arm that takes the largest components is no evidence for or against.
    meta.largest = vec!["other".into()];
    assert!(judge(&RULES, None::<&PublishedTest>, &here(&tests[0], &all, &meta)).is_empty());
}

#[test]
fn published_orderings_may_be_level() {
    let row = |method: &str, calibration: Option<&str>, samples, points: [f64; 2]| PublishedRow {
        method: method.into(),
        label: format!("{method} {samples:?}"),
        calibration: calibration.map(str::to_string),
        samples,
        perplexity: [(0, 5.0), (16, points[0]), (32, points[1])].into(),
    };
    let test = PublishedTest {
        evaluation: "wiki".into(),
        name: "Wikitext-2".into(),
        rows: vec![
            row("plain-svd", None, None, [6.32, 7.31]),
            row("asvd", Some("wiki"), Some(256), [6.08, 6.67]),
            row("corda", Some("wiki"), Some(32), [5.48, 5.47]),
            row("corda", Some("wiki"), Some(256), [5.48, 5.48]),
            row("corda", Some("ptb"), Some(256), [5.49, 5.5]),
        ],
    };
    let claims = judge(&RULES, None::<&PublishedTest>, &test);
    let verdicts: Vec<String> = claims.iter().map(|claim| says(&claim.here)).collect();
    assert_eq!(
        verdicts,
        [
            "Holds everywhere (4 of 4 comparisons).",
            "Holds everywhere (2 of 2 comparisons).",
            "Holds everywhere (2 of 2 comparisons).",
            "Holds nowhere (0 of 2 comparisons, equal in 1)."
        ]
    );
    let against = claims[3].here.iter().filter(|duel| duel.says == Says::Opposite);
    assert_eq!(against.map(|duel| duel.at.as_str()).collect::<Vec<_>>(), ["32"]);
}
