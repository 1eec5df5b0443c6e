//! The configuration of a model: shape, normalisation, rotary frequencies. Read from config.json here, and from GGUF metadata in
//! `gguf.rs`.

use serde_json::Value;

use self::keys::KEYS;
use super::ModelError;
use super::keys::{Fields, refused};
use super::rope;
use super::shape::Shape;

pub use super::rope::base_frequencies;

mod keys;

/// Everything about a model of the Llama family except its weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Dimensions.
    pub shape: Shape,
    /// Epsilon of the root-mean-square norms.
    pub rms_eps: f32,
    /// Rotary angle per position, [head_dim / 2], in radians, with long-context scaling.
    pub frequencies: Vec<f32>,
}

/// What [`Shape::check`] calls the dimensions, by the keys of `config.json`.
const NAMES: [&str; 8] = [
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
];

impl Config {
    /// Reads a `config.json`. Errors name what is missing or not supported.
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        Self::read("config.json", text)
    }

    /// Reads the text of a `config.json`; messages name `file`.
    pub fn read(file: &str, text: &str) -> Result<Self, ModelError> {
        let wrong = |why: String| ModelError::Config(format!("{file}: {why}"));
        let json: Value = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        let object = json.as_object().ok_or_else(|| wrong("is not a JSON object".into()))?;
        let fields = Fields { file, object };
        let kind = fields.need("model_type")?;
        if kind.as_str() != Some("llama") {
            return Err(refused(file, "model_type", kind, "is not supported; only the Llama family (`llama`) is"));
        }
        let shape = shape(&fields)?;
        KEYS.check(file, object.iter().map(|(key, value)| (key.as_str(), value)))?;
        check_beside(&fields, shape.context)?;
        let eps = fields.number("rms_norm_eps")? as f32;
        if !eps.is_finite() || eps <= 0.0 {
            return Err(refused(file, "rms_norm_eps", fields.need("rms_norm_eps")?, "must be a number greater than 0"));
        }
        let (theta, scaling) = rope::from_config(file, object)?;
        let frequencies = rope::frequencies(theta, shape.head_dim, scaling);
        Ok(Self { shape, rms_eps: eps, frequencies })
    }
}

fn shape(fields: &Fields) -> Result<Shape, ModelError> {
    let need = |key: &str| fields.count(key)?.ok_or_else(|| fields.lacks(key));
    let wrong = |why: String| ModelError::Config(format!("{}: {why}", fields.file));
    let (hidden, heads) = (need("hidden_size")?, need("num_attention_heads")?);
    let head_dim = match fields.count("head_dim")? {
        Some(width) => width,
        // Heads of 0 are named below.
        None if heads == 0 => 2,
        None if hidden.is_multiple_of(heads) => hidden / heads,
        None => return Err(wrong(format!("hidden_size {hidden} is not a multiple of num_attention_heads {heads}"))),
    };
    let context = "max_position_embeddings";
    let shape = Shape {
        hidden,
        layers: need("num_hidden_layers")?,
        heads,
        kv_heads: fields.count("num_key_value_heads")?.unwrap_or(heads),
        head_dim,
        intermediate: need("intermediate_size")?,
        vocabulary: need("vocab_size")?,
        // The first conversions of LLaMA wrote this instead.
        context: match (fields.count(context)?, fields.count("max_sequence_length")?) {
            (Some(context), _) | (None, Some(context)) => context,
            (None, None) => return Err(fields.lacks(context)),
        },
        // As in transformers, a Llama without the key is untied.
        tied: fields.flag("tie_word_embeddings")?.unwrap_or(false),
    };
    shape.check(&NAMES).map_err(wrong)?;
    Ok(shape)
}

/// Checks what the table of keys cannot express: values that are neutral only together with others.
fn check_beside(fields: &Fields, context: usize) -> Result<(), ModelError> {
    let no = |key: &str, why: &str| Err(refused(fields.file, key, fields.need(key)?, why));
    if fields.text("hidden_act")?.is_some_and(|act| !matches!(act, "silu" | "swish")) {
        return no("hidden_act", "is not supported; only \"silu\" is");
    }
    // A window at least as long as the context has no effect.
    if fields.count("sliding_window")?.is_some_and(|window| window < context)
        && fields.flag("use_sliding_window")? != Some(false)
    {
        return no("sliding_window", "is not supported; only null is, or a window as long as the context");
    }
    let llama = |name: &Value| name.as_str().map(|name| name.to_lowercase().starts_with("llama"));
    match fields.get("architectures") {
        None => Ok(()),
        Some(Value::Array(names)) if names.iter().all(|name| llama(name) == Some(true)) => Ok(()),
        Some(Value::Array(names)) if names.iter().all(Value::is_string) => {
            no("architectures", "is not the Llama architecture, which `model_type` says")
        }
        Some(_) => no("architectures", "must be a list of texts"),
    }
}

#[cfg(test)]
mod tests;
