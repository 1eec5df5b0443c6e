//! Folders in Hugging Face format that hold more or less than one model, or something else.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use serde_json::json;

use super::{TIED, UNTIED, fingerprint, folder_with, open, other, refused, save};

const SHARDS: [&str; 2] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];

/// Writes block 0 to the first shard, everything else to the second, and the index of both.
fn shard(weights: &HashMap<String, Tensor>, folder: &Path) {
    let (first, second): (HashMap<_, _>, HashMap<_, _>) =
        weights.clone().into_iter().partition(|(name, _)| name.contains("layers.0"));
    let mut map = serde_json::Map::new();
    for (name, part) in SHARDS.into_iter().zip([&first, &second]) {
        map.extend(part.keys().map(|tensor| (tensor.clone(), name.into())));
        save(part, &folder.join(name));
    }
    std::fs::write(folder.join("model.safetensors.index.json"), json!({"metadata": {}, "weight_map": map}).to_string())
        .unwrap();
}

fn notes(folder: &Path) -> String {
    open(folder).unwrap().notes().join("\n")
}

#[test]
fn one_file_comes_before_an_index_and_both_before_any_other() {
    let folder = folder_with(&UNTIED, json!({}));
    let expected = fingerprint(folder.path());
    assert_eq!(notes(folder.path()), "");
    let older = other(&UNTIED.weights());
    shard(&older, folder.path());
    save(&older, &folder.path().join("consolidated.safetensors"));
    assert_eq!(fingerprint(folder.path()), expected);
    let notes = notes(folder.path());
    for name in SHARDS.into_iter().chain(["consolidated.safetensors", "model.safetensors.index.json"]) {
        assert!(notes.contains(name), "{notes}");
    }
}

#[test]
fn the_index_says_which_file_a_tensor_is_read_from() {
    let folder = folder_with(&UNTIED, json!({}));
    let expected = fingerprint(folder.path());
    std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let weights = UNTIED.weights();
    shard(&weights, folder.path());
    assert_eq!(fingerprint(folder.path()), expected);
    // The first shard holds an older head, which contradicts the index.
    let mut first: HashMap<_, _> = weights.clone().into_iter().filter(|(name, _)| name.contains("layers.0")).collect();
    first.insert("lm_head.weight".into(), other(&weights)["lm_head.weight"].clone());
    save(&first, &folder.path().join(SHARDS[0]));
    assert_eq!(fingerprint(folder.path()), expected);
    assert!(notes(folder.path()).contains("lm_head.weight"));
    // Without an index, all shards together are the model, unless two hold the same tensor.
    let index = folder.path().join("model.safetensors.index.json");
    let text = std::fs::read_to_string(&index).unwrap();
    std::fs::remove_file(&index).unwrap();
    refused(folder.path(), &["lm_head.weight", SHARDS[0], SHARDS[1]]);
    first.remove("lm_head.weight");
    save(&first, &folder.path().join(SHARDS[0]));
    assert_eq!(fingerprint(folder.path()), expected);
    // The index names tables of the rotation that no shard contains.
    let table = "model.layers.0.self_attn.rotary_emb.inv_freq";
    for file in [SHARDS[0], "model-00003-of-00003.safetensors"] {
        let more = format!("\"weight_map\":{{\"{table}\":\"{file}\",");
        std::fs::write(&index, text.replacen("\"weight_map\":{", &more, 1)).unwrap();
        assert_eq!(fingerprint(folder.path()), expected);
    }
    // An index that does not fit.
    let wrong = |from: &str, to: &str, said: &[&str]| {
        assert!(text.contains(from));
        std::fs::write(&index, text.replacen(from, to, 1)).unwrap();
        refused(folder.path(), said);
    };
    wrong(SHARDS[0], "../model-1.safetensors", &["index.json", "../model-1.safetensors", "model.layers.0"]);
    wrong("model.norm.weight", "model.nrom.weight", &["index.json", "model.nrom.weight", SHARDS[1]]);
    wrong("weight_map", "weights", &["index.json", "weight_map"]);
    std::fs::write(&index, &text).unwrap();
    std::fs::remove_file(folder.path().join(SHARDS[1])).unwrap();
    refused(folder.path(), &["index.json", SHARDS[1], "is not in"]);
}

