//! Experiment files: an experiment, the file it extends, overrides (one per line), and the catalog.

use std::path::Path;

use corda::assets::Store;
use corda::cache::Cache;
use corda::plan::memory::Room;
use corda::progress::Progress;
use corda::run::Context;
use corda::spec::{self, Catalog, Loaded, SpecErrors};
use corda::{model, status};

use super::{Scratch, parts};

const FILES: [&str; 4] = ["experiment.yaml", "base.yaml", "catalog.yaml", "--set"];

/// The catalog, if the input has none.
const CATALOG: &str = include_str!("../../fixture/catalog.yaml");

/// The number of variants that are planned: a sweep has up to 256, all of the same kind.
const PLANNED: usize = 4;

pub fn run(scratch: &Scratch, data: &[u8]) {
    let parts = parts(data);
    scratch.model("none", None);
    scratch.put("train.txt", Some(b"One sentence. Another sentence.\n"));
    scratch.put("questions.jsonl", Some(b"{\"q\": \"Who?\", \"a\": \"I\"}\n{\"q\": \"Where?\", \"a\": \"here\"}\n"));
    let experiment = scratch.put("experiment.yaml", Some(parts[0]));
    scratch.put("base.yaml", parts.get(1).copied());
    let overrides: Vec<String> = match parts.get(2).map(|part| std::str::from_utf8(part)) {
        Some(Ok(text)) => text.lines().take(8).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let catalog = scratch.put("catalog.yaml", Some(parts.get(3).copied().unwrap_or(CATALOG.as_bytes())));
    let catalog = match Catalog::load(&catalog) {
        Ok(catalog) => catalog,
        Err(errors) => return explained(&errors),
    };
    match load(&experiment, &overrides, &catalog) {
        Err(errors) => explained(&errors),
        Ok(loaded) => {
            let again = load(&experiment, &overrides, &catalog).expect("what loads once loads twice");
            assert_eq!(format!("{loaded:?}"), format!("{again:?}"), "loaded twice, it differs");
            if loaded.experiments().len() <= PLANNED {
                planned(scratch, &loaded);
            }
        }
    }
}

fn load(path: &Path, overrides: &[String], catalog: &Catalog) -> Result<Loaded, SpecErrors> {
    spec::load(path, overrides, catalog, &|path| model::read_shape(path).map_err(|e| e.to_string()))
}

/// Errors name a file, and are rendered with their line.
fn explained(errors: &SpecErrors) {
    assert!(!errors.is_empty(), "an error without any text");
    for error in errors.iter() {
        super::names(error, &FILES);
        let drawn = format!("{:?}", miette::Report::new(error.clone()));
        assert!(!drawn.is_empty());
    }
}

/// An experiment that loads can be described, planned and serialised.
fn planned(scratch: &Scratch, loaded: &Loaded) {
    for warning in &loaded.warnings {
        assert!(!format!("{warning} {:?}", miette::Report::new(warning.clone())).is_empty());
    }
    for experiment in loaded.experiments() {
        serde_json::to_value(experiment).expect("an experiment as JSON");
    }
    let cache = scratch.path("cache");
    let context = Context {
        cache: Cache::new(&cache),
        store: Store::open(&cache),
        results: scratch.path("results"),
        experiments: scratch.path("."),
        progress: Progress::hidden(),
        command: Vec::new(),
        room: Room { bytes: 8 << 30, threads: 2 },
        replace: false,
    };
    match status::describe(loaded, &context) {
        Ok(text) => assert!(!text.is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
