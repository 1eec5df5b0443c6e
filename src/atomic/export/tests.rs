use super::*;

#[test]
fn what_was_added_changed_or_moved_in_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    assert!(is_unchanged(folder.path()));
    fs::create_dir(folder.path().join("adapter")).unwrap();
    let file = folder.path().join("adapter/adapter_config.json");
    fs::write(&file, "{}").unwrap();
    assert!(!is_unchanged(folder.path()), "without a list it is the user's");
    mark(folder.path()).unwrap();
    assert!(is_unchanged(folder.path()));
    fs::write(folder.path().join("README.md"), "mine").unwrap();
    assert!(!is_unchanged(folder.path()));
    fs::remove_file(folder.path().join("README.md")).unwrap();
    assert!(is_unchanged(folder.path()));
    // Trained and saved over what was exported.
    fs::write(&file, "[]").unwrap();
    let later = fs::metadata(&file).unwrap().modified().unwrap() + std::time::Duration::from_secs(1);
    fs::File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
    assert!(!is_unchanged(folder.path()));
}
