//! `corda adapt` from outside, on a tiny model: what is written is the model again.

use std::path::{Path, PathBuf};

use candle_core::Device;
use corda::adapt::merge::Merged;
use corda::adapt::peft;
use corda::model::checkpoint::Checkpoint;
use corda::model::decoder::logits;
use corda::model::weights::{Resident, Weights};

use crate::tiny::binary::{fails, run, succeeds};
use crate::tiny::{self, Tiny};

mod merge;

/// All modes, with ranks below and above the width of k and v (32).
const SPEC: &str = "\
name: tiny
title: Adapters of a tiny model
model: {path: model}
targets: decoder
calibrations:
  own: {corpus: {file: train.txt, format: text}, samples: 6, length: 128}
  other: {corpus: {file: test.txt, format: text}, samples: 3, length: 128}
arms:
  - {method: corda, calibration: own, label: KPM}
  - {method: corda, calibration: own, end: largest, label: IPM}
  - {method: asvd, calibration: own, end: largest}
  - {method: plain-svd, end: largest, label: PiSSA}
discard: {components: [0, 8, 40], cap: true, except: {'model.layers.1.*.o_proj': 3}}
adapters: {energy: [own, other], lora: true}
evaluate:
  test: {corpus: {file: test.txt, format: text}, windows: 6, length: 128}
";

fn experiment() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    std::fs::write(folder.path().join("tiny.yaml"), SPEC).unwrap();
    folder
}

fn open(path: &Path) -> Resident {
    Resident::read(&Checkpoint::open_path(path).unwrap(), &Device::Cpu).unwrap()
}

