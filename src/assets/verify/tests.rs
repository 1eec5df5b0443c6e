//! Stamps: what they save, and when they are not trusted.

use super::*;

fn stamps(root: &Path) -> Stamps {
    Stamps { root: root.join("cache") }
}

#[test]
fn checksums_are_the_published_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, "abc").unwrap();
    let file = stamps(folder.path()).look(&path, &Progress::hidden()).unwrap().unwrap();
    // FIPS 180-4's example; `printf abc | git hash-object --stdin`.
    assert_eq!(file.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(git_blob(&path).unwrap(), "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f");
    assert_eq!(file.bytes, 3);
}

/// A file with that content, and its sum as looked up.
fn looked_up(stamps: &Stamps, path: &Path) -> String {
    stamps.look(path, &Progress::hidden()).unwrap().unwrap().sha256
}

/// Makes the stamp of a file say something else as if it had been taken `later` than now: what a look gives then was
/// remembered, not computed.
fn forge(stamps: &Stamps, path: &Path, later: u64) {
    let stamp = stamps.read(path).unwrap();
    stamps.write(path, &Stamp { taken_ns: now() + later, sha256: "remembered".into(), ..stamp });
}

#[cfg(unix)]
#[test]
fn a_stamp_saves_the_hashing_until_the_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let stamps = stamps(folder.path());
    let path = folder.path().join("a");
    fs::write(&path, "abc").unwrap();
    let first = looked_up(&stamps, &path);
    forge(&stamps, &path, 2 * TICK);
    assert_eq!(looked_up(&stamps, &path), "remembered");
    // Another time, though the content is the same: hashed again.
    File::options().write(true).open(&path).unwrap().set_modified(UNIX_EPOCH).unwrap();
    assert_eq!(looked_up(&stamps, &path), first);
}

#[cfg(unix)]
#[test]
fn a_file_replaced_in_place_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let stamps = stamps(folder.path());
    let path = folder.path().join("a");
    let other = folder.path().join("b");
    let link = folder.path().join("link");
    let modified = UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    let written = |path: &Path, text: &str| {
        fs::write(path, text).unwrap();
        File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
    };
    written(&path, "abc");
    written(&other, "abd");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let (abc, abd) = (looked_up(&stamps, &path), looked_up(&stamps, &other));
    assert_ne!(abc, abd);
    let forged = |path: &Path| {
        looked_up(&stamps, path);
        forge(&stamps, path, 2 * TICK);
        assert_eq!(looked_up(&stamps, path), "remembered");
    };
    // Same size and time of modification: written over, ...
    forged(&path);
    std::thread::sleep(std::time::Duration::from_millis(20));
    written(&path, "abd");
    assert_eq!(looked_up(&stamps, &path), abd);
    // ... renamed over, ...
    written(&path, "abc");
    forged(&path);
    fs::rename(&other, &path).unwrap();
    assert_eq!(looked_up(&stamps, &path), abd);
    // ... or a link that leads elsewhere.
    written(&other, "abc");
    forged(&link);
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&other, &link).unwrap();
    assert_eq!(looked_up(&stamps, &link), abc);
}

#[test]
fn a_stamp_as_young_as_its_file_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let stamps = stamps(folder.path());
    let path = folder.path().join("a");
    fs::write(&path, "abc").unwrap();
    let first = looked_up(&stamps, &path);
    forge(&stamps, &path, 0);
    assert_eq!(looked_up(&stamps, &path), first, "within a tick");
}

#[test]
fn a_stamp_of_an_earlier_version_says_what_was_verified_and_saves_no_hashing() {
    let folder = tempfile::tempdir().unwrap();
    let stamps = stamps(folder.path());
    let path = stamps.root.join("assets/hub/a");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "abc").unwrap();
    let file = stamps.look(&path, &Progress::hidden()).unwrap().unwrap();
    let modified_ns = state(&path).unwrap().unwrap().modified_ns;
    let old = |sha256: &str| serde_json::json!({"bytes": 3, "modified_ns": modified_ns, "sha256": sha256}).to_string();
    fs::write(stamps.place(&path), old(&file.sha256)).unwrap();
    assert_eq!(stamps.check(&path, None, &Progress::hidden()).unwrap(), Some(file));
    fs::write(stamps.place(&path), old(&"0".repeat(64))).unwrap();
    assert_eq!(stamps.check(&path, None, &Progress::hidden()).unwrap(), None);
}

#[test]
fn a_stamp_with_nothing_expected_survives_a_copy_but_not_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let stamps = stamps(folder.path());
    let path = stamps.root.join("assets/hub/a");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "abc").unwrap();
    let none = stamps.check(&path, None, &Progress::hidden()).unwrap();
    assert_eq!(none, None, "never verified, nothing to verify against");
    let file = stamps.look(&path, &Progress::hidden()).unwrap().unwrap();
    assert_eq!(stamps.check(&path, None, &Progress::hidden()).unwrap(), None, "looking is not verifying");
    stamps.remember(&file);
    File::options().write(true).open(&path).unwrap().set_modified(UNIX_EPOCH).unwrap();
    assert_eq!(stamps.check(&path, None, &Progress::hidden()).unwrap(), Some(file));
    fs::write(&path, "abd").unwrap();
    assert_eq!(stamps.check(&path, None, &Progress::hidden()).unwrap(), None);
}

#[test]
fn nothing_is_written_beside_a_users_file() {
    let folder = tempfile::tempdir().unwrap();
    let stamps = stamps(folder.path());
    let path = folder.path().join("theirs/a");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "abc").unwrap();
    stamps.look(&path, &Progress::hidden()).unwrap().unwrap();
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_as_such() {
    let full = Path::new("/dev/full");
    let mut file = File::options().write(true).open(full).unwrap();
    match copy_hashing(&b"abc"[..], &mut file, |_| {}) {
        Err(CopyError::Write(e)) => {
            let message = crate::assets::AssetError::io("write", full, e).to_string();
            assert_eq!(
                message,
                "the disk is full: no space left for /dev/full; free some and run the same command again"
            );
        }
        other => panic!("{other:?}"),
    }
}
