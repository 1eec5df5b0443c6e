//! Every file and every column is described.

use super::*;
use crate::results::folder::KNOWN;

#[test]
fn every_parquet_file_of_a_results_folder_has_a_table() {
    let mut known: Vec<&str> = KNOWN.iter().copied().filter(|name| name.ends_with(".parquet")).collect();
    let mut described: Vec<&str> = tables().iter().map(|table| table.file).collect();
    known.sort_unstable();
    described.sort_unstable();
    assert_eq!(described, known);
}

#[test]
fn every_column_has_a_sentence_and_every_number_a_unit() {
    for Table { file, about, columns } in tables() {
        assert!(about.ends_with('.'), "{file}: {about:?}");
        for column in columns {
            let place = format!("{file}: {}: {:?}", column.name, column.text);
            let (text, unit) = column.parts();
            assert!(text.len() > 10 && text.ends_with('.') && !text.contains("[`"), "{place}");
            assert_eq!(unit.is_some(), !column.holds.starts_with("text"), "{place}");
            assert!(column.text.ends_with('.') && !column.text.contains("  "), "{place}");
        }
    }
}
