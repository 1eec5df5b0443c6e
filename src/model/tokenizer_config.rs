//! What `tokenizer.json` and the files beside it (`tokenizer_config.json`, `special_tokens_map.json`, `added_tokens.json`) say
//! that changes tokens: applied as transformers does, or refused.

use serde_json::{Map, Value};
use tokenizers::Tokenizer;

use super::generation::Named;
use super::keys::{Keys, Neutral, refused};
use super::{ModelError, tokenizer_ends, tokenizer_tokens};

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
        // Arguments of from_pretrained that were saved with it.
        "_commit_hash",
        "commit_hash",
        "device_map",
        "device",
        "torch_dtype",
        "dtype",
        "low_cpu_mem_usage",
        "load_in_4bit",
        "load_in_8bit",
        "attn_implementation",
        "use_safetensors",
        "force_download",
        "resume_download",
        "proxies",
        "subfolder",
        "token",
        "use_auth_token",
        "gguf_file",
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

/// Keys of `special_tokens_map.json`: names of tokens, and lists of them.
const SPECIAL: Keys = Keys {
    used: &["additional_special_tokens", "extra_special_tokens"],
    harmless: &["*_token", "*_tokens"],
    neutral: &[],
};

/// The files beside a `tokenizer.json`, name and text of each.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// `tokenizer_config.json`.
    pub config: Option<Named<'a>>,
    /// `special_tokens_map.json`.
    pub special: Option<Named<'a>>,
    /// `added_tokens.json`.
    pub added: Option<Named<'a>>,
}

/// What the files beside a `tokenizer.json` say. As in transformers, `special_tokens_map.json` and `added_tokens.json` count
/// only where `tokenizer_config.json` has no `added_tokens_decoder`, which replaced them.
pub struct Settings<'a> {
    /// The name of `tokenizer_config.json`.
    pub file: &'a str,
    /// Its keys; none without the file.
    pub config: Map<String, Value>,
    /// `special_tokens_map.json`, where it counts.
    pub special: Option<(&'a str, Map<String, Value>)>,
    /// `added_tokens.json`, where it counts: ids by token.
    pub added: Option<(&'a str, Map<String, Value>)>,
}

impl<'a> Settings<'a> {
    fn read(beside: Beside<'a>) -> Result<Self, ModelError> {
        let open = |named: Option<Named<'a>>| {
            named.map(|(file, text)| Ok::<_, ModelError>((file, object(file, text)?))).transpose()
        };
        let (file, config) = open(beside.config)?.unwrap_or(("tokenizer_config.json", Map::new()));
        check(&CONFIG, file, &config)?;
        let whole = config.get("added_tokens_decoder").is_some_and(|decoder| !decoder.is_null());
        let (special, added) = if whole { (None, None) } else { (open(beside.special)?, open(beside.added)?) };
        if let Some((file, map)) = &special {
            check(&SPECIAL, file, map)?;
        }
        Ok(Self { file, config, special, added })
    }

    /// Where a key is said that both files may have, with what: `special_tokens_map.json` comes first, as in transformers.
    pub fn find(&self, key: &str) -> Option<(&'a str, &Value)> {
        let special = self.special.as_ref().filter(|(_, map)| map.get(key).is_some_and(|value| !value.is_null()));
        match special {
            Some((file, map)) => Some((file, &map[key])),
            None => self.config.get(key).filter(|value| !value.is_null()).map(|value| (self.file, value)),
        }
    }

    /// A flag of `tokenizer_config.json`; none where it is missing or null.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, ModelError> {
        match self.config.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(refused(self.file, key, other, "must be true, false or null")),
        }
    }
}

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

/// Applies the files beside a `tokenizer.json` to the tokenizer that was read from it. Returns what the user should know.
pub fn apply(tokenizer: &mut Tokenizer, beside: Beside) -> Result<Vec<String>, ModelError> {
    let settings = Settings::read(beside)?;
    tokenizer_tokens::add(tokenizer, &settings)?;
    check_prefix_space(tokenizer, &settings)?;
    tokenizer_ends::add(tokenizer, &settings)
}

/// The error that a library gave at what `file` says.
pub fn failed(file: &str, e: impl std::fmt::Display) -> ModelError {
    ModelError::Tokenizer(format!("{file}: {e}"))
}

/// `add_prefix_space` must be what the tokenizer does already.
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
