//! The JSON schema that `corda schema` prints: it is committed, takes what the program takes, and refuses what it refuses.

use std::path::{Path, PathBuf};

use corda::yaml;
use serde_json::Value;

use crate::tiny::binary::succeeds;

const FIRST_LINE: &str = "# yaml-language-server: $schema=schema.json\n";

fn experiments() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments")
}

pub fn parsed(text: &str, name: &str) -> Value {
    yaml::from_node(&yaml::parse(text, name).unwrap()).unwrap()
}

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&corda::spec::schema()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn the_committed_schema_is_current() {
    let committed = std::fs::read_to_string(experiments().join("schema.json")).unwrap_or_default();
    let printed = succeeds(Path::new("."), &["schema"]);
    assert!(committed == printed, "run: target/release/corda schema > experiments/schema.json");
    assert!(!printed.contains("[`"), "a link of rustdoc is no text for editors");
}

#[test]
fn shipped_experiments_validate_and_name_the_schema() {
    let validator = validator();
    let mut seen = 0;
    for entry in std::fs::read_dir(experiments()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "yaml") || path.ends_with("catalog.yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(FIRST_LINE), "{}", path.display());
        let errors: Vec<String> =
            validator.iter_errors(&parsed(&text, "spec")).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        seen += 1;
    }
    assert!(seen >= 8, "{seen}");
    let starter = corda::spec::starter("mine").unwrap();
    assert!(starter.starts_with(FIRST_LINE) && validator.is_valid(&parsed(&starter, "starter")));
}

const GOOD: &str = "\
name: good
model: {path: model}
device: cuda:1
targets: ['*.q_proj']
calibrations:
  own: {corpus: {file: a.txt, format: text}, samples: 6, length: 128, sampling: contiguous, seed: 4}
arms:
  - {method: plain-svd, end: largest}
  - {method: asvd, calibration: own, alpha: 0.25, statistic: abs-max, label: mine}
  - {method: corda, calibration: own, samples: 2, damping: {start: 0.1, precision: f32}, evaluate: [test]}
  - {method: svd-whitening, calibration: own, damping: 1.0e-3, normalisation: none}
discard: {components: [0, 2, 8], cap: true, except: {'*.k_proj': 1}}
evaluate:
  test: {corpus: enwiki/test, windows: all, length: 128}
adapters: {energy: [own], split: U, lora: true}
heatmaps: {size: 16}
sweep: {seed: [1, 2], calibrations.own.seed: [3]}
";

#[test]
fn good_spellings_validate() {
    let validator = validator();
    let accepted = |text: &str| {
        let errors: Vec<String> =
            validator.iter_errors(&parsed(text, "spec")).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{text}: {errors:?}");
    };
    accepted(GOOD);
    accepted(&GOOD.replace("{components: [0, 2, 8], cap: true, except: {'*.k_proj': 1}}", "{share: [0, 0.5]}"));
    accepted("name: maps\nmodel: some-model\nheatmaps: {}\n");
    accepted("name: s\nmodel: m\narms: [{method: plain-svd}]\ndiscard: {share: [0.1]}\nspectra: {last: 4}\n");
    // Anything may come from the file that is extended.
    accepted("extends: base.yaml\n");
    accepted(
        "extends: base.yaml\ncalibrations: {wiki: {samples: 2}, ptb: null}\nevaluate: {wiki: {windows: 2}}\n\
         discard: {components: null, share: [0.1]}\npublished: null\nadapters: null\n",
    );
}

#[test]
fn mistakes_do_not_validate() {
    let validator = validator();
    let mistakes = [
        ("name: good", "nmae: good"),
        ("name: good", "name: ../good"),
        ("name: good", "name: 2024"),
        ("name: good\n", ""),
        ("model: {path: model}\n", ""),
        ("model: {path: model}", "model: {pth: model}"),
        ("device: cuda:1", "device: gpu"),
        ("targets: ['*.q_proj']", "targets: '*.q_proj'"),
        ("targets: ['*.q_proj']", "targets: []"),
        ("targets: ['*.q_proj']", "seed: lucky"),
        ("targets: ['*.q_proj']", "seed: -1"),
        ("samples: 6", "samples: many"),
        ("samples: 6", "samples: 0"),
        ("samples: 6", "sampels: 6"),
        ("samples: 6, length: 128", "samples: 6"),
        ("sampling: contiguous", "sampling: contigous"),
        ("format: text", "format: txt"),
        ("{file: a.txt, format: text}", "{file: a.txt}"),
        ("corpus: enwiki/test", "corpus: enwiki"),
        ("method: plain-svd", "method: plain"),
        ("method: plain-svd, ", ""),
        ("end: largest", "end: biggest"),
        ("end: largest", "alpha: 1"),
        ("method: plain-svd", "method: plain-svd, calibration: own"),
        ("method: asvd, calibration: own", "method: asvd"),
        ("alpha: 0.25", "alpha: high"),
        ("alpha: 0.25", "alpha: 5"),
        ("statistic: abs-max", "statistic: max"),
        ("start: 0.1", "start: 0"),
        ("precision: f32", "precision: f16"),
        ("damping: 1.0e-3", "damping: {start: 1}"),
        ("label: mine", "lable: mine"),
        ("evaluate: [test]", "evaluate: test"),
        ("{components: [0, 2, 8], cap: true, except: {'*.k_proj': 1}}", "{components: []}"),
        ("{components: [0, 2, 8], cap: true, except: {'*.k_proj': 1}}", "{components: [0.5]}"),
        ("{components: [0, 2, 8], cap: true, except: {'*.k_proj': 1}}", "{share: [1.5]}"),
        ("{components: [0, 2, 8], cap: true, except: {'*.k_proj': 1}}", "{components: [1], share: [0.5]}"),
        ("{components: [0, 2, 8], cap: true, except: {'*.k_proj': 1}}", "{}"),
        ("discard: {components: [0, 2, 8], cap: true, except: {'*.k_proj': 1}}\n", ""),
        ("windows: all", "windows: some"),
        ("windows: all", "windows: 0"),
        ("windows: all, length: 128", "windows: all, length: 1"),
        ("split: U", "split: UU"),
        ("size: 16", "size: 0"),
        ("seed: [1, 2]", "seed: 1"),
        ("seed: [1, 2]", "seed: []"),
        ("seed: [1, 2]", "name: [a, b]"),
    ];
    for (from, to) in mistakes {
        assert!(GOOD.contains(from), "{from}");
        let text = GOOD.replacen(from, to, 1);
        assert!(!validator.is_valid(&parsed(&text, "spec")), "{from} -> {to}");
    }
}
