//! Fine-tuning through the binary, on a tiny model: a whole experiment, what it saves, and what it refuses.

use std::fmt::Write;
use std::path::Path;

use crate::tiny;
use crate::tiny::binary::{fails, run, succeeds};
use corda::results::{AnswerRow, RateRow, StepRow, TrainedRow, read_rows};

const SPEC: &str = "\
name: tuned
title: A tiny model that learns
model: {path: model}
targets: decoder
calibrations:
  own: {corpus: {file: data.jsonl, format: FORMAT, split: train}, samples: 20, length: 32, sampling: documents}
arms:
  - {method: plain-svd, end: largest, label: PiSSA}
  - {method: corda, calibration: own, label: CorDA}
discard: {components: [4]}
train:
  corpus: {file: data.jsonl, format: FORMAT, split: train}
  examples: 24
  validation: {corpus: {file: data.jsonl, format: FORMAT, split: validation}, examples: 8}
  length: 64
  batch: 4
  rates: [1.0e-2, 1.0e-4]
  seeds: [1, 2]
  beside: [{method: full, rates: [1.0e-2]}, lora, dora]
questions:
  task: {corpus: {file: data.jsonl, format: FORMAT, split: test}, examples: 6, tokens: 4}
  other: {corpus: {file: other.jsonl, format: FORMAT}, tokens: 4}
evaluate:
  text: {corpus: {file: test.txt, format: text}, windows: 3, length: 64}
";

const FORMAT: &str = r#"{records: {file: jsonl, text: "{q} {a}", prompt: "Q: {q}?\nA:", response: " {a}", answers: a, score: text,
    parts: {train: [0, 60], validation: [60, 80], test: [80, 100]}}}"#;

