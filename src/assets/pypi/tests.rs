//! pip is played by a shell script that puts a wheel of the test's making where pip would.

// clippy.toml allows this in tests; it does not see that `cfg(all(test, unix))` is one.
#![allow(clippy::unwrap_used)]

use std::io::Write;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::assets::Source;

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A folder with a wheel of `data/a` = `abc` and more, and a store beside it.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        let mut zip = ZipWriter::new(File::create(world.path("wheel")).unwrap());
        for (name, content) in [("data/a.txt", "abc"), ("data/b.txt", "abcd"), ("../escaped", "x"), ("code.py", "x")] {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
        zip.add_symlink("data/link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
        zip.finish().unwrap();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A store whose Python is a script that runs `body` with `$folder` set to the download folder. It is written by
    /// another process: were it open for writing here, a fork of another test's thread would make it "busy" to run.
    fn store(&self, body: &str) -> Store {
        let script = format!(
            "#!/bin/sh\necho \"$@\" >> '{}'\nwhile [ $# -gt 0 ]; do [ \"$1\" = -d ] && folder=$2; shift; done\n{body}\n",
            self.path("calls").display()
        );
        let python = self.path("python");
        let write = "printf %s \"$1\" > \"$2\" && chmod +x \"$2\"";
        let status = Command::new("sh").args(["-c", write, "sh", &script]).arg(&python).status().unwrap();
        assert!(status.success());
        Store::open(&self.path("cache")).with_python(python)
    }

    /// A store whose pip finds the wheel.
    fn store_with_wheel(&self) -> Store {
        self.store(&format!("cp '{}' \"$folder/thing-1.0-py3-none-any.whl\"", self.path("wheel").display()))
    }

    fn calls(&self) -> Vec<String> {
        fs::read_to_string(self.path("calls")).unwrap_or_default().lines().map(Into::into).collect()
    }

    /// Every file below the cache folder but the lock.
    fn left(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() { walk(&entry.path(), found) } else { found.push(entry.path()) }
            }
        }
        let mut found = Vec::new();
        walk(&self.path("cache"), &mut found);
        found.retain(|path| !path.ends_with(".lock"));
        found
    }
}

fn source(files: &[(&str, &str)]) -> Source {
    let files = files.iter().map(|(file, sum)| (file.to_string(), sum.to_string())).collect();
    Source::Pypi { package: "thing".into(), version: "1.0".into(), files }
}

fn fail(store: &Store, source: &Source) -> String {
    assert!(store.cached(source).is_none());
    let message = store.fetch(source, &Progress::hidden()).unwrap_err().to_string();
    assert!(store.cached(source).is_none());
    message
}

#[test]
fn the_listed_files_are_taken_and_nothing_else() {
    let world = World::new();
    let (store, source) = (world.store_with_wheel(), source(&[("data/a.txt", ABC)]));
    let fetched = store.fetch(&source, &Progress::hidden()).unwrap();
    assert_eq!(fetched.origin, "pypi:thing==1.0");
    let file = &fetched.files["data/a.txt"];
    assert_eq!((file.sha256.as_str(), file.bytes), (ABC, 3));
    assert_eq!(fs::read_to_string(&file.path).unwrap(), "abc");
    assert_eq!(file.path, world.path("cache/assets/pypi/thing-1.0/data/a.txt"));
    assert_eq!(world.left().len(), 2, "the file and its stamp: {:?}", world.left());
    assert!(!world.path("cache/assets/pypi/escaped").exists());
    let call = &world.calls()[0];
    for word in ["-m pip download", "--no-deps", "--only-binary :all:", "thing==1.0"] {
        assert!(call.contains(word), "{call}");
    }

    assert_eq!(store.cached(&source), Some(fetched.clone()));
    assert_eq!(store.fetch(&source, &Progress::hidden()).unwrap(), fetched);
    assert_eq!(world.calls().len(), 1, "what is there is not fetched again");
}

