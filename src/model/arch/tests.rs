use serde_json::json;

use super::*;
use crate::model::config::Config;

/// A `config.json` of the family with small dimensions.
fn small(family: &Family) -> serde_json::Value {
    let mut config = json!({
        "model_type": family.name, "hidden_size": 32, "num_hidden_layers": 6, "num_attention_heads": 4,
        "vocab_size": 64, "max_position_embeddings": 128, "rms_norm_eps": 1e-6, "num_key_value_heads": 2,
    });
    config[family.intermediate] = 48.into();
    if family.keys.contains(&"head_dim") {
        config["head_dim"] = 16.into();
    }
    config
}

#[test]
fn every_family_reads_what_it_writes() {
    for family in FAMILIES.into_iter().filter(|family| family.gguf.is_some() || family.name == "mistral") {
        let config = Config::from_json(&small(family).to_string()).unwrap();
        let mut written = config.to_json().unwrap();
        written.retain(|_, value| !value.is_null());
        let again = Config::from_json(&serde_json::Value::from(written).to_string());
        assert_eq!(again.unwrap(), config, "{family}");
    }
}

#[test]
fn tensors_of_a_block_have_one_name_each_and_the_right_total() {
    for family in FAMILIES {
        let config = Config::from_json(&small(family).to_string()).unwrap();
        let slots: Vec<_> = (0..6).flat_map(|layer| config.slots(layer)).collect();
        let mut all: Vec<(String, Vec<usize>)> = slots.into_iter().map(|slot| (slot.name, slot.dims)).collect();
        all.extend(config.frame_slots().into_iter().map(|slot| (slot.name, slot.dims)));
        let elements: usize = all.iter().map(|(_, dims)| dims.iter().product::<usize>()).sum();
        assert_eq!(elements as u64, config.shape.parameters(), "{family}");
        let names: std::collections::BTreeSet<_> = all.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), all.len(), "{family}");
        for linear in config.shape.block_linears(5) {
            let (layer, at) = config.shape.locate(&linear.name).unwrap();
            assert_eq!((layer, config.shape.family.linears[at].role.d_out(&config.shape)), (5, linear.d_out));
        }
        assert!(config.shape.locate("lm_head").is_none());
    }
}

#[test]
fn an_unknown_family_is_told_the_nearest_and_all() {
    let mut config = small(Family::llama());
    config["model_type"] = "gemma3".into();
    let error = Config::from_json(&config.to_string()).unwrap_err().to_string();
    assert!(
        error.contains("is `gemma3_text` meant?") && error.contains("gemma3_text") && error.contains("olmo2"),
        "{error}"
    );
    config["model_type"] = "mixtral".into();
    config["text_config"] = json!({"model_type": "gemma3_text"});
    let error = Config::from_json(&config.to_string()).unwrap_err().to_string();
    assert!(error.contains("models of text"), "{error}");
}

#[test]
fn keys_of_other_families_are_refused_by_name() {
    for (family, key, value) in [
        ("llama", "attn_logit_softcapping", json!(50.0)),
        ("qwen3", "final_logit_softcapping", json!(30.0)),
        ("gemma3_text", "attn_logit_softcapping", json!(50.0)),
        ("mistral", "attention_bias", json!(true)),
        ("olmo2", "sliding_window", json!(16)),
        ("phi3", "head_dim", json!(16)),
        ("opt", "do_layer_norm_before", json!(false)),
        ("gemma2", "hidden_act", json!("silu")),
        ("gemma2", "sliding_window_size", json!(16)),
        ("gemma2", "layer_types", json!(["full_attention"])),
        ("smollm3", "no_rope_layers", json!([1, 2, 0, 1, 1, 1])),
        ("qwen2", "layer_types", json!(vec!["sliding_attention"; 6])),
        ("phi3", "rope_scaling", json!({"type": "yarn", "factor": 2.0})),
        ("qwen2", "partial_rotary_factor", json!(0.5)),
    ] {
        let mut config = small(Family::named(family).unwrap());
        config[key] = value;
        let error = Config::from_json(&config.to_string()).unwrap_err().to_string();
        assert!(error.contains(key), "{family} {key}: {error}");
    }
}

#[test]
fn kinds_of_blocks_follow_from_the_configuration() {
    let read = |family: &str, keys: serde_json::Value| {
        let mut config = small(Family::named(family).unwrap());
        config.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        Config::from_json(&config.to_string()).unwrap()
    };
    let windows = |config: &Config| config.layers.iter().map(|layer| layer.window).collect::<Vec<_>>();
    let (w, full) = (Some(16), None);
    let gemma2 = read("gemma2", json!({"sliding_window": 16}));
    assert_eq!(windows(&gemma2), [w, full, w, full, w, full]);
    assert_eq!((gemma2.score_cap, gemma2.logit_cap), (Some(50.0), Some(30.0)));
    let gemma3 = read("gemma3_text", json!({"sliding_window": 16, "sliding_window_pattern": 3}));
    assert_eq!(windows(&gemma3), [w, w, full, w, w, full]);
    assert_eq!(gemma3.layers[2].rope, Some(0));
    assert_eq!((gemma3.ropes[0].theta, gemma3.ropes[1].theta), (1e6, 1e4));
    let qwen2 = read("qwen2", json!({"sliding_window": 16, "use_sliding_window": true, "max_window_layers": 4}));
    assert_eq!(windows(&qwen2), [full, full, full, full, w, w]);
    assert_eq!(windows(&read("mistral", json!({"sliding_window": null}))), [full; 6]);
    assert_eq!(windows(&read("mistral", json!({"sliding_window": 16}))), [w; 6]);
    let smollm3 = read("smollm3", json!({}));
    assert_eq!(
        smollm3.layers.iter().map(|layer| layer.rope.is_some()).collect::<Vec<_>>(),
        [true, true, true, false, true, true]
    );
}
