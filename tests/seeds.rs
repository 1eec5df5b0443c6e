//! Replays the seeds of the fuzz targets, and every input that once failed, without a fuzzing engine.
//!
//! `cargo test --release --test seeds -- --ignored write` rewrites the seeds and the files beside them.
#![allow(clippy::panic, clippy::unwrap_used)]

#[path = "../fuzz/src/memory.rs"]
mod memory;
#[path = "../fuzz/src/targets/mod.rs"]
mod targets;
#[path = "seeds/write.rs"]
mod write;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

#[global_allocator]
static ALLOCATOR: memory::Limited = memory::Limited;

/// The stack of a main thread, which is where files are read.
const STACK: usize = 8 << 20;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn replay(name: &str) {
    let target = targets::ALL.iter().find(|target| target.name == name).unwrap();
    let seeds = files(&fuzz().join("seeds").join(name));
    assert!(!seeds.is_empty(), "no seeds for {name}");
    let all: Vec<PathBuf> = seeds.into_iter().chain(files(&fuzz().join("regressions").join(name))).collect();
    let replayed = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        let scratch = targets::Scratch::new(target.name);
        let fails = |path: &PathBuf| {
            let bytes = std::fs::read(path).unwrap();
            catch_unwind(AssertUnwindSafe(|| (target.run)(&scratch, &bytes))).is_err()
        };
        all.into_iter().filter(fails).collect::<Vec<_>>()
    });
    let failed = replayed.unwrap().join().unwrap();
    assert!(failed.is_empty(), "{name} fails on {failed:?}");
}

macro_rules! replays {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                replay(stringify!($name));
            }
        )*

        #[test]
        fn every_target_is_replayed() {
            let names: Vec<&str> = targets::ALL.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

replays!(spec gguf safetensors config adapter tokenizer mediawiki records parquet journal);

#[test]
fn seeds_stay_small() {
    let folders = files(&fuzz().join("seeds"));
    let bytes: u64 = folders.iter().flat_map(|folder| files(folder)).map(|file| file.metadata().unwrap().len()).sum();
    assert!(bytes < 200_000, "{bytes} bytes of seeds");
}

#[test]
#[ignore = "writes fuzz/seeds and fuzz/fixture"]
fn write() {
    write::all(&fuzz());
}
