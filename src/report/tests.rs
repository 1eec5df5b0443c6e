//! The whole report of made-up rows, whatever their shape.

use std::collections::BTreeMap;

use super::published::{PublishedRow, PublishedTest};
use super::*;
use crate::results::fixture::{curve, undamaged};

pub(crate) fn meta(by: By) -> Meta {
    Meta {
        title: "Fixture: perplexity after discarding the smallest r components".into(),
        name: "fixture".into(),
        description: None,
        model: "fixture-model".into(),
        citations: Vec::new(),
        largest: Vec::new(),
        by,
        settings: vec!["targets: decoder".into(), "seed 233, 16_384 tokens | made up".into()],
        warnings: vec!["calibration `wiki` has 3 tokens a dimension".into()],
    }
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
    let row = |label: &str, points: &[(usize, f64)]| PublishedRow {
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
    let document = document::Document::new(&tests, Some(&published), &meta);
    insta::assert_snapshot!("table.md", markdown::write(&document));
    insta::assert_snapshot!("table.tex", latex::write(&document));
}

#[test]
fn shares_head_the_columns_of_a_share_study() {
    let rows = rows();
    let tests = study::arrange(&rows, By::Share).unwrap();
    let meta = meta(By::Share);
    let text = markdown::write(&document::Document::new(&tests, None, &meta));
    assert!(text.contains("| | 0% | 0.17% | 2.78% | 11.11% | 22.22% |"), "{text}");
}

#[test]
fn renders_four_files_the_same_twice() {
    let folder = tempfile::tempdir().unwrap();
    let render = |name: &str| {
        let out = folder.path().join(name);
        let paths = render(&rows(), Some(&published()), &meta(By::Components), &out).unwrap();
        let names: Vec<_> = paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["table.md", "table.tex", "figure2.svg", "figure2.png"]);
        paths.iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>()
    };
    assert!(render("a") == render("b"));
}

#[test]
fn nothing_is_written_for_bad_rows() {
    let folder = tempfile::tempdir().unwrap();
    let error = render(&[], None, &meta(By::Components), folder.path()).unwrap_err();
    assert!(error.to_string().contains("corda run"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
