//! Phi 3, 3.5 and 4 mini: Llama with queries, keys and values in one linear, gate and up in another. They are decomposed as they
//! are: each is one linear of the model.

use super::config::{Config, Reading};
use super::{Family, GgufFamily, LinearKind, Metadata, Role, llama};
use crate::model::ModelError;
use crate::model::rope::Scaling;

const LINEARS: &[LinearKind] = &[
    LinearKind { name: "self_attn.qkv_proj", gguf: "attn_qkv", role: Role::QueryKeyValue },
    LinearKind { name: "self_attn.o_proj", gguf: "attn_output", role: Role::Output },
    LinearKind { name: "mlp.gate_up_proj", gguf: "ffn_up", role: Role::GateUp },
    LinearKind { name: "mlp.down_proj", gguf: "ffn_down", role: Role::Down },
];

pub(super) static FAMILY: Family = Family {
    name: "phi3",
    class: "Phi3ForCausalLM",
    linears: LINEARS,
    keys: &["partial_rotary_factor"],
    read,
    gguf: Some(GgufFamily { architecture: "phi3", pairs: false, keys: &["attention.sliding_window"], read: read_gguf }),
    ..llama::BASE
};

fn read(from: &Reading, config: &mut Config) -> Result<(), ModelError> {
    from.activation(config, "hidden_act")?;
    let window = from.window("sliding_window", None)?;
    from.windows(config, window, |_| true);
    from.rotary(config)?;
    match config.ropes[0].scaling {
        Scaling::None | Scaling::Long { .. } => Ok(()),
        // transformers takes "yarn" of this family for "longrope".
        _ => Err(from.contradicts("rope_scaling", "is not supported for `phi3`; only \"longrope\" is")),
    }
}

fn read_gguf(from: &dyn Metadata, config: &mut Config) -> Result<(), ModelError> {
    let window = from.window(config, None)?;
    config.set_windows(window, |_| true);
    from.rotary(config)
}
