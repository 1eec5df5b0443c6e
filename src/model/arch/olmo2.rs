//! OLMo 2: norms after attention and MLP only, queries and keys normalised over all heads together.

use super::config::{Config, Reading};
use super::{Family, GgufFamily, HeadNorm, Metadata, NormKind, Place, Role, llama};
use crate::model::ModelError;

const NORMS: &[NormKind] = &[
    NormKind { place: Place::Query, name: "self_attn.q_norm", gguf: "attn_q_norm" },
    NormKind { place: Place::Key, name: "self_attn.k_norm", gguf: "attn_k_norm" },
    NormKind { place: Place::AfterAttention, name: "post_attention_layernorm", gguf: "post_attention_norm" },
    NormKind { place: Place::AfterMlp, name: "post_feedforward_layernorm", gguf: "post_ffw_norm" },
];

pub(super) static FAMILY: Family = Family {
    name: "olmo2",
    class: "Olmo2ForCausalLM",
    norms: NORMS,
    head_norm: HeadNorm::Together,
    keys: &["attention_bias", "head_dim"],
    read,
    gguf: Some(GgufFamily { architecture: "olmo2", pairs: false, keys: &[], read: read_gguf }),
    ..llama::BASE
};

fn read(from: &Reading, config: &mut Config) -> Result<(), ModelError> {
    from.activation(config, "hidden_act")?;
    from.biases(config, "attention_bias", &[Role::Query, Role::Key, Role::Value, Role::Output])?;
    from.no_window()?;
    from.rotary(config)
}

fn read_gguf(from: &dyn Metadata, config: &mut Config) -> Result<(), ModelError> {
    from.no_window(config)?;
    from.need("rope.freq_base")?;
    from.rotary(config)
}
