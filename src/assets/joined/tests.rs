//! Parts are files of the user's here; tests of pypi join parts of wheels.

#![allow(clippy::unwrap_used)]

use super::*;

const ABCDEF: &str = "bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721";

fn parts(folder: &std::path::Path, contents: &[&str]) -> Vec<Source> {
    let part = |(i, content): (usize, &&str)| {
        let path = folder.join(format!("x.part{i}"));
        fs::write(&path, content).unwrap();
        Source::Path { path, sha256: None }
    };
    contents.iter().enumerate().map(part).collect()
}

fn joined(parts: Vec<Source>, sha256: &str) -> Source {
    Source::Joined { file: "x.bin".into(), sha256: sha256.into(), parts }
}

#[test]
fn parts_become_one_file_that_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("cache"));
    let source = joined(parts(folder.path(), &["abc", "", "def"]), ABCDEF);
    assert_eq!(store.cached(&source), None);
    let fetched = store.fetch(&source, &Progress::hidden()).unwrap();
    let file = &fetched.files["x.bin"];
    assert_eq!((fs::read_to_string(&file.path).unwrap().as_str(), file.bytes), ("abcdef", 6));
    assert_eq!(file.path, folder.path().join("cache/assets/joined").join(ABCDEF).join("x.bin"));
    // Other parts, though the whole would be the same, are looked at.
    let other = joined(parts(&folder.path().join("."), &["abc", "", "def"]), ABCDEF);
    assert_eq!(store.cached(&other), None);
    // The user's own parts stay, and are not needed again.
    assert!(folder.path().join("x.part0").is_file());
    fs::remove_file(folder.path().join("x.part0")).unwrap();
    assert_eq!(store.cached(&source), Some(fetched.clone()));
    assert_eq!(store.fetch(&source, &Progress::hidden()).unwrap(), fetched);
    // Pinned by its content, wherever the parts are.
    assert_eq!(store.identity(&source).unwrap(), format!("joined:x.bin={ABCDEF}"));
}

#[test]
fn a_wrong_order_is_told_and_nothing_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("cache"));
    let source = joined(parts(folder.path(), &["def", "abc"]), ABCDEF);
    let error = store.fetch(&source, &Progress::hidden()).unwrap_err().to_string();
    assert!(error.contains("x.bin") && error.contains(ABCDEF) && error.contains("order"), "{error}");
    let left: Vec<_> = fs::read_dir(folder.path().join("cache/assets/joined").join(ABCDEF)).unwrap().collect();
    assert_eq!(left.len(), 1, "only the lock: {left:?}");
    assert_eq!(store.cached(&source), None);
}

#[test]
fn sources_that_cannot_be_joined_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("cache"));
    let good = parts(folder.path(), &["abc", "def"]);
    let two = Source::Pypi {
        package: "thing".into(),
        version: "1.0".into(),
        files: ["a", "b"].map(|file| (file.to_string(), ABCDEF.to_string())).into(),
    };
    let named = |file: &str| Source::Joined { file: file.into(), sha256: ABCDEF.into(), parts: good.clone() };
    for (source, said) in [
        (joined(vec![], ABCDEF), "no parts"),
        (joined(vec![two], ABCDEF), "one file"),
        (joined(vec![joined(good.clone(), ABCDEF)], ABCDEF), "joined itself"),
        (joined(good.clone(), "abc"), "sha256"),
        (named("../x"), "`../x`"),
        (named("a/x"), "`a/x`"),
    ] {
        let error = store.fetch(&source, &Progress::hidden()).unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
    }
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).unwrap();
    fs::write(inside.join("x"), "abcdef").unwrap();
    let error = store.fetch(&joined(vec![Source::Path { path: inside, sha256: None }], ABCDEF), &Progress::hidden());
    assert!(error.unwrap_err().to_string().contains("is a folder"));
}
