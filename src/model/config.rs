//! What a checkpoint says of itself: shape, normalisation, rotary frequencies; from config.json or GGUF metadata.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::ModelError;
use super::keys::{Keys, Neutral, refused};
use super::rope;
use super::shape::Shape;

pub use super::rope::base_frequencies;

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

/// Keys of `config.json`. Those of generation, tokenizing and training are harmless: transformers 5 itself drops the first.
const KEYS: Keys = Keys {
    used: &[
        "model_type",
        "hidden_size",
        "intermediate_size",
        "vocab_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "head_dim",
        "rms_norm_eps",
        "max_position_embeddings",
        "original_max_position_embeddings",
        "rope_theta",
        "rope_scaling",
        "rope_parameters",
        "tie_word_embeddings",
        "hidden_act",
        "eos_token_id",
        "sliding_window",
        "use_sliding_window",
    ],
    harmless: &[
        "_name_or_path",
        "name_or_path",
        "_commit_hash",
        "_attn_implementation*",
        "attn_implementation",
        "_flash_attn_2_enabled",
        "use_flash_attn*",
        "_experts_implementation*",
        "architectures",
        "auto_map",
        "transformers_version",
        "transformers.js_config",
        "torch_dtype",
        "dtype",
        "torchscript",
        "use_bfloat16",
        "use_cache",
        "cache_implementation",
        "cache_config",
        "max_sequence_length",
        "max_window_layers",
        "pretraining_tp",
        "initializer_range",
        "attention_dropout",
        "attention_probs_dropout_prob",
        "hidden_dropout",
        "hidden_dropout_prob",
        "attn_pdrop",
        "resid_pdrop",
        "embd_pdrop",
        "resid_dropout",
        "dropout",
        "layerdrop",
        "classifier_dropout",
        "gradient_checkpointing",
        "neftune_noise_alpha",
        "router_aux_loss_coef",
        "output_attentions",
        "output_hidden_states",
        "output_scores",
        "output_router_logits",
        "return_dict",
        "return_dict_in_generate",
        "keys_to_ignore_at_inference",
        "tf_legacy_loss",
        "finetuning_task",
        "task_specific_params",
        "problem_type",
        "id2label",
        "label2id",
        "num_labels",
        "tokenizer_class",
        "prefix",
        "chat_template",
        "bos_token_id",
        "pad_token_id",
        "unk_token_id",
        "sep_token_id",
        "decoder_start_token_id",
        "pad_token",
        "bos_token",
        "eos_token",
        "is_llama_config",
        "model_name",
        "model_max_length",
        "tensor_parallel",
        "unsloth_*",
        "is_decoder",
        "max_length",
        "max_new_tokens",
        "min_length",
        "do_sample",
        "early_stopping",
        "num_beams",
        "num_beam_groups",
        "num_return_sequences",
        "diversity_penalty",
        "length_penalty",
        "repetition_penalty",
        "no_repeat_ngram_size",
        "encoder_no_repeat_ngram_size",
        "bad_words_ids",
        "forced_bos_token_id",
        "forced_eos_token_id",
        "remove_invalid_values",
        "exponential_decay_length_penalty",
        "suppress_tokens",
        "begin_suppress_tokens",
        "temperature",
        "top_k",
        "top_p",
        "typical_p",
    ],
    neutral: &[
        ("quantization_config", &[Neutral::Empty]),
        ("compression_config", &[Neutral::Empty]),
        ("quantization", &[Neutral::Empty]),
        ("attention_bias", &[Neutral::Flag(false)]),
        ("mlp_bias", &[Neutral::Flag(false)]),
        ("bias", &[Neutral::Flag(false)]),
        ("use_bias", &[Neutral::Flag(false)]),
        ("qkv_bias", &[Neutral::Flag(false)]),
        ("hidden_activation", &[Neutral::Text("silu"), Neutral::Text("swish")]),
        ("partial_rotary_factor", &[Neutral::Number(1.0)]),
        ("rotary_pct", &[Neutral::Number(1.0)]),
        ("rope_pct", &[Neutral::Number(1.0)]),
        ("rope_interleaved", &[Neutral::Flag(false)]),
        ("layer_types", &[Neutral::All("full_attention")]),
        ("no_rope_layers", &[Neutral::Empty]),
        ("attn_logit_softcapping", &[]),
        ("final_logit_softcapping", &[]),
        ("attention_multiplier", &[]),
        ("query_pre_attn_scalar", &[]),
        ("embedding_multiplier", &[Neutral::Number(1.0)]),
        ("residual_multiplier", &[Neutral::Number(1.0)]),
        ("logits_scaling", &[Neutral::Number(1.0)]),
        ("logit_scale", &[Neutral::Number(1.0)]),
        ("scale_emb", &[Neutral::Number(1.0)]),
        ("qk_norm", &[Neutral::Flag(false)]),
        ("use_qk_norm", &[Neutral::Flag(false)]),
        ("clip_qkv", &[]),
        ("num_experts", &[Neutral::Number(0.0)]),
        ("num_local_experts", &[Neutral::Number(0.0)]),
        ("num_experts_per_tok", &[Neutral::Number(0.0)]),
        ("n_routed_experts", &[Neutral::Number(0.0)]),
        ("num_nextn_predict_layers", &[Neutral::Number(0.0)]),
        ("chunk_size_feed_forward", &[Neutral::Number(0.0)]),
        ("pruned_heads", &[Neutral::Empty]),
        ("is_encoder_decoder", &[Neutral::Flag(false)]),
        ("add_cross_attention", &[Neutral::Flag(false)]),
        ("cross_attention_hidden_size", &[]),
        ("tie_encoder_decoder", &[Neutral::Flag(false)]),
        ("per_layer_config", &[Neutral::Empty]),
    ],
};