/// Words and their answers, all of which are the same, so that a tiny model can learn them.
fn questions(words: usize, answer: &str) -> String {
    let letters: Vec<char> = ('a'..='z').collect();
    (0..words).fold(String::new(), |mut text, i| {
        let word: String = (0..4).map(|j| letters[(i * 7 + j * j * 5 + i / 26) % 26]).collect();
        writeln!(text, r#"{{"q": "{word}", "a": "{answer}"}}"#).unwrap();
        text
    })
}

fn experiment(folder: &Path) {
    tiny::experiment(folder);
    std::fs::write(folder.join("data.jsonl"), questions(90, "yes")).unwrap();
    std::fs::write(folder.join("other.jsonl"), questions(5, "no")).unwrap();
    std::fs::write(folder.join("tuned.yaml"), SPEC.replace("FORMAT", FORMAT)).unwrap();
}

fn read<R: corda::results::Record>(folder: &Path, file: &str) -> Vec<R> {
    read_rows(&folder.join("results/tuned").join(file)).unwrap()
}

const LEARNERS: [&str; 5] = ["full", "lora-r4", "dora-r4", "plain-svd-largest-r4", "corda-own-20-r4"];

#[test]
fn learners_learn_and_everything_is_saved() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    experiment(folder);
    assert!(succeeds(folder, &["check", "tuned.yaml"]).contains("tuned.yaml: ok"));
    let plan = succeeds(folder, &["plan", "tuned.yaml"]);
    assert!(plan.contains("train corda-own-20-r4") && plan.contains("0/3 runs") && plan.contains("0/2 sets"), "{plan}");
    succeeds(folder, &["run", "tuned.yaml", "--threads", "2"]);

    let rows: Vec<TrainedRow> = read(folder, "trained.parquet");
    // The text, and two measures of two sets of questions; untrained, and five learners from two seeds.
    assert_eq!(rows.len(), 5 * (1 + 5 * 2));
    let loss = |learner: &str, measure: &str| -> f64 {
        let own =
            rows.iter().filter(|row| row.learner == learner && row.measure == measure && row.kind == "answer-loss");
        let values: Vec<f64> = own.map(|row| row.value).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    for learner in LEARNERS {
        assert!(loss(learner, "task") < loss("none", "task") - 0.5, "{learner} learned nothing: {rows:?}");
    }
    let steps: Vec<StepRow> = read(folder, "steps.parquet");
    assert_eq!(steps.len(), 5 * 2 * 6);
    assert!(steps.iter().all(|step| step.loss.is_finite() && step.gradient_norm > 0.0));
    let rates: Vec<RateRow> = read(folder, "rates.parquet");
    assert_eq!(rates.len(), 1 + 4 * 2);
    for learner in LEARNERS {
        let tried: Vec<&RateRow> = rates.iter().filter(|rate| rate.learner == learner).collect();
        let best = tried.iter().min_by(|a, b| a.loss.total_cmp(&b.loss)).unwrap();
        assert!(tried.iter().all(|rate| (rate.chosen == 1) == (rate.rate == best.rate)), "{tried:?}");
        let used = rows.iter().filter(|row| row.learner == learner);
        assert!(used.clone().all(|row| row.rate == Some(best.rate)));
    }
    let answers: Vec<AnswerRow> = read(folder, "answers.parquet");
    assert_eq!(answers.len(), 11 * (6 + 5));
    assert!(answers.iter().all(|row| (row.exact == 1) == (row.given == row.expected)));
    let page = std::fs::read_to_string(folder.join("results/tuned/report.html")).unwrap();
    assert!(page.contains("PiSSA") && page.contains("<svg") && page.contains("Full fine-tuning"));

    assert!(succeeds(folder, &["run", "tuned.yaml"]).contains("nothing to do"));
    assert!(succeeds(folder, &["plan", "tuned.yaml"]).contains("everything is cached"));
    // The weights of a rejected learning rate are deleted, and nothing is trained again because of that.
    std::fs::remove_file(folder.join("results/tuned/trained.md")).unwrap();
    succeeds(folder, &["report", "tuned.yaml"]);
    assert!(folder.join("results/tuned/trained.md").is_file());
}

/// Asserts that two folders of results agree to the bit, except for the facts of their runs.
fn same(one: &Path, other: &Path) {
    let path = |folder: &Path| folder.join("results/tuned").display().to_string();
    let said = succeeds(one, &["compare", "--exact", &path(one), &path(other)]);
    assert!(said.contains("identical to the bit"), "{said}");
    let page = std::fs::read_to_string(one.join("results/tuned/report.html")).unwrap();
    let (before, facts) = page.split_once("<!-- run facts -->").unwrap();
    assert!(facts.contains("tokens per second") && !before.contains("tokens per second"));
}

#[test]
fn one_thread_or_three_at_once_or_step_by_step() {
    let temporary = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let small = ["--set", "train.beside=[lora]", "--set", "train.seeds=[3]"];
    let [one, three, stages] = temporary.each_ref().map(|folder| {
        experiment(folder.path());
        folder.path()
    });
    let with = |first: &[&'static str]| [first, &small].concat();
    succeeds(one, &with(&["run", "tuned.yaml", "--threads", "1"]));
    succeeds(three, &with(&["run", "tuned.yaml", "--threads", "3"]));
    same(one, three);
    for stage in
        ["calibrate own", "decompose corda-own-20", "train corda-own-20-r4", "train lora-r4", "measure lora-r4"]
    {
        succeeds(stages, &[&["run", "tuned.yaml", "--stage", stage], &small[..]].concat());
    }
    for shard in ["1/2", "2/2"] {
        succeeds(stages, &[&["run", "tuned.yaml", "--shard", shard], &small[..]].concat());
    }
    let plan = succeeds(stages, &with(&["plan", "tuned.yaml"]));
    assert!(plan.contains("everything is cached"), "{plan}");
    succeeds(stages, &with(&["run", "tuned.yaml"]));
    same(one, stages);
}

#[test]
fn trained_adapters_are_files_that_load_again() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    experiment(folder);
    let small = ["--set", "train.seeds=[3]", "--set", "train.rates=[1.0e-2]"];
    let wrong = run(folder, &[&["adapt", "tuned.yaml", "--only", "lora-r4-seed9"], &small[..]].concat());
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("lora-r4-seed3"), "{wrong:?}");
    let wanted = ["full-seed3", "lora-r4-seed3", "dora-r4-seed3", "corda-own-20-r4-seed3"];
    let only: Vec<&str> = wanted.iter().flat_map(|id| ["--only", id]).collect();
    succeeds(folder, &[&["adapt", "tuned.yaml", "--out", "out"], &only[..], &small[..]].concat());
    let out = folder.join("out/tuned");
    let card = std::fs::read_to_string(out.join("corda-own-20-r4-seed3/adapter/README.md")).unwrap();
    assert!(
        card.contains("library_name: peft") && card.contains("CorDA") && card.contains("learning rate 1e-2"),
        "{card}"
    );
    assert!(out.join("full-seed3/model/model.safetensors").is_file());
    let config = std::fs::read_to_string(out.join("dora-r4-seed3/adapter/adapter_config.json")).unwrap();
    assert!(config.contains("\"use_dora\": true"), "{config}");

    // On its base, and converted on the original model, the adapter has the loss that the run measured.
    succeeds(folder, &[&["run", "tuned.yaml"], &small[..]].concat());
    let rows: Vec<TrainedRow> = read(folder, "trained.parquet");
    let measured = rows.iter().find(|row| row.learner == "corda-own-20-r4" && row.kind == "loss").unwrap();
    let expected = format!("{:.2}", measured.value.exp());
    let adapter = "out/tuned/corda-own-20-r4-seed3";
    // `merge` evaluates on the spec's texts.
    for (part, base) in [("adapter", Some(format!("{adapter}/base"))), ("converted", None)] {
        let part = format!("{adapter}/{part}");
        let mut arguments = vec!["merge", "tuned.yaml", "--adapter", &part];
        arguments.extend(base.iter().flat_map(|base| ["--base", base.as_str()]));
        let said = succeeds(folder, &[&arguments[..], &small[..]].concat());
        assert!(said.contains(&expected), "{part}: {said} lacks {expected}");
    }
}

