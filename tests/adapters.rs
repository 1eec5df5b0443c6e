//! `corda adapt`, `merge` and `convert` from outside, on a tiny model: what is written is the model again.

mod tiny;

use std::path::{Path, PathBuf};

use candle_core::Device;
use corda::adapt::merge::Merged;
use corda::adapt::peft;
use corda::model::checkpoint::Checkpoint;
use corda::model::llama::{Resident, Weights, logits};
use tiny::Tiny;
use tiny::binary::{fails, run, succeeds};

/// Every mode; ranks below and above the width of k and v (32).
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
        // Without its adapter the model is another, but for plain LoRA, which starts at nothing.
        let alone = difference(&flat_logits(&base), &original);
        assert_eq!(alone > 1e-3, !line.contains("lora"), "{line}: {alone}");
        // The converted one, on the untouched model, starts at nothing as well.
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
    // Again the same bytes.
    let file = |name: &str| std::fs::read(folder.path().join("adapters/tiny").join(name)).unwrap();
    let name = "corda-own-6-r8/adapter/adapter_model.safetensors";
    let first = (file(name), file("lora-r8/adapter/adapter_model.safetensors"));
    succeeds(folder.path(), &["--threads", "1", "adapt", "tiny.yaml"]);
    assert!(first == (file(name), file("lora-r8/adapter/adapter_model.safetensors")));
}

