//! What a checkpoint says of itself: shape, normalisation, rotary frequencies; from config.json or GGUF metadata.

use serde::Deserialize;

use super::ModelError;
use super::shape::Shape;

/// Everything of a Llama-family model but its weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Dimensions.
    pub shape: Shape,
    /// Epsilon of the root-mean-square norms.
    pub rms_eps: f32,
    /// Rotary angle a position, [head_dim / 2], radians; long-context scaling included.
    pub frequencies: Vec<f32>,
}

/// theta^(-2j / head_dim) for j in 0..head_dim / 2.
pub fn base_frequencies(theta: f64, head_dim: usize) -> Vec<f32> {
    (0..head_dim / 2).map(|j| theta.powf(-2.0 * j as f64 / head_dim as f64) as f32).collect()
}

/// `config.json` as Hugging Face writes it, as far as the Llama family needs it.
#[derive(Debug, Deserialize)]
struct HuggingFace {
    model_type: String,
    hidden_size: usize,
    intermediate_size: usize,
    vocab_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    rms_norm_eps: f32,
    max_position_embeddings: usize,
    rope_theta: Option<f64>,
    rope_scaling: Option<RopeScaling>,
    /// Transformers 5 puts theta and scaling here.
    rope_parameters: Option<RopeScaling>,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default = "silu")]
    hidden_act: String,
}

fn silu() -> String {
    "silu".into()
}

#[derive(Debug, Deserialize)]
struct RopeScaling {
    #[serde(alias = "type")]
    rope_type: Option<String>,
    rope_theta: Option<f64>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<f64>,
}

impl Config {
    /// Reads `config.json`. Errors name what is missing or not supported.
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        let raw: HuggingFace =
            serde_json::from_str(text).map_err(|e| ModelError::Config(format!("config.json: {e}")))?;
        if raw.model_type != "llama" {
            return Err(ModelError::Config(format!(
                "config.json: model_type is {:?}; only the Llama family (`llama`) is supported",
                raw.model_type
            )));
        }
        if raw.attention_bias || raw.mlp_bias || raw.hidden_act != "silu" {
            return Err(ModelError::Config(
                "config.json: biases and activations other than silu are not supported".into(),
            ));
        }
        let head_dim = raw.head_dim.unwrap_or(raw.hidden_size / raw.num_attention_heads.max(1));
        let shape = Shape {
            hidden: raw.hidden_size,
            layers: raw.num_hidden_layers,
            heads: raw.num_attention_heads,
            kv_heads: raw.num_key_value_heads.unwrap_or(raw.num_attention_heads),
            head_dim,
            intermediate: raw.intermediate_size,
            vocabulary: raw.vocab_size,
            context: raw.max_position_embeddings,
            tied: raw.tie_word_embeddings,
        };
        shape.check().map_err(|e| ModelError::Config(format!("config.json: {e}")))?;
        let scaling = raw.rope_parameters.as_ref().or(raw.rope_scaling.as_ref());
        let theta = scaling.and_then(|s| s.rope_theta).or(raw.rope_theta).unwrap_or(10_000.0);
        let frequencies = scaled(base_frequencies(theta, head_dim), scaling)?;
        Ok(Self { shape, rms_eps: raw.rms_norm_eps, frequencies })
    }
}

/// Tokens that end an answer, by `generation_config.json` where it has them, else by `config.json`, as Hugging Face's `generate`
/// takes them; none if neither says.
pub fn eos_from_json(config: &str, generation: Option<&str>) -> Result<Vec<u32>, ModelError> {
    let read = |name: &str, text: &str| -> Result<Vec<u32>, ModelError> {
        let wrong = |why: String| ModelError::Config(format!("{name}: {why}"));
        let json: serde_json::Value = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        let id = |value: &serde_json::Value| {
            let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
            id.ok_or_else(|| wrong(format!("`eos_token_id` has {value}, which is no token id")))
        };
        match json.get("eos_token_id") {
            None | Some(serde_json::Value::Null) => Ok(Vec::new()),
            Some(serde_json::Value::Array(ids)) => ids.iter().map(id).collect(),
            Some(one) => Ok(vec![id(one)?]),
        }
    };
    let generation = generation.map(|text| read("generation_config.json", text)).transpose()?.unwrap_or_default();
    if generation.is_empty() { read("config.json", config) } else { Ok(generation) }
}

