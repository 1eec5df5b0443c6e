use std::collections::BTreeMap;
use std::fs;

use super::*;

const SUM: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn pypi(package: &str, version: &str, file: &str, sum: &str) -> Source {
    let files = BTreeMap::from([(file.into(), sum.into())]);
    Source::Pypi { package: package.into(), version: version.into(), files }
}

fn hub(repo: &str, revision: &str, file: &str, sum: Option<&str>) -> Source {
    let files = BTreeMap::from([(file.into(), sum.map(Into::into))]);
    Source::Hub { repo: repo.into(), dataset: true, revision: revision.into(), files }
}

#[test]
fn impossible_sources_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).with_python("/no/python").with_hub_endpoint("http://[::1]:1", None);
    for (source, problem) in [
        (pypi("--index-url", "1", "a", SUM), "`--index-url` is not a package name"),
        (pypi("a", ">=1", "a", SUM), "`>=1` is not a package name and exact version"),
        (pypi("a", "1", "../a", SUM), "`../a` is not a relative path"),
        (pypi("a", "1", "/etc/passwd", SUM), "`/etc/passwd` is not a relative path"),
        (pypi("a", "1", "a/./b", SUM), "`a/./b` is not a relative path"),
        (pypi("a", "1", "a\\b", SUM), "is not a relative path"),
        (pypi("a", "1", "a", "12"), "`12` is not a sha256"),
        (Source::Pypi { package: "a".into(), version: "1".into(), files: BTreeMap::new() }, "it lists no files"),
        (hub("../a", COMMIT, "a", None), "`../a` is not a repository"),
        (hub("a/b/c", COMMIT, "a", None), "`a/b/c` is not a repository"),
        (hub("a--b/c", COMMIT, "a", None), "`a--b/c` is not a repository"),
        (hub("a/b", "..", "a", None), "`..` is not a revision"),
        (hub("a/b", COMMIT, "..", None), "`..` is not a relative path"),
        (Source::Path { path: "a".into(), sha256: Some(SUM.to_uppercase()) }, "is not a sha256"),
    ] {
        let message = store.fetch(&source, &Progress::hidden()).unwrap_err().to_string();
        assert!(message.contains(problem), "{message}");
        assert!(store.cached(&source).is_none());
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was written");
}

#[test]
fn identities_pin_the_content() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("cache"));
    assert_eq!(store.identity(&pypi("a", "1", "b/c", SUM)).unwrap(), format!("pypi:a==1[b/c={SUM}]"));
    assert_eq!(
        store.identity(&hub("a/b", COMMIT, "c", None)).unwrap(),
        format!("hub:datasets/a/b@{COMMIT}[c]"),
        "a commit pins its files"
    );
    assert_eq!(
        store.identity(&hub("a/b", "refs/convert/parquet", "c", Some(SUM))).unwrap(),
        format!("hub:datasets/a/b@refs/convert/parquet[c={SUM}]")
    );
    let message = store.identity(&hub("a/b", "main", "c", None)).unwrap_err().to_string();
    assert!(message.contains("not a commit") && message.contains("corda fetch"), "{message}");

    let file = folder.path().join("text.txt");
    fs::write(&file, "abc").unwrap();
    let source = Source::Path { path: file.clone(), sha256: None };
    assert_eq!(store.identity(&source).unwrap(), format!("file:{SUM}"));
    fs::write(&file, "abcd").unwrap();
    assert_ne!(store.identity(&source).unwrap(), format!("file:{SUM}"));
}
