use serde_json::json;

use super::*;

fn read(config: Value) -> Result<(f64, Scaling), String> {
    from_config("config.json", config.as_object().unwrap()).map_err(|e| e.to_string())
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
        assert_eq!(read(config).unwrap(), (10_000.0, linear));
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
        (json!({"rope_scaling": {"type": "yarn", "factor": 4.0}}), vec!["rope_scaling.rope_type", "yarn"]),
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
