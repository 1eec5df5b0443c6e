//! `generation_config.json`: the tokens that end an answer, and settings that would change a greedy answer.

use serde_json::{Map, Value};

use super::ModelError;
use super::keys::{Keys, Neutral, refused};

/// Keys of `generation_config.json`. Those of sampling are harmless, since generation here is greedy; those that change which
/// token is the likeliest are not.
const KEYS: Keys = Keys {
    used: &["eos_token_id"],
    harmless: &[
        "_from_model_config",
        "_commit_hash",
        "transformers_version",
        "bos_token_id",
        "pad_token_id",
        "decoder_start_token_id",
        "max_length",
        "max_new_tokens",
        "max_time",
        "do_sample",
        "early_stopping",
        "num_return_sequences",
        "temperature",
        "top_k",
        "top_p",
        "top_h",
        "min_p",
        "typical_p",
        "epsilon_cutoff",
        "eta_cutoff",
        "length_penalty",
        "renormalize_logits",
        "remove_invalid_values",
        "use_cache",
        "cache_implementation",
        "cache_config",
        "max_cache_len",
        "return_legacy_cache",
        "prefill_chunk_size",
        "output_attentions",
        "output_hidden_states",
        "output_logits",
        "output_scores",
        "return_dict_in_generate",
        "num_assistant_tokens*",
        "assistant_*",
        "target_lookbehind",
        "prompt_lookup_num_tokens",
        "max_matching_ngram_size",
        "is_assistant",
        "disable_compile",
        "compile_config",
        "low_memory",
        "chat_format",
        "trust_remote_code",
    ],
    neutral: &[
        ("repetition_penalty", &[Neutral::Number(1.0)]),
        ("encoder_repetition_penalty", &[Neutral::Number(1.0)]),
        ("no_repeat_ngram_size", &[Neutral::Number(0.0)]),
        ("encoder_no_repeat_ngram_size", &[Neutral::Number(0.0)]),
        ("min_length", &[Neutral::Number(0.0)]),
        ("min_new_tokens", &[Neutral::Number(0.0)]),
        ("num_beams", &[Neutral::Number(1.0)]),
        ("num_beam_groups", &[Neutral::Number(1.0)]),
        ("diversity_penalty", &[Neutral::Number(0.0)]),
        ("penalty_alpha", &[Neutral::Number(0.0)]),
        ("guidance_scale", &[Neutral::Number(1.0)]),
        ("bad_words_ids", &[Neutral::Empty]),
        ("force_words_ids", &[Neutral::Empty]),
        ("forced_bos_token_id", &[]),
        ("forced_eos_token_id", &[]),
        ("forced_decoder_ids", &[Neutral::Empty]),
        ("suppress_tokens", &[Neutral::Empty]),
        ("begin_suppress_tokens", &[Neutral::Empty]),
        ("sequence_bias", &[Neutral::Empty]),
        ("exponential_decay_length_penalty", &[]),
        ("constraints", &[Neutral::Empty]),
        ("stop_strings", &[Neutral::Empty]),
        ("dola_layers", &[]),
        ("watermarking_config", &[Neutral::Empty]),
        ("token_healing", &[Neutral::Flag(false)]),
        ("use_mtp", &[Neutral::Flag(false)]),
    ],
};

fn object(file: &str, text: &str) -> Result<Map<String, Value>, ModelError> {
    let wrong = |why: String| ModelError::Config(format!("{file}: {why}"));
    match serde_json::from_str(text).map_err(|e| wrong(e.to_string()))? {
        Value::Object(object) => Ok(object),
        _ => Err(wrong("is not a JSON object".into())),
    }
}

/// A file's name and text.
pub type Named<'a> = (&'a str, &'a str);

/// Tokens that end an answer, from `generation_config.json` if it names any, else from `config.json`, as in Hugging Face's
/// `generate`; there may be none. All are less than `vocabulary`.
pub fn eos(config: Named, generation: Option<Named>, vocabulary: usize) -> Result<Vec<u32>, ModelError> {
    let read = |(file, text): Named| -> Result<Vec<u32>, ModelError> {
        let id = |value: &Value| {
            let wrong = |why: String| refused(file, "eos_token_id", value, why);
            let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
            match id.ok_or_else(|| wrong("is not a token id".into()))? {
                id if (id as usize) < vocabulary => Ok(id),
                _ => Err(wrong(format!("is beyond the vocabulary of {vocabulary} tokens"))),
            }
        };
        match object(file, text)?.get("eos_token_id") {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(ids)) => ids.iter().map(id).collect(),
            Some(one) => Ok(vec![id(one)?]),
        }
    };
    match generation.map(read).transpose()? {
        Some(ids) if !ids.is_empty() => Ok(ids),
        _ => read(config),
    }
}

/// Refuses a `generation_config.json` that would change greedy answers.
pub fn check_greedy((file, text): Named) -> Result<(), ModelError> {
    KEYS.check(file, object(file, text)?.iter().map(|(key, value)| (key.as_str(), value)))
}

#[cfg(test)]
mod tests;