/// Asserts that a spec with one change is refused with this message.
fn refused(from: &str, to: &str, said: &[&str]) {
    let temporary = tempfile::tempdir().unwrap();
    experiment(temporary.path());
    let spec = SPEC.replace("FORMAT", FORMAT);
    assert!(spec.contains(from), "{from}");
    std::fs::write(temporary.path().join("tuned.yaml"), spec.replacen(from, to, 1)).unwrap();
    fails(temporary.path(), &["check", "tuned.yaml"], said);
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    refused(
        "split: test}, examples: 6",
        "split: train}, examples: 6",
        &["tuned.yaml", "are training or validation examples: use another part"],
    );
    refused("split: validation}", "split: train}", &["would be chosen on the training examples"]);
    refused("lora, dora]", "lora, doar]", &["unknown method beside the arms `doar`", "did you mean `dora`?"]);
    refused("rates: [1.0e-2, 1.0e-4]", "rates: [0]", &["a learning rate must be above 0"]);
    refused("seeds: [1, 2]", "seeds: [2, 2]", &["seed 2 is listed twice"]);
    refused("seeds: [1, 2]", "seeds: []", &["no seeds: list at least one"]);
    refused("batch: 4", "batch: 0", &["`batch` is 0"]);
    refused("batch: 4", "warmup: 2", &["`warmup` is a share of the steps"]);
    refused("discard: {components: [4]}", "spectra: {}", &["missing key `discard`"]);
    refused("tokens: 4}", "tokens: 4000}", &["exceeds the context"]);
    let text = "{file: test.txt, format: text}";
    refused(
        &format!("{{file: other.jsonl, format: {FORMAT}}}"),
        text,
        &["is plain text, and a corpus of records (questions with answers) is needed here"],
    );
    refused("train:\n  corpus", "adapters: {}\ntrain:\n  corpus", &["use it in a file without `train`"]);
}