/// Logits over a window of 512 tokens, flat.
fn flat_logits(weights: &dyn Weights) -> Vec<f32> {
    let tokens: Vec<u32> = (0..512u32).map(|t| (t * t + 5 * t + 1) % Tiny::VOCABULARY as u32).collect();
    logits(weights, &tokens).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn what_is_written_is_the_model_again() {
    let folder = experiment();
    let written = succeeds(folder.path(), &["adapt", "tiny.yaml"]);
    let original = flat_logits(&open(&folder.path().join("model")));
    assert_eq!(written.lines().count(), 5 * 2, "{written}");
    for line in written.lines() {
        let at = folder.path().join(line);
        let base = open(&at.join("base"));
        let adapter = peft::read(&at.join("adapter")).unwrap();
        let again = flat_logits(&Merged::new(&base, &adapter).unwrap());
        assert!(difference(&again, &original) < 1e-3, "{line}: {}", difference(&again, &original));
        // Without its adapter the model differs, except for plain LoRA, which starts from zero.
        let alone = difference(&flat_logits(&base), &original);
        assert_eq!(alone > 1e-3, !line.contains("lora"), "{line}: {alone}");
        // The converted adapter, on the original model, starts from zero as well.
        let converted = peft::read(&at.join("converted")).unwrap();
        let untouched = open(&folder.path().join("model"));
        let again = flat_logits(&Merged::new(&untouched, &converted).unwrap());
        assert!(difference(&again, &original) < 1e-3, "{line}");
        let rank = |name: &str| adapter.linears[name].0.rank;
        let expected = if line.ends_with("r8") { (8, 8, 3) } else { (40, 31, 3) };
        let names =
            ["model.layers.0.mlp.up_proj", "model.layers.0.self_attn.k_proj", "model.layers.1.self_attn.o_proj"];
        assert_eq!((rank(names[0]), rank(names[1]), rank(names[2])), expected, "{line}");
    }
    // A second time, the same bytes are written.
    let file = |name: &str| std::fs::read(folder.path().join("adapters/tiny").join(name)).unwrap();
    let name = "corda-own-6-r8/adapter/adapter_model.safetensors";
    let first = (file(name), file("lora-r8/adapter/adapter_model.safetensors"));
    succeeds(folder.path(), &["--threads", "1", "adapt", "tiny.yaml"]);
    assert!(first == (file(name), file("lora-r8/adapter/adapter_model.safetensors")));
}

#[test]
fn the_study_tells_what_adapters_carry() {
    let folder = experiment();
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    let results = folder.path().join("results/tiny");
    let rows: Vec<corda::results::AdapterRow> = corda::results::read_rows(&results.join("adapters.parquet")).unwrap();
    // Arms and LoRA, two ranks, 21 linears, two texts.
    assert_eq!(rows.len(), 5 * 2 * 21 * 2);
    let mean = |arm: &str, r: u32, text: &str| {
        let of = rows.iter().filter(|row| row.arm == arm && row.components == r && row.text.as_deref() == Some(text));
        let shares: Vec<f64> = of.filter_map(|row| row.output_share).collect();
        shares.iter().sum::<f64>() / shares.len() as f64
    };
    assert!(mean("corda-own-6", 8, "own") < 0.05 * mean("corda-own-6-largest", 8, "own"));
    assert!(mean("corda-own-6", 8, "own") < mean("corda-own-6", 40, "own"));
    assert_eq!(mean("lora", 8, "own"), 0.0);
    assert!(rows.iter().all(|row| (0.0..=1.0 + 1e-9).contains(&row.energy)));
    let table = std::fs::read_to_string(results.join("adapters.md")).unwrap();
    assert!(table.contains("| KPM | 8 |") && table.contains("| LoRA | 40 |"), "{table}");
    assert!(succeeds(folder.path(), &["run", "tiny.yaml"]).contains("nothing to do"));
    // The report needs the saved rows only.
    let figure = std::fs::read(results.join("adapters.svg")).unwrap();
    std::fs::remove_file(results.join("adapters.svg")).unwrap();
    std::fs::remove_dir_all(folder.path().join(".cache")).unwrap();
    succeeds(folder.path(), &["report", "tiny.yaml"]);
    assert_eq!(std::fs::read(results.join("adapters.svg")).unwrap(), figure);
}

#[test]
fn heat_maps_need_no_study() {
    let folder = experiment();
    let spec = "name: tiny\nmodel: {path: model}\ntargets: ['model.layers.[02].*.o_proj', '*.0.mlp.down_proj']\n\
        calibrations:\n  own: {corpus: {file: train.txt, format: text}, samples: 6, length: 128}\n  \
        other: {corpus: {file: test.txt, format: text}, samples: 3, length: 128}\nheatmaps: {size: 8}\n";
    std::fs::write(folder.path().join("tiny.yaml"), spec).unwrap();
    let said = succeeds(folder.path(), &["run", "tiny.yaml"]);
    assert!(said.contains("heatmaps.svg"), "{said}");
    let rows: Vec<corda::results::HeatRow> =
        corda::results::read_rows(&folder.path().join("results/tiny/heatmaps.parquet")).unwrap();
    assert_eq!(rows.len(), 3 * 2 * 8 * 8);
    assert!(rows.iter().all(|row| row.value > 0.0));
    assert!(succeeds(folder.path(), &["run", "tiny.yaml"]).contains("nothing to do"));
    for (from, to, said) in [
        ("size: 8", "size: 65", "`size` is 65"),
        ("{size: 8}", "{calibrations: [owm]}", "owm"),
        ("heatmaps: {size: 8}", "discard: {components: [1]}", "missing key `arms`"),
    ] {
        std::fs::write(folder.path().join("tiny.yaml"), spec.replace(from, to)).unwrap();
        fails(folder.path(), &["run", "tiny.yaml"], &[said]);
    }
}

#[test]
fn linears_that_keep_everything_have_no_adapter() {
    let folder = experiment();
    let spec =
        SPEC.replace("[0, 8, 40], cap: true, except: {'model.layers.1.*.o_proj': 3}", "[8], except: {'*.k_proj': 0}");
    std::fs::write(folder.path().join("tiny.yaml"), spec).unwrap();
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    succeeds(folder.path(), &["adapt", "tiny.yaml", "--only", "corda-own-6-r8"]);
    let adapter = peft::read(&folder.path().join("adapters/tiny/corda-own-6-r8/adapter")).unwrap();
    assert_eq!(adapter.linears.len(), 18);
    assert!(adapter.linears.keys().all(|name| !name.contains("k_proj")));
}

#[test]
fn bad_input_is_one_clear_message_and_leaves_nothing() {
    let folder = experiment();
    let spec = |from: &str, to: &str| {
        assert!(SPEC.contains(from));
        std::fs::write(folder.path().join("tiny.yaml"), SPEC.replace(from, to)).unwrap();
    };
    spec(", cap: true", "");
    fails(folder.path(), &["adapt", "tiny.yaml"], &["r = 40", "k_proj", "rank"]);
    spec("targets: decoder", "targets: ['*.x_proj']");
    fails(folder.path(), &["adapt", "tiny.yaml"], &["x_proj", "matches no linear"]);
    spec("adapters: {energy: [own, other], lora: true}\n", "");
    fails(folder.path(), &["adapt", "tiny.yaml"], &["no `adapters` section"]);
    spec("lora: true", "lora: true, split: W");
    fails(folder.path(), &["adapt", "tiny.yaml"], &["UV"]);
    spec("", "");
    fails(folder.path(), &["adapt", "tiny.yaml", "--only", "corda-r8"], &["no adapter `corda-r8`", "corda-own-6-r8"]);
    assert!(!folder.path().join("adapters").exists());

    succeeds(folder.path(), &["adapt", "tiny.yaml", "--only", "lora-r8"]);
    let adapter = folder.path().join("adapters/tiny/lora-r8/adapter");
    let merge = |name: &str| ["merge", "tiny.yaml", "--adapter", name, "--out", "merged"].map(String::from);
    let refused = |name: &str, said: &[&str]| {
        let arguments = merge(name);
        fails(folder.path(), &arguments.each_ref().map(String::as_str), said);
        assert!(!folder.path().join("merged").exists());
    };
    refused("nowhere", &["nowhere", "adapter_config.json"]);
    let weights = adapter.join("adapter_model.safetensors");
    let whole = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &whole[..whole.len() / 2]).unwrap();
    refused("adapters/tiny/lora-r8/adapter", &["adapter_model.safetensors", "truncated"]);
    std::fs::write(&weights, &whole).unwrap();
    // A different base model, which is narrower.
    Tiny { hidden: 32, layers: 3, heads: 4, kv_heads: 2, tied: true, rope_scaling: None }
        .write(&folder.path().join("other"), false);
    let other = ["merge", "tiny.yaml", "--adapter", "adapters/tiny/lora-r8/adapter", "--base", "other"];
    fails(folder.path(), &other, &["another base model", "64"]);
    fails(
        folder.path(),
        &["merge", "tiny.yaml", "--adapter", "adapters/tiny/lora-r8/adapter", "--base", "gone"],
        &["gone"],
    );
    // A folder that corda did not write is left unchanged.
    std::fs::create_dir(folder.path().join("mine")).unwrap();
    std::fs::write(folder.path().join("mine/thesis.txt"), "years").unwrap();
    let onto = ["merge", "tiny.yaml", "--adapter", "adapters/tiny/lora-r8/adapter", "--out", "mine"];
    fails(folder.path(), &onto, &["mine exists"]);
    assert_eq!(std::fs::read_to_string(folder.path().join("mine/thesis.txt")).unwrap(), "years");
    // A folder that cannot be made.
    std::fs::write(folder.path().join("taken"), "a file").unwrap();
    let output = run(folder.path(), &["adapt", "tiny.yaml", "--only", "lora-r8", "--out", "taken"]);
    assert_eq!(output.status.code(), Some(1));
    let left: Vec<PathBuf> =
        std::fs::read_dir(folder.path().join("adapters/tiny")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [folder.path().join("adapters/tiny/lora-r8")], "nothing half-written stays");
}
