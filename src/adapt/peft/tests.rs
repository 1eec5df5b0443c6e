//! Adapter folders: what is written is read again, and what cannot be used is refused.

use super::*;
use crate::model::shape::Linear;

const SHAPE: Shape = Shape {
    family: crate::model::arch::Family::llama(),
    hidden: 8,
    layers: 2,
    heads: 2,
    kv_heads: 1,
    head_dim: 4,
    intermediate: 12,
    vocabulary: 9,
    context: 16,
    tied: true,
};

fn adapters(rank: impl Fn(&Linear) -> usize) -> Vec<Adapter> {
    let decoder = SHAPE.linears().into_iter().filter(|l| l.name != "lm_head");
    decoder
        .map(|l| {
            let mut one = Adapter::lora(&l, rank(&l), 3);
            one.b.iter_mut().enumerate().for_each(|(i, x)| *x = i as f32);
            one
        })
        .collect()
}

#[test]
fn round_trip_with_ranks_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let rank = |l: &Linear| match l.name.as_str() {
        "model.layers.1.mlp.up_proj" => 2,
        name if name.ends_with("k_proj") => 1,
        _ => 3,
    };
    let written = adapters(rank);
    write(folder.path(), &written, &[], &"base".into(), &SHAPE).unwrap();
    let read = read(folder.path()).unwrap();
    for one in &written {
        assert_eq!(read.linears[&one.linear], (one.clone(), 1.0));
    }
    read.check_fits(&SHAPE).unwrap();
    let text = std::fs::read_to_string(folder.path().join(CONFIG)).unwrap();
    let config: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(config["r"], 3);
    assert_eq!(config["rank_pattern"], json!({"k_proj": 1, "model.layers.1.mlp.up_proj": 2}));
    assert_eq!(config["target_modules"].as_array().unwrap().len(), 7);
    assert_eq!(config["init_lora_weights"], true);
}

#[test]
fn what_does_not_fit_is_said() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &adapters(|_| 2), &[], &"base".into(), &SHAPE).unwrap();
    let found = read(folder.path()).unwrap();
    let other = found.check_fits(&Shape { intermediate: 16, ..SHAPE }).unwrap_err().to_string();
    assert!(other.contains("another base model") && other.contains("8 x 12"), "{other}");
    let of_llama = Loaded { class: Some("LlamaForCausalLM".into()), ..found.clone() };
    of_llama.check_fits(&SHAPE).unwrap();
    let of_qwen = Loaded { class: Some("Qwen2ForCausalLM".into()), ..found.clone() };
    let other = of_qwen.check_fits(&SHAPE).unwrap_err().to_string();
    assert!(other.contains("`qwen2`") && other.contains("`llama`"), "{other}");
    let other = found.check_fits(&Shape { layers: 1, ..SHAPE }).unwrap_err().to_string();
    assert!(other.contains("model.layers.1"), "{other}");

    let path = folder.path().join(CONFIG);
    let text = std::fs::read_to_string(&path).unwrap();
    for (from, to, said) in [
        ("\"use_dora\": false", "\"use_dora\": true", "no magnitude"),
        ("\"r\": 2", "\"r\": 3", "has rank 2"),
        ("\"q_proj\",", "", "target_modules"),
        ("\"r\": 2", "\"r\": \"two\"", CONFIG),
    ] {
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    std::fs::write(&path, &text).unwrap();
    let weights = folder.path().join(WEIGHTS);
    let bytes = std::fs::read(&weights).unwrap();
    for cut in [0, 7, 100, bytes.len() - 1] {
        std::fs::write(&weights, &bytes[..cut]).unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        let said = if cut == 0 { "is empty" } else { "truncated" };
        assert!(error.contains(WEIGHTS) && error.contains(said), "{error}");
    }
    std::fs::remove_file(&weights).unwrap();
    assert!(read(folder.path()).unwrap_err().to_string().contains("cannot read"));
}

/// Writes a whole adapter of rank 2 and then other tensors over its weights.
fn with_tensors(change: impl Fn(&mut BTreeMap<String, candle_core::Tensor>)) -> Result<Loaded, AdapterError> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &adapters(|_| 2), &[], &"base".into(), &SHAPE).unwrap();
    let path = folder.path().join(WEIGHTS);
    let mut tensors: BTreeMap<_, _> =
        candle_core::safetensors::load(&path, &candle_core::Device::Cpu).unwrap().into_iter().collect();
    change(&mut tensors);
    candle_core::safetensors::save(&tensors.into_iter().collect(), &path).unwrap();
    read(folder.path())
}

#[test]
fn every_tensor_is_used_or_named() {
    let zeros =
        |dims: &[usize]| candle_core::Tensor::zeros(dims, candle_core::DType::F32, &candle_core::Device::Cpu).unwrap();
    let q = "base_model.model.model.layers.0.self_attn.q_proj";
    for (name, dims, said) in [
        (format!("{q}.lora_B.bias"), &[8][..], "bias"),
        ("base_model.model.model.embed_tokens.lora_embedding_A".into(), &[2, 9], "embedding"),
        ("base_model.model.lm_head.modules_to_save.weight".into(), &[9, 8], "modules_to_save"),
        (format!("{q}.lora_A.other.weight"), &[2, 8], "default"),
        (format!("{q}.lora_A.default.weight"), &[2, 8], "twice"),
        (format!("{q}.lora_magnitude_vector"), &[8], "use_dora"),
        (format!("{q}.lora_diag"), &[2], "neither"),
        ("model.layers.0.self_attn.q_proj.lora_A.weight".into(), &[2, 8], "base_model.model."),
        ("base_model.model.lm_head.lora_A.weight".into(), &[2, 8], "no lora_B"),
        ("base_model.model.lm_head.lora_B.weight".into(), &[9, 2], "no lora_A"),
    ] {
        let error = with_tensors(|tensors| drop(tensors.insert(name.clone(), zeros(dims)))).unwrap_err().to_string();
        assert!(
            (error.contains(&name) || said == "twice") && error.contains(said) && !error.contains("corrupt"),
            "{error}"
        );
    }
    let error = with_tensors(|tensors| drop(tensors.remove(&format!("{q}.lora_B.weight")))).unwrap_err().to_string();
    assert!(error.contains("q_proj.lora_A.weight") && error.contains("no lora_B"), "{error}");
    let nan = candle_core::Tensor::full(f32::NAN, (8, 2), &candle_core::Device::Cpu).unwrap();
    let error = with_tensors(|tensors| drop(tensors.insert(format!("{q}.lora_B.weight"), nan.clone()))).unwrap_err();
    assert!(error.to_string().contains("not finite"), "{error}");
    // The name of the adapter inside the tensors', and weights of the base that PEFT saves beside.
    let read = with_tensors(|tensors| {
        let own: Vec<String> = tensors.keys().cloned().collect();
        for name in own {
            let tensor = tensors.remove(&name).unwrap();
            tensors.insert(name.replace(".weight", ".default.weight"), tensor);
        }
        tensors.insert("base_model.model.model.embed_tokens.base_layer.weight".into(), zeros(&[9, 8]));
    })
    .unwrap();
    assert_eq!((read.linears.len(), read.copies["model.embed_tokens.weight"].0.clone()), (14, vec![9, 8]));
}

#[test]
fn pickled_weights_are_named() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &adapters(|_| 2), &[], &"base".into(), &SHAPE).unwrap();
    std::fs::rename(folder.path().join(WEIGHTS), folder.path().join("adapter_model.bin")).unwrap();
    let error = read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("adapter_model.bin") && error.contains("safetensors"), "{error}");
}
