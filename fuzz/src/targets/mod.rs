//! The fuzz targets. Each writes its bytes where the file of a user would be, calls the function that reads such a file, and
//! checks the result.
//!
//! Shared by the fuzzing binary and by `tests/seeds.rs`, which replays the seeds without an engine. A target fails by
//! panicking. If a target takes several files, they are parts of one input, separated by a line `%%`.

use std::fs;
use std::path::{Path, PathBuf};

mod adapter;
mod model;
mod spec;
mod table;
mod text;

/// One kind of input.
pub struct Target {
    /// The name, which is also that of its folder of seeds.
    pub name: &'static str,
    /// Reads the bytes; panics if a property does not hold.
    pub run: fn(&Scratch, &[u8]),
}

/// Every target.
pub const ALL: [Target; 10] = [
    Target { name: "spec", run: spec::run },
    Target { name: "gguf", run: model::gguf },
    Target { name: "safetensors", run: model::safetensors },
    Target { name: "config", run: model::config },
    Target { name: "adapter", run: adapter::run },
    Target { name: "tokenizer", run: model::tokenizer },
    Target { name: "mediawiki", run: text::mediawiki },
    Target { name: "records", run: text::records },
    Target { name: "parquet", run: table::parquet },
    Target { name: "journal", run: table::journal },
];

/// A tiny model in Hugging Face format, for the files beside the one that is fuzzed.
pub const CONFIG: &[u8] = include_bytes!("../../fixture/config.json");
pub const TOKENIZER: &[u8] = include_bytes!("../../fixture/tokenizer.json");
pub const WEIGHTS: &[u8] = include_bytes!("../../fixture/model.safetensors");

/// A folder for the files of one target; `make fuzz` puts it into memory.
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    pub fn new(target: &str) -> Self {
        let folder = tempfile::Builder::new().prefix(&format!("corda-{target}-")).tempdir();
        Self(folder.expect("a folder for temporary files"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, or with `None` removes it.
    pub fn put(&self, name: &str, bytes: Option<&[u8]>) -> PathBuf {
        let path = self.path(name);
        match bytes {
            Some(bytes) => {
                fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder in the scratch folder");
                fs::write(&path, bytes).expect("a file in the scratch folder");
            }
            None => {
                let _ = fs::remove_file(&path);
            }
        }
        path
    }

    /// A folder with the tiny model, of which one file is replaced or removed.
    pub fn model(&self, other: &str, bytes: Option<&[u8]>) -> PathBuf {
        for (name, own) in [("config.json", CONFIG), ("tokenizer.json", TOKENIZER), ("model.safetensors", WEIGHTS)] {
            if name != other && !self.path("model").join(name).exists() {
                self.put(&format!("model/{name}"), Some(own));
            }
        }
        self.put(&format!("model/{other}"), bytes);
        self.path("model")
    }
}

/// The separator of the files in an input.
const SEPARATOR: &[u8] = b"\n%%\n";

/// The parts of an input.
pub fn parts(mut data: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some(at) = data.windows(SEPARATOR.len()).position(|window| window == SEPARATOR) {
        parts.push(&data[..at]);
        data = &data[at + SEPARATOR.len()..];
    }
    parts.push(data);
    parts
}

/// An error must say which file it is about.
#[track_caller]
pub fn names(error: &impl std::fmt::Display, files: &[&str]) {
    let text = error.to_string();
    assert!(files.iter().any(|file| text.contains(file)), "the error names none of {files:?}: {text}");
}
