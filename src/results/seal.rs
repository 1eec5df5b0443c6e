//! A checksum inside a parquet file, of all its other bytes.
//!
//! The file is written with a blank of the checksum's length in its key-value metadata; the checksum of that file then
//! takes the blank's place. Readers that do not know of it see one more entry of metadata.

use std::ops::Range;

/// Name of the entry.
const KEY: &[u8] = b"corda.blake3";
/// Between name and value in Thrift's compact encoding: next field, binary, 64 bytes.
const BETWEEN: [u8; 2] = [0x18, 64];
/// Hexadecimal digits of the checksum.
const LENGTH: usize = 64;

/// What is wrong with a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The entry is not laid out as [`close`] needs it.
    #[error("the checksum inside it is not where it should be")]
    Place,
    /// The file is not what was sealed.
    #[error("it does not match the checksum inside it")]
    Checksum,
}

/// The entry to write the file with.
pub fn blank() -> (String, String) {
    (String::from_utf8_lossy(KEY).into_owned(), "0".repeat(LENGTH))
}

/// Puts the checksum in its place.
pub fn close(bytes: &mut [u8]) -> Result<(), Broken> {
    let place = place(bytes)?.ok_or(Broken::Place)?;
    let checksum = checksum(bytes, &place);
    bytes[place].copy_from_slice(checksum.as_bytes());
    Ok(())
}

/// Checks the checksum. Files without one, of other tools, pass.
pub fn check(bytes: &[u8]) -> Result<(), Broken> {
    match place(bytes)? {
        Some(place) if bytes[place.clone()] != *checksum(bytes, &place).as_bytes() => Err(Broken::Checksum),
        _ => Ok(()),
    }
}

/// Where the checksum is; `None` in a file that never had one.
fn place(bytes: &[u8]) -> Result<Option<Range<usize>>, Broken> {
    // The metadata is at the end: the last occurrence is the entry, whatever the rows say.
    let Some(key) = bytes.windows(KEY.len()).rposition(|window| window == KEY) else { return Ok(None) };
    let between = key + KEY.len();
    let start = between + BETWEEN.len();
    match bytes.get(between..start) {
        Some(found) if *found == BETWEEN && start + LENGTH <= bytes.len() => Ok(Some(start..start + LENGTH)),
        _ => Err(Broken::Place),
    }
}

/// The checksum of everything but its own place.
fn checksum(bytes: &[u8], place: &Range<usize>) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..place.start]);
    hasher.update(&bytes[place.end..]);
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests;