#[test]
fn a_file_damaged_in_the_cache_is_fetched_again() {
    let world = World::new();
    let (store, source) = (world.store_with_wheel(), source(&[("data/a.txt", ABC)]));
    let fetched = store.fetch(&source, &Progress::hidden()).unwrap();
    fs::write(&fetched.files["data/a.txt"].path, "ab").unwrap();
    assert_eq!(store.cached(&source), None);
    assert_eq!(store.fetch(&source, &Progress::hidden()).unwrap(), fetched);
    assert_eq!(world.calls().len(), 2);
}

#[test]
fn two_runs_fetch_once() {
    let world = World::new();
    let wheel = world.path("wheel");
    let store = world.store(&format!("sleep 0.3; cp '{}' \"$folder/thing-1.0-py3-none-any.whl\"", wheel.display()));
    let source = source(&[("data/a.txt", ABC)]);
    std::thread::scope(|scope| {
        let fetch = || store.fetch(&source, &Progress::hidden()).unwrap();
        let (a, b) = (scope.spawn(fetch), scope.spawn(fetch));
        assert_eq!(a.join().unwrap(), b.join().unwrap());
    });
    assert_eq!(world.calls().len(), 1);
}

#[test]
fn leftovers_of_a_killed_run_are_swept() {
    let world = World::new();
    let leftover = world.path("cache/assets/pypi/thing-1.0/.download-killed");
    fs::create_dir_all(&leftover).unwrap();
    fs::write(leftover.join("thing.whl"), "half").unwrap();
    world.store_with_wheel().fetch(&source(&[("data/a.txt", ABC)]), &Progress::hidden()).unwrap();
    assert!(!leftover.exists());
}

#[test]
fn a_missing_member_is_named_with_the_nearest() {
    let world = World::new();
    let message = fail(&world.store_with_wheel(), &source(&[("data/aa.txt", ABC)]));
    assert_eq!(
        message,
        "pypi:thing==1.0 holds no file data/aa.txt (the nearest is data/a.txt): correct the path in the catalog or spec"
    );
    let message = fail(&world.store_with_wheel(), &source(&[("data/link", ABC)]));
    assert!(message.contains("holds no file data/link"), "links are not followed: {message}");
    assert!(world.left().is_empty(), "{:?}", world.left());
}

#[test]
fn a_wrong_checksum_names_both_and_keeps_nothing() {
    let world = World::new();
    let message = fail(&world.store_with_wheel(), &source(&[("data/b.txt", ABC)]));
    let actual = "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589";
    for word in [ABC, actual, "data/b.txt", "pip cache purge"] {
        assert!(message.contains(word), "{message}");
    }
    assert!(world.left().is_empty(), "{:?}", world.left());
}

#[test]
fn a_corrupt_wheel_is_said_so() {
    let world = World::new();
    let whole = fs::read(world.path("wheel")).unwrap();
    fs::write(world.path("wheel"), &whole[..whole.len() / 2]).unwrap();
    let message = fail(&world.store_with_wheel(), &source(&[("data/a.txt", ABC)]));
    assert!(message.starts_with("the wheel of pypi:thing==1.0 is corrupt ("), "{message}");

    // A flipped bit in the compressed bytes of data/a.txt, which follow the 30 bytes of its header and its name.
    let mut flipped = whole.clone();
    flipped[30 + "data/a.txt".len() + 1] ^= 1;
    fs::write(world.path("wheel"), flipped).unwrap();
    let message = fail(&world.store_with_wheel(), &source(&[("data/a.txt", ABC)]));
    assert!(message.contains("is corrupt (") || message.contains("is not the file that was pinned"), "{message}");
    assert!(world.left().is_empty(), "{:?}", world.left());
}

