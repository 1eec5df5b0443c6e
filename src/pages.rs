//! What the headers inside a parquet file ask for, checked before polars takes them at their word: an allocation that fails
//! ends the process and cannot be caught as a panic can.

use std::io::Cursor;

use polars_parquet::parquet::page::CompressedPage;
use polars_parquet::read::{PageReader, read_metadata};

use crate::guard::unless_it_panics;

/// Values of all columns that any file may have, and how many more for each of its bytes: repeated values take little room,
/// but not as little as a damaged number of them claims.
const VALUES: (u64, u64) = (1 << 24, 1 << 12);

/// Uncompressed bytes that any file may have, and how many more for each of its bytes.
const BYTES: (u64, u64) = (1 << 28, 1 << 10);

/// Whether the pages of a file hold what they can hold; the error says what is wrong.
pub fn check(file: &[u8]) -> Result<(), String> {
    unless_it_panics(|| headers(file))?
}

fn headers(file: &[u8]) -> Result<(), String> {
    let most = |(any, each): (u64, u64)| any.saturating_add(each.saturating_mul(file.len() as u64));
    let metadata = read_metadata(&mut Cursor::new(file)).map_err(|error| error.to_string())?;
    let (mut values, mut bytes) = (0u64, 0u64);
    for group in &metadata.row_groups {
        for chunk in group.parquet_columns() {
            let range = chunk.byte_range();
            let bounds = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
            let content = bounds.and_then(|(start, end)| file.get(start..end));
            let content = content.ok_or("a column's content lies outside the file")?.to_vec();
            values = values.saturating_add(group.num_rows() as u64);
            for page in PageReader::new(Cursor::new(content.into()), chunk, Vec::new(), usize::MAX) {
                if let CompressedPage::Data(page) = page.map_err(|error| error.to_string())? {
                    values = values.saturating_add(page.num_values() as u64);
                    bytes = bytes.saturating_add(page.uncompressed_size() as u64);
                }
            }
            if values > most(VALUES) || bytes > most(BYTES) {
                let size = file.len();
                return Err(format!("it claims {values} values of {bytes} bytes, and has {size} bytes itself"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use polars::prelude::{ParquetWriter, df};

    use super::*;

    #[test]
    fn repeated_values_pass_and_what_is_no_parquet_does_not() {
        let mut bytes = Vec::new();
        let mut table = df!("a" => vec!["same"; 300_000], "b" => vec![1i64; 300_000]).unwrap();
        ParquetWriter::new(&mut bytes).finish(&mut table).unwrap();
        assert!(bytes.len() < 100_000, "{} bytes", bytes.len());
        check(&bytes).unwrap();
        assert!(check(b"PAR1 not parquet PAR1").is_err());
    }
}