/// `config.json` as Hugging Face writes it, as far as the Llama family needs it; scaling of the rotation is read apart.
#[derive(Debug, Deserialize)]
struct HuggingFace {
    hidden_size: usize,
    intermediate_size: usize,
    vocab_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    rms_norm_eps: f64,
    max_position_embeddings: usize,
    tie_word_embeddings: Option<bool>,
    hidden_act: Option<String>,
    sliding_window: Option<usize>,
    use_sliding_window: Option<bool>,
    architectures: Option<Vec<String>>,
}

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
        match object.get("model_type") {
            Some(kind) if kind.as_str() == Some("llama") => {}
            Some(kind) => {
                return Err(refused(file, "model_type", kind, "is not supported; only the Llama family (`llama`) is"));
            }
            None => return Err(wrong("missing field `model_type`".into())),
        }
        let raw = HuggingFace::deserialize(&json).map_err(|e| wrong(e.to_string()))?;
        KEYS.check(file, object.iter().map(|(key, value)| (key.as_str(), value)))?;
        raw.check(file, object)?;
        if raw.head_dim.is_none() && !raw.hidden_size.is_multiple_of(raw.num_attention_heads.max(1)) {
            let (hidden, heads) = (raw.hidden_size, raw.num_attention_heads);
            return Err(wrong(format!("hidden_size {hidden} is not a multiple of num_attention_heads {heads}")));
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
            // As in transformers, a Llama without the key is untied.
            tied: raw.tie_word_embeddings.unwrap_or(false),
        };
        shape.check().map_err(wrong)?;
        let (theta, scaling) = rope::from_config(file, object)?;
        Ok(Self { shape, rms_eps: raw.rms_norm_eps as f32, frequencies: rope::frequencies(theta, head_dim, scaling) })
    }
}

