//! Text files as strings, by one rule for every format: UTF-8, without a byte order mark, and with Python's universal
//! newlines (`\r\n` and a lone `\r` are `\n`), as the official code reads (`open(path).read()`).
//!
//! Lines end at `\n` only: a form feed, U+0085 or U+2028 inside a line is a character of it, as when Python
//! reads a file line by line.

use std::path::Path;

use super::CorpusError;

/// The whole file as one document.
pub fn whole(path: &Path) -> Result<Vec<String>, CorpusError> {
    Ok(vec![utf8(path)?])
}

/// One document per line: stripped, without blank lines.
pub fn lines(path: &Path) -> Result<Vec<String>, CorpusError> {
    Ok(stripped_lines(&utf8(path)?))
}

/// The lines of `text`, stripped, without blank ones.
pub fn stripped_lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The file as a string.
///
/// # Errors
/// A file that cannot be read, in another encoding, or compressed.
pub fn utf8(path: &Path) -> Result<String, CorpusError> {
    let bytes = std::fs::read(path).map_err(|source| CorpusError::Read { path: path.to_owned(), source })?;
    if let Some(kind) = other_kind(&bytes) {
        return Err(CorpusError::Encoding { path: path.to_owned(), kind, expected: "UTF-8 text" });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let (offset, bytes) = (error.utf8_error().valid_up_to(), error.as_bytes());
        CorpusError::Utf8 { path: path.to_owned(), line: line_at(bytes, offset), byte: bytes[offset], offset }
    })?;
    Ok(match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => universal_newlines(rest.to_owned()),
        None => universal_newlines(text),
    })
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// `\r\n` and a lone `\r` as `\n`.
pub fn universal_newlines(text: String) -> String {
    if !text.contains('\r') {
        return text;
    }
    let mut made = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('\r') {
        made.push_str(&rest[..at]);
        made.push('\n');
        rest = &rest[at + 1..];
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    made.push_str(rest);
    made
}

/// The line, from 1, of a byte of a file, whatever its line ends.
fn line_at(bytes: &[u8], offset: usize) -> usize {
    let before = &bytes[..offset];
    let lone = |at: &usize| before[*at] == b'\r' && bytes.get(at + 1) != Some(&b'\n');
    1 + before.iter().filter(|&&byte| byte == b'\n').count() + (0..offset).filter(lone).count()
}

/// What a file is by its first bytes, and what to do, in words, if it is certainly not UTF-8 text (or XML in UTF-8).
///
/// Without a byte order mark, UTF-16 and UTF-32 of Latin letters would pass for UTF-8 with a NUL in every other place.
pub fn other_kind(bytes: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 11] = [
        (b"\xff\xfe\0\0", "UTF-32; convert it, e.g. with `iconv -f UTF-32 -t UTF-8`"),
        (b"\0\0\xfe\xff", "UTF-32; convert it, e.g. with `iconv -f UTF-32 -t UTF-8`"),
        (b"\xff\xfe", "UTF-16; convert it, e.g. with `iconv -f UTF-16 -t UTF-8`"),
        (b"\xfe\xff", "UTF-16; convert it, e.g. with `iconv -f UTF-16 -t UTF-8`"),
        (b"\x1f\x8b", "compressed with gzip; decompress it first, e.g. with `gunzip -k`"),
        (b"BZh", "compressed with bzip2; decompress it first, e.g. with `bunzip2 -k`"),
        (b"\xfd7zXZ\0", "compressed with xz; decompress it first, e.g. with `unxz -k`"),
        (b"\x28\xb5\x2f\xfd", "compressed with zstd; decompress it first, e.g. with `unzstd`"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive; extract its file first, e.g. with `7z x`"),
        (b"PK\x03\x04", "a zip archive; extract its file first, e.g. with `unzip`"),
        (b"PAR1", "a parquet file; use the format `parquet`"),
    ];
    // The magic number of bzip2 is letters, so a digit and the magic number of the first block must follow.
    let bzip2 = |magic: &[u8]| magic == b"BZh" && bytes.get(4..10) != Some(b"1AY&SY");
    let found = KINDS.iter().find(|(magic, _)| bytes.starts_with(magic) && !bzip2(magic));
    let unmarked = || match *bytes {
        [a, 0, 0, 0, ..] | [0, 0, 0, a, ..] if a != 0 => Some(KINDS[0].1),
        [a, 0, b, 0, ..] | [0, a, 0, b, ..] if a != 0 && b != 0 => Some(KINDS[2].1),
        _ => None,
    };
    found.map(|(_, kind)| *kind).or_else(unmarked)
}

#[cfg(test)]
mod tests;
