use super::*;
use proptest::prelude::*;

fn read_bytes<T>(bytes: &[u8], read: impl Fn(&Path) -> Result<T, CorpusError>) -> Result<T, CorpusError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.txt");
    std::fs::write(&path, bytes).unwrap();
    read(&path)
}

#[test]
fn a_bad_byte_is_named_by_its_place() {
    let message = |bytes: &[u8]| read_bytes(bytes, whole).unwrap_err().to_string();
    let said = message(b"caf\xe9 au lait");
    assert!(said.contains("file.txt, line 1") && said.contains("0xE9") && said.contains("offset 3"), "{said}");
    for text in [b"one\ntwo\nthr\xff".as_slice(), b"one\r\ntwo\r\nthr\xff", b"one\rtwo\rthr\xff"] {
        assert!(message(text).contains("line 3"), "{}", message(text));
    }
    // A character cut short by the end of the file.
    assert!(message(b"a\n\xe2\x82").contains("line 2"));
    assert!(matches!(lines(Path::new("none/at/all")), Err(CorpusError::Read { .. })));
}

#[test]
fn lines_are_stripped_and_a_byte_order_mark_is_not_text() -> Result<(), CorpusError> {
    let bytes = "\u{feff} one \r\n\r\n\ttwo\n".as_bytes();
    assert_eq!(read_bytes(bytes, lines)?, ["one", "two"]);
    assert_eq!(read_bytes(bytes, whole)?, [" one \n\n\ttwo\n"]);
    assert_eq!(read_bytes("\u{feff}\u{feff}a".as_bytes(), whole)?, ["\u{feff}a"]);
    Ok(())
}

/// Python: `io.StringIO`-like reading of `b"a\r\nb\rc\n\rd\r\r\ne\r"` gives these.
#[test]
fn every_line_end_is_one_newline() -> Result<(), CorpusError> {
    assert_eq!(read_bytes(b"a\r\nb\rc\n\rd\r\r\ne\r", whole)?, ["a\nb\nc\n\nd\n\ne\n"]);
    assert_eq!(read_bytes(b"a\rb\r\rc", lines)?, ["a", "b", "c"]);
    let inside = "a\u{b}b\u{c}c\u{1c}d\u{85}e\u{2028}f\u{2029}g";
    assert_eq!(read_bytes(inside.as_bytes(), lines)?, [inside]);
    Ok(())
}

#[test]
fn other_encodings_and_compressed_files_are_named() {
    let utf16 = |text: &str, mark: &[u8]| {
        mark.iter().copied().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect::<Vec<u8>>()
    };
    let message = |bytes: &[u8]| read_bytes(bytes, whole).unwrap_err().to_string();
    for bytes in [utf16("line", b"\xff\xfe"), utf16("line", b""), b"\xfe\xff\0a".to_vec(), b"\0a\0b".to_vec()] {
        assert!(message(&bytes).contains("UTF-16"), "{}", message(&bytes));
    }
    assert!(message(b"\xff\xfe\0\0a\0\0\0").contains("UTF-32"));
    assert!(message(b"a\0\0\0b\0\0\0").contains("UTF-32"));
    assert!(message(b"\x1f\x8b\x08\0").contains("gunzip"));
    assert!(message(b"BZh91AY&SY\0").contains("bunzip2"));
    assert!(read_bytes(b"BZh is a word", whole).is_ok() && read_bytes(b"", whole).is_ok());
}

proptest! {
    #[test]
    fn all_spellings_of_line_ends_are_one_text(lines in prop::collection::vec("[ a-zé\u{2028}\u{c}]{0,6}", 0..12)) {
        let text = lines.join("\n");
        prop_assert_eq!(universal_newlines(text.clone()), &*text);
        prop_assert_eq!(universal_newlines(text.replace('\n', "\r\n")), &*text);
        prop_assert_eq!(universal_newlines(text.replace('\n', "\r")), &*text);
    }
}
