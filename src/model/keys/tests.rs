use serde_json::json;

use super::*;

const KEYS: Keys = Keys {
    used: &["hidden_size"],
    harmless: &["torch_dtype", "unsloth_*", "*_token"],
    neutral: &[
        ("scale", &[Neutral::Number(1.0), Neutral::Number(0.0)]),
        ("causal", &[Neutral::Flag(true)]),
        ("layer_types", &[Neutral::All("full_attention")]),
        ("experts", &[]),
    ],
};

fn check(object: Value) -> Result<(), String> {
    let entries = object.as_object().unwrap().iter().map(|(key, value)| (key.as_str(), value));
    KEYS.check("x.json", entries).map_err(|e| e.to_string())
}

#[test]
fn what_is_read_harmless_neutral_or_empty_passes() {
    check(json!({
        "hidden_size": 7, "torch_dtype": "float16", "unsloth_version": "1", "bos_token": "<s>", "scale": 1,
        "causal": true, "layer_types": ["full_attention", "full_attention"], "experts": null,
        "unknown": null, "other": false, "third": "", "list": [], "object": {},
    }))
    .unwrap();
    check(json!({"scale": 0.0})).unwrap();
}

#[test]
fn anything_else_is_refused_by_file_key_and_value() {
    for (object, said) in [
        (json!({"scale": 2.5}), vec!["x.json", "`scale`", "2.5", "only 1 or 0 is"]),
        // A flag whose neutral value is true is not neutral when it is false.
        (json!({"causal": false}), vec!["`causal`", "false", "true"]),
        (json!({"layer_types": ["full_attention", "sliding"]}), vec!["layer_types", "sliding"]),
        (json!({"experts": 8}), vec!["`experts`", "8"]),
        (json!({"hiden_size": 7}), vec!["`hiden_size`", "`hidden_size`"]),
        (json!({"something": 0}), vec!["`something`", "not a known key"]),
    ] {
        let error = check(object).unwrap_err();
        assert!(said.iter().all(|said| error.contains(said)), "{error}");
    }
}

#[test]
fn what_may_be_a_secret_is_never_shown() {
    for object in [
        json!({"token": "hf_SECRET"}),
        json!({"openai_api_key": "SECRET"}),
        json!({"kwargs": {"token": "SECRET", "revision": "main"}}),
        json!({"kwargs": [{"client_secret": "SECRET"}]}),
        json!({"anything": "hf_SECRETSECRETSECRETSECRET"}),
    ] {
        let error = check(object).unwrap_err();
        assert!(error.contains("...") && !error.contains("SECRET"), "{error}");
    }
}
