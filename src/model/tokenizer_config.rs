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
        "cache_dir",
        "revision",
        "tokenizer_type",
        "added_tokens_file",
        "init_*",
        "vocab_size",
        "return_token_type_ids",
        "return_tensors",
        "model_max_length",
        "max_model_input_sizes",
        "model_input_names",
        "max_length",
        "max_seq_length",
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

/// A flag; none where it is missing or null.
fn flag(file: &str, config: &Map<String, Value>, key: &str) -> Result<Option<bool>, ModelError> {
    match config.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(other) => Err(refused(file, key, other, "must be true, false or null")),
    }
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
    match config.get("added_tokens_decoder") {
        None | Some(Value::Null) => {}
        Some(Value::Object(entries)) => {
            for (key, value) in entries {
                let name = format!("added_tokens_decoder.{key}");
                let id: u32 = key.parse().map_err(|_| refused(file, &name, value, "is not under a token id"))?;
                decoder.push((id, added_token(file, &name, value, false)?));
            }
        }
        Some(other) => return Err(refused(file, "added_tokens_decoder", other, "must be an object")),
    }
    decoder.sort_by_key(|(id, _)| *id);
    let known = tokenizer.get_added_tokens_decoder();
    let changed: Vec<AddedToken> = decoder
        .iter()
        .filter(|(_, token)| !known.values().any(|one| one == token))
        .map(|(_, token)| token.clone())
        .collect();
    if !changed.is_empty() {
        tokenizer.add_tokens(changed).map_err(|e| failed(file, e))?;
    }
    for (id, token) in &decoder {
        let found = tokenizer.token_to_id(&token.content);
        if found != Some(*id) {
            let found = found.map_or("has no such token".into(), |found| format!("has it as {found}"));
            let value = Value::from(token.content.as_str());
            return Err(refused(
                file,
                &format!("added_tokens_decoder.{id}"),
                &value,
                format!("but tokenizer.json {found}"),
            ));
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
            None | Some(Value::Null) => Vec::new(),
            Some(other) => return Err(refused(file, key, other, "must be a list of tokens")),
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
    let Some(asked) = flag(file, config, key)? else { return Ok(()) };
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
    let (bos, eos) = (flag(file, config, "add_bos_token")?, flag(file, config, "add_eos_token")?);
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
