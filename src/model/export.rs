//! Writes a model as a folder in Hugging Face format, block by block.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::Tensor;
use safetensors::tensor::Dtype;

use super::ModelError;
use super::checkpoint::Checkpoint;
use super::llama::{Block, Weights};
use super::shape::{LINEARS, block_tensor};
use crate::atomic::{WriteError, write_bytes};
use crate::tensors::{self, Entry};

/// Writes f32 tensors in safetensors format as other programs expect them, holding one at a time. The inner error is that of
/// `data`.
pub fn write_safetensors<E>(
    path: &Path,
    tensors: &[(String, Vec<usize>)],
    mut data: impl FnMut(usize) -> Result<Vec<f32>, E>,
) -> Result<Result<(), E>, WriteError> {
    let entry =
        |(name, dims): &(String, Vec<usize>)| Entry { name: name.clone(), dtype: Dtype::F32, dims: dims.clone() };
    let entries: Vec<Entry> = tensors.iter().map(entry).collect();
    let metadata = BTreeMap::from([("format".to_string(), "pt".to_string())]);
    tensors::write(path, &metadata, &entries, |i| Ok(data(i)?.into_iter().flat_map(f32::to_le_bytes).collect()))
}

/// Writes `weights` as `model.safetensors` (f32) with the configuration and tokenizer files of the checkpoint they come
/// from. A tied head that was changed is written as a tensor of its own.
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
    let entries: Vec<_> = names.into_iter().map(|name| (name.clone(), dims(&name))).collect();
    write_safetensors(&folder.join("model.safetensors"), &entries, |i| {
        Ok::<_, ModelError>(tensor(i)?.flatten_all()?.to_vec1::<f32>()?)
    })
    .map_err(ModelError::Write)??;
    for (name, bytes) in side_files {
        write_bytes(&folder.join(name), &bytes).map_err(ModelError::Write)?;
    }
    Ok(())
}
