//! What `tokenizer.json` and the `tokenizer_config.json` beside it say that changes tokens: applied as transformers does, or
//! refused.

use serde_json::{Map, Value};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, Tokenizer};

use super::ModelError;
use super::keys::{Keys, Neutral, refused};

/// Keys of `tokenizer.json`, all of which the `tokenizers` crate reads (truncation and padding are for callers that ask).
const TOKENIZER: Keys = Keys {
    used: &[
        "version",
        "truncation",
        "padding",
        "added_tokens",
        "normalizer",
        "pre_tokenizer",
        "post_processor",
        "decoder",
        "model",
    ],
    harmless: &[],
    neutral: &[],
};

/// Keys of its `model`, of any type.
const MODEL: Keys = Keys {
    used: &[
        "type",
        "vocab",
        "merges",
        "unk_token",
        "unk_id",
        "continuing_subword_prefix",
        "end_of_word_suffix",
        "fuse_unk",
        "byte_fallback",
        "ignore_merges",
        "max_input_chars_per_word",
    ],
    harmless: &[],
    // Merges left out at random are for training: tokens would differ from run to run.
    neutral: &[("dropout", &[Neutral::Number(0.0)])],
};

/// Keys of `tokenizer_config.json`.
const CONFIG: Keys = Keys {
    used: &[
        "added_tokens_decoder",
        "additional_special_tokens",
        "extra_special_tokens",
        "add_bos_token",
        "add_eos_token",
        "add_prefix_space",
    ],
    harmless: &[
        "*_token",
        "*_tokens",
        "*_token_id",
        "*_token_type_id",
        "tokenizer_class",
        "processor_class",
        "auto_map",
        "backend",
        "is_local",
        "local_files_only",
        "name_or_path",
        "use_fast",
        "tokenizer_file",
        "vocab_file",
        "merges_file",
        "special_tokens_map_file",
        "transformers_version",
        "trust_remote_code",
        "model_max_length",
        "max_model_input_sizes",
        "model_input_names",
        "max_length",
        "stride",
        "padding",
        "padding_side",
        "pad_to_multiple_of",
        "truncation",
        "truncation_side",
        "truncation_strategy",
        "chat_template",
        "response_schema",
        "use_default_system_prompt",
        // How ids become text, not how text becomes ids.
        "clean_up_tokenization_spaces",
        "spaces_between_special_tokens",
        "errors",
        // Which conversion made tokenizer.json.
        "legacy",
        "from_slow",
        "unsloth_*",
    ],
    neutral: &[
        ("do_lower_case", &[Neutral::Flag(false)]),
        ("split_special_tokens", &[Neutral::Flag(false)]),
        ("sp_model_kwargs", &[Neutral::Empty]),
        ("strip_accents", &[Neutral::Flag(false)]),
        ("fix_mistral_regex", &[Neutral::Flag(false)]),
    ],
};

fn object(file: &str, text: &str) -> Result<Map<String, Value>, ModelError> {
    let wrong = |why: String| ModelError::Tokenizer(format!("{file}: {why}"));
    match serde_json::from_str(text).map_err(|e| wrong(e.to_string()))? {
        Value::Object(object) => Ok(object),
        _ => Err(wrong("is not a JSON object".into())),
    }
}

fn check(keys: &Keys, file: &str, object: &Map<String, Value>) -> Result<(), ModelError> {
    keys.check(file, object.iter().map(|(key, value)| (key.as_str(), value)))
}

/// Refuses keys of a `tokenizer.json` that the `tokenizers` crate would skip in silence.
pub fn check_tokenizer(file: &str, text: &str) -> Result<(), ModelError> {
    let json = object(file, text)?;
    check(&TOKENIZER, file, &json)?;
    match json.get("model") {
        Some(Value::Object(model)) => check(&MODEL, file, model),
        _ => Ok(()),
    }
}

/// Applies a `tokenizer_config.json` to the tokenizer that was read from the `tokenizer.json` beside it.
pub fn apply(tokenizer: &mut Tokenizer, file: &str, text: &str) -> Result<(), ModelError> {
    let config = object(file, text)?;
    check(&CONFIG, file, &config)?;
    add_tokens(tokenizer, file, &config)?;
    check_prefix_space(tokenizer, file, &config)?;
    add_ends(tokenizer, file, &config)
}

