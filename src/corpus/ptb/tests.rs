use super::*;
use proptest::prelude::*;

const FILE: &str = "# a comment\npenn = {}\npenn['train'] = \"\"\" a 1\\/2 \\\"quoted\\\" day \n it 's \\u00e9\\x41\\101\\\n on \n\n\"\"\"\n\n\
                    penn[\"valid\"] = 'one line\\n two'\npenn['test'] = \"\"\" the \"end\" \n\"\"\"";

#[test]
fn literals_are_read_as_python_reads_them() -> Result<(), Fault> {
    assert_eq!(find(FILE, "train")?, " a 1\\/2 \"quoted\" day \n it 's éAA on \n\n");
    assert_eq!(find(FILE, "valid")?, "one line\n two");
    Ok(())
}

/// A file with carriage returns reads as one without, as in Python; the escape `\r` stays one.
#[test]
fn line_ends_are_universal() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("__init__.py");
    for end in ["\n", "\r\n", "\r"] {
        std::fs::write(&path, FILE.replace('\n', end))?;
        assert_eq!(read(&path, "train")?, ["a 1\\/2 \"quoted\" day", "it 's éAA on"], "{end:?}");
        assert_eq!(read(&path, "test")?, ["the \"end\""], "{end:?}");
    }
    assert_eq!(find("penn['train'] = 'a\\r\\nb'", "train"), Ok("a\r\nb".to_owned()));
    Ok(())
}

#[test]
fn splits_have_their_usual_names() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("__init__.py");
    std::fs::write(&path, FILE)?;
    assert_eq!(read(&path, "validation")?, ["one line", "two"]);
    assert_eq!(read(&path, "test")?, ["the \"end\""]);
    let error = read(&path, "valid").unwrap_err().to_string();
    assert!(error.contains("train, validation, test"), "{error}");
    std::fs::write(&path, "penn = {}\n\nimport os\n")?;
    let error = read(&path, "train").unwrap_err().to_string();
    assert!(error.contains("__init__.py, line 3: expected `=`, found `os`"), "{error}");
    Ok(())
}

#[test]
fn another_layout_is_an_error_with_its_line() {
    let fault = |source: &str| find(source, "train").unwrap_err();
    assert_eq!(fault("penn = {}\npenn['x'] = 'y'\n").1, "no text is assigned to ['train']; the file assigns 'x'");
    assert_eq!(fault("").1, "no text is assigned to ['train']; the file assigns nothing");
    assert_eq!(fault("penn['train'] = open('f')").1, "expected a string literal, found `open('f')`");
    assert_eq!(fault("\n\npenn['train'] = \"\"\"abc").0, 3);
    assert_eq!(fault("penn['train'] = 'a\nb'").1, "the string that starts here has no closing '");
    for bad in ["'\\N{DASH}'", "'\\x4'", "'\\ud800'", "'\\"] {
        fault(&format!("penn['train'] = {bad}"));
    }
}

proptest! {
    #[test]
    fn no_source_panics(source in "(penn|\\[|\\]|=|'|\"|\\\\|\\PC|\n| |x|7){0,60}") {
        let _ = find(&source, "train");
        let _ = find(&format!("penn['train'] = \"\"\"{source}"), "train");
    }
}
