//! Mistral: Llama with attention over a sliding window in every block.

use super::config::{Config, Reading};
use super::{Family, llama};
use crate::model::ModelError;

pub(super) static FAMILY: Family = Family {
    name: "mistral",
    class: "MistralForCausalLM",
    keys: &["head_dim"],
    read,
    // llama.cpp stores it as `llama`.
    gguf: None,
    ..llama::BASE
};

fn read(from: &Reading, config: &mut Config) -> Result<(), ModelError> {
    from.activation(config, "hidden_act")?;
    let window = from.window("sliding_window", Some(4096))?;
    from.windows(config, window, |_| true);
    from.rotary(config)
}
