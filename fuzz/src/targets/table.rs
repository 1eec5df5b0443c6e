//! Tables: parquet, as results and as a text; and the journal of losses.

use std::path::Path;

use corda::cache::{Cache, Measured};
use corda::corpus::{self, Format};
use corda::results::{self, LinearRow, Record, Row, TrainedRow, WindowRow};

use super::{Scratch, names};

/// Results of four kinds, and the two ways of reading texts from parquet.
pub fn parquet(scratch: &Scratch, data: &[u8]) {
    let path = scratch.put("rows.parquet", Some(data));
    rows::<Row>(scratch, &path);
    rows::<WindowRow>(scratch, &path);
    rows::<LinearRow>(scratch, &path);
    rows::<TrainedRow>(scratch, &path);
    let records = r#"{"records": {"file": "parquet", "text": "{question}", "prompt": "{question}", "response": "{answer}",
        "answers": "answer", "score": "text"}}"#;
    let records: Format = serde_json::from_str(records).expect("a format");
    for format in [Format::Parquet { column: "text".into() }, records] {
        if let Err(error) = corpus::read(&format, "train", std::slice::from_ref(&path)) {
            names(&error, &["rows.parquet"]);
        }
    }
}

/// Rows that are written and read again stay the same. They are compared as text, in which NaN equals NaN.
fn rows<R: Record + std::fmt::Debug>(scratch: &Scratch, path: &Path) {
    match results::read_rows::<R>(path) {
        Ok(rows) => {
            let again = scratch.path("again.parquet");
            results::write_rows(&again, &rows).expect("rows that were read can be written");
            let read = results::read_rows::<R>(&again).expect("what we write we read");
            assert_eq!(format!("{rows:?}"), format!("{read:?}"), "rows change by being written and read");
        }
        Err(error) => names(&error, &["rows.parquet"]),
    }
}

/// Whatever a journal contains, an appended line is read back, and no other line is lost or changed.
pub fn journal(scratch: &Scratch, data: &[u8]) {
    scratch.put("evaluate/key.tsv", Some(data));
    let journal = Cache::new(&scratch.path(".")).journal("key");
    let before = match journal.read() {
        Ok(before) => before,
        Err(error) => return names(&error, &["key.tsv"]),
    };
    let (window, nll) = (before.len() + 7, 1.25 + f64::EPSILON);
    journal.append(window, Measured { nll, seconds: 0.5 }).expect("a journal that was read can be appended to");
    let after = journal.read().expect("a journal that was read is read again");
    assert_eq!(after.get(&window).map(|one| one.nll.to_bits()), Some(nll.to_bits()));
    for (index, one) in &before {
        let kept = after.get(index).map(|one| one.nll.to_bits());
        assert!(*index == window || kept == Some(one.nll.to_bits()), "window {index}: {one:?} became {kept:?}");
    }
}
