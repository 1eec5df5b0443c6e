//! SmolLM3: Llama without a rotary embedding in every fourth block.

use serde_json::Value;

use super::config::{Config, Reading};
use super::{Family, GgufFamily, Metadata, Role, llama};
use crate::model::ModelError;

/// Blocks from one without a rotary embedding to the next.
const INTERVAL: usize = 4;

pub(super) static FAMILY: Family = Family {
    name: "smollm3",
    class: "SmolLM3ForCausalLM",
    tied: true,
    theta: 2_000_000.0,
    keys: &["attention_bias", "mlp_bias", "layer_types", "no_rope_layers", "no_rope_layer_interval", "head_dim"],
    read,
    gguf: Some(GgufFamily { architecture: "smollm3", pairs: true, keys: &[], read: read_gguf }),
    ..llama::BASE
};

fn read(from: &Reading, config: &mut Config) -> Result<(), ModelError> {
    from.activation(config, "hidden_act")?;
    from.biases(config, "attention_bias", &[Role::Query, Role::Key, Role::Value, Role::Output])?;
    from.biases(config, "mlp_bias", &[Role::Gate, Role::Up, Role::Down])?;
    from.rotary(config)?;
    let rotated = rotated_layers(from, config.layers.len())?;
    let on = from.fields.flag("use_sliding_window")? == Some(true);
    let window = if on { from.window("sliding_window", None)? } else { None };
    let sliding = from.sliding_layers(|layer| window.is_some() && !rotated[layer])?;
    if window.is_none() && sliding.contains(&true) {
        return Err(from.contradicts("layer_types", "but there is no sliding window; both must agree"));
    }
    from.windows(config, window, |layer| sliding[layer]);
    for (layer, rotated) in config.layers.iter_mut().zip(rotated) {
        layer.rope = rotated.then_some(0);
    }
    Ok(())
}

/// Which blocks have a rotary embedding.
fn rotated_layers(from: &Reading, layers: usize) -> Result<Vec<bool>, ModelError> {
    let interval = from.fields.count("no_rope_layer_interval")?.unwrap_or(INTERVAL).max(1);
    match from.fields.get("no_rope_layers") {
        None => Ok((0..layers).map(|layer| !(layer + 1).is_multiple_of(interval)).collect()),
        Some(Value::Array(all)) if all.len() >= layers && all.iter().all(|one| matches!(one.as_u64(), Some(0 | 1))) => {
            Ok(all.iter().take(layers).map(|one| one.as_u64() == Some(1)).collect())
        }
        Some(_) => Err(from.contradicts("no_rope_layers", "must be a list of 0 or 1, one for each layer")),
    }
}

fn read_gguf(from: &dyn Metadata, config: &mut Config) -> Result<(), ModelError> {
    from.no_window(config)?;
    from.need("rope.freq_base")?;
    from.rotary(config)?;
    for (i, layer) in config.layers.iter_mut().enumerate() {
        layer.rope = (!(i + 1).is_multiple_of(INTERVAL)).then_some(0);
    }
    Ok(())
}
