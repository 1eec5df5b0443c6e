//! Tokens before and after every text: `add_bos_token` and `add_eos_token` of a `tokenizer_config.json`.
//!
//! The post-processor of tokenizer.json adds them. In transformers 4 the class of LLaMA's tokenizers replaces it by these two
//! flags (true and false where they are missing), and no other class does; transformers 5 ignores the flags wherever there is
//! a tokenizer.json. Here it is done as in transformers 4, and a note says where that makes other tokens than
//! transformers 5. Files without a class, or written by transformers 5 (which leaves the flags out), keep what tokenizer.json
//! adds unless they have a flag.

use serde_json::Value;
use tokenizers::Tokenizer;
use tokenizers::processors::template::TemplateProcessing;

use super::settings::{Settings, failed};
use super::tokens::added_token;
use crate::guard::unless_it_panics;
use crate::model::ModelError;

/// Tokens with their ids.
type Tokens = Vec<(String, u32)>;

/// Applies the flags where they differ from what the tokenizer adds itself. Returns notes for the user.
pub fn add(tokenizer: &mut Tokenizer, settings: &Settings) -> Result<Vec<String>, ModelError> {
    let file = settings.file;
    if !is_llama(settings) {
        return Ok(Vec::new());
    }
    // Only transformers 5 writes `backend`.
    let by_class = class(settings).is_some() && !settings.config.contains_key("backend");
    let flag = |key: &str, missing: bool| match settings.config.get(key) {
        None => Ok(by_class.then_some(missing)),
        Some(_) => settings.flag(key),
    };
    let (bos, eos) = (flag("add_bos_token", true)?, flag("add_eos_token", false)?);
    if bos.is_none() && eos.is_none() {
        return Ok(Vec::new());
    }
    let (before, after) = there(tokenizer, file)?;
    let bos_token = named(tokenizer, settings, "bos_token", "<s>")?;
    let eos_token = named(tokenizer, settings, "eos_token", "</s>")?;
    let wanted = |flag: Option<bool>, token: &Option<(String, u32)>, there: &Tokens| match (flag, token) {
        (Some(true), Some(token)) => vec![token.clone()],
        (Some(false), _) => Vec::new(),
        // Nothing is said of it, or no token is named that could be added.
        (None, _) | (Some(true), None) => there.clone(),
    };
    let (wanted_before, wanted_after) = (wanted(bos, &bos_token, &before), wanted(eos, &eos_token, &after));
    if wanted_before == before && wanted_after == after {
        return Ok(Vec::new());
    }
    let mut template: Vec<String> = wanted_before.iter().map(|(token, _)| token.clone()).collect();
    template.push("$A".into());
    template.extend(wanted_after.iter().map(|(token, _)| token.clone()));
    let mut special = [wanted_before.clone(), wanted_after.clone()].concat();
    special.sort_by_key(|(_, id)| *id);
    special.dedup();
    let template = TemplateProcessing::builder()
        .try_single(template)
        .map_err(|e| failed(file, e))?
        .special_tokens(special)
        .build()
        .map_err(|e| failed(file, e))?;
    tokenizer.with_post_processor(Some(template));
    Ok(vec![format!(
        "note: by `add_bos_token` and `add_eos_token` of {file}{}, a text begins with {} and ends with {}, as in transformers 4; \
         transformers 5 ignores them, and by tokenizer.json it begins with {} and ends with {}",
        if by_class { " (true and false where its class finds none)" } else { "" },
        show(&wanted_before),
        show(&wanted_after),
        show(&before),
        show(&after)
    )])
}

/// Whether the tokenizer is of LLaMA's class.
pub fn is_llama(settings: &Settings) -> bool {
    // Without a class, that of the model: LLaMA's.
    class(settings).is_none_or(|class| ["Llama", "CodeLlama"].iter().any(|start| class.starts_with(start)))
}

fn class<'a>(settings: &'a Settings) -> Option<&'a str> {
    settings.config.get("tokenizer_class").and_then(Value::as_str)
}

fn show(tokens: &Tokens) -> String {
    if tokens.is_empty() {
        return "no token of its own".into();
    }
    tokens.iter().map(|(token, _)| format!("{token:?}")).collect::<Vec<_>>().join(" ")
}

/// What the tokenizer itself adds before and after a text.
fn there(tokenizer: &Tokenizer, file: &str) -> Result<(Tokens, Tokens), ModelError> {
    let ids = |special: bool| -> Result<Vec<u32>, ModelError> {
        // For some invalid tokenizers the library panics.
        let encoding = unless_it_panics(|| tokenizer.encode_fast("a", special)).map_err(|e| failed(file, e))?;
        Ok(encoding.map_err(|e| failed(file, e))?.get_ids().to_vec())
    };
    let (bare, whole) = (ids(false)?, ids(true)?);
    let at = (0..=whole.len().saturating_sub(bare.len())).find(|&at| whole[at..].starts_with(&bare)).unwrap_or(0);
    let tokens = |ids: &[u32]| ids.iter().filter_map(|&id| Some((tokenizer.id_to_token(id)?, id))).collect();
    Ok((tokens(&whole[..at]), tokens(&whole[(at + bare.len()).min(whole.len())..])))
}

/// The token of that name and its id. If the files do not name it, it is `default`, that of the class; there is none if the files
/// say so or the vocabulary lacks it.
fn named(
    tokenizer: &Tokenizer,
    settings: &Settings,
    name: &str,
    default: &str,
) -> Result<Option<(String, u32)>, ModelError> {
    let content = match settings.find(name) {
        Some((file, value)) => added_token(file, name, value, true)?.content,
        None if settings.config.contains_key(name) => return Ok(None),
        None => default.to_string(),
    };
    Ok(tokenizer.token_to_id(&content).map(|id| (content, id)))
}