#[test]
fn a_head_stored_beside_a_tied_embedding_is_used_where_it_differs() {
    let folder = folder_with(&TIED, json!({}));
    let expected = fingerprint(folder.path());
    let path = folder.path().join("model.safetensors");
    let mut weights = TIED.weights();
    weights.insert("lm_head.weight".into(), weights["model.embed_tokens.weight"].clone());
    save(&weights, &path);
    assert!(open(folder.path()).unwrap().config().shape.tied && notes(folder.path()).is_empty());
    assert_eq!(fingerprint(folder.path()), expected);
    // The same values in another type are the same head; values rounded to f16 are not.
    let half = weights["model.embed_tokens.weight"].to_dtype(DType::F16).unwrap();
    weights.insert("lm_head.weight".into(), half);
    save(&weights, &path);
    assert!(!open(folder.path()).unwrap().config().shape.tied);
    weights.insert("lm_head.weight".into(), other(&weights)["model.embed_tokens.weight"].clone());
    save(&weights, &path);
    assert!(!open(folder.path()).unwrap().config().shape.tied);
    let said = notes(folder.path());
    assert!(said.contains("warning") && said.contains("lm_head.weight"), "{said}");
    let untied = folder_with(&TIED, json!({"tie_word_embeddings": false}));
    save(&weights, &untied.path().join("model.safetensors"));
    assert_eq!(fingerprint(folder.path()), fingerprint(untied.path()));
}

#[test]
fn tensors_may_go_by_the_names_that_other_savers_give_them() {
    let folder = folder_with(&TIED, json!({}));
    let (expected, path) = (fingerprint(folder.path()), folder.path().join("model.safetensors"));
    // Without the head's model around it, as part of a model of text and images, and with the head in place of the embedding.
    let without = |name: &str| name.strip_prefix("model.").unwrap_or(name).to_string();
    let inside = |name: &str| format!("language_model.{name}");
    let within = |name: &str| format!("model.language_model.{}", without(name));
    let head =
        |name: &str| if name == "model.embed_tokens.weight" { "lm_head.weight".into() } else { name.to_string() };
    for named in [&without as &dyn Fn(&str) -> String, &inside, &within, &head] {
        let weights = TIED.weights().into_iter().map(|(name, tensor)| (named(&name), tensor)).collect();
        save(&weights, &path);
        assert_eq!(fingerprint(folder.path()), expected);
    }
    // What is left over is still refused.
    let mut weights: HashMap<_, _> = TIED.weights().into_iter().map(|(name, tensor)| (inside(&name), tensor)).collect();
    weights.insert("vision_tower.x.weight".into(), Tensor::ones(3, DType::F32, &Device::Cpu).unwrap());
    save(&weights, &path);
    refused(folder.path(), &["vision_tower.x.weight"]);
}

#[test]
fn every_tensor_is_used() {
    let ones = |n: usize| Tensor::ones(n, DType::F32, &Device::Cpu).unwrap();
    let with = |name: &str, tensor: Tensor| {
        let folder = folder_with(&TIED, json!({}));
        let mut weights = TIED.weights();
        weights.insert(name.into(), tensor);
        save(&weights, &folder.path().join("model.safetensors"));
        folder
    };
    for (name, said) in [
        ("model.layers.0.self_attn.q_proj.bias", "no such bias"),
        ("model.layers.3.input_layernorm.weight", "3 layers"),
        ("model.layers.0.block_sparse_moe.gate.weight", "experts"),
        ("model.layers.1.self_attn.q_norm.weight", "normalised"),
        ("model.layers.1.mlp.up_proj.weight_scale", "quantised"),
        ("score.weight", "more than a `llama`"),
    ] {
        refused(with(name, ones(8)).path(), &["model.safetensors", name, said]);
    }
    // Tables that follow from the configuration.
    for name in ["model.layers.0.self_attn.rotary_emb.inv_freq", "model.embeddings.position_ids"] {
        open(with(name, ones(8)).path()).unwrap();
    }
    let norm = "model.norm.weight";
    refused(with(norm, ones(63)).path(), &[norm, "[63]", "[64]"]);
    let integers = Tensor::ones(64, DType::U8, &Device::Cpu).unwrap();
    refused(with(norm, integers).path(), &["model.safetensors", norm, "U8", "not supported"]);
    let folder = folder_with(&TIED, json!({}));
    let mut weights = TIED.weights();
    weights.remove("model.layers.2.mlp.up_proj.weight");
    save(&weights, &folder.path().join("model.safetensors"));
    refused(folder.path(), &["model.layers.2.mlp.up_proj.weight"]);
}

