//! What the files beside a `tokenizer.json` say: `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json`. Read
//! and checked here; `config.rs`, `tokens.rs` and `ends.rs` apply them.

use serde_json::{Map, Value};

use crate::model::ModelError;
use crate::model::generation::Named;
use crate::model::keys::{Keys, Neutral, refused};

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
    /// Whether the model is a Llama, whose tokenizer transformers 5 makes anew from its vocabulary.
    pub of_llama: bool,
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
    /// Reads the files, and refuses keys that may change tokens and are not known.
    pub fn read(beside: Beside<'a>) -> Result<Self, ModelError> {
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

/// The JSON object in a text.
pub fn object(file: &str, text: &str) -> Result<Map<String, Value>, ModelError> {
    let wrong = |why: String| ModelError::Tokenizer(format!("{file}: {why}"));
    match serde_json::from_str(text).map_err(|e| wrong(e.to_string()))? {
        Value::Object(object) => Ok(object),
        _ => Err(wrong("is not a JSON object".into())),
    }
}

/// Refuses keys that may change tokens and are not known.
pub fn check(keys: &Keys, file: &str, object: &Map<String, Value>) -> Result<(), ModelError> {
    keys.check(file, object.iter().map(|(key, value)| (key.as_str(), value)))
}

/// The error that a library gave at what `file` says.
pub fn failed(file: &str, e: impl std::fmt::Display) -> ModelError {
    ModelError::Tokenizer(format!("{file}: {e}"))
}
