//! Tokens that are matched in a text as a whole, by the files beside a `tokenizer.json`.

use serde_json::Value;
use tokenizers::{AddedToken, Tokenizer};

use super::settings::{Settings, failed};
use crate::model::ModelError;
use crate::model::keys::refused;

/// Names of tokens that transformers knows.
const NAMES: [&str; 7] = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// Lists of further tokens.
const LISTS: [&str; 2] = ["additional_special_tokens", "extra_special_tokens"];

/// A token as text, or as an object with its properties.
pub fn added_token(file: &str, key: &str, value: &Value, special: bool) -> Result<AddedToken, ModelError> {
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

/// Adds those of `added_tokens_decoder` (with its properties) or of `added_tokens.json`, then named ones that are not among
/// them.
pub fn add(tokenizer: &mut Tokenizer, settings: &Settings) -> Result<(), ModelError> {
    let mut named = named(settings)?;
    let with_ids = match settings.config.get("added_tokens_decoder") {
        None | Some(Value::Null) => of_added(tokenizer, settings, &named)?,
        Some(decoder) => of_decoder(settings.file, decoder)?,
    };
    let known = tokenizer.get_added_tokens_decoder();
    let changed: Vec<AddedToken> = with_ids
        .iter()
        .map(|one| &one.token)
        .filter(|one| !known.values().any(|token| token == *one))
        .cloned()
        .collect();
    if !changed.is_empty() {
        tokenizer.add_tokens(changed).map_err(|e| failed(settings.file, e))?;
    }
    for WithId { id, token, file, key, value } in &with_ids {
        let found = tokenizer.token_to_id(&token.content);
        if found != Some(*id) {
            let found = found.map_or("has no such token".into(), |found| format!("has it as {found}"));
            return Err(refused(file, key, value, format!("but tokenizer.json {found}")));
        }
    }
    let known = tokenizer.get_added_tokens_decoder();
    named.retain(|token| !token.content.is_empty() && !known.values().any(|one| one.content == token.content));
    if !named.is_empty() {
        tokenizer.add_special_tokens(named).map_err(|e| failed(settings.file, e))?;
    }
    Ok(())
}

/// A token that must have this id, and where that is said.
struct WithId<'a> {
    id: u32,
    token: AddedToken,
    file: &'a str,
    key: String,
    value: Value,
}

/// By id.
fn of_decoder<'a>(file: &'a str, decoder: &Value) -> Result<Vec<WithId<'a>>, ModelError> {
    let Some(entries) = decoder.as_object() else {
        return Err(refused(file, "added_tokens_decoder", decoder, "must be an object"));
    };
    let mut all = Vec::new();
    for (id, value) in entries {
        let key = format!("added_tokens_decoder.{id}");
        let id: u32 = id.parse().map_err(|_| refused(file, &key, value, "is not under a token id"))?;
        let token = added_token(file, &key, value, false)?;
        let value = Value::from(token.content.as_str());
        all.push(WithId { id, token, file, key, value });
    }
    all.sort_by_key(|one| one.id);
    Ok(all)
}

/// Those of `added_tokens.json`. What tokenizer.json says of a token of the same id comes before.
fn of_added<'a>(
    tokenizer: &Tokenizer,
    settings: &Settings<'a>,
    named: &[AddedToken],
) -> Result<Vec<WithId<'a>>, ModelError> {
    let Some((file, entries)) = &settings.added else { return Ok(Vec::new()) };
    let known = tokenizer.get_added_tokens_decoder();
    let mut all = Vec::new();
    for (content, value) in entries {
        let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
        let id = id.ok_or_else(|| refused(file, content, value, "must be a token id"))?;
        let special = named.iter().any(|one| one.content == *content);
        let token = match known.get(&id).filter(|one| one.content == *content) {
            Some(token) => token.clone(),
            None => AddedToken::from(content.as_str(), special).normalized(!special),
        };
        all.push(WithId { id, token, file, key: content.clone(), value: value.clone() });
    }
    all.sort_by_key(|one| one.id);
    Ok(all)
}

/// Tokens by name, and those of the lists, each once.
fn named(settings: &Settings) -> Result<Vec<AddedToken>, ModelError> {
    let mut all: Vec<AddedToken> = Vec::new();
    let mut push = |token: AddedToken| {
        if !all.iter().any(|one| one.content == token.content) {
            all.push(token);
        }
    };
    for key in NAMES {
        if let Some((file, value)) = settings.find(key) {
            push(added_token(file, key, value, true)?);
        }
    }
    let maps = [Some((settings.file, &settings.config)), settings.special.as_ref().map(|(file, map)| (*file, map))];
    for (file, map) in maps.into_iter().flatten() {
        for key in LISTS {
            let values: Vec<&Value> = match map.get(key) {
                Some(Value::Array(all)) => all.iter().collect(),
                Some(Value::Object(all)) => all.values().collect(),
                None | Some(Value::Null) => Vec::new(),
                Some(other) => return Err(refused(file, key, other, "must be a list of tokens")),
            };
            for value in values {
                push(added_token(file, key, value, true)?);
            }
        }
    }
    Ok(all)
}
