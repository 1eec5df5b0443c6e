use serde_json::{Value, json};

use super::*;

fn read(config: Value) -> Result<(f64, Scaling), String> {
    let config = config.as_object().unwrap();
    let from = Written { file: "config.json", config, theta: 1e4, head_dim: 8, context: 4096, partial: false };
    from_config(from).map(|rope| (rope.theta, rope.scaling)).map_err(|e| e.to_string())
}

#[test]
fn both_names_and_both_places_are_read_where_they_agree() {
    let linear = Scaling::Linear { factor: 4.0 };
    for config in [
        json!({"rope_scaling": {"type": "linear", "factor": 4.0}}),
        json!({"rope_scaling": {"rope_type": "linear", "factor": 4}}),
        json!({"rope_scaling": {"type": "linear", "rope_type": "linear", "factor": 4.0}}),
        json!({"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}}),
        json!({"rope_scaling": {"type": "linear", "factor": 4.0}, "rope_theta": 10000,
               "rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}}),
        json!({"rope_scaling": {"type": "linear", "factor": 4.0, "attention_factor": null, "finetuned": true}}),
    ] {
        assert_eq!(read(config).unwrap(), (10_000.0, linear.clone()));
    }
    for config in [
        json!({}),
        json!({"rope_scaling": null, "rope_theta": 1e4}),
        json!({"rope_scaling": {}, "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}}),
        json!({"rope_parameters": {"rope_theta": 1e4, "rope_type": "default", "partial_rotary_factor": 1.0}}),
        json!({"rope_scaling": {"rope_type": "default", "factor": 1.0}}),
    ] {
        assert_eq!(read(config).unwrap(), (10_000.0, Scaling::None));
    }
}

#[test]
fn what_disagrees_or_is_not_supported_is_named() {
    let llama3 = |from: &str, to: Value| {
        let mut scaling = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                 "original_max_position_embeddings": 8192});
        scaling[from] = to;
        json!({ "rope_scaling": scaling })
    };
    for (config, said) in [
        (
            json!({"rope_scaling": {"type": "linear", "rope_type": "dynamic", "factor": 4.0}}),
            vec!["linear", "dynamic", "agree"],
        ),
        (
            json!({"rope_scaling": {"type": "linear", "factor": 4.0}, "rope_parameters": {"rope_type": "linear", "factor": 2.0}}),
            vec!["rope_parameters.factor", "2.0", "4.0"],
        ),
        (
            json!({"rope_scaling": {"type": "linear", "factor": 4.0}, "rope_parameters": {"rope_theta": 1e4, "rope_type": "default"}}),
            vec!["linear", "default"],
        ),
        (json!({"rope_theta": 1e4, "rope_parameters": {"rope_theta": 5e5}}), vec!["rope_theta", "500000"]),
        (json!({"rope_scaling": {"type": "ntk", "factor": 4.0}}), vec!["rope_scaling.rope_type", "ntk"]),
        (json!({"rope_scaling": {"type": "yarn"}}), vec!["rope_scaling", "factor"]),
        (json!({"rope_scaling": {"type": "yarn", "factor": 4.0, "long_factor": [1]}}), vec!["long_factor", "yarn"]),
        (json!({"rope_scaling": {"type": "yarn", "factor": 4.0, "truncate": 1}}), vec!["truncate"]),
        (json!({"rope_scaling": {"type": "longrope", "long_factor": [1, 1, 1, 1]}}), vec!["short_factor"]),
        (
            json!({"rope_scaling": {"type": "longrope", "long_factor": [1, 1, 1], "short_factor": [1, 1, 1, 1]}}),
            vec!["long_factor", "4"],
        ),
        (json!({"rope_scaling": {"factor": 4.0}}), vec!["rope_scaling.factor", "4.0", "type"]),
        (json!({"rope_scaling": {"type": "linear"}}), vec!["rope_scaling", "factor"]),
        (json!({"rope_scaling": {"type": "linear", "factor": 0}}), vec!["rope_scaling.factor", "greater than 0"]),
        (json!({"rope_scaling": {"type": "linear", "factor": "4"}}), vec!["rope_scaling.factor", "\"4\""]),
        (json!({"rope_scaling": {"type": "linear", "factor": 4.0, "mscale": 0.7}}), vec!["rope_scaling.mscale", "0.7"]),
        (
            json!({"rope_scaling": {"type": "linear", "factor": 4.0, "fcator": 2.0}}),
            vec!["rope_scaling.fcator", "`factor`"],
        ),
        (json!({"rope_scaling": "linear"}), vec!["rope_scaling", "object"]),
        (
            json!({"rope_parameters": {"full_attention": {"rope_type": "default"}}}),
            vec!["rope_parameters.full_attention"],
        ),
        (
            json!({"rope_parameters": {"partial_rotary_factor": 0.5}}),
            vec!["rope_parameters.partial_rotary_factor", "0.5"],
        ),
        (json!({"rope_theta": 0}), vec!["rope_theta", "greater than 0"]),
        (llama3("low_freq_factor", json!(4.0)), vec!["low_freq_factor", "high_freq_factor"]),
        (llama3("factor", json!(-8.0)), vec!["factor", "-8.0"]),
        (llama3("original_max_position_embeddings", Value::Null), vec!["original_max_position_embeddings"]),
    ] {
        let error = read(config).unwrap_err();
        assert!(error.contains("config.json") && said.iter().all(|said| error.contains(said)), "{said:?}: {error}");
    }
}

#[test]
fn rotary_embeddings_by_kind_of_block_are_read_apart() {
    let of = |config: &Value| {
        let config = config.as_object().unwrap();
        let from = Written { file: "config.json", config, theta: 0.0, head_dim: 8, context: 4096, partial: false };
        by_kind(from, [("full_attention", 1e6), ("sliding_attention", 1e4)]).map_err(|e| e.to_string())
    };
    let both = json!({"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 5e5},
                                          "sliding_attention": {"rope_type": "default"}}});
    let ropes = of(&both).unwrap().unwrap();
    assert_eq!(ropes[0], Rope { theta: 5e5, dims: 8, scaling: Scaling::Linear { factor: 8.0 } });
    assert_eq!(ropes[1], Rope::plain(1e4, 8));
    assert!(of(&json!({"rope_parameters": {"rope_type": "default"}})).unwrap().is_none());
    let more = json!({"rope_parameters": {"full_attention": {}, "rope_theta": 1e4}});
    assert!(of(&more).unwrap_err().contains("rope_parameters.rope_theta"));
}

#[test]
fn long_sequences_have_frequencies_of_their_own() {
    let scaling = Scaling::Long { short: vec![1.0; 2], long: vec![4.0; 2], original: 64, attention: 1.25 };
    let rope = Rope { theta: 1e4, dims: 4, scaling };
    let base = base_frequencies(1e4, 4);
    assert_eq!(rope.frequencies(64), base);
    assert_eq!(rope.frequencies(65), base.iter().map(|f| f / 4.0).collect::<Vec<_>>());
    assert_eq!((rope.same_up_to(), rope.amplitude()), (Some(64), 1.25));
}
