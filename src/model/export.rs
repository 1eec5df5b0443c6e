//! Writes a model as a folder in Hugging Face format, block by block.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::Tensor;
use safetensors::tensor::Dtype;

use super::ModelError;
use super::checkpoint::Checkpoint;
use super::config::{FramePart, Part};
use super::weights::{Block, Weights};
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
    let frame = weights.frame();
    let untied = !weights.config().shape.tied || frame.head.id() != frame.embedding.id();
    let side_files = checkpoint.side_files(untied)?;
    let mut config = weights.config().clone();
    config.shape.tied = !untied;
    let mut frame = frame.clone();
    // As files have them: tensors of the frame, those of blocks in the order of layers, and the head last.
    let (first, last): (Vec<_>, Vec<_>) = config
        .frame_slots()
        .into_iter()
        .partition(|slot| slot.part == FramePart::Embedding || slot.part == FramePart::Positions);
    let blocks: Vec<_> = (0..config.shape.layers).map(|layer| config.slots(layer)).collect();
    let each = blocks.first().map_or(0, Vec::len);
    let of_blocks = each * blocks.len();
    let entries: Vec<_> = first
        .iter()
        .map(|slot| (slot.name.clone(), slot.dims.clone()))
        .chain(blocks.iter().flatten().map(|slot| (slot.name.clone(), slot.dims.clone())))
        .chain(last.iter().map(|slot| (slot.name.clone(), slot.dims.clone())))
        .collect();
    let missing = |name: &str| ModelError::Missing { origin: folder.into(), name: name.into() };
    let offset = f64::from(config.shape.family.gain_offset);
    let stored = |tensor: &Tensor, gain: bool| {
        if gain && offset != 0.0 { tensor - offset } else { Ok(tensor.clone()) }
    };
    let mut current: Option<Block> = None;
    let mut tensor = |i: usize| -> Result<Tensor, ModelError> {
        if (first.len()..first.len() + of_blocks).contains(&i) {
            let (layer, at) = ((i - first.len()) / each, (i - first.len()) % each);
            if current.as_ref().is_none_or(|block| block.layer != layer) {
                current = Some(weights.block(layer)?);
            }
            let slot = &blocks[layer][at];
            let found = current.as_ref().and_then(|block| block.part(slot.part));
            let found = found.ok_or_else(|| missing(&slot.name))?;
            return Ok(stored(found, matches!(slot.part, Part::Gain(_)))?);
        }
        let slot = if i < first.len() { &first[i] } else { &last[i - first.len() - of_blocks] };
        let found = frame.part_mut(slot.part).ok_or_else(|| missing(&slot.name))?;
        Ok(stored(found, slot.part == FramePart::Gain)?)
    };
    write_safetensors(&folder.join("model.safetensors"), &entries, |i| {
        Ok::<_, ModelError>(tensor(i)?.flatten_all()?.to_vec1::<f32>()?)
    })
    .map_err(ModelError::Write)??;
    for (name, bytes) in side_files {
        write_bytes(&folder.join(name), &bytes).map_err(ModelError::Write)?;
    }
    Ok(())
}
