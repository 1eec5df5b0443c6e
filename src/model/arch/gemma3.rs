//! Gemma 3, the text models: Gemma 2 without caps on scores, queries and keys normalised head by head, five blocks with a sliding
//! window to one without, and rotary frequencies of their own in each kind of block.

use super::config::{Config, Reading};
use super::{Family, GgufFamily, Metadata, NormKind, Place, gemma2};
use crate::model::ModelError;
use crate::model::rope::Rope;

const NORMS: &[NormKind] = &[
    NormKind { place: Place::BeforeAttention, name: "input_layernorm", gguf: "attn_norm" },
    NormKind { place: Place::Query, name: "self_attn.q_norm", gguf: "attn_q_norm" },
    NormKind { place: Place::Key, name: "self_attn.k_norm", gguf: "attn_k_norm" },
    NormKind { place: Place::AfterAttention, name: "post_attention_layernorm", gguf: "post_attention_norm" },
    NormKind { place: Place::BeforeMlp, name: "pre_feedforward_layernorm", gguf: "ffn_norm" },
    NormKind { place: Place::AfterMlp, name: "post_feedforward_layernorm", gguf: "post_ffw_norm" },
];

/// Blocks from one without a window to the next.
const PATTERN: usize = 6;

/// Base of the rotary frequencies of blocks with a window.
const LOCAL_THETA: f64 = 10_000.0;

pub(super) static FAMILY: Family = Family {
    name: "gemma3_text",
    class: "Gemma3ForCausalLM",
    norms: NORMS,
    theta: 1_000_000.0,
    keys: &[
        "hidden_activation",
        "attention_bias",
        "layer_types",
        "query_pre_attn_scalar",
        "final_logit_softcapping",
        "sliding_window_pattern",
        "_sliding_window_pattern",
        "rope_local_base_freq",
        "head_dim",
    ],
    read,
    gguf: Some(GgufFamily {
        architecture: "gemma3",
        pairs: false,
        keys: &[
            "final_logit_softcapping",
            "attention.sliding_window",
            "attention.sliding_window_pattern",
            "rope.freq_base_swa",
        ],
        read: read_gguf,
    }),
    ..gemma2::BASE
};

fn read(from: &Reading, config: &mut Config) -> Result<(), ModelError> {
    gemma2::around(from, config)?;
    config.logit_cap = from.cap("final_logit_softcapping", None)?;
    let pattern = match from.fields.count("sliding_window_pattern")? {
        Some(pattern) => Some(pattern),
        None => from.fields.count("_sliding_window_pattern")?,
    };
    let pattern = pattern.unwrap_or(PATTERN).max(1);
    let sliding = from.sliding_layers(|layer| !(layer + 1).is_multiple_of(pattern))?;
    let window = from.window("sliding_window", Some(4096))?;
    from.windows(config, window, |layer| sliding[layer]);
    config.ropes = from.ropes_by_kind(LOCAL_THETA)?;
    for (layer, sliding) in config.layers.iter_mut().zip(sliding) {
        layer.rope = Some(usize::from(sliding));
    }
    Ok(())
}

fn read_gguf(from: &dyn Metadata, config: &mut Config) -> Result<(), ModelError> {
    gemma2::around_gguf(config, 62);
    config.logit_cap = from.cap("final_logit_softcapping", None)?;
    from.need("attention.sliding_window")?;
    // A window of 0: no block has one, nor the frequencies of those that have.
    let windowed = from.count("attention.sliding_window")?.is_some_and(|window| window > 0);
    let pattern = from.count("attention.sliding_window_pattern")?.unwrap_or(PATTERN).max(1);
    let sliding = |layer: usize| windowed && !(layer + 1).is_multiple_of(pattern);
    let window = from.window(config, None)?;
    config.set_windows(window, sliding);
    from.need("rope.freq_base")?;
    from.rotary(config)?;
    let theta = from.real("rope.freq_base_swa", false)?.map_or(LOCAL_THETA, f64::from);
    config.ropes.push(Rope::plain(theta, config.shape.head_dim));
    for (i, layer) in config.layers.iter_mut().enumerate() {
        layer.rope = Some(usize::from(sliding(i)));
    }
    Ok(())
}