#[test]
fn what_pip_says_is_understood() {
    let world = World::new();
    let source = source(&[("data/a.txt", ABC)]);
    for (said, understood) in [
        (
            "ERROR: Could not find a version that satisfies the requirement thing==1.0 (from versions: 0.9)\n\
             ERROR: No matching distribution found for thing==1.0",
            "the package index has no pypi:thing==1.0: check name and version",
        ),
        (
            "ERROR: Could not find a version that satisfies the requirement thing==1.0 (from versions: none)\n\
             ERROR: No matching distribution found for thing==1.0",
            "the package index has no pypi:thing==1.0",
        ),
        (
            "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection \
             broken by NewConnectionError(<...>: Failed to establish a new connection: [Errno -3] Temporary failure in \
             name resolution): /thing/\n\
             ERROR: Could not find a version that satisfies the requirement thing==1.0 (from versions: none)\n\
             ERROR: No matching distribution found for thing==1.0",
            "pip cannot reach a package index for pypi:thing==1.0; PyPI or a mirror",
        ),
        ("pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool: Read timed out.", "pip cannot reach"),
        ("/usr/bin/python3: No module named pip", "has no pip, which fetches pypi:thing==1.0"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "the disk is full"),
        ("ERROR: something new", "pip could not download pypi:thing==1.0. Its last words:\n  ERROR: something new"),
    ] {
        let store = world.store(&format!("cat >&2 <<'END'\n{said}\nEND\nexit 1"));
        let message = fail(&store, &source);
        assert!(message.contains(understood), "{message}");
        assert!(world.left().is_empty(), "{:?}", world.left());
    }
    let message = fail(&world.store("echo Saved"), &source);
    assert!(message.contains("left no wheel"), "{message}");
}

#[test]
fn an_offline_message_says_where_the_cache_goes() {
    let world = World::new();
    let store = world.store("echo 'HTTPSConnectionPool: Max retries exceeded' >&2; exit 1");
    let message = fail(&store, &source(&[("data/a.txt", ABC)]));
    assert!(message.contains("corda fetch") && message.contains(&*world.path("cache").to_string_lossy()), "{message}");
}

#[test]
fn a_missing_interpreter_is_named() {
    let world = World::new();
    let store = Store::open(&world.path("cache")).with_python(world.path("no-python"));
    let message = fail(&store, &source(&[("data/a.txt", ABC)]));
    for word in ["no-python", "install Python 3 with pip", "CORDA_PYTHON"] {
        assert!(message.contains(word), "{message}");
    }
    assert!(world.left().is_empty(), "{:?}", world.left());
}

#[test]
fn an_unwritable_cache_is_named() {
    let world = World::new();
    fs::write(world.path("cache"), "a file where the folder should be").unwrap();
    let message = fail(&world.store_with_wheel(), &source(&[("data/a.txt", ABC)]));
    assert!(message.starts_with("cannot ") && message.contains(&*world.path("cache").to_string_lossy()), "{message}");
}

/// sha256 of `abcabcd`.
const WHOLE: &str = "fed912ec79b3f1c7738e892c0669c8c782bce5fcfb743cf2f445511283542870";
/// sha256 of `abcd`.
const ABCD: &str = "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589";

#[test]
fn parts_in_wheels_are_joined_and_then_removed() {
    let world = World::new();
    let store = world.store_with_wheel();
    let parts = vec![source(&[("data/a.txt", ABC)]), source(&[("data/b.txt", ABCD)])];
    let whole = Source::Joined { file: "x.bin".into(), sha256: WHOLE.into(), parts: parts.clone() };
    let fetched = store.fetch(&whole, &Progress::hidden()).unwrap();
    assert_eq!(fetched.origin, "joined:x.bin from pypi:thing==1.0, pypi:thing==1.0");
    assert_eq!(fs::read_to_string(&fetched.files["x.bin"].path).unwrap(), "abcabcd");
    assert_eq!(world.left().len(), 3, "the whole, what it was made of, and its stamp: {:?}", world.left());
    assert_eq!(store.fetch(&whole, &Progress::hidden()).unwrap(), fetched);
    assert_eq!(world.calls().len(), 2);

    // Parts that an interrupted run left are used; one that is wrong is named.
    fs::remove_file(&fetched.files["x.bin"].path).unwrap();
    store.fetch(&parts[0], &Progress::hidden()).unwrap();
    store.fetch(&whole, &Progress::hidden()).unwrap();
    assert_eq!(world.calls().len(), 4, "the first part was there");
    let wrong = vec![source(&[("data/a.txt", ABC)]), source(&[("data/b.txt", ABC)])];
    let wrong = Source::Joined { file: "x.bin".into(), sha256: ABC.into(), parts: wrong };
    let message = fail(&store, &wrong);
    assert!(message.contains("data/b.txt") && message.contains(ABCD), "{message}");
}
