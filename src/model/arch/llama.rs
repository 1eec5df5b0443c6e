//! Llama, versions 1 to 3, and what has its architecture under its name; parts of it are those of other families.

use super::config::{Config, Reading};
use super::{Family, GgufFamily, HeadNorm, LinearKind, Metadata, Names, NormFormula, NormKind, Place, Role};
use crate::model::ModelError;

pub(super) const LINEARS: &[LinearKind] = &[
    LinearKind { name: "self_attn.q_proj", gguf: "attn_q", role: Role::Query },
    LinearKind { name: "self_attn.k_proj", gguf: "attn_k", role: Role::Key },
    LinearKind { name: "self_attn.v_proj", gguf: "attn_v", role: Role::Value },
    LinearKind { name: "self_attn.o_proj", gguf: "attn_output", role: Role::Output },
    LinearKind { name: "mlp.gate_proj", gguf: "ffn_gate", role: Role::Gate },
    LinearKind { name: "mlp.up_proj", gguf: "ffn_up", role: Role::Up },
    LinearKind { name: "mlp.down_proj", gguf: "ffn_down", role: Role::Down },
];

/// Norms before attention and MLP.
pub(super) const NORMS: &[NormKind] = &[
    NormKind { place: Place::BeforeAttention, name: "input_layernorm", gguf: "attn_norm" },
    NormKind { place: Place::BeforeMlp, name: "post_attention_layernorm", gguf: "ffn_norm" },
];

pub(super) const NAMES: Names =
    Names { blocks: "model.layers", embedding: "model.embed_tokens", norm: "model.norm", positions: None };

/// What most families are except for what they say themselves.
pub(super) const BASE: Family = Family {
    name: "llama",
    class: "LlamaForCausalLM",
    linears: LINEARS,
    norms: NORMS,
    formula: NormFormula::RootMeanSquare,
    head_norm: HeadNorm::Each,
    gain_offset: 0.0,
    biased: &[],
    names: NAMES,
    intermediate: "intermediate_size",
    head_dim: None,
    tied: false,
    theta: 10_000.0,
    bos_each_window: false,
    keys: &["attention_bias", "mlp_bias", "head_dim"],
    read,
    gguf: Some(GgufFamily { architecture: "llama", pairs: true, keys: &["tensor_data_layout"], read: read_gguf }),
};

pub(super) static FAMILY: Family = BASE;

fn read(from: &Reading, config: &mut Config) -> Result<(), ModelError> {
    from.activation(config, "hidden_act")?;
    from.biases(config, "attention_bias", &[Role::Query, Role::Key, Role::Value, Role::Output])?;
    from.biases(config, "mlp_bias", &[Role::Gate, Role::Up, Role::Down])?;
    from.no_window()?;
    from.rotary(config)
}

fn read_gguf(from: &dyn Metadata, config: &mut Config) -> Result<(), ModelError> {
    from.no_window(config)?;
    from.rotary(config)
}
