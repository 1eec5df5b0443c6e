use super::*;

#[test]
fn a_new_file_never_replaces_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.yaml");
    write_new(&path, b"first").unwrap();
    assert_eq!(write_new(&path, b"second").unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"first");
    assert_eq!(write_new(&folder.path().join("no/mine.yaml"), b"x").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(names(folder.path()), ["mine.yaml"]);
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn makes_folders_and_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results/x/table.md");
    write_bytes(&path, b"one").unwrap();
    write_bytes(&path, b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(names(path.parent().unwrap()), ["table.md"]);
}

#[test]
fn a_failed_write_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.md");
    write_bytes(&path, b"old").unwrap();
    let error = write_atomically(&path, |file| {
        file.write_all(b"half of the n")?;
        Err(ErrorKind::StorageFull.into())
    })
    .unwrap_err();
    assert!(matches!(error, WriteError::Full { .. }));
    let message = error.to_string();
    assert!(message.contains(&folder.path().display().to_string()), "{message}");
    assert!(message.contains("table.md") && message.contains("free some space"), "{message}");
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["table.md"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results");
    fs::write(&file, "a file where a folder should be").unwrap();
    let error = write_bytes(&file.join("table.md"), b"x").unwrap_err();
    assert!(matches!(error, WriteError::Folder { .. }));
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}

#[test]
fn what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("table.md"), folder.path().join("other.md"));
    for left in [".table.md.aB3dE6.tmp", ".other.md.aB3dE6.tmp", ".table.md", ".mine.tmp"] {
        fs::write(folder.path().join(left), "half").unwrap();
    }
    fs::create_dir_all(folder.path().join(".table.md.aB3dE7.tmp/new")).unwrap();
    write_atomically(&path, |file| {
        file.write_all(b"one")?;
        // A second writer of the same file, while this one is at it.
        write_bytes(&path, b"two").unwrap();
        remove(&other).unwrap();
        Ok(())
    })
    .unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"one");
    assert_eq!(names(folder.path()), [".mine.tmp", ".table.md", "table.md"]);
}

#[cfg(unix)]
#[test]
fn the_file_is_as_readable_as_one_made_plainly() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plain"), "x").unwrap();
    write_bytes(&folder.path().join("atomic"), b"x").unwrap();
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
    assert_eq!(mode("atomic"), mode("plain"));
}
