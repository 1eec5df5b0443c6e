use super::*;

#[test]
fn a_lock_is_held_until_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path());
    let held = store.lock(folder.path(), "x", &Progress::hidden()).unwrap();
    let other = File::options().write(true).open(folder.path().join(".lock")).unwrap();
    assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
    drop(held);
    other.try_lock().unwrap();
}