#[test]
fn merging_and_converting_a_trained_adapter_agree() {
    let folder = experiment();
    succeeds(folder.path(), &["adapt", "tiny.yaml", "--only", "corda-own-6-largest-r8"]);
    let at = folder.path().join("adapters/tiny/corda-own-6-largest-r8");
    // "Training": B grows.
    let trained = folder.path().join("trained");
    std::fs::create_dir(&trained).unwrap();
    std::fs::copy(at.join("adapter/adapter_config.json"), trained.join("adapter_config.json")).unwrap();
    let weights = "adapter_model.safetensors";
    let mut tensors = candle_core::safetensors::load(at.join("adapter").join(weights), &Device::Cpu).unwrap();
    for (name, tensor) in &mut tensors {
        if name.contains("lora_B") {
            *tensor = (&*tensor * 1.2).unwrap();
        }
    }
    candle_core::safetensors::save(&tensors, trained.join(weights)).unwrap();

    let base = at.join("base");
    let base = base.to_str().unwrap();
    let adapter = trained.to_str().unwrap();
    let merged = ["merge", "tiny.yaml", "--adapter", adapter, "--base", base, "--out", "merged"];
    let said = succeeds(folder.path(), &merged);
    assert!(said.contains("test: 762 predictions") && said.contains("difference"), "{said}");
    let start = at.join("adapter");
    let convert = ["convert", adapter, "--start", start.to_str().unwrap(), "--base", "model", "--out", "converted"];
    succeeds(folder.path(), &convert);
    let converted = ["merge", "tiny.yaml", "--adapter", "converted", "--out", "merged-too"];
    succeeds(folder.path(), &converted);

    let logits = |name: &str| flat_logits(&open(&folder.path().join(name)));
    let (one, two) = (logits("merged"), logits("merged-too"));
    assert!(difference(&one, &two) < 1e-3, "{}", difference(&one, &two));
    assert!(difference(&one, &logits("model")) > 1e-2, "training that does nothing shows nothing");
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
    // From the saved rows alone.
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
    // Another base model: wider.
    Tiny { hidden: 32, layers: 3, heads: 4, kv_heads: 2, tied: true, rope_scaling: None }
        .write(&folder.path().join("other"), false);
    let other = ["merge", "tiny.yaml", "--adapter", "adapters/tiny/lora-r8/adapter", "--base", "other"];
    fails(folder.path(), &other, &["another base model", "64"]);
    fails(
        folder.path(),
        &["merge", "tiny.yaml", "--adapter", "adapters/tiny/lora-r8/adapter", "--base", "gone"],
        &["gone"],
    );
    // A folder that is not ours stays as it is.
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

/// A copy of an adapter folder as if trained: B times 1.2, and `change` made to its configuration.
fn trained(from: &Path, to: &Path, change: impl Fn(&mut serde_json::Value)) {
    std::fs::create_dir_all(to).unwrap();
    let text = std::fs::read_to_string(from.join("adapter_config.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
    change(&mut config);
    std::fs::write(to.join("adapter_config.json"), config.to_string()).unwrap();
    let weights = "adapter_model.safetensors";
    let mut tensors = candle_core::safetensors::load(from.join(weights), &Device::Cpu).unwrap();
    for (name, tensor) in &mut tensors {
        if name.contains("lora_B") {
            *tensor = (&*tensor * 1.2).unwrap();
        }
    }
    candle_core::safetensors::save(&tensors, to.join(weights)).unwrap();
}

/// Standard error of a command that succeeds, in one line.
fn told(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {err}");
    err.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn an_adapter_is_merged_into_the_base_it_names_or_not_at_all() {
    let temporary = experiment();
    let folder = temporary.path();
    succeeds(folder, &["adapt", "tiny.yaml", "--only", "corda-own-6-largest-r8"]);
    let at = folder.join("adapters/tiny/corda-own-6-largest-r8");
    let config = std::fs::read_to_string(at.join("adapter/adapter_config.json")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    // PEFT takes a name that is no path with a config.json for a repository of the hub.
    let named = Path::new(config["base_model_name_or_path"].as_str().unwrap());
    assert!(named.is_absolute() && named.join("config.json").is_file(), "{config}");

    let logits = |name: &str| flat_logits(&open(&folder.join(name)));
    let adapter = "adapters/tiny/corda-own-6-largest-r8/adapter";
    let said = told(folder, &["merge", "tiny.yaml", "--adapter", adapter, "--out", "merged"]);
    assert!(said.contains("the base that it names") && said.contains("largest-r8/base"), "{said}");
    assert!(difference(&logits("merged"), &logits("model")) < 1e-3);
    // The spec's own model is what the converted one names: nothing to tell.
    let converted = "adapters/tiny/corda-own-6-largest-r8/converted";
    assert!(!told(folder, &["merge", "tiny.yaml", "--adapter", converted]).contains("names"));
    // Another base than the one named is the user's word, and told.
    let said = told(folder, &["merge", "tiny.yaml", "--adapter", adapter, "--base", "model"]);
    assert!(said.contains("names the base") && said.contains("as --base says"), "{said}");

    // Names that start from the adapter's folder, from what holds it, from here; none; and one that is nowhere.
    let name = |name: &str| {
        let to = at.join("other");
        trained(&at.join("adapter"), &to, |config| config["base_model_name_or_path"] = name.into());
        ["merge", "tiny.yaml", "--adapter", "adapters/tiny/corda-own-6-largest-r8/other", "--out", "merged"]
    };
    for (named, said) in [("../base", "largest-r8/base"), ("base", "largest-r8/base"), ("", "does not name its base")] {
        assert!(told(folder, &name(named)).contains(said), "{named:?}");
    }
    assert!(!told(folder, &name("model")).contains("names"));
    std::fs::remove_dir_all(folder.join("merged")).unwrap();
    fails(
        folder,
        &name("owner/other-model"),
        &["trained on the base owner/other-model", "--base", "not the spec's model"],
    );
    fails(folder, &name("/moved/away/base"), &["/moved/away/base", "may be it, moved", "--base"]);
    // Two models of one name.
    Tiny { hidden: 64, layers: 3, heads: 4, kv_heads: 2, tied: false, rope_scaling: None }
        .write(&folder.join("base"), false);
    fails(folder, &name("base"), &["may be any of", "--base"]);
    assert!(!folder.join("merged").exists());

    // Converting is for the untouched model.
    let start = at.join("adapter");
    let base = at.join("base");
    let convert = [
        "convert",
        adapter,
        "--start",
        start.to_str().unwrap(),
        "--base",
        base.to_str().unwrap(),
        "--out",
        "converted",
    ];
    fails(folder, &convert, &["untouched model", "--base"]);
    assert!(!folder.join("converted").exists());
}

#[test]
fn adapters_for_a_base_that_peft_computes_are_merged_into_that_base() {
    let temporary = experiment();
    let folder = temporary.path();
    succeeds(folder, &["adapt", "tiny.yaml", "--only", "plain-svd-largest-r8"]);
    let at = folder.join("adapters/tiny/plain-svd-largest-r8");
    // By hand: what PiSSA leaves of the model is `base`, and a trained adapter on it names that.
    trained(&at.join("adapter"), &folder.join("by-hand"), |_| ());
    succeeds(folder, &["merge", "tiny.yaml", "--adapter", "by-hand", "--out", "merged"]);
    // As PEFT saves it: the untouched model, and how the adapter was initialised.
    let with = |init: &str| {
        trained(&at.join("adapter"), &folder.join("peft"), |config| {
            config["base_model_name_or_path"] = "model".into();
            config["init_lora_weights"] = init.into();
        });
    };
    with("pissa");
    succeeds(folder, &["merge", "tiny.yaml", "--adapter", "peft", "--out", "merged-too"]);
    let start = at.join("adapter");
    let convert = ["convert", "peft", "--start", start.to_str().unwrap(), "--base", "model", "--out", "converted"];
    succeeds(folder, &convert);
    succeeds(folder, &["merge", "tiny.yaml", "--adapter", "converted", "--out", "merged-three"]);
    let logits = |name: &str| flat_logits(&open(&folder.join(name)));
    let expected = logits("merged");
    for other in ["merged-too", "merged-three"] {
        assert!(difference(&logits(other), &expected) < 1e-3, "{other}: {}", difference(&logits(other), &expected));
    }
    assert!(difference(&expected, &logits("model")) > 1e-2, "training that does nothing shows nothing");

    // A base that only its makers know: refused, but what it was before training makes an ordinary adapter of it.
    for init in ["corda", "lora_ga", "pissa_niter_4", "loftq"] {
        with(init);
        let merge = ["merge", "tiny.yaml", "--adapter", "peft", "--out", "refused"];
        fails(
            folder,
            &merge,
            &["init_lora_weights", init, "corda convert", "path_initial_model_for_weight_conversion"],
        );
        assert!(!folder.join("refused").exists());
        std::fs::remove_dir_all(folder.join("converted")).unwrap();
        if init == "loftq" {
            fails(folder, &convert, &["loftq", "quantised"]);
        } else {
            succeeds(folder, &convert);
        }
    }
}

#[test]
fn weights_of_the_base_beside_an_adapter_must_be_the_bases() {
    let temporary = experiment();
    let folder = temporary.path();
    succeeds(folder, &["adapt", "tiny.yaml", "--only", "lora-r8"]);
    let adapter = folder.join("adapters/tiny/lora-r8/adapter");
    let path = adapter.join("adapter_model.safetensors");
    let model = candle_core::safetensors::load(folder.join("model/model.safetensors"), &Device::Cpu).unwrap();
    let embedding = &model["model.embed_tokens.weight"];
    let mut tensors = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
    let merge = ["merge", "tiny.yaml", "--adapter", adapter.to_str().unwrap(), "--out", "merged"];
    let name = "base_model.model.model.embed_tokens.weight";
    tensors.insert(name.into(), embedding.clone());
    candle_core::safetensors::save(&tensors, &path).unwrap();
    succeeds(folder, &merge);
    std::fs::remove_dir_all(folder.join("merged")).unwrap();
    tensors.insert(name.into(), (embedding * 1.5).unwrap());
    candle_core::safetensors::save(&tensors, &path).unwrap();
    fails(folder, &merge, &["model.embed_tokens.weight", "differs"]);
    assert!(!folder.join("merged").exists());
}
