use polars::prelude::{DataFrame, ParquetWriter, df};

use super::*;

fn file(table: &mut DataFrame) -> Vec<u8> {
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(table).unwrap();
    bytes
}

fn read_bytes(bytes: &[u8], column: &str) -> Result<Vec<String>, CorpusError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    std::fs::write(&path, bytes).unwrap();
    read(&path, column)
}

fn sample() -> Vec<u8> {
    file(&mut df!("text" => ["", " = A = \n", "é", ""], "label" => [1i64, 2, 3, 4]).unwrap())
}

#[test]
fn rows_are_kept_as_they_are() -> Result<(), CorpusError> {
    assert_eq!(read_bytes(&sample(), "text")?, ["", " = A = \n", "é", ""]);
    let many: Vec<String> = (0..50_000).map(|row| format!("row {row}")).collect();
    assert_eq!(read_bytes(&file(&mut df!("text" => &many).unwrap()), "text")?, many);
    Ok(())
}

#[test]
fn columns_that_will_not_do_are_named() {
    let error = |column| read_bytes(&sample(), column).unwrap_err().to_string();
    assert!(error("txet").contains("there is no column `txet`; there are text, label; did you mean `text`?"));
    assert!(error("label").contains("the column `label` holds Int64, not text"), "{}", error("label"));
    let missing = file(&mut df!("text" => [Some("a"), None]).unwrap());
    assert!(read_bytes(&missing, "text").unwrap_err().to_string().contains("no value in row 1"));
}

#[test]
fn truncated_files_are_errors() {
    let whole = sample();
    for length in 0..whole.len() {
        let error = read_bytes(&whole[..length], "text").unwrap_err();
        assert!(matches!(error, CorpusError::Damaged { .. }), "cut at {length}: {error}");
    }
    assert!(matches!(read_bytes(b"not parquet at all", "text"), Err(CorpusError::Damaged { .. })));
}

/// Whatever a flipped byte breaks, it ends in text or in an error, not in a panic.
#[test]
fn corrupt_files_do_not_panic() {
    let whole = sample();
    let refused = (0..whole.len()).filter(|&at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x5a;
        read_bytes(&bytes, "text").is_err()
    });
    assert!(refused.count() > whole.len() / 4);
}