fn failed(file: &str, e: impl std::fmt::Display) -> ModelError {
    ModelError::Tokenizer(format!("{file}: {e}"))
}

/// A token as text, or as an object with its properties.
fn added_token(file: &str, key: &str, value: &Value, special: bool) -> Result<AddedToken, ModelError> {
    if let Some(content) = value.as_str() {
        return Ok(AddedToken::from(content, special));
    }
    let flag = |name: &str| value.get(name).and_then(Value::as_bool);
    let Some(content) = value.get("content").and_then(Value::as_str) else {
        return Err(refused(file, key, value, "must be a token: a text, or an object with `content`"));
    };
    let token = AddedToken::from(content, flag("special").unwrap_or(special));
    let normalized = flag("normalized").unwrap_or(token.normalized);
    Ok(token
        .single_word(flag("single_word").unwrap_or(false))
        .lstrip(flag("lstrip").unwrap_or(false))
        .rstrip(flag("rstrip").unwrap_or(false))
        .normalized(normalized))
}

/// Tokens that are matched in a text as a whole: those of `added_tokens_decoder` (with its properties), then named ones
/// that are not among them.
fn add_tokens(tokenizer: &mut Tokenizer, file: &str, config: &Map<String, Value>) -> Result<(), ModelError> {
    let mut decoder = Vec::new();
    if let Some(Value::Object(entries)) = config.get("added_tokens_decoder") {
        for (key, value) in entries {
            let name = format!("added_tokens_decoder.{key}");
            let id: u32 = key.parse().map_err(|_| refused(file, &name, value, "is not under a token id"))?;
            decoder.push((id, added_token(file, &name, value, false)?));
        }
    }
    decoder.sort_by_key(|(id, _)| *id);
    let known = tokenizer.get_added_tokens_decoder();
    let changed: Vec<AddedToken> =
        decoder.iter().filter(|(_, token)| !known.values().any(|one| one == token)).map(|(_, token)| token.clone()).collect();
    if !changed.is_empty() {
        tokenizer.add_tokens(changed).map_err(|e| failed(file, e))?;
    }
    for (id, token) in &decoder {
        let found = tokenizer.token_to_id(&token.content);
        if found != Some(*id) {
            let found = found.map_or("has no such token".into(), |found| format!("has it as {found}"));
            let value = Value::from(token.content.as_str());
            return Err(refused(file, &format!("added_tokens_decoder.{id}"), &value, format!("but tokenizer.json {found}")));
        }
    }
    let mut named = Vec::new();
    for key in ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"] {
        if let Some(value) = config.get(key).filter(|value| !value.is_null()) {
            named.push(added_token(file, key, value, true)?);
        }
    }
    for key in ["additional_special_tokens", "extra_special_tokens"] {
        let values: Vec<&Value> = match config.get(key) {
            Some(Value::Array(all)) => all.iter().collect(),
            Some(Value::Object(all)) => all.values().collect(),
            _ => Vec::new(),
        };
        for value in values {
            named.push(added_token(file, key, value, true)?);
        }
    }
    let known = tokenizer.get_added_tokens_decoder();
    named.retain(|token| !token.content.is_empty() && !known.values().any(|one| one.content == token.content));
    if !named.is_empty() {
        tokenizer.add_special_tokens(named).map_err(|e| failed(file, e))?;
    }
    Ok(())
}

/// `add_prefix_space` must be what the tokenizer does already.
fn check_prefix_space(tokenizer: &Tokenizer, file: &str, config: &Map<String, Value>) -> Result<(), ModelError> {
    let key = "add_prefix_space";
    let Some(asked) = config.get(key).and_then(Value::as_bool) else { return Ok(()) };
    let steps = [serde_json::to_value(tokenizer.get_normalizer()), serde_json::to_value(tokenizer.get_pre_tokenizer())];
    let mut done = None;
    for steps in steps {
        find_prefix_space(&steps.map_err(|e| failed(file, e))?, &mut done);
    }
    match done.filter(|done| *done != asked) {
        Some(done) => {
            let does = if done { "adds one" } else { "adds none" };
            Err(refused(file, key, &asked.into(), format!("but tokenizer.json {does}; both must agree")))
        }
        None => Ok(()),
    }
}

