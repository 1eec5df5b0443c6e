//! By the ids that a tokenizer gives.

use serde_json::{Value, json};

use super::super::Tokenizer;
use super::Beside;

/// Ids of `text`: a character-level vocabulary whose `tokenizer.json` is changed by `change`.
fn ids(change: Value, config: Value, text: &str) -> Result<Vec<u32>, String> {
    read(change, config, None, None, text).map(|(ids, _)| ids)
}

/// The same with what special_tokens_map.json and added_tokens.json hold, and the notes.
fn read(
    change: Value,
    config: Value,
    special: Option<Value>,
    added: Option<Value>,
    text: &str,
) -> Result<(Vec<u32>, String), String> {
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
    let (config, special, added) =
        (config.to_string(), special.map(|json| json.to_string()), added.map(|json| json.to_string()));
    let beside = Beside {
        config: Some(("there/tokenizer_config.json", config.as_str())),
        special: special.as_deref().map(|text| ("there/special_tokens_map.json", text)),
        added: added.as_deref().map(|text| ("there/added_tokens.json", text)),
        of_llama: true,
    };
    let tokenizer = Tokenizer::from_files(&path, beside).map_err(|e| e.to_string())?;
    Ok((tokenizer.encode(text).map_err(|e| e.to_string())?, tokenizer.notes.join("\n")))
}

