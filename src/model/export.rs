//! A model as a folder in Hugging Face format, written a block at a time.

use std::path::Path;

use candle_core::Tensor;
use serde_json::{Map, Value, json};

use super::ModelError;
use super::checkpoint::Checkpoint;
use super::llama::{Block, Weights, block_tensor};
use super::shape::LINEARS;
use crate::results::atomic::{WriteError, write_atomically, write_bytes};

/// A tensor of a file to write.
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its dimensions.
    pub dims: Vec<usize>,
}

/// Writes f32 tensors as safetensors, atomically, asking `data` for one after the other: none is held longer than its
/// turn. The inner error is that of `data`.
pub fn write_safetensors<E>(
    path: &Path,
    entries: &[Entry],
    mut data: impl FnMut(usize) -> Result<Vec<f32>, E>,
) -> Result<Result<(), E>, WriteError> {
    let mut header = Map::new();
    header.insert("__metadata__".into(), json!({"format": "pt"}));
    let mut end = 0;
    for Entry { name, dims } in entries {
        let start = end;
        end += 4 * dims.iter().product::<usize>();
        header.insert(name.clone(), json!({"dtype": "F32", "shape": dims, "data_offsets": [start, end]}));
    }
    let mut header = Value::Object(header).to_string();
    // Data are aligned to 8 bytes.
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    let mut failed = None;
    let written = write_atomically(path, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        for (i, entry) in entries.iter().enumerate() {
            let values = data(i).map_err(|e| {
                failed = Some(e);
                std::io::Error::other("no data")
            })?;
            debug_assert_eq!(values.len(), entry.dims.iter().product::<usize>());
            let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            file.write_all(&bytes)?;
        }
        Ok(())
    });
    match failed {
        Some(e) => Ok(Err(e)),
        None => written.map(Ok),
    }
}

/// Writes `weights` as `model.safetensors` (f32) with the configuration and tokenizer files of the checkpoint they come
/// from. A tied head that differs from the embedding by now is written beside it, untied.
pub fn write_model(folder: &Path, weights: &dyn Weights, checkpoint: &Checkpoint) -> Result<(), ModelError> {
    let shape = &weights.config().shape;
    let frame = weights.frame();
    let untied = !shape.tied || frame.head.id() != frame.embedding.id();
    let side_files = checkpoint.side_files(untied)?;
    let mut names = vec!["model.embed_tokens.weight".to_string()];
    for layer in 0..shape.layers {
        names.extend(["input_layernorm", "post_attention_layernorm"].map(|part| block_tensor(layer, part)));
        names.extend(LINEARS.map(|part| block_tensor(layer, part)));
    }
    names.push("model.norm.weight".into());
    if untied {
        names.push("lm_head.weight".into());
    }
    let of_block = |block: &Block, part: usize| match part {
        0 => block.attention_norm.clone(),
        1 => block.mlp_norm.clone(),
        linear => block.linears[linear - 2].clone(),
    };
    let each = LINEARS.len() + 2;
    let mut current: Option<(usize, Block)> = None;
    let mut tensor = |i: usize| -> Result<Tensor, ModelError> {
        if i == 0 {
            return Ok(frame.embedding.clone());
        }
        let (layer, part) = ((i - 1) / each, (i - 1) % each);
        if layer == shape.layers {
            return Ok(if part == 0 { frame.norm.clone() } else { frame.head.clone() });
        }
        if current.as_ref().is_none_or(|(at, _)| *at != layer) {
            current = Some((layer, weights.block(layer)?));
        }
        Ok(current.as_ref().map_or_else(|| frame.norm.clone(), |(_, block)| of_block(block, part)))
    };
    let linears = shape.linears();
    let dims = |name: &str| match name.strip_suffix(".weight") {
        Some("model.embed_tokens" | "lm_head") => vec![shape.vocabulary, shape.hidden],
        Some(name) => match linears.iter().find(|linear| linear.name == name) {
            Some(linear) => vec![linear.d_out, linear.d_in],
            None => vec![shape.hidden],
        },
        None => vec![shape.hidden],
    };
    let entries: Vec<Entry> = names.into_iter().map(|name| Entry { dims: dims(&name), name }).collect();
    write_safetensors(&folder.join("model.safetensors"), &entries, |i| {
        Ok::<_, ModelError>(tensor(i)?.flatten_all()?.to_vec1::<f32>()?)
    })
    .map_err(ModelError::Write)??;
    for (name, bytes) in side_files {
        write_bytes(&folder.join(name), &bytes).map_err(ModelError::Write)?;
    }
    Ok(())
}