/// Whether any step puts a space before a text; `None` if none is of a kind that could.
fn find_prefix_space(step: &Value, found: &mut Option<bool>) {
    let mut say = |adds: bool| *found = Some(adds || *found == Some(true));
    match step.get("type").and_then(Value::as_str) {
        Some("ByteLevel") => say(step.get("add_prefix_space").and_then(Value::as_bool) == Some(true)),
        Some("Metaspace") => say(step.get("prepend_scheme").and_then(Value::as_str) != Some("never")),
        Some("Prepend") => say(true),
        _ => {}
    }
    for name in ["normalizers", "pretokenizers"] {
        for inner in step.get(name).and_then(Value::as_array).into_iter().flatten() {
            find_prefix_space(inner, found);
        }
    }
}

/// `add_bos_token` and `add_eos_token`, where they differ from what the tokenizer's own post-processor adds.
fn add_ends(tokenizer: &mut Tokenizer, file: &str, config: &Map<String, Value>) -> Result<(), ModelError> {
    let flag = |key: &str| config.get(key).and_then(Value::as_bool);
    let (bos, eos) = (flag("add_bos_token"), flag("add_eos_token"));
    if bos.is_none() && eos.is_none() {
        return Ok(());
    }
    let ids = |special: bool| -> Result<Vec<u32>, ModelError> {
        Ok(tokenizer.encode_fast("a", special).map_err(|e| failed(file, e))?.get_ids().to_vec())
    };
    let (bare, whole) = (ids(false)?, ids(true)?);
    let at = (0..=whole.len().saturating_sub(bare.len())).find(|&at| whole[at..].starts_with(&bare)).unwrap_or(0);
    let (before, after) = (&whole[..at], &whole[(at + bare.len()).min(whole.len())..]);
    // As in transformers, a token that is not named cannot be added.
    let token = |name: &str| -> Result<Option<(String, u32)>, ModelError> {
        let Some(value) = config.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
        let content = added_token(file, name, value, true)?.content;
        Ok(tokenizer.token_to_id(&content).map(|id| (content, id)))
    };
    let (bos_token, eos_token) = (token("bos_token")?, token("eos_token")?);
    let wanted = |flag: Option<bool>, token: &Option<(String, u32)>, there: &[u32]| match flag {
        None => there.to_vec(),
        Some(true) => token.iter().map(|(_, id)| *id).collect(),
        Some(false) => Vec::new(),
    };
    let (wanted_before, wanted_after) = (wanted(bos, &bos_token, before), wanted(eos, &eos_token, after));
    if wanted_before == before && wanted_after == after {
        return Ok(());
    }
    let mut template = Vec::new();
    let mut special = Vec::new();
    let mut push = |template: &mut Vec<String>, ids: &[u32]| {
        for id in ids {
            let Some(content) = tokenizer.id_to_token(*id) else { continue };
            template.push(content.clone());
            if !special.contains(&(content.clone(), *id)) {
                special.push((content, *id));
            }
        }
    };
    push(&mut template, &wanted_before);
    template.push("$A".into());
    push(&mut template, &wanted_after);
    let template = TemplateProcessing::builder()
        .try_single(template)
        .map_err(|e| failed(file, e))?
        .special_tokens(special)
        .build()
        .map_err(|e| failed(file, e))?;
    tokenizer.with_post_processor(Some(template));
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        let tokenizer = crate::model::tokenizer::Tokenizer::from_files(&path, config).map_err(|e| e.to_string())?;
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
            (json!({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}}),
             json!({"add_prefix_space": true}), vec!["`add_prefix_space`", "adds none"]),
            (json!({"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}]}}),
             json!({"add_prefix_space": false}), vec!["`add_prefix_space`", "adds one"]),
        ] {
            let error = ids(change, config, "a").unwrap_err();
            assert!(said.iter().all(|said| error.contains(said)), "{error}");
        }
        // As people have them.
        let config = json!({"tokenizer_class": "LlamaTokenizer", "model_max_length": 1e30, "clean_up_tokenization_spaces": false,
            "legacy": false, "padding_side": "right", "sp_model_kwargs": {}, "use_default_system_prompt": false, "add_prefix_space": null,
            "chat_template": "{{ x }}", "additional_special_tokens": ["<s>"], "pad_token": null, "image_token": "<image>"});
        assert_eq!(ids(json!({}), config, "a").unwrap(), [3]);
    }
}
