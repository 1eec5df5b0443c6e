//! OPT: LayerNorm, learned positions, biases everywhere, an MLP without a gate. The tables of earlier work on decomposition
//! (ASVD, SVD-LLM) use it.

use super::config::{Activation, Config, Reading};
use super::{Family, LinearKind, Names, NormFormula, NormKind, Place, Role, llama};
use crate::model::ModelError;

const LINEARS: &[LinearKind] = &[
    LinearKind { name: "self_attn.q_proj", gguf: "", role: Role::Query },
    LinearKind { name: "self_attn.k_proj", gguf: "", role: Role::Key },
    LinearKind { name: "self_attn.v_proj", gguf: "", role: Role::Value },
    LinearKind { name: "self_attn.out_proj", gguf: "", role: Role::Output },
    LinearKind { name: "fc1", gguf: "", role: Role::Up },
    LinearKind { name: "fc2", gguf: "", role: Role::Down },
];

const NORMS: &[NormKind] = &[
    NormKind { place: Place::BeforeAttention, name: "self_attn_layer_norm", gguf: "" },
    NormKind { place: Place::BeforeMlp, name: "final_layer_norm", gguf: "" },
];

const ALL: &[Role] = &[Role::Query, Role::Key, Role::Value, Role::Output, Role::Up, Role::Down];

pub(super) static FAMILY: Family = Family {
    name: "opt",
    class: "OPTForCausalLM",
    linears: LINEARS,
    norms: NORMS,
    formula: NormFormula::Layer,
    biased: ALL,
    names: Names {
        blocks: "model.decoder.layers",
        embedding: "model.decoder.embed_tokens",
        norm: "model.decoder.final_layer_norm",
        positions: Some("model.decoder.embed_positions"),
    },
    intermediate: "ffn_dim",
    tied: true,
    keys: &[
        "ffn_dim",
        "activation_function",
        "do_layer_norm_before",
        "word_embed_proj_dim",
        "enable_bias",
        "layer_norm_elementwise_affine",
        "_remove_final_layer_norm",
        "init_std",
    ],
    read,
    gguf: None,
    ..llama::BASE
};

fn read(from: &Reading, config: &mut Config) -> Result<(), ModelError> {
    config.activation = Activation::Relu;
    from.activation(config, "activation_function")?;
    for (key, only) in
        [("do_layer_norm_before", true), ("layer_norm_elementwise_affine", true), ("_remove_final_layer_norm", false)]
    {
        if from.fields.flag(key)?.is_some_and(|value| value != only) {
            return Err(from.contradicts(key, &format!("is not supported; only {only} is")));
        }
    }
    let hidden = config.shape.hidden;
    if from.fields.count("word_embed_proj_dim")?.is_some_and(|width| width != hidden) {
        return Err(
            from.contradicts("word_embed_proj_dim", &format!("is not supported; only hidden_size, {hidden}, is"))
        );
    }
    if from.fields.flag("enable_bias")? == Some(false) {
        config.biased.fill(false);
    }
    for layer in &mut config.layers {
        layer.rope = None;
    }
    Ok(())
}
