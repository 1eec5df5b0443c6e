//! What `adapter_config.json` says is used, without effect, or refused; and scales are PEFT's.

use super::*;

/// The configuration with these keys beside the usual ones.
fn config(more: &str) -> Result<Config, AdapterError> {
    let text = format!(r#"{{"peft_type": "LORA", "r": 4, "lora_alpha": 8{more}}}"#);
    Config::parse(Path::new("adapter_config.json"), text.as_bytes())
}

fn scale(more: &str, linear: &str) -> f32 {
    config(more).unwrap().scale(linear)
}

const Q: &str = "model.layers.1.self_attn.q_proj";

#[test]
fn scales_follow_the_configuration() {
    assert_eq!(scale("", Q), 2.0);
    assert_eq!(scale(r#", "use_rslora": true"#, Q), 4.0);
    assert_eq!(scale(r#", "rank_pattern": {"q_proj": 16}"#, Q), 0.5);
    assert_eq!(scale(r#", "rank_pattern": {"q_proj": 16}, "use_rslora": true"#, Q), 2.0);
    assert_eq!(scale(r#", "alpha_pattern": {"k_proj": 2}"#, Q), 2.0);
    // PEFT's own values where there are none.
    let bare = Config::parse(Path::new("x"), br#"{"peft_type": "LORA"}"#).unwrap();
    assert_eq!((bare.rank(Q), bare.scale(Q)), (8, 1.0));
}

#[test]
fn overlapping_patterns_apply_in_the_order_of_the_file() {
    // PEFT 0.21.2, get_pattern_key: the first of the keys whose `(.*\\.)?(KEY)$` matches from the start.
    for (patterns, expected) in [
        (r#"{"q_proj": 1, "layers.1.self_attn.q_proj": 2}"#, 0.25),
        (r#"{"layers.1.self_attn.q_proj": 2, "q_proj": 1}"#, 0.5),
        (r#"{"z_proj": 3, "model.layers.1.self_attn.q_proj": 5, "q_proj": 1}"#, 1.25),
        (r#"{"^self_attn.q_proj": 3, "q_proj": 1}"#, 0.25),
        (r#"{"^model\\.layers\\.1\\.self_attn\\.q_proj$": 3, "q_proj": 1}"#, 0.75),
        (r#"{"_proj": 3}"#, 2.0),
        (r#"{"proj": 3, "layers.1": 5}"#, 2.0),
        // A key given twice has its first place and its last value, as in Python.
        (r#"{"q_proj": 1, "self_attn.q_proj": 2, "q_proj": 3}"#, 0.75),
    ] {
        assert_eq!(scale(&format!(r#", "alpha_pattern": {patterns}"#), Q), expected, "{patterns}");
    }
    for key in [".*q_proj", "layers.[01].*", "q_proj|k_proj", "(q)_proj", ""] {
        let error = config(&format!(r#", "rank_pattern": {{"{key}": 2}}"#)).unwrap_err().to_string();
        assert!(error.contains("rank_pattern") && error.contains(key), "{error}");
    }
}

#[test]
fn keys_are_used_without_effect_or_refused() {
    // As PEFT 0.21.2 writes a configuration.
    let whole = r#", "alora_invocation_tokens": null, "alpha_pattern": {}, "arrow_config": null, "auto_mapping": null,
        "base_model_name_or_path": "owner/model", "bias": "none", "corda_config": null, "ensure_weight_tying": false,
        "eva_config": null, "exclude_modules": null, "fan_in_fan_out": false, "inference_mode": true,
        "init_lora_weights": true, "kasa_config": null, "layer_replication": null, "layers_pattern": null,
        "layers_to_transform": null, "loftq_config": {}, "lora_bias": false, "lora_dropout": 0.1, "lora_ga_config": null,
        "megatron_config": null, "megatron_core": "megatron.core", "modules_to_save": null, "monteclora_config": null,
        "peft_version": "0.21.2", "qalora_group_size": 16, "rank_pattern": {}, "revision": null,
        "target_modules": ["q_proj"], "target_parameters": null, "task_type": "CAUSAL_LM",
        "trainable_token_indices": null, "use_bdlora": null, "use_dora": false, "use_qalora": false,
        "use_rslora": false, "velora_config": null, "some_key_of_tomorrow": false"#;
    assert_eq!(config(whole).unwrap().base, Some("owner/model".into()));
    for (key, value) in [
        ("lora_bias", "true"),
        ("modules_to_save", r#"["lm_head"]"#),
        ("layer_replication", "[[0,2],[1,3]]"),
        ("target_parameters", r#"["experts.up"]"#),
        ("trainable_token_indices", "[1,2]"),
        ("alora_invocation_tokens", "[5]"),
        ("use_qalora", "true"),
        ("use_bdlora", r#"{"nblocks":2}"#),
        ("kasa_config", r#"{"beta":1.0}"#),
        ("velora_config", r#"{"scale":1.0}"#),
        ("arrow_config", r#"{"top_k":3}"#),
        ("monteclora_config", r#"{"num_samples":8}"#),
        ("megatron_config", r#"{"x":1}"#),
        ("ensure_weight_tying", "true"),
        ("task_type", r#""SEQ_CLS""#),
        ("some_key_of_tomorrow", "1"),
        ("init_lora_weights", r#""nonsense""#),
        ("init_lora_weights", r#""PiSSA""#),
        ("r", "0"),
        ("r", r#""two""#),
        ("lora_alpha", r#""eight""#),
        ("use_dora", r#""yes""#),
        ("target_modules", "[1]"),
        ("layers_to_transform", "-1"),
        ("base_model_name_or_path", "7"),
    ] {
        // Of a key given twice the last value counts.
        let error = config(&format!(r#", "{key}": {value}"#)).unwrap_err().to_string();
        let parts = ["adapter_config.json", key, value];
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
    let other = Config::parse(Path::new("x"), br#"{"peft_type": "IA3"}"#).unwrap_err().to_string();
    assert!(other.contains("IA3") && other.contains("peft_type"), "{other}");
    for text in ["", "[]", "{\"r\": NaN}", "{"] {
        let error = Config::parse(Path::new("the-file"), text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("the-file is not a JSON object"), "{error}");
    }
}

#[test]
fn initialisations_that_leave_the_base_alone_and_those_that_do_not() {
    let init = |value: &str| config(&format!(r#", "init_lora_weights": {value}"#)).unwrap().init;
    for plain in ["true", "false", "null", r#""gaussian""#, r#""Gaussian""#, r#""eva""#, r#""orthogonal""#, r#""mica""#]
    {
        assert_eq!(init(plain), Init::Plain, "{plain}");
    }
    assert_eq!((init(r#""pissa""#), init(r#""OLoRA""#)), (Init::Pissa, Init::Olora));
    for other in ["pissa_niter_16", "corda", "loftq", "lora_ga"] {
        assert!(matches!(init(&format!("{other:?}")), Init::Other { value, .. } if value == other));
    }
}

#[test]
fn targets_are_names_or_their_ends() {
    let is = |more: &str, linear: &str| config(more).unwrap().is_target(linear);
    assert!(is("", Q) && is(r#", "target_modules": "all-linear""#, Q));
    assert!(is(r#", "target_modules": ["q_proj"]"#, Q) && !is(r#", "target_modules": ["k_proj", "proj"]"#, Q));
    assert!(!is(r#", "target_modules": ["q_proj"], "exclude_modules": ["layers.1.self_attn.q_proj"]"#, Q));
    // A text is a regular expression for the whole name.
    assert!(is(r#", "target_modules": ".*\\.(q_proj|v_proj)""#, Q) && !is(r#", "target_modules": ".*\\.v_proj""#, Q));
    assert!(!is(r#", "target_modules": "q_proj""#, Q) && !is(r#", "exclude_modules": ".*\\.layers\\.1\\..*""#, Q));
    assert!(is(r#", "layers_to_transform": [0, 1]"#, Q) && !is(r#", "layers_to_transform": 0"#, Q));
}
