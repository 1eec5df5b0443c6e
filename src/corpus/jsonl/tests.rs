use super::*;

fn read_str(content: &str, fields: &[&str]) -> Result<Vec<String>, CorpusError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.jsonl");
    std::fs::write(&path, content).unwrap();
    read(&path, &fields.iter().map(|field| field.to_string()).collect::<Vec<_>>())
}

#[test]
fn fields_are_joined_in_the_order_asked() -> Result<(), CorpusError> {
    let content = "{\"a\": \"A\\n\", \"b\": \"B\", \"c\": 1}\n\n{\"b\": \"é\", \"a\": \"\"}\n";
    assert_eq!(read_str(content, &["b", "a"])?, ["B A\n", "é "]);
    Ok(())
}

/// Line ends are those of the file; escapes, and separators that JSON allows in a string, are the text's.
#[test]
fn line_ends_are_universal_and_escapes_stay() -> Result<(), CorpusError> {
    let content = "\u{feff}{\"a\": \"x\\r\\ny\"}\n\n{\"a\": \"u\u{2028}\u{85}v\"}\n";
    for end in ["\n", "\r\n", "\r"] {
        assert_eq!(read_str(&content.replace('\n', end), &["a"])?, ["x\r\ny", "u\u{2028}\u{85}v"], "{end:?}");
    }
    let error = read_str("{\"a\": \"x\"}\r{\"a\": 1}\r", &["a"]).unwrap_err().to_string();
    assert!(error.contains("line 2"), "{error}");
    Ok(())
}

#[test]
fn errors_name_the_line_and_the_fields() {
    let missing = read_str("{\"question\": \"q\"}\n{\"answer\": \"a\"}\n", &["question"]).unwrap_err().to_string();
    assert!(missing.contains("data.jsonl, line 2") && missing.contains("it has answer"), "{missing}");
    let near = read_str("{\"question\": \"q\"}", &["qestion"]).unwrap_err().to_string();
    assert!(near.contains("did you mean `question`?"), "{near}");
    let broken = read_str("{\"a\": \"x\"}\n{\"a\": \n", &["a"]).unwrap_err().to_string();
    assert!(broken.contains("line 2"), "{broken}");
    let list = read_str("[1]", &["a"]).unwrap_err().to_string();
    assert!(list.contains("line 1"), "{list}");
    let number = read_str("{\"a\": 3}", &["a"]).unwrap_err().to_string();
    assert!(number.contains("holds a number"), "{number}");
}
