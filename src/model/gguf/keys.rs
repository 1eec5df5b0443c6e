//! Metadata keys of a GGUF: read, harmless, or neutral.

use candle_core::quantized::gguf_file::Value;

use crate::model::ModelError;
use crate::model::config::shortest;
use crate::model::keys::{Keys, Neutral};

const ZERO: Neutral = Neutral::Number(0.0);
const ONE: Neutral = Neutral::Number(1.0);

/// Keys of any architecture.
const KEYS: Keys = Keys {
    used: &[
        "general.architecture",
        "general.alignment",
        "split.no",
        "split.count",
        "split.tensors.count",
        "tokenizer.ggml.model",
        "tokenizer.ggml.pre",
        "tokenizer.ggml.tokens",
        "tokenizer.ggml.token_type",
        "tokenizer.ggml.merges",
        "tokenizer.ggml.add_bos_token",
        "tokenizer.ggml.add_space_prefix",
        "tokenizer.ggml.scores",
        "tokenizer.ggml.bos_token_id",
        "tokenizer.ggml.eos_token_id",
        "tokenizer.ggml.eot_token_id",
        "tokenizer.ggml.unknown_token_id",
        "tokenizer.ggml.padding_token_id",
        "tokenizer.chat_template",
    ],
    harmless: &[
        "general.name",
        "general.author",
        "general.version",
        "general.organization",
        "general.finetune",
        "general.basename",
        "general.description",
        "general.quantized_by",
        "general.size_label",
        "general.license*",
        "general.url",
        "general.doi",
        "general.uuid",
        "general.repo_url",
        "general.source*",
        "general.base_model*",
        "general.dataset*",
        "general.datasets",
        "general.tags",
        "general.languages",
        "general.file_type",
        "general.parameter_count",
        "general.imatrix.*",
        "general.sampling.*",
        "general.hf_repo*",
        // Ids of further tokens name them and no more.
        "tokenizer.ggml.token_type_count",
        "tokenizer.ggml.eom_token_id",
        "tokenizer.ggml.eos_token_ids",
        "tokenizer.ggml.eog_token_ids",
        "tokenizer.ggml.seperator_token_id",
        "tokenizer.ggml.separator_token_id",
        "tokenizer.ggml.cls_token_id",
        "tokenizer.ggml.mask_token_id",
        "tokenizer.ggml.fim_*",
        "tokenizer.ggml.prefix_token_id",
        "tokenizer.ggml.suffix_token_id",
        "tokenizer.ggml.middle_token_id",
        "tokenizer.chat_template.*",
        "tokenizer.chat_templates",
        // The same vocabulary as text, and a vocabulary of another kind of model.
        "tokenizer.huggingface.json",
    ],
    neutral: &[
        ("general.type", &[Neutral::Text("model")]),
        ("general.quantization_version", &[Neutral::Number(2.0)]),
        ("tokenizer.ggml.add_eos_token", &[Neutral::Flag(false)]),
        ("tokenizer.ggml.add_sep_token", &[Neutral::Flag(false)]),
        ("tokenizer.ggml.remove_extra_whitespaces", &[Neutral::Flag(false)]),
        ("tokenizer.ggml.precompiled_charsmap", &[Neutral::Empty]),
        ("tokenizer.rwkv.world", &[Neutral::Empty]),
    ],
};

