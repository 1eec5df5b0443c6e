//! Qwen 3: Qwen 2 without biases, queries and keys normalised head by head.

use super::config::{Config, Reading};
use super::{Family, GgufFamily, Metadata, NormKind, Place, Role, llama, qwen2};
use crate::model::ModelError;

const NORMS: &[NormKind] = &[
    NormKind { place: Place::BeforeAttention, name: "input_layernorm", gguf: "attn_norm" },
    NormKind { place: Place::Query, name: "self_attn.q_norm", gguf: "attn_q_norm" },
    NormKind { place: Place::Key, name: "self_attn.k_norm", gguf: "attn_k_norm" },
    NormKind { place: Place::BeforeMlp, name: "post_attention_layernorm", gguf: "ffn_norm" },
];

pub(super) static FAMILY: Family = Family {
    name: "qwen3",
    class: "Qwen3ForCausalLM",
    norms: NORMS,
    head_dim: Some(128),
    keys: &["attention_bias", "layer_types", "max_window_layers", "head_dim"],
    read,
    gguf: Some(GgufFamily { architecture: "qwen3", pairs: false, keys: &[], read: read_gguf }),
    ..llama::BASE
};

fn read(from: &Reading, config: &mut Config) -> Result<(), ModelError> {
    from.activation(config, "hidden_act")?;
    from.biases(config, "attention_bias", &[Role::Query, Role::Key, Role::Value, Role::Output])?;
    qwen2::later_windows(from, config)?;
    from.rotary(config)
}

fn read_gguf(from: &dyn Metadata, config: &mut Config) -> Result<(), ModelError> {
    from.no_window(config)?;
    from.need("rope.freq_base")?;
    from.rotary(config)
}
