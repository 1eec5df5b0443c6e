//! Round trips, schema errors and damage.

use std::fmt::Debug;
use std::fs;

use super::*;
use crate::results::fixture::{curve, undamaged};
use crate::results::{LinearRow, Row, StepRow, WindowRow};

fn rows() -> Vec<Row> {
    let mut rows = vec![undamaged("ptb")];
    rows.extend(curve("ptb", "plain", "plain-svd", &[(1, 501.25), (2, f64::INFINITY), (4, f64::NAN)]));
    rows.extend(curve("ptb", "corda, \"64\"", "corda", &[(1, 0.1 + 0.2), (2, 1.0 / 3.0), (4, 1e300)]));
    rows
}

/// NaN is not equal to itself, so rows are compared as text; a float's text tells every value from every other.
fn assert_same<R: Debug>(a: &[R], b: &[R]) {
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
}

fn written(rows: &[Row]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.parquet");
    write_rows(&path, rows).unwrap();
    (folder, path)
}

#[test]
fn parquet_round_trip_of_every_record() {
    let (folder, path) = written(&rows());
    assert_same(&read_rows::<Row>(&path).unwrap(), &rows());

    let windows = vec![
        WindowRow {
            experiment: "fixture".into(),
            arm: "plain".into(),
            discarded: 1,
            share: 0.1,
            evaluation: "ptb".into(),
            window: 3,
            nll: f64::NEG_INFINITY,
        };
        3
    ];
    let path = folder.path().join("windows.parquet");
    write_rows(&path, &windows).unwrap();
    assert_same(&read_rows::<WindowRow>(&path).unwrap(), &windows);

    let linear = |some: bool| LinearRow {
        experiment: "fixture".into(),
        arm: "corda".into(),
        linear: "model.layers.0.mlp.up_proj".into(),
        d_out: 1536,
        d_in: 576,
        sigma_max: 12.5,
        sigma_min: 1e-9,
        tokens_per_dimension: some.then_some(56.9),
        effective_rank: some.then_some(f64::NAN),
        condition: some.then_some(f64::INFINITY),
        lambda: some.then_some(0.0),
        damping_rounds: some.then_some(2),
    };
    let linears = [linear(true), linear(false)];
    let path = folder.path().join("linears.parquet");
    write_rows(&path, &linears).unwrap();
    assert_same(&read_rows::<LinearRow>(&path).unwrap(), &linears);

    let path = folder.path().join("empty.parquet");
    write_rows::<Row>(&path, &[]).unwrap();
    assert_eq!(read_rows::<Row>(&path).unwrap(), []);
}

/// The descriptions of a file's columns, as its metadata has them.
fn described(path: &Path) -> serde_json::Map<String, serde_json::Value> {
    let metadata = polars_parquet::read::read_metadata(&mut fs::File::open(path).unwrap()).unwrap();
    let pairs = metadata.key_value_metadata().clone().unwrap();
    let found = pairs.into_iter().find(|pair| pair.key == COLUMNS).unwrap();
    serde_json::from_str(&found.value.unwrap()).unwrap()
}

#[test]
fn files_describe_their_columns() {
    let (folder, path) = written(&rows());
    let found = described(&path);
    let names = Row::to_frame(&[]).unwrap().get_column_names_owned();
    assert!(found.keys().map(String::as_str).eq(names.iter().map(|name| name.as_str())));
    assert_eq!(found["discarded"], Row::columns()[6].text);
    assert!(found["nll"].as_str().unwrap().ends_with("Unit: nats per token."), "{}", found["nll"]);

    let path = folder.path().join("varied.parquet");
    write_rows(&path, &crate::results::Varied::of(rows(), "seed-1").collect::<Vec<_>>()).unwrap();
    assert_eq!(described(&path).keys().next_back().map(String::as_str), Some("variant"));
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let (_a, first) = written(&rows());
    let (_b, second) = written(&rows());
    assert_eq!(fs::read(first).unwrap(), fs::read(second).unwrap());
}

#[test]
fn csv_reads_back_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.csv");
    write_csv(&path, &rows()).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("experiment,arm,label,method,calibration,samples,discarded,share,targets,evaluation,"));
    let schema = Row::to_frame(&rows()).unwrap().schema().clone();
    let frame = CsvReadOptions::default()
        .with_schema(Some(schema))
        .into_reader_with_file_handle(Cursor::new(text))
        .finish()
        .unwrap();
    assert_same(&Row::from_frame(&frame).unwrap(), &rows());
}

