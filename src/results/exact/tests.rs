//! Exact comparison, of made-up rows and files.

use super::*;
use crate::results::fixture::{curve, undamaged};
use crate::results::{Record, Row, write_rows};

fn rows() -> Vec<Row> {
    let mut rows = vec![undamaged("wiki")];
    rows.extend(curve("wiki", "plain", "plain-svd", &[(1, 500.0), (16, f64::INFINITY), (64, f64::NAN)]));
    rows
}

/// Two folders with the same rows, then one of them changed.
fn compared(change: impl FnOnce(&Path, &mut Vec<Row>)) -> Exact {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("a"), folder.path().join("b"));
    let mut others = rows();
    for (path, page) in [
        (&first, "x<!-- run facts -->1<!-- end of run facts -->y"),
        (&second, "x<!-- run facts -->22<!-- end of run facts -->y"),
    ] {
        fs::create_dir_all(path.join("seed-1")).unwrap();
        fs::write(path.join("report.html"), page).unwrap();
        fs::write(path.join("table.md"), "one\ntwo\n").unwrap();
        fs::write(path.join(PROVENANCE), page).unwrap();
        fs::write(path.join(TIMINGS), page).unwrap();
        fs::write(path.join(".hidden"), page).unwrap();
        fs::write(path.join("seed-1/table.md"), "one\n").unwrap();
    }
    change(&second, &mut others);
    write_rows(&first.join("results.parquet"), &rows()).unwrap();
    write_rows(&second.join("results.parquet"), &others).unwrap();
    compare(&first, &second).unwrap()
}

fn first(change: impl FnOnce(&Path, &mut Vec<Row>)) -> (String, What) {
    let found = compared(change);
    assert!(!found.is_same() && found.to_string().contains("differ"), "{found}");
    (found.differences[0].file.clone(), found.differences[0].what.clone())
}

#[test]
fn the_same_but_for_facts_of_the_run() {
    let same = compared(|_, _| {});
    assert!(same.is_same(), "{same}");
    assert_eq!((same.files, same.rows), (4, 4));
    assert_eq!(same.to_string(), "identical to the bit: 4 files, 4 rows");
}

#[test]
fn every_bit_of_a_value_counts() {
    let value = |change: fn(&mut Vec<Row>)| match first(|_, rows| change(rows)) {
        (file, What::Value { row, column, first, second }) if file == "results.parquet" => (row, column, first, second),
        other => panic!("{other:?}"),
    };
    let next = value(|rows| rows[1].perplexity = f64::from_bits(rows[1].perplexity.to_bits() + 1));
    assert_eq!((next.0, next.1.as_str(), next.2.as_str()), (1, "perplexity", "500.0"));
    let zero = value(|rows| rows[0].delta_nll = -0.0);
    assert_eq!((zero.0, zero.1.as_str(), zero.2.as_str(), zero.3.as_str()), (0, "delta_nll", "0.0", "-0.0"));
    let payload = value(|rows| rows[3].perplexity = f64::from_bits(f64::NAN.to_bits() ^ 1));
    assert_eq!((payload.0, payload.1.as_str()), (3, "perplexity"));
    assert_eq!(value(|rows| rows[2].samples = Some(1)).2, "empty");
    assert_eq!(value(|rows| rows[2].label.push(' ')).1, "label");
    // What the tolerant comparison leaves out counts here.
    assert_eq!(value(|rows| rows[2].key = "other".into()).1, "key");
    assert_eq!(first(|_, rows| drop(rows.pop())).1, What::Rows { first: 4, second: 3 });
    assert!(matches!(first(|_, rows| rows.swap(1, 2)).1, What::Value { row: 1, .. }));
}

#[test]
fn files_differ_by_a_byte_by_being_there_and_by_what_is_outside_run_facts() {
    let write = |name: &'static str, text: &'static str| {
        move |folder: &Path, _: &mut Vec<Row>| fs::write(folder.join(name), text).unwrap()
    };
    assert_eq!(first(write("table.md", "one\ntwO\n")), ("table.md".into(), What::Byte { offset: 6, line: 2 }));
    assert_eq!(first(write("table.md", "one\ntwo\nthree")).1, What::Byte { offset: 8, line: 3 });
    assert_eq!(first(write("seed-1/table.md", "")).0, "seed-1/table.md");
    assert_eq!(first(write("figure2.svg", "")), ("figure2.svg".into(), What::OnlySecond));
    let gone = |folder: &Path, _: &mut Vec<Row>| fs::remove_file(folder.join("table.md")).unwrap();
    assert_eq!(first(gone), ("table.md".into(), What::OnlyFirst));
    for page in [
        "x<!-- run facts -->1<!-- end of run facts -->z",
        "z<!-- run facts -->1<!-- end of run facts -->y",
        "x<!-- run facts -->1<!-- end of run facts -->y<!-- run facts -->1<!-- end of run facts -->",
        "x<!-- run facts -->1y",
        "xy",
        "",
    ] {
        assert_eq!(first(write("report.html", page)).0, "report.html", "{page}");
    }
}

#[test]
fn files_of_earlier_versions_have_seconds_which_do_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old.parquet"), folder.path().join("new.parquet"));
    write_rows(&new, &rows()).unwrap();
    let mut frame = Row::to_frame(&rows()).unwrap();
    frame.insert_column(23, Column::new(SECONDS.into(), vec![1.5; 4])).unwrap();
    ParquetWriter::new(fs::File::create(&old).unwrap()).finish(&mut frame).unwrap();
    assert!(compare(&old, &new).unwrap().is_same());
    frame.insert_column(0, Column::new("other".into(), vec![1.5; 4])).unwrap();
    ParquetWriter::new(fs::File::create(&old).unwrap()).finish(&mut frame).unwrap();
    let found = compare(&old, &new).unwrap();
    assert_eq!(found.differences[0].what, What::Column { name: "other".into(), first: true });
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("empty")).unwrap();
    fs::write(path("table.md"), "x").unwrap();
    fs::write(path("bad.parquet"), "x").unwrap();
    let said = |a: &str, b: &str| compare(&path(a), &path(b)).unwrap_err().to_string();
    assert!(said("nowhere", "empty").contains("cannot read"));
    assert!(said("empty", "empty").contains("holds no results"));
    assert!(said("empty", "table.md").contains("two folders or two files"));
    assert!(said("bad.parquet", "bad.parquet").contains("not an intact parquet file"));
    fs::write(path("empty/.unfinished"), "{}").unwrap();
    assert!(said("empty", "empty").contains("is incomplete"));
}