#[test]
fn a_file_that_is_something_else_is_named_for_what_it_is() {
    let pointer =
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1\nsize 5\n";
    let page = "<!DOCTYPE html>\n<html><title>Sign in</title></html>";
    for file in [
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "model.safetensors",
    ] {
        for (content, said) in [(pointer, "Git LFS pointer"), (page, "HTML page"), ("", "is empty")] {
            let folder = folder_with(&TIED, json!({}));
            std::fs::write(folder.path().join(file), content).unwrap();
            refused(folder.path(), &[file, said]);
        }
    }
    let folder = folder_with(&TIED, json!({}));
    refused(&folder.path().join("model.safetensors"), &["model.safetensors", "give the folder"]);
    let single = folder.path().join("single");
    for (content, said) in [
        (pointer.as_bytes(), "Git LFS pointer"),
        (b"PK\x03\x04\x14\0", "zip archive"),
        (b"\x80\x02}q\0X", "pickle"),
        (b"tjgg\x03\0\0\0", "GGML"),
        (b"", "is empty"),
        (b"hello", "a model is a GGUF file, or a folder"),
    ] {
        std::fs::write(&single, content).unwrap();
        refused(&single, &["single", said]);
    }
}

#[test]
fn a_folder_without_weights_says_what_it_has_instead() {
    for (name, said) in [
        ("pytorch_model.bin", "pickled weights are not read"),
        ("consolidated.safetensors", "consolidated.safetensors"),
        ("model-00001-of-00002.safetensors", "but not model-00002-of-00002.safetensors"),
        ("model.onnx", "ONNX"),
        ("adapter_config.json", "adapter"),
    ] {
        let folder = folder_with(&TIED, json!({}));
        std::fs::rename(folder.path().join("model.safetensors"), folder.path().join(name)).unwrap();
        refused(folder.path(), &["model.safetensors.index.json", said]);
    }
    for file in ["config.json", "tokenizer.json"] {
        let folder = folder_with(&TIED, json!({}));
        std::fs::remove_file(folder.path().join(file)).unwrap();
        refused(folder.path(), &["has no", file]);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("adapter_config.json"), "{}").unwrap();
    refused(folder.path(), &["is an adapter"]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("m.gguf"), "version https://git-lfs.github.com/spec/v1").unwrap();
    refused(folder.path(), &["m.gguf", "Git LFS pointer"]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_file() {
    let folder = folder_with(&TIED, json!({}));
    let expected = fingerprint(folder.path());
    for (file, text) in [("config.json", None), ("tokenizer.json", None), ("tokenizer_config.json", Some("{}"))] {
        let path = folder.path().join(file);
        let text = text.map_or_else(|| std::fs::read_to_string(&path).unwrap(), String::from);
        std::fs::write(&path, format!("\u{feff}{text}")).unwrap();
    }
    assert_eq!(fingerprint(folder.path()), expected);
    open(folder.path()).unwrap().tokenizer().unwrap();
    let exported = open(folder.path()).unwrap().side_files(false).unwrap();
    assert!(exported.len() == 3 && exported.iter().all(|(_, bytes)| bytes.starts_with(b"{")));
}
