//! Gemma 2: norms before and after attention and MLP, caps on scores and logits, a sliding window in every other block.

use super::config::{Activation, Config, Reading};
use super::{Family, GgufFamily, Metadata, NormKind, Place, Role, llama};
use crate::model::ModelError;

/// Norms around attention and MLP.
const NORMS: &[NormKind] = &[
    NormKind { place: Place::BeforeAttention, name: "input_layernorm", gguf: "attn_norm" },
    NormKind { place: Place::AfterAttention, name: "post_attention_layernorm", gguf: "post_attention_norm" },
    NormKind { place: Place::BeforeMlp, name: "pre_feedforward_layernorm", gguf: "ffn_norm" },
    NormKind { place: Place::AfterMlp, name: "post_feedforward_layernorm", gguf: "post_ffw_norm" },
];

/// What Gemma 2 and 3 have in common.
pub(super) const BASE: Family = Family {
    name: "gemma2",
    class: "Gemma2ForCausalLM",
    norms: NORMS,
    gain_offset: 1.0,
    head_dim: Some(256),
    tied: true,
    bos_each_window: true,
    keys: &[
        "hidden_activation",
        "attention_bias",
        "layer_types",
        "query_pre_attn_scalar",
        "attn_logit_softcapping",
        "final_logit_softcapping",
        "sliding_window_size",
        "head_dim",
    ],
    read,
    gguf: Some(GgufFamily {
        architecture: "gemma2",
        pairs: false,
        keys: &["attn_logit_softcapping", "final_logit_softcapping", "attention.sliding_window"],
        read: read_gguf,
    }),
    ..llama::BASE
};

pub(super) static FAMILY: Family = BASE;

fn read(from: &Reading, config: &mut Config) -> Result<(), ModelError> {
    around(from, config)?;
    config.score_cap = from.cap("attn_logit_softcapping", Some(50.0))?;
    config.logit_cap = from.cap("final_logit_softcapping", Some(30.0))?;
    let window = from.window("sliding_window", Some(4096))?;
    // The first files have the window twice; transformers does not read this one.
    if from.fields.count("sliding_window_size")?.is_some_and(|size| Some(size) != window) {
        return Err(from.contradicts("sliding_window_size", "but `sliding_window` is another; both must agree"));
    }
    let sliding = from.sliding_layers(|layer| layer.is_multiple_of(2))?;
    from.windows(config, window, |layer| sliding[layer]);
    from.rotary(config)
}

/// Activation, biases, and the scales of embedding and scores.
pub(super) fn around(from: &Reading, config: &mut Config) -> Result<(), ModelError> {
    config.activation = Activation::GeluTanh;
    from.activation(config, "hidden_activation")?;
    from.same_activation(config, "hidden_act")?;
    from.biases(config, "attention_bias", &[Role::Query, Role::Key, Role::Value, Role::Output])?;
    config.embedding_scale = (config.shape.hidden as f32).sqrt();
    let scalar = match from.fields.get("query_pre_attn_scalar") {
        Some(_) => from.positive("query_pre_attn_scalar")?,
        None => 256.0,
    };
    config.score_scale = (scalar as f32).powf(-0.5);
    Ok(())
}

fn read_gguf(from: &dyn Metadata, config: &mut Config) -> Result<(), ModelError> {
    around_gguf(config, 46);
    config.score_cap = from.cap("attn_logit_softcapping", Some(50.0))?;
    config.logit_cap = from.cap("final_logit_softcapping", Some(30.0))?;
    let window = from.window(config, Some(4096))?;
    config.set_windows(window, |layer| layer.is_multiple_of(2));
    from.rotary(config)
}

/// What llama.cpp knows of the architecture: the scale of scores is not in the file, but that of one size, recognised by its
/// number of blocks, differs from the others'.
pub(super) fn around_gguf(config: &mut Config, layers_of_27b: usize) {
    let shape = &config.shape;
    let width = if shape.layers == layers_of_27b { shape.hidden / shape.heads } else { shape.head_dim };
    config.activation = Activation::GeluTanh;
    config.embedding_scale = (shape.hidden as f32).sqrt();
    config.score_scale = (width as f32).powf(-0.5);
}