#[test]
fn column_names_are_the_contract() {
    let names: Vec<_> = Row::to_frame(&[]).unwrap().get_column_names_owned();
    assert_eq!(
        names,
        [
            "experiment",
            "arm",
            "label",
            "method",
            "calibration",
            "samples",
            "discarded",
            "share",
            "targets",
            "evaluation",
            "corpus",
            "split",
            "windows",
            "length",
            "tokens",
            "nll",
            "nll_stderr",
            "perplexity",
            "ppl_low",
            "ppl_high",
            "delta_nll",
            "delta_low",
            "delta_high",
            "key",
            "factored_ratio"
        ]
    );
}

/// Writes a frame as another tool would: without the checksum.
fn foreign(path: &Path, frame: &mut DataFrame) {
    ParquetWriter::new(fs::File::create(path).unwrap()).finish(frame).unwrap();
}

#[test]
fn rows_of_earlier_versions_had_seconds_and_are_read() {
    let (_folder, path) = written(&rows());
    let mut frame = Row::to_frame(&rows()).unwrap();
    let seconds = Column::new("seconds".into(), vec![1.5; frame.height()]);
    frame.insert_column(23, seconds).unwrap();
    foreign(&path, &mut frame);
    assert_same(&read_rows::<Row>(&path).unwrap(), &rows());

    let steps = crate::results::fixture::trained::steps();
    let mut frame = StepRow::to_frame(&steps).unwrap();
    frame.with_column(Column::new("seconds".into(), vec![1.5; steps.len()])).unwrap();
    foreign(&path, &mut frame);
    assert!(read_rows::<StepRow>(&path).unwrap() == steps);
}

#[test]
fn schema_errors_name_file_column_and_type() {
    let (_folder, path) = written(&rows());
    let good = Row::to_frame(&rows()).unwrap();

    foreign(&path, &mut good.clone());
    assert_same(&read_rows::<Row>(&path).unwrap(), &rows());

    foreign(&path, &mut good.drop("nll").unwrap());
    let error = read_rows::<Row>(&path).unwrap_err().to_string();
    assert!(error.contains("results.parquet: column `nll` is missing (expected 64-bit floats)"), "{error}");

    let mut other = good.clone();
    other.with_column(Column::new("windows".into(), vec!["16"; good.height()])).unwrap();
    foreign(&path, &mut other);
    let error = read_rows::<Row>(&path).unwrap_err().to_string();
    assert!(error.contains("column `windows` holds str, expected 32-bit unsigned integers"), "{error}");

    let mut other = good.clone();
    let mut lengths = vec![Some(512u32); good.height()];
    lengths[2] = None;
    other.with_column(Column::new("length".into(), lengths)).unwrap();
    foreign(&path, &mut other);
    let error = read_rows::<Row>(&path).unwrap_err().to_string();
    assert!(error.contains("column `length` is empty in row 2"), "{error}");
}

#[test]
fn every_truncation_is_an_error() {
    let (_folder, path) = written(&rows());
    let whole = fs::read(&path).unwrap();
    for length in (0..whole.len()).step_by(7) {
        fs::write(&path, &whole[..length]).unwrap();
        let error = read_rows::<Row>(&path).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{length}: {error}");
        assert!(error.to_string().contains("results.parquet"), "{error}");
    }
}

#[test]
fn no_flipped_byte_goes_unnoticed() {
    let (_folder, path) = written(&rows());
    let whole = fs::read(&path).unwrap();
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x55;
        fs::write(&path, &bytes).unwrap();
        match read_rows::<Row>(&path) {
            // Damage to the checksum's own name makes the file one of another tool; its rows are whole.
            Ok(read) => assert_same(&read, &rows()),
            Err(error) => assert!(matches!(error, Error::Corrupt { .. }), "byte {place}: {error}"),
        }
    }
}

#[test]
fn a_missing_file_says_what_to_run() {
    let error = read_rows::<Row>(Path::new("no/such/results.parquet")).unwrap_err().to_string();
    assert!(error.contains("no/such/results.parquet") && error.contains("corda run"), "{error}");
}

#[test]
fn a_panic_while_decoding_becomes_its_message() {
    let why = guarded::<()>(|| panic!("index {} out of range", 7)).unwrap_err();
    assert!(why.contains("index 7 out of range"), "{why}");
}
