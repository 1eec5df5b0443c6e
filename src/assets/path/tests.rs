use super::*;
use crate::assets::Source;

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn fetch(store: &Store, path: &Path, sha256: Option<&str>) -> Result<Vec<String>, String> {
    let source = Source::Path { path: path.into(), sha256: sha256.map(Into::into) };
    let fetched = store.fetch(&source, &Progress::hidden()).map_err(|e| e.to_string())?;
    assert_eq!(store.cached(&source).as_ref(), Some(&fetched));
    Ok(fetched.files.into_iter().map(|(name, file)| format!("{name} {} {}", file.bytes, file.sha256)).collect())
}

#[test]
fn files_and_folders() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("cache"));
    let model = folder.path().join("model");
    fs::create_dir_all(model.join("inner")).unwrap();
    assert!(fetch(&store, &model, None).unwrap_err().contains("has no files"));
    for name in ["config.json", "a.safetensors", ".hidden", "inner/b"] {
        fs::write(model.join(name), "abc").unwrap();
    }
    let both = vec![format!("a.safetensors 3 {ABC}"), format!("config.json 3 {ABC}")];
    assert_eq!(fetch(&store, &model, None).unwrap(), both);
    let one = model.join("config.json");
    assert_eq!(fetch(&store, &one, Some(ABC)).unwrap(), both[1..]);
    assert!(fetch(&store, &model, Some(ABC)).unwrap_err().contains("sha256 is for a single file"));
}

#[test]
fn missing_and_changed_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("cache"));
    let path = folder.path().join("text.txt");
    let message = fetch(&store, &path, None).unwrap_err();
    assert!(message.starts_with("no such file or folder: ") && message.contains("text.txt"), "{message}");
    fs::write(&path, "abd").unwrap();
    let message = fetch(&store, &path, Some(ABC)).unwrap_err();
    assert!(
        message.contains(ABC) && message.contains("a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9"),
        "{message}"
    );
    assert!(path.exists(), "a user's file is never removed");
}
