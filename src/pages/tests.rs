use polars::prelude::{ParquetWriter, df};

use super::*;

#[test]
fn repeated_values_pass_and_what_is_no_parquet_does_not() {
    let mut bytes = Vec::new();
    let mut table = df!("a" => vec!["same"; 300_000], "b" => vec![1i64; 300_000]).unwrap();
    ParquetWriter::new(&mut bytes).finish(&mut table).unwrap();
    assert!(bytes.len() < 100_000, "{} bytes", bytes.len());
    check(&bytes).unwrap();
    for bad in [&b"PAR1 not parquet PAR1"[..], b"PAR1", b""] {
        assert!(check(bad).is_err());
    }
    // A schema that claims 2^28 elements where it has three: the root and two columns.
    let end = bytes.len() - 8;
    let length = u32::from_le_bytes(bytes[end..end + 4].try_into().unwrap()) as usize;
    let list = (end - length..end).find(|&at| bytes[at] == 0x3c).unwrap();
    bytes.splice(list..=list, [0xfc, 0x80, 0x80, 0x80, 0x80, 0x01]);
    let end = bytes.len() - 8;
    bytes[end..end + 4].copy_from_slice(&(length as u32 + 5).to_le_bytes());
    assert!(check(&bytes).is_err());
}
