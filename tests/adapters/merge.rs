//! `corda merge` and `convert`: an adapter is merged into the base it was trained on, and into no other.

use std::path::Path;

use candle_core::Device;

use super::{difference, experiment, flat_logits, open};
use crate::tiny::Tiny;
use crate::tiny::binary::{fails, run, succeeds};

/// Copies an adapter folder as if it had been trained: B times 1.2, and `change` applied to the configuration.
fn trained_copy(from: &Path, to: &Path, change: impl Fn(&mut serde_json::Value)) {
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

/// Standard error of a command that succeeds, as one line.
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
    // PEFT takes a name for a repository on the hub unless it is a path with a config.json.
    let named = Path::new(config["base_model_name_or_path"].as_str().unwrap());
    assert!(named.is_absolute() && named.join("config.json").is_file(), "{config}");

    let logits = |name: &str| flat_logits(&open(&folder.join(name)));
    let adapter = "adapters/tiny/corda-own-6-largest-r8/adapter";
    let said = told(folder, &["merge", "tiny.yaml", "--adapter", adapter, "--out", "merged"]);
    assert!(said.contains("the base that it names") && said.contains("largest-r8/base"), "{said}");
    assert!(difference(&logits("merged"), &logits("model")) < 1e-3);
    // The converted adapter names the model of the spec: no message.
    let converted = "adapters/tiny/corda-own-6-largest-r8/converted";
    assert!(!told(folder, &["merge", "tiny.yaml", "--adapter", converted]).contains("names"));
    // The user may choose a base other than the one named, which is reported.
    let said = told(folder, &["merge", "tiny.yaml", "--adapter", adapter, "--base", "model"]);
    assert!(said.contains("names the base") && said.contains("as --base says"), "{said}");

    // Names relative to the folder of the adapter, to its parent, and to the current folder; no name; and a missing one.
    let name = |name: &str| {
        let to = at.join("other");
        trained_copy(&at.join("adapter"), &to, |config| config["base_model_name_or_path"] = name.into());
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
    // Two models with the same name.
    Tiny { hidden: 64, layers: 3, heads: 4, kv_heads: 2, tied: false, rope_scaling: None }
        .write(&folder.join("base"), false);
    fails(folder, &name("base"), &["may be any of", "--base"]);
    assert!(!folder.join("merged").exists());

    // Conversion needs the original model.
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
    // Written by corda: `base` is the residual of PiSSA, and the trained adapter names it.
    trained_copy(&at.join("adapter"), &folder.join("by-hand"), |_| ());
    succeeds(folder, &["merge", "tiny.yaml", "--adapter", "by-hand", "--out", "merged"]);
    // Saved by PEFT: the adapter names the original model and its initialisation.
    let with = |init: &str| {
        trained_copy(&at.join("adapter"), &folder.join("peft"), |config| {
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

    // A base that cannot be reconstructed is refused; with the adapter from before training, conversion gives an ordinary one.
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

#[test]
fn merging_and_converting_a_trained_adapter_agree() {
    let folder = experiment();
    succeeds(folder.path(), &["adapt", "tiny.yaml", "--only", "corda-own-6-largest-r8"]);
    let at = folder.path().join("adapters/tiny/corda-own-6-largest-r8");
    let trained = folder.path().join("trained");
    trained_copy(&at.join("adapter"), &trained, |_| ());

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