/// Keys under the name of the architecture, beside those that only some families read. Keys under the name of another one are
/// not read by llama.cpp either: see [`check`].
const OWN: Keys = Keys {
    used: &[
        "context_length",
        "embedding_length",
        "block_count",
        "feed_forward_length",
        "vocab_size",
        "attention.head_count",
        "attention.head_count_kv",
        "attention.key_length",
        "attention.head_dim",
        "attention.value_length",
        "attention.layer_norm_rms_epsilon",
        "attention.sliding_window",
        "rope.dimension_count",
        "rope.freq_base",
        "rope.scaling.type",
        "rope.scaling.factor",
        "rope.scaling.original_context_length",
        "rope.scale_linear",
        "rope.scaling.attn_factor",
        "rope.scaling.yarn_attn_factor",
        "rope.scaling.yarn_ext_factor",
        "rope.scaling.yarn_beta_fast",
        "rope.scaling.yarn_beta_slow",
    ],
    harmless: &["tensor_data_layout", "rope.scaling.finetuned"],
    neutral: &[
        ("expert_count", &[ZERO]),
        ("expert_used_count", &[ZERO]),
        ("expert_shared_count", &[ZERO]),
        ("expert_weights_scale", &[ZERO, ONE]),
        ("leading_dense_block_count", &[ZERO]),
        ("nextn_predict_layers", &[ZERO]),
        ("use_parallel_residual", &[Neutral::Flag(false)]),
        ("attention.causal", &[Neutral::Flag(true)]),
        ("pooling_type", &[ZERO]),
        ("logit_scale", &[ZERO, ONE]),
        ("embedding_scale", &[ZERO, ONE]),
        ("residual_scale", &[ZERO, ONE]),
        ("attention.scale", &[ZERO]),
        ("attention.output_scale", &[ONE]),
        ("attention.temperature_scale", &[ZERO]),
        ("attn_logit_softcapping", &[ZERO]),
        ("final_logit_softcapping", &[ZERO]),
        ("attention.clamp_kqv", &[ZERO]),
        ("attention.max_alibi_bias", &[ZERO]),
        ("rope.scale", &[ZERO, ONE]),
        ("rope.scaling.yarn_log_multiplier", &[ZERO]),
        ("rope.scaling.alpha", &[ZERO]),
    ],
};

/// Refuses the first key that may change a number and is not read. `own` are keys that the family reads beyond those that all
/// read.
pub fn check<'a>(
    file: &str,
    architecture: &str,
    own: &[&str],
    metadata: impl IntoIterator<Item = (&'a String, &'a Value)>,
) -> Result<(), ModelError> {
    // Writers may add keys under prefixes of their own (`quantize.imatrix.file`, `mradermacher.quantized_by`); those that describe
    // the model have one of these prefixes.
    const MEANT: [&str; 6] = ["general.", "tokenizer.", "split.", "adapter.", "clip.", "controlvector."];
    for (key, value) in metadata {
        let of_architecture = key.strip_prefix(architecture).and_then(|rest| rest.strip_prefix('.'));
        if let Some(short) = of_architecture {
            if !own.contains(&short) && !OWN.used.contains(&short) {
                OWN.check(file, [(short, &as_json(value))]).map_err(|e| e.under(architecture))?;
            }
        } else if MEANT.iter().any(|start| key.starts_with(start)) && !KEYS.used.contains(&key.as_str()) {
            KEYS.check(file, [(key.as_str(), &as_json(value))])?;
        }
    }
    Ok(())
}

/// The value as JSON; of a long array only its length.
pub fn as_json(value: &Value) -> serde_json::Value {
    match value {
        Value::U8(n) => (*n).into(),
        Value::I8(n) => (*n).into(),
        Value::U16(n) => (*n).into(),
        Value::I16(n) => (*n).into(),
        Value::U32(n) => (*n).into(),
        Value::I32(n) => (*n).into(),
        Value::U64(n) => (*n).into(),
        Value::I64(n) => (*n).into(),
        // Not null for what JSON cannot say: null passes everywhere.
        Value::F32(x) if !x.is_finite() => x.to_string().into(),
        Value::F64(x) if !x.is_finite() => x.to_string().into(),
        Value::F32(x) => shortest(*x).into(),
        Value::F64(x) => (*x).into(),
        Value::Bool(flag) => (*flag).into(),
        Value::String(text) => text.as_str().into(),
        Value::Array(all) if all.len() > 64 => format!("an array of {} values", all.len()).into(),
        Value::Array(all) => all.iter().map(as_json).collect(),
    }
}

/// How a value is stored, as the format's documentation calls the types.
pub fn stored_as(value: &Value) -> &'static str {
    match value {
        Value::U8(_) => "UINT8",
        Value::I8(_) => "INT8",
        Value::U16(_) => "UINT16",
        Value::I16(_) => "INT16",
        Value::U32(_) => "UINT32",
        Value::I32(_) => "INT32",
        Value::U64(_) => "UINT64",
        Value::I64(_) => "INT64",
        Value::F32(_) => "FLOAT32",
        Value::F64(_) => "FLOAT64",
        Value::Bool(_) => "BOOL",
        Value::String(_) => "STRING",
        Value::Array(_) => "ARRAY",
    }
}
