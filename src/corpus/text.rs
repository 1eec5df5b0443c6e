//! Plain text files: as one document, or one document a line.

use std::path::Path;

use super::CorpusError;

/// The whole file as one document.
pub fn whole(path: &Path) -> Result<Vec<String>, CorpusError> {
    Ok(vec![utf8(path)?])
}

/// One document a line: stripped, blank lines dropped.
pub fn lines(path: &Path) -> Result<Vec<String>, CorpusError> {
    Ok(stripped_lines(&utf8(path)?))
}

/// The lines of `text`, stripped, without blank ones.
pub fn stripped_lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The file as a string, without a byte order mark.
pub fn utf8(path: &Path) -> Result<String, CorpusError> {
    let bytes = std::fs::read(path).map_err(|source| CorpusError::Read { path: path.to_owned(), source })?;
    let mut text = String::from_utf8(bytes)
        .map_err(|error| CorpusError::Utf8 { path: path.to_owned(), offset: error.utf8_error().valid_up_to() })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_byte_is_named_by_its_offset() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("latin1.txt");
        std::fs::write(&path, b"caf\xe9 au lait")?;
        let error = whole(&path).unwrap_err();
        assert!(matches!(error, CorpusError::Utf8 { offset: 3, .. }), "{error}");
        assert!(matches!(lines(&folder.path().join("none")), Err(CorpusError::Read { .. })));
        Ok(())
    }

    #[test]
    fn lines_are_stripped_and_a_byte_order_mark_is_no_text() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("lines.txt");
        std::fs::write(&path, "\u{feff} one \r\n\r\n\ttwo\n")?;
        assert_eq!(lines(&path)?, ["one", "two"]);
        assert_eq!(whole(&path)?, [" one \r\n\r\n\ttwo\n"]);
        Ok(())
    }
}
