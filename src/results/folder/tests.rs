use super::*;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn files_are_replaced_together_and_those_of_an_earlier_shape_go() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("x");
    fs::create_dir(&place).unwrap();
    for name in ["table.md", "adapters.md", PROVENANCE, "notes.md"] {
        fs::write(place.join(name), "old").unwrap();
    }
    fs::create_dir(place.join(".new.killed")).unwrap();
    let new = Replacement::begin(&place).unwrap();
    fs::write(new.staging().join("table.md"), "new").unwrap();
    fs::write(new.staging().join(PROVENANCE), "new").unwrap();
    drop(new);
    assert_eq!(names(&place), ["adapters.md", "notes.md", PROVENANCE, "table.md"]);
    assert_eq!(fs::read(place.join("table.md")).unwrap(), b"old");

    let new = Replacement::begin(&place).unwrap();
    fs::write(new.staging().join("table.md"), "new").unwrap();
    fs::write(new.staging().join(PROVENANCE), "new").unwrap();
    new.commit(b"new", &["table.md", PROVENANCE]).unwrap();
    assert_eq!(names(&place), ["notes.md", PROVENANCE, "table.md"]);
    assert_eq!(fs::read(place.join("table.md")).unwrap(), b"new");
    assert!(is_whole(&place));
}

#[test]
fn a_new_folder_whose_results_fail_goes_again() {
    let folder = tempfile::tempdir().unwrap();
    drop(Replacement::begin(&folder.path().join("x")).unwrap());
    assert!(names(folder.path()).is_empty());
}

#[test]
fn of_variants_that_are_gone_only_our_own_files_go() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, file: &str, text: &str| {
        fs::create_dir_all(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join(file), text).unwrap();
    };
    make("seed-1", PROVENANCE, r#"{"spec": {"variant": "seed-1"}}"#);
    make("seed-2", PROVENANCE, r#"{"spec": {"variant": "seed-2"}}"#);
    make("seed-2", "table.md", "");
    make("seed-3", PROVENANCE, r#"{"spec": {"variant": "seed-3"}}"#);
    make("seed-3", "notes.md", "");
    make("seed-4", "table.md", "");
    make("mine", "table.md", "");
    let former = serde_json::json!({"sweep": {"variants": {"seed-4": []}}});
    clear_variants(folder.path(), Some(&former), &["seed-1"]).unwrap();
    assert_eq!(names(folder.path()), ["mine", "seed-1", "seed-3"]);
    assert_eq!(names(&folder.path().join("seed-3")), ["notes.md"]);
}