#[test]
fn broken_data_and_broken_training_are_told() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    experiment(folder);
    let good = questions(90, "yes");
    let small =
        ["run", "tuned.yaml", "--set", "arms=null", "--set", "train.beside=[lora]", "--set", "calibrations=null"];
    for (bad, said) in [
        (good.replacen("\"q\"", "q", 1), "data.jsonl, line 1"),
        (format!("{good}{{\"q\": \"word\"}}\n"), "line 91"),
        (String::new(), "data.jsonl"),
    ] {
        std::fs::write(folder.join("data.jsonl"), bad).unwrap();
        fails(folder, &small, &[said]);
        assert!(!folder.join("results/tuned").exists());
    }
    std::fs::write(folder.join("data.jsonl"), &good).unwrap();
    // Every learning rate diverges; then one of two does, and the other is chosen.
    let diverging = [&small[..], &["--set", "train.rates=[1.0e30]", "--set", "train.clip=0"]].concat();
    fails(folder, &diverging, &["lora-r4", "step", "at every learning rate"]);
    let mixed = [&small[..], &["--set", "train.rates=[1.0e30, 1.0e-2]", "--set", "train.clip=0"]].concat();
    succeeds(folder, &mixed);
    let rates: Vec<RateRow> = read(folder, "rates.parquet");
    assert!(rates.len() == 2 && rates[1].loss.is_infinite() && rates[1].chosen == 0, "{rates:?}");

    // Examples that are too long are excluded and counted, never truncated.
    let long = format!("{}{{\"q\": \"{}\", \"a\": \"yes\"}}\n", questions(40, "yes"), "word ".repeat(30));
    std::fs::write(folder.join("data.jsonl"), long).unwrap();
    std::fs::write(folder.join("third.jsonl"), questions(9, "yes")).unwrap();
    let whole = ["--set", "train.examples=null", "--set", "train.corpus.split=null", "--set", "questions.task=null"];
    let validation =
        ["--set", "train.validation.corpus.file=third.jsonl", "--set", "train.validation.corpus.split=null"];
    succeeds(folder, &[&small[..], &["--replace"], &whole, &validation].concat());
    let page = std::fs::read_to_string(folder.join("results/tuned/report.html")).unwrap();
    assert!(page.contains("1 of 41 examples are longer than 64 tokens"), "not told");
}

/// The tensors of the tiny model's file.
fn weights(folder: &Path) -> std::collections::HashMap<String, candle_core::Tensor> {
    candle_core::safetensors::load(folder.join("model/model.safetensors"), &candle_core::Device::Cpu).unwrap()
}

/// A tensor with its rows from `from` on set to zero.
fn zeroed(tensor: &candle_core::Tensor, from: usize) -> candle_core::Tensor {
    let kept = tensor.narrow(0, 0, from).unwrap();
    let zeros = tensor.narrow(0, from, tensor.dim(0).unwrap() - from).unwrap().zeros_like().unwrap();
    candle_core::Tensor::cat(&[kept, zeros], 0).unwrap()
}

#[test]
fn a_learner_that_fails_is_named_and_the_others_are_kept() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    experiment(folder);
    let mut all = weights(folder);
    let (o, down) = ("model.layers.1.self_attn.o_proj.weight", "model.layers.2.mlp.down_proj.weight");
    all.insert(o.into(), zeroed(&all[o], 60));
    all.insert(down.into(), zeroed(&all[down], 0));
    candle_core::safetensors::save(&all, folder.join("model/model.safetensors")).unwrap();

    let small = ["--set", "arms=null", "--set", "calibrations=null", "--set", "train.seeds=[1]"];
    let with = |beside: &'static str| [&["run", "tuned.yaml"], &small[..], &["--set", beside]].concat();
    // A learner that diverges at every rate, and DoRA, which cannot divide by a norm of zero.
    let three = with("train.beside=[lora, dora, {method: full, rates: [1.0e30]}]");
    let said = [
        "dora-r4 failed",
        "rows of zeros",
        "model.layers.1.self_attn.o_proj (4 of 64 rows, first row 60 from 0)",
        "model.layers.2.mlp.down_proj (64 of 64 rows, first row 0 from 0)",
        "full failed",
        "at every learning rate (1e30: ",
        "The other learners are not affected",
    ];
    for _ in 0..2 {
        // A second run gives the same: what failed is never up to date.
        fails(folder, &three, &said);
        let rows: Vec<TrainedRow> = read(folder, "trained.parquet");
        let learners: Vec<&str> = rows.iter().map(|row| row.learner.as_str()).collect();
        assert!(learners.contains(&"lora-r4") && !learners.contains(&"dora-r4"), "{learners:?}");
        let failures: Vec<corda::results::FailureRow> = read(folder, "failures.parquet");
        let failed: Vec<&str> = failures.iter().map(|row| row.learner.as_str()).collect();
        assert_eq!(failed, ["dora-r4", "full"]);
        let text = |file: &str| std::fs::read_to_string(folder.join("results/tuned").join(file)).unwrap();
        for file in ["trained.md", "report.html", "provenance.json"] {
            assert!(text(file).contains("rows of zeros") && text(file).contains("failed"), "{file}");
        }
        assert!(!text("trained.md").contains("lower ones under `rates`: DoRA"));
    }
    let table = std::fs::read(folder.join("results/tuned/trained.md")).unwrap();
    succeeds(folder, &[&["report", "tuned.yaml"], &three[2..]].concat());
    assert_eq!(std::fs::read(folder.join("results/tuned/trained.md")).unwrap(), table);
    // A failing stage fails alone, and the files of the others are written.
    fails(folder, &[&three[..], &["--stage", "train dora-r4"]].concat(), &["dora-r4 failed"]);
    let adapt = |id: &'static str| [&["adapt", "tuned.yaml", "--out", "out", "--only", id], &three[2..]].concat();
    succeeds(folder, &adapt("lora-r4-seed1"));
    fails(folder, &adapt("dora-r4-seed1"), &["dora-r4 failed"]);
    assert!(
        folder.join("out/tuned/lora-r4-seed1/adapter").is_dir() && !folder.join("out/tuned/dora-r4-seed1").exists()
    );

    // If it is the only learner, there is nothing to keep; without such learners, nothing of them is left.
    let with = |beside: &'static str| [&with(beside)[..], &["--replace"]].concat();
    let before = std::fs::read(folder.join("results/tuned/trained.parquet")).unwrap();
    fails(folder, &with("train.beside=[dora]"), &["dora-r4 failed"]);
    assert_eq!(std::fs::read(folder.join("results/tuned/trained.parquet")).unwrap(), before);
    succeeds(folder, &with("train.beside=[lora]"));
    assert!(!folder.join("results/tuned/failures.parquet").exists());
    assert!(succeeds(folder, &with("train.beside=[lora]")).contains("nothing to do"));
}