/// A post-processor that puts `<s>` before every text.
fn with_bos() -> Value {
    json!({"post_processor": {"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}})
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
    let template = with_bos();
    let named = |mut flags: Value| {
        flags["bos_token"] = "<s>".into();
        flags["eos_token"] = json!({"content": "</s>", "special": true, "__type": "AddedToken"});
        flags
    };
    for (change, config, expected) in [
        (json!({}), named(json!({})), &[3][..]),
        (json!({}), named(json!({"add_bos_token": true})), &[1, 3]),
        (json!({}), named(json!({"add_bos_token": true, "add_eos_token": true})), &[1, 3, 2]),
        // The class's own name of the token; none where the file says so.
        (json!({}), json!({"add_bos_token": true}), &[1, 3]),
        (json!({}), json!({"add_bos_token": true, "bos_token": null}), &[3]),
        (template.clone(), json!({"add_bos_token": true, "bos_token": null}), &[1, 3]),
        (template.clone(), json!({"add_bos_token": true, "add_eos_token": false}), &[1, 3]),
        (template.clone(), json!({"add_bos_token": true, "bos_token": ""}), &[1, 3]),
        (template.clone(), named(json!({})), &[1, 3]),
        (template.clone(), named(json!({"add_bos_token": true, "add_eos_token": false})), &[1, 3]),
        (template.clone(), named(json!({"add_eos_token": true})), &[1, 3, 2]),
        (template.clone(), named(json!({"add_bos_token": false})), &[3]),
        (template.clone(), named(json!({"add_bos_token": false, "tokenizer_class": "LlamaTokenizerFast"})), &[3]),
        (template.clone(), named(json!({"add_bos_token": false, "tokenizer_class": "CodeLlamaTokenizer"})), &[3]),
        // Other classes of transformers do not look at the flags.
        (
            template.clone(),
            named(json!({"add_bos_token": false, "tokenizer_class": "PreTrainedTokenizerFast"})),
            &[1, 3],
        ),
        (
            template,
            named(json!({"add_bos_token": false, "add_eos_token": true, "tokenizer_class": "GPT2Tokenizer"})),
            &[1, 3],
        ),
        (json!({}), named(json!({"add_bos_token": true, "tokenizer_class": "GPT2TokenizerFast"})), &[3]),
    ] {
        assert_eq!(ids(change, config.clone(), "a").unwrap(), expected, "{config}");
    }
}

#[test]
fn the_user_is_told_where_versions_of_transformers_differ() {
    let note = |change: Value, config: Value| read(change, config, None, None, "a").unwrap().1;
    let llama = |mut config: Value| {
        config["tokenizer_class"] = "LlamaTokenizer".into();
        config
    };
    for (change, config) in
        [(with_bos(), json!({"add_bos_token": false})), (json!({}), llama(json!({"add_bos_token": true})))]
    {
        let said = note(change, config);
        assert!(
            ["there/tokenizer_config.json", "add_bos_token", "\"<s>\"", "transformers 5"]
                .iter()
                .all(|s| said.contains(s)),
            "{said}"
        );
    }
    // The class's own flags, where the file has none.
    let said = note(json!({}), llama(json!({})));
    assert!(said.contains("where its class finds none") && said.contains("transformers 5"), "{said}");
    assert_eq!(ids(json!({}), llama(json!({})), "a").unwrap(), [1, 3]);
    assert_eq!(ids(json!({}), llama(json!({"backend": "tokenizers"})), "a").unwrap(), [3]);
    for (change, config) in [
        (with_bos(), llama(json!({"add_bos_token": true, "add_eos_token": false}))),
        (with_bos(), llama(json!({}))),
        (json!({}), json!({})),
        (json!({}), llama(json!({"add_bos_token": false}))),
        (json!({}), llama(json!({"backend": "tokenizers"}))),
        (with_bos(), json!({"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": false})),
    ] {
        assert_eq!(note(change, config.clone()), "", "{config}");
    }
}

#[test]
fn the_user_is_told_of_spaces_after_special_tokens() {
    let tokens = json!([{"id": 0, "content": "<unk>", "special": true, "normalized": false, "single_word": false,
                         "lstrip": false, "rstrip": false}]);
    let by = |normalizer: Value, class: &str| {
        let change = json!({"added_tokens": tokens, "normalizer": normalizer});
        read(change, json!({"tokenizer_class": class, "add_bos_token": false}), None, None, "a<unk>b").unwrap()
    };
    let prepend = json!({"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "s"}]});
    let (ids, said) = by(prepend.clone(), "LlamaTokenizer");
    assert_eq!(ids, [6, 3, 0, 6, 4]);
    assert!(said.contains("transformers 5") && said.contains("<unk>"), "{said}");
    assert_eq!(by(prepend, "PreTrainedTokenizerFast").1, "");
    assert_eq!(by(Value::Null, "LlamaTokenizer"), (vec![3, 0, 4], String::new()));
}

#[test]
fn the_older_files_count_where_the_config_has_no_decoder() {
    let map = json!({"bos_token": {"content": "<s>", "lstrip": false, "normalized": true, "rstrip": false, "single_word": false},
                     "eos_token": "</s>", "additional_special_tokens": ["ab"]});
    let get = |change: Value, config: Value, added: Value, text: &str| {
        read(change, config, Some(map.clone()), Some(added), text).map(|(ids, _)| ids)
    };
    let (flags, none) = (json!({"add_bos_token": true, "add_eos_token": true}), json!({}));
    assert_eq!(get(json!({}), flags.clone(), none.clone(), "a").unwrap(), [1, 3, 2]);
    assert_eq!(get(with_bos(), flags, none.clone(), "a").unwrap(), [1, 3, 2]);
    // Tokens of the map are whole: those that the vocabulary has, and one that follows it.
    assert_eq!(get(json!({}), json!({}), none.clone(), "a</s>ab").unwrap(), [3, 2, 9]);
    assert_eq!(get(json!({}), json!({}), json!({"ba": 9, "bb": 10}), "baab").unwrap(), [9, 11]);
    let decoder = json!({"added_tokens_decoder": {"0": {"content": "<unk>", "special": true}}});
    assert_eq!(get(json!({}), decoder, json!({"ba": 99}), "ab").unwrap(), [3, 4]);
    for (added, said) in [
        (json!({"ba": 11}), ["there/added_tokens.json: `ba` is 11", "has it as 9"]),
        (json!({"a": 7}), ["`a` is 7", "has it as 3"]),
        (json!({"ba": "9"}), ["`ba` is \"9\"", "token id"]),
        (json!({"ba": -1}), ["`ba` is -1", "token id"]),
    ] {
        let error = get(json!({}), json!({}), added, "a").unwrap_err();
        assert!(said.iter().all(|said| error.contains(said)), "{error}");
    }
    for (map, said) in [
        (json!({"bos_token": 1}), "`bos_token` is 1"),
        (json!({"additional_special_tokens": "ab"}), "`additional_special_tokens` is \"ab\""),
        (json!({"do_lower_case": true}), "`do_lower_case` is true"),
        (json!([]), "is not a JSON object"),
    ] {
        let error = read(json!({}), json!({}), Some(map), None, "a").unwrap_err();
        assert!(error.contains("there/special_tokens_map.json") && error.contains(said), "{error}");
    }
}

#[test]
fn arguments_of_from_pretrained_are_harmless_and_not_shown() {
    let config = json!({"device_map": "auto", "torch_dtype": "bfloat16", "low_cpu_mem_usage": true, "_commit_hash": "abc",
        "token": "hf_SECRET", "use_auth_token": "SECRET", "trust_remote_code": true, "gguf_file": "m.gguf"});
    assert_eq!(ids(json!({}), config, "a").unwrap(), [3]);
    let error = ids(json!({}), json!({"some_api_key": "SECRET"}), "a").unwrap_err();
    assert!(error.contains("`some_api_key` is \"...\"") && !error.contains("SECRET"), "{error}");
}

#[test]
fn tokens_beyond_the_embedding_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    let model = json!({"type": "BPE", "unk_token": null, "vocab": {"a": 0, "b": 1}, "merges": []});
    std::fs::write(&path, json!({"version": "1.0", "model": model}).to_string()).unwrap();
    let open = |config: Value| {
        let text = config.to_string();
        let beside = Beside { config: Some(("tokenizer_config.json", text.as_str())), ..Beside::default() };
        Tokenizer::from_files(&path, beside).unwrap()
    };
    let mut padded = open(json!({"pad_token": "[PAD]"}));
    padded.check_rows("there/tokenizer.json", 3).unwrap();
    assert!(padded.notes.is_empty());
    padded.check_rows("there/tokenizer.json", 2).unwrap();
    let said = padded.notes.join("");
    assert!(["there/tokenizer.json", "\"[PAD]\"", "id 2", "2 rows"].iter().all(|s| said.contains(s)), "{said}");
    let error = padded.check_ids("the text", &padded.encode("a[PAD]").unwrap(), 2).unwrap_err().to_string();
    assert!(error.contains("the text has the token \"[PAD]\" with id 2") && error.contains("2 rows"), "{error}");
    let mut always = open(json!({"bos_token": "[BOS]", "add_bos_token": true}));
    let error = always.check_rows("there/tokenizer.json", 2).unwrap_err().to_string();
    assert!(
        error.contains("there/tokenizer.json") && error.contains("\"[BOS]\"") && error.contains("every text"),
        "{error}"
    );
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
    assert_eq!(ids(json!({}), config, "a").unwrap(), [1, 3]);
}