/// Llama 3's scaling: long wavelengths divided by `factor`, short ones kept, a ramp between.
fn scaled(base: Vec<f32>, scaling: Option<&RopeScaling>) -> Result<Vec<f32>, ModelError> {
    let Some(scaling) = scaling else { return Ok(base) };
    let missing = |what: &str| ModelError::Config(format!("config.json: rope scaling without `{what}`"));
    match scaling.rope_type.as_deref() {
        None | Some("default") => Ok(base),
        Some("linear") => {
            let factor = scaling.factor.ok_or_else(|| missing("factor"))?;
            Ok(base.into_iter().map(|f| (f64::from(f) / factor) as f32).collect())
        }
        Some("llama3") => {
            let factor = scaling.factor.ok_or_else(|| missing("factor"))?;
            let low = scaling.low_freq_factor.ok_or_else(|| missing("low_freq_factor"))?;
            let high = scaling.high_freq_factor.ok_or_else(|| missing("high_freq_factor"))?;
            let original =
                scaling.original_max_position_embeddings.ok_or_else(|| missing("original_max_position_embeddings"))?;
            Ok(base
                .into_iter()
                .map(|f| {
                    let f = f64::from(f);
                    let turns = original * f / std::f64::consts::TAU;
                    let smooth = ((turns - low) / (high - low)).clamp(0.0, 1.0);
                    ((1.0 - smooth) * f / factor + smooth * f) as f32
                })
                .collect())
        }
        Some(other) => Err(ModelError::Config(format!(
            "config.json: rope scaling {other:?} is not supported; default, linear and llama3 are"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LLAMA3: &str = r#"{"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "vocab_size": 128256,
        "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "rms_norm_eps": 1e-5,
        "max_position_embeddings": 131072, "rope_theta": 500000.0, "rope_scaling": {"factor": 8.0,
        "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"}}"#;

    #[test]
    fn llama3_scaling_keeps_short_waves_and_stretches_long_ones() {
        let config = Config::from_json(LLAMA3).unwrap();
        let base = base_frequencies(500_000.0, 128);
        assert_eq!(config.frequencies[0], base[0]);
        let last = config.frequencies.len() - 1;
        assert!((config.frequencies[last] / base[last] - 1.0 / 8.0).abs() < 1e-6);
        assert!(!config.shape.tied);
    }

    #[test]
    fn end_of_sequence_tokens() {
        let (one, many, none) = (r#"{"eos_token_id": 2}"#, r#"{"eos_token_id": [7, 9]}"#, r#"{"eos_token_id": null}"#);
        assert_eq!(eos_from_json(one, None).unwrap(), [2]);
        assert_eq!(eos_from_json(one, Some(many)).unwrap(), [7, 9]);
        assert_eq!(eos_from_json(many, Some(none)).unwrap(), [7, 9]);
        assert!(eos_from_json("{}", None).unwrap().is_empty());
        let error = eos_from_json(one, Some(r#"{"eos_token_id": "</s>"}"#)).unwrap_err().to_string();
        assert!(error.contains("generation_config.json") && error.contains("</s>"), "{error}");
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (from, to, said) in [
            ("\"llama\"", "\"mistral\"", "mistral"),
            ("\"llama3\"", "\"yarn\"", "yarn"),
            ("\"factor\": 8.0,", "", "factor"),
            ("\"num_key_value_heads\": 8", "\"num_key_value_heads\": 7", "key/value heads"),
            ("\"hidden_size\": 4096,", "", "hidden_size"),
        ] {
            let error = Config::from_json(&LLAMA3.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
