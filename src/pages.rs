//! Checks what the headers inside a parquet file claim before polars allocates for it: unlike a panic, a failed allocation
//! ends the process and cannot be caught.

use std::io::Cursor;

use polars_parquet::parquet::page::CompressedPage;
use polars_parquet::read::{PageReader, read_metadata};
use polars_parquet_format::FileMetaData;
use polars_parquet_format::thrift::protocol::TCompactInputProtocol;

use crate::guard::unless_it_panics;

/// The number of values, over all columns, that any file may have, and how many more for each of its bytes. Repeated values
/// take little room, but not as little as a damaged count of them claims.
const VALUES: (u64, u64) = (1 << 24, 1 << 12);

/// The number of uncompressed bytes that any file may have, and how many more for each of its bytes.
const BYTES: (u64, u64) = (1 << 28, 1 << 10);

/// Checks that the pages of a file claim no more than a file of its size can hold. The error says what is wrong.
pub fn check(file: &[u8]) -> Result<(), String> {
    unless_it_panics(|| headers(file))?
}

/// Reads the metadata at the end of a file by a reader that counts what its lists claim: polars makes room for a list before
/// it reads one.
fn footer(file: &[u8]) -> Result<(), String> {
    let Some((rest, [length @ .., _, _, _, _])) = file.split_last_chunk::<8>() else {
        return Err(format!("it ends early, after {} bytes", file.len()));
    };
    let length = u32::from_le_bytes(*length) as usize;
    let start = rest.len().checked_sub(length).ok_or("its metadata is longer than the file")?;
    // An element of a list is counted as 8 bytes, and takes at least one byte in the file.
    let mut protocol = TCompactInputProtocol::new(&rest[start..], 64 * length + (1 << 16));
    FileMetaData::read_from_in_protocol(&mut protocol).map_err(|error| error.to_string())?;
    Ok(())
}

fn headers(file: &[u8]) -> Result<(), String> {
    footer(file)?;
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
mod tests;