impl HuggingFace {
    /// What the table of keys cannot say: values that are neutral only beside others.
    fn check(&self, file: &str, object: &Map<String, Value>) -> Result<(), ModelError> {
        let at = |key: &str| object.get(key).cloned().unwrap_or_default();
        let no = |key: &str, why: &str| Err(refused(file, key, &at(key), why));
        if self.hidden_act.as_deref().is_some_and(|act| !matches!(act, "silu" | "swish")) {
            return no("hidden_act", "is not supported; only \"silu\" is");
        }
        let eps = self.rms_norm_eps as f32;
        if !eps.is_finite() || eps <= 0.0 {
            return no("rms_norm_eps", "must be a number greater than 0");
        }
        // A window that no position reaches beyond is none.
        if self.sliding_window.is_some_and(|window| window < self.max_position_embeddings)
            && self.use_sliding_window != Some(false)
        {
            return no("sliding_window", "is not supported; only null is, or a window as long as the context");
        }
        let llama = |name: &String| name.to_lowercase().starts_with("llama");
        if !self.architectures.iter().flatten().all(llama) {
            return no("architectures", "is not the Llama architecture, which `model_type` says");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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

    /// [`LLAMA3`] with further keys.
    fn with(keys: Value) -> Result<Config, String> {
        let mut json: Value = serde_json::from_str(LLAMA3).unwrap();
        json.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        Config::read("there/config.json", &json.to_string()).map_err(|e| e.to_string())
    }

    #[test]
    fn configs_as_people_have_them_are_read() {
        let plain = Config::from_json(LLAMA3).unwrap();
        for keys in [
            // transformers 4 and 5, every key it may write.
            json!({"_name_or_path": "meta-llama/Llama-2-7b-hf", "architectures": ["LlamaForCausalLM"], "attention_bias": false,
                   "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": [128001, 128008], "hidden_act": "silu",
                   "initializer_range": 0.02, "mlp_bias": false, "head_dim": 128, "pretraining_tp": 1, "torch_dtype": "bfloat16",
                   "dtype": "bfloat16", "transformers_version": "4.45.0.dev0", "use_cache": true, "pad_token_id": 0,
                   "tie_word_embeddings": false, "partial_rotary_factor": 1.0}),
            json!({"return_dict": true, "output_attentions": false, "torchscript": false, "pruned_heads": {}, "chunk_size_feed_forward": 0,
                   "is_encoder_decoder": false, "is_decoder": false, "id2label": {"0": "LABEL_0"}, "task_specific_params": null,
                   "temperature": 1.0, "top_k": 50, "repetition_penalty": 1.0, "max_length": 4096, "bad_words_ids": null}),
            // SmolLM2, Unsloth, others' additions.
            json!({"is_llama_config": true, "rope_interleaved": false, "transformers.js_config": {"dtype": "q4"}, "max_sequence_length": 2048,
                   "unsloth_version": "2024.9", "unsloth_fixed": true, "_attn_implementation_autoset": true, "auto_map": {"AutoModel": "x"},
                   "sliding_window": null, "layer_types": ["full_attention", "full_attention"], "num_local_experts": 0,
                   "quantization_config": null, "embedding_multiplier": 1.0, "some_new_thing": null, "another": false}),
            json!({"sliding_window": 4096, "use_sliding_window": false, "max_window_layers": 28}),
            json!({"sliding_window": 131072}),
        ] {
            assert_eq!(with(keys).unwrap(), plain);
        }
    }

    #[test]
    fn a_key_that_changes_a_number_is_refused_by_name_and_value() {
        for (keys, said) in [
            (json!({"attention_bias": true}), vec!["`attention_bias`", "true"]),
            (json!({"mlp_bias": true}), vec!["`mlp_bias`"]),
            (json!({"hidden_act": "gelu"}), vec!["`hidden_act`", "gelu"]),
            (json!({"partial_rotary_factor": 0.5}), vec!["`partial_rotary_factor`", "0.5"]),
            (json!({"sliding_window": 4096}), vec!["`sliding_window`", "4096"]),
            (json!({"layer_types": ["full_attention", "sliding_attention"]}), vec!["`layer_types`"]),
            (json!({"attn_logit_softcapping": 50.0}), vec!["`attn_logit_softcapping`", "50.0"]),
            (json!({"final_logit_softcapping": 30.0}), vec!["`final_logit_softcapping`"]),
            (json!({"num_local_experts": 8}), vec!["`num_local_experts`", "8"]),
            (json!({"quantization_config": {"quant_method": "gptq"}}), vec!["`quantization_config`", "gptq"]),
            (json!({"embedding_multiplier": 12.0}), vec!["`embedding_multiplier`", "12.0"]),
            (json!({"rope_interleaved": true}), vec!["`rope_interleaved`"]),
            (json!({"rope_thetta": 1e6}), vec!["`rope_thetta`", "`rope_theta`"]),
            (json!({"per_head_scale": 0.5}), vec!["`per_head_scale`", "0.5", "not a known key"]),
            (json!({"architectures": ["MistralForCausalLM"]}), vec!["`architectures`", "Mistral"]),
            (json!({"rms_norm_eps": 0}), vec!["`rms_norm_eps`"]),
            (json!({"rms_norm_eps": 1e-60}), vec!["`rms_norm_eps`"]),
            (json!({"hidden_size": 4097}), vec!["hidden_size 4097", "num_attention_heads 32"]),
        ] {
            let error = with(keys).unwrap_err();
            assert!(error.contains("there/config.json") && said.iter().all(|said| error.contains(said)), "{error}");
        }
    }
}