#[test]
fn answers_in_the_cache_that_cannot_be_read_are_named() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    experiment(folder);
    let small =
        ["run", "tuned.yaml", "--set", "arms=null", "--set", "calibrations=null", "--set", "train.beside=[lora]"];
    let small = [&small[..], &["--set", "train.seeds=[1]", "--set", "train.rates=[1.0e-2]"]].concat();
    succeeds(folder, &small);
    std::fs::remove_dir_all(folder.join("results")).unwrap();
    let mut found = vec![folder.join(".cache")];
    let mut files = Vec::new();
    while let Some(path) = found.pop() {
        match std::fs::read_dir(&path) {
            Ok(entries) => found.extend(entries.map(|entry| entry.unwrap().path())),
            Err(_) if path.to_string_lossy().contains("answers") => files.push(path),
            Err(_) => {}
        }
    }
    let (path, bytes) = files.iter().map(|path| (path, std::fs::read(path).unwrap())).next().unwrap();
    let part = br#""given":"["#;
    let at = bytes.windows(part.len()).position(|window| window == part).unwrap() + part.len() - 1;
    // Not a list, and a list of the wrong length.
    for bad in [b"{".as_slice(), br#"[] "#] {
        let mut changed = bytes.clone();
        changed[at..at + bad.len()].copy_from_slice(bad);
        std::fs::write(path, changed).unwrap();
        fails(folder, &small, &["answers", "delete it and run again"]);
    }
}

#[test]
fn examples_that_are_not_there_are_said_before_a_run() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    experiment(folder);
    for (set, expected) in [
        ("train.examples=500", ["--set:1:16", "`train`", "examples, and 500 were asked for"]),
        ("train.validation.examples=500", ["--set:1:27", "`validation`", "examples, and 500 were asked for"]),
        ("questions.task.examples=500", ["--set:1:25", "questions `task`", "examples, and 500 were asked for"]),
        ("questions.task.tokens=1020", ["--set:1:23", "questions `task`", "goes beyond the context of 1024"]),
        ("train.length=3", ["--set:1:14", "`train`", "has at most 3 tokens"]),
        ("evaluate.text.windows=500", ["--set:1:23", "evaluation `text`", "windows of 64 tokens"]),
    ] {
        for command in ["check", "plan", "run"] {
            fails(folder, &[command, "tuned.yaml", "--set", set], &expected);
        }
    }
    assert!(!folder.join("results").exists() && !folder.join(".cache/trained").exists());
}
