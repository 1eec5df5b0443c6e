//! Messages about the files of a model: `check` finds what would stop a run, and both name it.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::tiny::binary::{fails, run, succeeds};

/// An experiment that trains a model and asks it questions.
const TUNED: &str = "\
name: tiny
title: Tuned
model: {path: model}
targets: decoder
arms:
  - {method: plain-svd, end: largest}
discard: {components: [4]}
train:
  corpus: {file: data.jsonl, format: FORMAT, split: train}
  examples: 8
  validation: {corpus: {file: data.jsonl, format: FORMAT, split: validation}, examples: 4}
  length: 64
  batch: 4
  rates: [1.0e-2]
  seeds: [1]
questions:
  task: {corpus: {file: data.jsonl, format: FORMAT, split: test}, examples: 4, tokens: 4}
evaluate:
  test: {corpus: {file: test.txt, format: text}, windows: 3, length: 64}
";

const FORMAT: &str = r#"{records: {file: jsonl, text: "{q} {a}", prompt: "Q: {q}?\nA:", response: " {a}", answers: a, score: text,
    parts: {train: [0, 30], validation: [30, 40], test: [40, 60]}}}"#;

fn write(folder: &Path, name: &str, json: &Json) {
    std::fs::write(folder.join("model").join(name), json.to_string()).unwrap();
}

fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    said
}

#[test]
fn settings_of_generation_matter_where_questions_are_asked() {
    let folder = tempfile::tempdir().unwrap();
    let spec = crate::tiny::experiment(folder.path());
    let generation = folder.path().join("model/generation_config.json");
    std::fs::write(&generation, "{bad").unwrap();
    succeeds(folder.path(), &["check", "tiny.yaml"]);
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    std::fs::remove_dir_all(folder.path().join("results")).unwrap();

    let lines: String =
        (0..60).map(|i| format!("{}\n", json!({"q": format!("Is {i} a number?"), "a": "yes"}))).collect();
    std::fs::write(folder.path().join("data.jsonl"), lines).unwrap();
    std::fs::write(&spec, TUNED.replace("FORMAT", FORMAT)).unwrap();
    for command in ["check", "run"] {
        std::fs::write(&generation, "{bad").unwrap();
        fails(folder.path(), &[command, "tiny.yaml"], &["generation_config.json"]);
        write(folder.path(), "generation_config.json", &json!({"eos_token_id": [2, 64]}));
        fails(
            folder.path(),
            &[command, "tiny.yaml"],
            &["generation_config.json", "`eos_token_id` is 64", "vocabulary"],
        );
        write(folder.path(), "generation_config.json", &json!({"repetition_penalty": 1.2}));
        fails(folder.path(), &[command, "tiny.yaml"], &["generation_config.json", "`repetition_penalty` is 1.2"]);
    }
    write(folder.path(), "generation_config.json", &json!({"eos_token_id": [2, 63]}));
    succeeds(folder.path(), &["check", "tiny.yaml"]);
}

#[test]
fn a_token_without_a_row_is_named_before_and_in_the_run() {
    let folder = tempfile::tempdir().unwrap();
    crate::tiny::experiment(folder.path());
    write(folder.path(), "tokenizer_config.json", &json!({"sep_token": "[SEP]", "pad_token": "[PAD]"}));
    let warned = said(folder.path(), &["check", "tiny.yaml"]);
    for part in ["model/tokenizer.json", "[PAD]", "id 64", "64 rows"] {
        assert!(warned.contains(part), "{warned}");
    }
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    std::fs::remove_dir_all(folder.path().join("results")).unwrap();
    let text = folder.path().join("test.txt");
    let plain = std::fs::read_to_string(&text).unwrap();
    std::fs::write(&text, format!("the [PAD] {plain}")).unwrap();
    fails(folder.path(), &["run", "tiny.yaml"], &["evaluation `test`", "\"[PAD]\"", "id 64", "64 rows"]);
    // No token is used beyond the requested windows.
    std::fs::write(&text, format!("{plain} the [PAD]")).unwrap();
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    std::fs::remove_dir_all(folder.path().join("results")).unwrap();
    let text = folder.path().join("train.txt");
    std::fs::write(&text, "[PAD] ".repeat(4000)).unwrap();
    fails(folder.path(), &["run", "tiny.yaml"], &["calibration `own`", "\"[PAD]\"", "id 64"]);
    // A token with which every text begins.
    let config = json!({"bos_token": "[BOS]", "add_bos_token": true});
    // The vocabulary of the tests ends one short of the embedding.
    write(folder.path(), "added_tokens.json", &json!({"[SEP]": 63}));
    write(folder.path(), "tokenizer_config.json", &config);
    fails(folder.path(), &["check", "tiny.yaml"], &["model/tokenizer.json", "every text", "\"[BOS]\"", "64 rows"]);
}

#[test]
fn check_says_what_a_run_says_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    crate::tiny::experiment(folder.path());
    write(
        folder.path(),
        "tokenizer_config.json",
        &json!({"bos_token": "<unk>", "add_bos_token": true, "token": "hf_SECRET"}),
    );
    for command in ["check", "run"] {
        let said = said(folder.path(), &[command, "tiny.yaml"]);
        assert!(said.matches("add_bos_token").count() == 1 && said.contains("transformers 5"), "{said}");
        assert!(!said.contains("SECRET"), "{said}");
    }
}
