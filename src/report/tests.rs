//! The whole report of made-up rows, whatever their shape.

use std::collections::BTreeMap;

use super::*;
use crate::results::fixture::{curve, undamaged};
use crate::spec::{PublishedRow, PublishedTest};

pub(crate) fn meta(by: By) -> Meta {
    Meta {
        title: "Fixture: perplexity after discarding the smallest r components".into(),
        name: "fixture".into(),
        file: "experiments/fixture.yaml".into(),
        command: "corda report experiments/fixture.yaml".into(),
        description: None,
        model: "fixture-model".into(),
        citations: Vec::new(),
        largest: Vec::new(),
        parameters: [0u32, 1, 2, 4, 8, 16, 32, 64, 128].map(|r| parameters(r, by)).to_vec(),
        by,
        settings: vec!["targets: decoder".into(), "seed 233, 16_384 tokens | made up".into()],
        warnings: vec!["calibration `wiki` has 3 tokens a dimension".into()],
    }
}

/// Of made-up square matrices of rank 576, as the fixture's shares are.
fn parameters(r: u32, by: By) -> Parameters {
    let share = f64::from(r) / 576.0;
    Parameters { place: by.place(r, share), dropped: share * share, factored: 2.0 * (1.0 - share) }
}

fn rows() -> Vec<Row> {
    let mut rows = vec![undamaged("wiki"), undamaged("ptb")];
    rows.extend(curve(
        "wiki",
        "plain",
        "plain-svd",
        &[(1, 501.234), (16, 47_012.3), (64, 1.234e7), (128, f64::INFINITY)],
    ));
    rows.extend(curve("wiki", "corda-64", "corda", &[(1, 59.01), (16, 62.5), (64, 99.996), (128, f64::NAN)]));
    rows.extend(curve("ptb", "plain", "plain-svd", &[(1, 400.0), (16, 3000.0)]));
    rows
}

fn published() -> Published {
    let row = |label: &str, points: &[(u32, f64)]| PublishedRow {
        method: "plain-svd".into(),
        label: label.into(),
        calibration: None,
        samples: None,
        perplexity: points.iter().copied().collect::<BTreeMap<_, _>>(),
    };
    let test = |evaluation: &str, name: &str| PublishedTest {
        evaluation: evaluation.into(),
        name: name.into(),
        rows: vec![row("Plain SVD", &[(0, 5.47), (1024, 73.92)]), row("Other", &[(0, 5.47), (16, 1234.5)])],
    };
    Published {
        title: "Fixture table".into(),
        citation: "Nobody et al. & others, 2024".into(),
        model: "Fixture-7B".into(),
        tests: vec![test("wiki", "Wikitext-2"), test("elsewhere", "Unmatched set")],
    }
}

#[test]
fn tables() {
    let rows = rows();
    let tests = study::arrange(&rows, By::Components).unwrap();
    let (meta, published) = (meta(By::Components), published());
    let sections = study::tables::sections(&tests, Some(&published), &meta);
    insta::assert_snapshot!("table.md", study::tables::markdown(&sections, None, &meta));
    insta::assert_snapshot!("table.tex", study::tables::latex(&sections, &meta));
}

#[test]
fn shares_head_the_columns_of_a_share_study() {
    let rows = rows();
    let tests = study::arrange(&rows, By::Share).unwrap();
    let meta = meta(By::Share);
    let text = study::tables::markdown(&study::tables::sections(&tests, None, &meta), None, &meta);
    assert!(text.contains("| share of all components discarded | 0% | 0.17% | 2.78% | 11.11% | 22.22% |"), "{text}");
}

#[test]
fn renders_the_same_files_twice() {
    let folder = tempfile::tempdir().unwrap();
    let render = |name: &str| {
        let out = folder.path().join(name);
        let paths = render(&rows(), &[], Some(&published()), &meta(By::Components), &out).unwrap();
        let names: Vec<_> = paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        let figures = ["figure2", "parameters"].map(|name| ["svg", "png", "pdf"].map(|kind| format!("{name}.{kind}")));
        assert_eq!(names[..2], ["table.md", "table.tex"]);
        assert_eq!(names[2..], figures.concat());
        paths.iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>()
    };
    assert!(render("a") == render("b"));
}

#[test]
fn nothing_is_written_for_bad_rows() {
    let folder = tempfile::tempdir().unwrap();
    let error = render(&[], &[], None, &meta(By::Components), folder.path()).unwrap_err();
    assert!(error.to_string().contains("corda run"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// CO-SVD against ASVD and plain SVD on `wiki`, with windows; at r = 2 CO-SVD is worse.
fn ordered() -> (Vec<Row>, Vec<WindowRow>) {
    let curves = [
        ("plain-svd", None, [(2, 500.0), (4, 900.0)]),
        ("asvd", Some("wiki"), [(2, 60.0), (4, 63.0)]),
        ("corda", Some("wiki"), [(2, 60.5), (4, 61.0)]),
    ];
    let (mut rows, mut windows) = (vec![undamaged("wiki")], Vec::new());
    for (method, calibration, points) in curves {
        let of_arm = curve("wiki", method, method, &points).into_iter();
        rows.extend(of_arm.map(|row| Row { calibration: calibration.map(str::to_string), ..row }));
        for (discarded, perplexity) in points {
            windows.extend((0u32..4).map(|window| WindowRow {
                experiment: "fixture".into(),
                arm: method.into(),
                discarded,
                share: f64::from(discarded) / 576.0,
                evaluation: "wiki".into(),
                window,
                nll: perplexity.ln() + 0.001 * f64::from(window * discarded),
            }));
        }
    }
    (rows, windows)
}

#[test]
fn orderings_stand_beside_the_papers() {
    let (rows, windows) = ordered();
    let tests = study::arrange(&rows, By::Components).unwrap();
    let meta = meta(By::Components);
    let mut paper = published();
    paper.tests[0].rows = [("plain-svd", None, 6.32), ("asvd", Some("wiki"), 6.08), ("corda", Some("wiki"), 5.48)]
        .map(|(method, calibration, at_16)| PublishedRow {
            method: method.into(),
            label: format!("{method} of the paper"),
            calibration: calibration.map(str::to_string),
            samples: calibration.map(|_| 256),
            perplexity: [(0, if method == "corda" { 5.48 } else { 5.47 }), (16, at_16)].into(),
        })
        .to_vec();
    let beside = study::claims::Beside::new(&tests, &windows, Some(&paper), &meta).unwrap();
    let sections = study::tables::sections(&tests, Some(&paper), &meta);
    let text = study::tables::markdown(&sections, Some(&beside), &meta);
    let (_, section) = text.split_once("## Side by side with the paper").unwrap();
    insta::assert_snapshot!("beside.md", section.split_once("## Settings").unwrap().0);
    // Nothing of ours corresponds to the other test set.
    paper.tests.remove(0);
    assert!(study::claims::Beside::new(&tests, &windows, Some(&paper), &meta).is_none());
}
