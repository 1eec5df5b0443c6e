//! Each way two sets can agree or not.

use super::*;
use crate::results::fixture::{curve, undamaged};
use crate::results::write_rows;

fn rows() -> Vec<Row> {
    let mut rows = vec![undamaged("ptb")];
    rows.extend(curve("ptb", "plain", "plain-svd", &[(1, 500.0), (2, f64::INFINITY), (4, f64::NAN)]));
    rows
}

fn compared(change: impl FnOnce(&mut Vec<Row>)) -> Comparison {
    let mut changed = rows();
    change(&mut changed);
    let set = |rows: Vec<Row>| rows.into_iter().map(|row| (Key::of(&row, None), Measurement::of(&row))).collect();
    compare_rows(&set(rows()), &set(changed), 0.005)
}

#[test]
fn from_identical_to_apart() {
    assert_eq!(compared(|rows| rows.reverse()).worst(), Agreement::Identical);
    let keys = compared(|rows| rows.iter_mut().for_each(|row| row.key = "other".into()));
    assert_eq!(keys.worst(), Agreement::Identical);
    assert_eq!(compared(|rows| rows[1].delta_high += 1e-12).worst(), Agreement::Tolerance);
    assert_eq!(compared(|rows| rows[1].perplexity = 502.0).worst(), Agreement::Tolerance);
    assert_eq!(compared(|rows| rows[1].perplexity = 530.0).worst(), Agreement::Interval);
    assert_eq!(compared(|rows| rows[1].perplexity = 600.0).worst(), Agreement::Apart);
}

#[test]
fn an_interval_must_hold_both_ways() {
    let narrow = compared(|rows| {
        (rows[1].perplexity, rows[1].ppl_low, rows[1].ppl_high) = (530.0, 529.0, 531.0);
    });
    assert_eq!(narrow.worst(), Agreement::Apart);
}

#[test]
fn values_that_are_not_finite() {
    assert_eq!(compared(|rows| rows[2].perplexity = 1e9).worst(), Agreement::Apart);
    assert_eq!(compared(|rows| rows[3].perplexity = f64::INFINITY).worst(), Agreement::Apart);
    // Another bit pattern of "not a number" says the same.
    assert_eq!(compared(|rows| rows[3].perplexity = -f64::NAN).worst(), Agreement::Tolerance);
}

#[test]
fn rows_and_settings_must_match() {
    let fewer = compared(|rows| drop(rows.pop()));
    assert_eq!(fewer.worst(), Agreement::Incomparable);
    assert_eq!(fewer.only_first.len(), 1);
    let longer = compared(|rows| rows[1].windows = 32);
    assert_eq!(longer.worst(), Agreement::Incomparable);
    assert!(longer.to_string().contains("windows: 16 / 32"), "{longer}");
}

#[test]
fn the_text_names_what_is_apart() {
    let text = compared(|rows| rows[1].perplexity = 600.0).to_string();
    assert!(text.contains("3 identical to the bit") && text.contains("1 apart"), "{text}");
    assert!(text.contains("ptb, plain, r = 1") && text.contains("500.000000 / 600.000000"), "{text}");
}

#[test]
fn folders_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.parquet");
    write_rows(&file, &rows()).unwrap();
    assert_eq!(compare(folder.path(), &file, 0.0).unwrap().worst(), Agreement::Identical);

    let mut twice = rows();
    twice.extend(rows());
    write_rows(&file, &twice).unwrap();
    assert!(matches!(compare(&file, &file, 0.0), Err(CompareError::Twice { .. })));
    write_rows::<Row>(&file, &[]).unwrap();
    assert!(matches!(compare(&file, &file, 0.0), Err(CompareError::Empty { .. })));
    assert!(matches!(compare(&folder.path().join("none"), &file, 0.0), Err(CompareError::Read(_))));
}

#[test]
fn trained_models_are_compared_by_learner_seed_and_measure() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["a", "b"].map(|name| folder.path().join(name));
    let rows = crate::results::fixture::trained::rows();
    write_rows(&first.join(TRAINED), &rows).unwrap();
    let mut others = rows.clone();
    others.iter_mut().for_each(|row| row.key = "other".into());
    write_rows(&second.join(TRAINED), &others).unwrap();
    let same = compare(&first, &second, 0.0).unwrap();
    assert!(same.worst() == Agreement::Identical && same.pairs.len() == rows.len(), "{same}");

    let row = others.iter_mut().find(|row| row.kind == "answer-loss" && row.seed.is_some()).unwrap();
    (row.value, row.rate) = (row.value + 100.0, row.rate);
    let key = Key::of_trained(row);
    write_rows(&second.join(TRAINED), &others).unwrap();
    let apart = compare(&first, &second, 0.005).unwrap();
    assert!(apart.worst() == Agreement::Apart && apart.to_string().contains(&key.to_string()), "{apart}");
}
