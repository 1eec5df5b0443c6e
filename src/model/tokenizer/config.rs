//! What `tokenizer.json` and the files beside it say that changes tokens: applied as transformers does, or refused.

use serde_json::Value;
use tokenizers::Tokenizer;

use super::settings::{Beside, Settings, check, failed, object};
use super::{ends, tokens};
use crate::model::ModelError;
use crate::model::keys::{Keys, Neutral, refused};

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
    // Random omission of merges is for training: tokens would differ from run to run.
    neutral: &[("dropout", &[Neutral::Number(0.0)])],
};

/// Refuses keys of a `tokenizer.json` that the `tokenizers` crate would silently ignore.
pub fn check_tokenizer(file: &str, text: &str) -> Result<(), ModelError> {
    let json = object(file, text)?;
    check(&TOKENIZER, file, &json)?;
    match json.get("model") {
        Some(Value::Object(model)) => check(&MODEL, file, model),
        _ => Ok(()),
    }
}

/// Applies the files beside a `tokenizer.json` to the tokenizer that was read from it. Returns notes for the user, and the token
/// that they name as the beginning of a text.
pub fn apply(tokenizer: &mut Tokenizer, beside: Beside) -> Result<(Vec<String>, Option<u32>), ModelError> {
    let of_llama = beside.of_llama;
    let settings = Settings::read(beside)?;
    tokens::add(tokenizer, &settings)?;
    check_prefix_space(tokenizer, &settings)?;
    let mut notes = ends::add(tokenizer, &settings)?;
    if of_llama {
        notes.extend(note_on_spaces(tokenizer, &settings)?);
    }
    let bos = match settings.find("bos_token") {
        Some((file, value)) => tokenizer.token_to_id(&tokens::added_token(file, "bos_token", value, true)?.content),
        None => None,
    };
    Ok((notes, bos))
}

/// Checks that `add_prefix_space` agrees with what the tokenizer does.
fn check_prefix_space(tokenizer: &Tokenizer, settings: &Settings) -> Result<(), ModelError> {
    let file = settings.file;
    let key = "add_prefix_space";
    let Some(asked) = settings.flag(key)? else { return Ok(()) };
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

/// Transformers 5 builds LLaMA's tokenizers anew from the vocabulary, so that their published normalizer does not count.
fn note_on_spaces(tokenizer: &Tokenizer, settings: &Settings) -> Result<Option<String>, ModelError> {
    let normalizer = serde_json::to_value(tokenizer.get_normalizer()).map_err(|e| failed(settings.file, e))?;
    let mut prepends = None;
    find_prefix_space(&normalizer, &mut prepends);
    Ok((prepends == Some(true) && ends::is_llama(settings)).then(|| {
        "note: by its normalizer, tokenizer.json puts a space after each special token inside a text, such as PTB's <unk>, as in \
         transformers 4; transformers 5 puts one before the text only"
            .into()
    }))
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

#[cfg(test)]
mod tests;
