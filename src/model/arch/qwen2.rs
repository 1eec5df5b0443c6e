//! Qwen 2 and 2.5: Llama with biases on queries, keys and values, and a sliding window in later blocks where the configuration
//! says so.

use super::config::{Config, Reading};
use super::{Family, GgufFamily, Metadata, Role, llama};
use crate::model::ModelError;

pub(super) static FAMILY: Family = Family {
    name: "qwen2",
    class: "Qwen2ForCausalLM",
    biased: &[Role::Query, Role::Key, Role::Value],
    keys: &["layer_types", "max_window_layers", "head_dim"],
    read,
    gguf: Some(GgufFamily { architecture: "qwen2", pairs: false, keys: &[], read: read_gguf }),
    ..llama::BASE
};

fn read(from: &Reading, config: &mut Config) -> Result<(), ModelError> {
    from.activation(config, "hidden_act")?;
    later_windows(from, config)?;
    from.rotary(config)
}

/// The window of blocks from `max_window_layers` on, where `use_sliding_window` is true.
pub(super) fn later_windows(from: &Reading, config: &mut Config) -> Result<(), ModelError> {
    let on = from.fields.flag("use_sliding_window")? == Some(true);
    let window = if on { from.window("sliding_window", Some(4096))? } else { None };
    let first = from.fields.count("max_window_layers")?.unwrap_or(28);
    let sliding = from.sliding_layers(|layer| window.is_some() && layer >= first)?;
    if !on && sliding.contains(&true) {
        return Err(from.contradicts("layer_types", "but `use_sliding_window` is false; both must agree"));
    }
    from.windows(config, window, |layer| sliding[layer]);
    Ok(())
}

fn read_gguf(from: &dyn Metadata, config: &mut Config) -> Result<(), ModelError> {
    from.no_window(config)?;
    from.need("rope.freq_base")?;
    from.rotary(config)
}
