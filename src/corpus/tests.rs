use super::*;

#[test]
fn documents_are_joined_with_an_empty_line() {
    let text = Text { documents: vec!["a".into(), String::new(), "b".into()] };
    assert_eq!(text.joined(), "a\n\n\n\nb");
}

#[test]
fn several_files_follow_one_another() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    std::fs::write(&a, "one\n two \n\n")?;
    std::fs::write(&b, "three")?;
    let text = read(&Format::Lines, "all", &[a.clone(), b.clone()])?;
    assert_eq!(text.documents, ["one", "two", "three"]);
    assert_eq!(read(&Format::Text, "all", std::slice::from_ref(&a))?.documents, ["one\n two \n\n"]);
    assert!(matches!(read(&Format::TreebankPython, "train", &[a, b]), Err(CorpusError::OneFile { found: 2, .. })));
    Ok(())
}

#[test]
fn nothing_to_read_is_an_error() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let blank = folder.path().join("blank.txt");
    std::fs::write(&blank, " \n\n")?;
    assert!(matches!(read(&Format::Text, "all", &[]), Err(CorpusError::NoFile)));
    let error = read(&Format::Text, "all", &[blank]).unwrap_err().to_string();
    assert!(error.contains("blank.txt") && error.contains("as text"), "{error}");
    Ok(())
}

#[test]
fn names_are_those_of_the_spec() {
    for format in [Format::TreebankPython, Format::MediawikiXml, Format::Text, Format::Lines] {
        assert_eq!(serde_json::to_value(&format).unwrap(), format.name());
    }
}
