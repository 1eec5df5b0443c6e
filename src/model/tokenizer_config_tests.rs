//! Tests of [`super::tokenizer_config`], by the ids that a tokenizer gives.

use serde_json::{Value, json};

use crate::model::tokenizer::Tokenizer;

/// Ids of `text`: a character-level vocabulary whose `tokenizer.json` is changed by `change`.
fn ids(change: Value, config: Value, text: &str) -> Result<Vec<u32>, String> {
    let mut json = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": null, "post_processor": null, "decoder": null,
        "model": {"type": "BPE", "unk_token": "<unk>",
                  "vocab": {"<unk>": 0, "<s>": 1, "</s>": 2, "a": 3, "b": 4, "<": 5, "s": 6, ">": 7, "/": 8}, "merges": []},
    });
    for (key, value) in change.as_object().unwrap() {
        match (json.get_mut(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => old.extend(new.clone()),
            _ => json[key] = value.clone(),
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    std::fs::write(&path, json.to_string()).unwrap();
    let config = config.to_string();
    let config = Some(("there/tokenizer_config.json", config.as_str()));
    let tokenizer = Tokenizer::from_files(&path, config).map_err(|e| e.to_string())?;
    tokenizer.encode(text).map_err(|e| e.to_string())
}

#[test]
fn stored_truncation_and_padding_change_nothing() {
    let change = json!({
        "truncation": {"direction": "Right", "max_length": 1, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 9}, "direction": "Left", "pad_to_multiple_of": null, "pad_id": 0,
                    "pad_type_id": 0, "pad_token": "<unk>"},
    });
    assert_eq!(ids(change, json!({}), "ab").unwrap(), [3, 4]);
}

#[test]
fn tokens_at_the_ends_are_those_of_the_config_where_it_says() {
    let template = json!({"post_processor": {"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}});
    let named = |mut flags: Value| {
        flags["bos_token"] = "<s>".into();
        flags["eos_token"] = json!({"content": "</s>", "special": true, "__type": "AddedToken"});
        flags
    };
    for (change, config, expected) in [
        (json!({}), named(json!({})), &[3][..]),
        (json!({}), named(json!({"add_bos_token": true})), &[1, 3]),
        (json!({}), named(json!({"add_bos_token": true, "add_eos_token": true})), &[1, 3, 2]),
        (json!({}), json!({"add_bos_token": true}), &[3]),
        (template.clone(), named(json!({})), &[1, 3]),
        (template.clone(), named(json!({"add_bos_token": true, "add_eos_token": false})), &[1, 3]),
        (template.clone(), named(json!({"add_eos_token": true})), &[1, 3, 2]),
        (template, named(json!({"add_bos_token": false})), &[3]),
    ] {
        assert_eq!(ids(change, config.clone(), "a").unwrap(), expected, "{config}");
    }
}

#[test]
fn special_tokens_of_the_config_are_whole() {
    assert_eq!(ids(json!({}), json!({}), "a<s>").unwrap(), [3, 5, 6, 7]);
    assert_eq!(ids(json!({}), json!({"bos_token": "<s>"}), "a<s>").unwrap(), [3, 1]);
    let decoder = json!({"added_tokens_decoder": {"1": {"content": "<s>", "lstrip": false, "normalized": false,
                         "rstrip": false, "single_word": false, "special": true}}});
    assert_eq!(ids(json!({}), decoder, "a<s>").unwrap(), [3, 1]);
    let other = json!({"added_tokens_decoder": {"2": {"content": "<s>", "special": true}}});
    let error = ids(json!({}), other, "a").unwrap_err();
    assert!(error.contains("added_tokens_decoder.2") && error.contains("as 1"), "{error}");
}

#[test]
fn what_would_change_tokens_in_silence_is_refused() {
    for (change, config, said) in [
        (json!({"model": {"dropout": 0.1}}), json!({}), vec!["tokenizer.json", "`dropout`", "0.1"]),
        (json!({"model": {"new_rule": 3}}), json!({}), vec!["`new_rule`"]),
        (json!({"post_tokenizer": {"type": "x"}}), json!({}), vec!["`post_tokenizer`"]),
        (json!({}), json!({"do_lower_case": true}), vec!["there/tokenizer_config.json", "`do_lower_case`", "true"]),
        (json!({}), json!({"split_special_tokens": true}), vec!["`split_special_tokens`"]),
        (json!({}), json!({"sp_model_kwargs": {"alpha": 0.1}}), vec!["`sp_model_kwargs`"]),
        (
            json!({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}}),
            json!({"add_prefix_space": true}),
            vec!["`add_prefix_space`", "adds none"],
        ),
        (
            json!({"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}]}}),
            json!({"add_prefix_space": false}),
            vec!["`add_prefix_space`", "adds one"],
        ),
    ] {
        let error = ids(change, config, "a").unwrap_err();
        assert!(said.iter().all(|said| error.contains(said)), "{error}");
    }
    // As people have them.
    let config = json!({"tokenizer_class": "LlamaTokenizer", "model_max_length": 1e30, "clean_up_tokenization_spaces": false,
        "legacy": false, "padding_side": "right", "sp_model_kwargs": {}, "use_default_system_prompt": false, "add_prefix_space": null,
        "chat_template": "{{ x }}", "additional_special_tokens": ["<s>"], "pad_token": null, "image_token": "<image>", "vocab_size": 49152});
    assert_eq!(ids(json!({}), config, "a").unwrap(), [3]);
}
