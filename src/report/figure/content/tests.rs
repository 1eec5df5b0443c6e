use super::super::palette;
use super::*;
use crate::report::study::arrange;
use crate::results::fixture::{curve, undamaged};

fn sampled(arm: &str, calibration: &str, samples: u32) -> Vec<Row> {
    let rows = curve("ptb", arm, "corda", &[(2, 60.0), (8, 64.0)]);
    rows.into_iter().map(|r| Row { calibration: Some(calibration.into()), samples: Some(samples), ..r }).collect()
}

#[test]
fn a_published_curve_looks_like_the_one_of_ours_that_corresponds_and_is_dashed() {
    let rows = [vec![undamaged("ptb")], sampled("few", "ptb", 4), sampled("many", "ptb", 32)].concat();
    let rows = [rows, sampled("other", "wiki", 32)].concat();
    let tests = arrange(&rows, By::Components).unwrap();
    let styles =
        palette::assign(tests[0].curves.iter().map(|curve| (curve.row.method.as_str(), curve.row.arm.as_str())));
    let row = |calibration: &str, samples: u32| PublishedRow {
        method: "corda".into(),
        label: format!("{samples} {calibration}"),
        calibration: Some(calibration.into()),
        samples: Some(samples),
        perplexity: [(16, 5.5), (1024, 6.0)].into(),
    };
    let plain = PublishedRow { method: "plain-svd".into(), calibration: None, samples: None, ..row("ptb", 1) };
    let test = PublishedTest {
        evaluation: "ptb".into(),
        name: "PTB".into(),
        rows: vec![row("ptb", 256), row("wiki", 256), row("ptb", 32), plain],
    };
    let paper = Published { title: "t".into(), citation: "c".into(), model: "7B".into(), tests: vec![test.clone()] };
    let content = Content::published(&paper, &test, &tests, &styles);
    let style = |arm: &str| styles.iter().find(|(name, _)| *name == arm).unwrap().1;
    let expected = ["many", "other", "few"].map(|arm| CurveStyle { dash: DASHED, ..style(arm) });
    assert_eq!(content.lines.iter().map(|line| line.style).collect::<Vec<_>>()[..3], expected);
    // One that we do not have keeps its method's colour.
    assert_eq!(content.lines[3].style, CurveStyle { dash: DASHED, ..palette::plain("plain-svd", &[]) });
    assert_eq!(content.x, PointAxis::Components(vec![0.0, 16.0, 1024.0]));
    assert!(content.undamaged.is_none() && content.heading.contains("7B"));
}

#[test]
fn parameters_stand_at_the_share_they_drop() {
    let rows = [vec![undamaged("ptb")], curve("ptb", "a", "corda", &[(2, 60.0), (8, 64.0)])].concat();
    let tests = arrange(&rows, By::Components).unwrap();
    let styles = palette::assign([("corda", "a")]);
    let meta = crate::report::tests::meta(By::Components);
    let content = Content::parameters(&tests[0], &meta, &styles);
    let expected = [2.0, 8.0].map(|r| meta.parameters(r).unwrap().dropped);
    assert_eq!(content.lines[0].points.iter().map(|(at, _)| *at).collect::<Vec<_>>(), expected);
    assert_eq!(content.x, PointAxis::Parameters(vec![0.0, expected[0], expected[1]]));
}
