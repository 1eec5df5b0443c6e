//! Metadata keys of a GGUF of the architecture `llama`: read, harmless, or neutral.

use candle_core::quantized::gguf_file::Value;

use crate::model::ModelError;
use crate::model::keys::{Keys, Neutral};

const ZERO: Neutral = Neutral::Number(0.0);
const ONE: Neutral = Neutral::Number(1.0);

/// The keys. Keys of another architecture's name are not read by llama.cpp either: see [`check`].
const KEYS: Keys = Keys {
    used: &[
        "general.architecture",
        "general.alignment",
        "split.no",
        "split.count",
        "split.tensors.count",
        "llama.context_length",
        "llama.embedding_length",
        "llama.block_count",
        "llama.feed_forward_length",
        "llama.vocab_size",
        "llama.attention.head_count",
        "llama.attention.head_count_kv",
        "llama.attention.key_length",
        "llama.attention.head_dim",
        "llama.attention.value_length",
        "llama.attention.layer_norm_rms_epsilon",
        "llama.attention.sliding_window",
        "llama.rope.dimension_count",
        "llama.rope.freq_base",
        "llama.rope.scaling.type",
        "llama.rope.scaling.factor",
        "llama.rope.scale_linear",
        "tokenizer.ggml.model",
        "tokenizer.ggml.pre",
        "tokenizer.ggml.tokens",
        "tokenizer.ggml.token_type",
        "tokenizer.ggml.merges",
        "tokenizer.ggml.add_bos_token",
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
        "llama.tensor_data_layout",
        // Only scalings that are refused use these.
        "llama.rope.scaling.original_context_length",
        "llama.rope.scaling.finetuned",
        "llama.rope.scaling.yarn_beta_fast",
        "llama.rope.scaling.yarn_beta_slow",
        // Byte-level BPE has no use for scores; ids of further tokens name them and no more.
        "tokenizer.ggml.scores",
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
        ("llama.expert_count", &[ZERO]),
        ("llama.expert_used_count", &[ZERO]),
        ("llama.expert_shared_count", &[ZERO]),
        ("llama.expert_weights_scale", &[ZERO, ONE]),
        ("llama.leading_dense_block_count", &[ZERO]),
        ("llama.nextn_predict_layers", &[ZERO]),
        ("llama.use_parallel_residual", &[Neutral::Flag(false)]),
        ("llama.attention.causal", &[Neutral::Flag(true)]),
        ("llama.pooling_type", &[ZERO]),
        ("llama.logit_scale", &[ZERO, ONE]),
        ("llama.embedding_scale", &[ZERO, ONE]),
        ("llama.residual_scale", &[ZERO, ONE]),
        ("llama.attention.scale", &[ZERO]),
        ("llama.attention.output_scale", &[ONE]),
        ("llama.attention.temperature_scale", &[ZERO]),
        ("llama.attn_logit_softcapping", &[ZERO]),
        ("llama.final_logit_softcapping", &[ZERO]),
        ("llama.attention.clamp_kqv", &[ZERO]),
        ("llama.attention.max_alibi_bias", &[ZERO]),
        ("llama.rope.scale", &[ZERO, ONE]),
        ("llama.rope.scaling.attn_factor", &[ONE]),
        ("llama.rope.scaling.yarn_attn_factor", &[ONE]),
        ("llama.rope.scaling.yarn_ext_factor", &[ZERO]),
        ("llama.rope.scaling.yarn_log_multiplier", &[ZERO]),
        ("llama.rope.scaling.alpha", &[ZERO]),
        ("tokenizer.ggml.add_eos_token", &[Neutral::Flag(false)]),
        ("tokenizer.ggml.add_sep_token", &[Neutral::Flag(false)]),
        ("tokenizer.ggml.add_space_prefix", &[Neutral::Flag(false)]),
        ("tokenizer.ggml.remove_extra_whitespaces", &[Neutral::Flag(false)]),
        ("tokenizer.ggml.precompiled_charsmap", &[Neutral::Empty]),
        ("tokenizer.rwkv.world", &[Neutral::Empty]),
    ],
};

/// Refuses the first key that may change a number and is not read.
pub fn check<'a>(file: &str, metadata: impl IntoIterator<Item = (&'a String, &'a Value)>) -> Result<(), ModelError> {
    // Writers may add keys under prefixes of their own (`quantize.imatrix.file`, `mradermacher.quantized_by`); those that describe
    // the model have one of these prefixes.
    const MEANT: [&str; 7] = ["general.", "llama.", "tokenizer.", "split.", "adapter.", "clip.", "controlvector."];
    let mut entries = Vec::new();
    for (key, value) in metadata {
        if MEANT.iter().any(|start| key.starts_with(start)) && !KEYS.used.contains(&key.as_str()) {
            entries.push((key.as_str(), as_json(value)));
        }
    }
    KEYS.check(file, entries.iter().map(|(key, value)| (*key, value)))
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

/// The f64 whose shortest text is that of the f32.
pub fn shortest(x: f32) -> f64 {
    x.to_string().parse().unwrap_or(f64::from(x))
}
