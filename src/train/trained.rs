//! The result of a training: weights, or adapters on the base that they were trained on.

use std::path::Path;

use candle_core::Tensor;
use rayon::prelude::*;

use super::{TrainError, Tuning};
use crate::adapt::{Adapter, row_norm, to_magnitudes};
use crate::cache::{Arrays, ReadArrays};
use crate::model::config::FramePart;
use crate::model::ops::values::Values;
use crate::model::weights::Resident;

/// The result of a training. Nothing else is called trained.
#[derive(Debug, Clone)]
pub enum Trained {
    /// All weights.
    Full(Resident),
    /// Adapters on the base that training started from.
    Adapters {
        /// [`Tuning::Lora`] or [`Tuning::Dora`].
        kind: Tuning,
        /// One per linear.
        adapters: Vec<Adapter>,
        /// DoRA's magnitudes, `[d_out]` for each adapter; none for LoRA.
        magnitudes: Vec<Vec<f32>>,
    },
}

/// W + B A of a linear, row-major.
fn sum(w: &[f32], adapter: &Adapter) -> Vec<f32> {
    let mut sum = w.to_vec();
    adapter.add_to(&mut sum, 1.0);
    sum
}

/// Norms of the rows of W + B A, `[d_out]`.
pub(super) fn row_norms(w: &[f32], adapter: &Adapter) -> Vec<f32> {
    let d_in = adapter.a.len() / adapter.rank.max(1);
    sum(w, adapter).chunks_exact(d_in.max(1)).map(row_norm).collect()
}

impl Trained {
    /// The trained model, `base` being the weights that training started from: W + B A, for DoRA with its rows scaled to the
    /// magnitudes, or all trained weights.
    pub fn merged(&self, base: &Resident) -> Result<Resident, TrainError> {
        let (adapters, magnitudes) = match self {
            Self::Full(model) => return Ok(model.clone()),
            Self::Adapters { adapters, magnitudes, .. } => (adapters, magnitudes),
        };
        let mut model = base.clone();
        let merged = adapters.par_iter().enumerate().map(|(i, adapter)| {
            let unknown =
                || TrainError::Adapter { linear: adapter.linear.clone(), why: "the model has no such linear".into() };
            let at = base.config.shape.locate(&adapter.linear).ok_or_else(unknown)?;
            Ok::<_, TrainError>((at, one(&base.blocks[at.0].linears[at.1], adapter, magnitudes.get(i))?))
        });
        for ((layer, at), w) in merged.collect::<Result<Vec<_>, _>>()? {
            model.blocks[layer].linears[at] = w;
        }
        Ok(model)
    }

    /// Writes one file of the cache, atomically.
    pub fn store(&self, path: &Path) -> Result<(), TrainError> {
        match self {
            Self::Full(model) => store_full(model, path),
            Self::Adapters { kind, adapters, magnitudes } => store_adapters(*kind, adapters, magnitudes, path),
        }
    }

    /// Reads what [`Trained::store`] wrote, for the same base.
    pub fn load(path: &Path, base: &Resident) -> Result<Self, TrainError> {
        let file = ReadArrays::open(path)?;
        let unfit = |why: String| TrainError::Unfit { path: path.into(), why };
        let kind = match file.metadata("kind")?.as_str() {
            "full" => return full(path, &file, base),
            "dora" => Tuning::Dora,
            "lora" => Tuning::Lora,
            other => return Err(unfit(format!("it says that {other:?} was trained"))),
        };
        let linears = file.metadata("linears")?;
        let (mut adapters, mut magnitudes) = (Vec::new(), Vec::new());
        for linear in linears.lines() {
            let (dims, a) = file.f32(&format!("{linear}.lora_A"))?;
            let (_, b) = file.f32(&format!("{linear}.lora_B"))?;
            let [rank, _] = dims[..] else { return Err(unfit(format!("{linear}.lora_A is not a matrix"))) };
            adapters.push(Adapter { linear: linear.into(), rank, a, b });
            if kind == Tuning::Dora {
                magnitudes.push(file.f32(&format!("{linear}.lora_magnitude_vector"))?.1);
            }
        }
        Ok(Self::Adapters { kind, adapters, magnitudes })
    }
}

fn store_full(model: &Resident, path: &Path) -> Result<(), TrainError> {
    let mut tensors = Vec::new();
    each_tensor(&mut model.clone(), |name, tensor| {
        tensors.push((name, tensor.clone()));
        Ok(())
    })?;
    let values = tensors.iter().map(|(_, tensor)| Values::of(tensor)).collect::<Result<Vec<_>, _>>()?;
    let mut arrays = Arrays::default();
    arrays.metadata.insert("kind".into(), "full".into());
    for ((name, tensor), values) in tensors.iter().zip(&values) {
        arrays.push_f32(name.clone(), tensor.dims(), values.iter().copied());
    }
    Ok(arrays.write(path)?)
}

fn store_adapters(kind: Tuning, adapters: &[Adapter], magnitudes: &[Vec<f32>], path: &Path) -> Result<(), TrainError> {
    let mut arrays = Arrays::default();
    let name = if kind == Tuning::Dora { "dora" } else { "lora" };
    arrays.metadata.insert("kind".into(), name.into());
    let linears: Vec<&str> = adapters.iter().map(|adapter| adapter.linear.as_str()).collect();
    arrays.metadata.insert("linears".into(), linears.join("\n"));
    for (i, Adapter { linear, rank, a, b }) in adapters.iter().enumerate() {
        let r = (*rank).max(1);
        arrays.push_f32(format!("{linear}.lora_A"), &[*rank, a.len() / r], a.iter().copied());
        arrays.push_f32(format!("{linear}.lora_B"), &[b.len() / r, *rank], b.iter().copied());
        if let Some(m) = magnitudes.get(i) {
            arrays.push_f32(format!("{linear}.lora_magnitude_vector"), &[m.len()], m.iter().copied());
        }
    }
    Ok(arrays.write(path)?)
}

/// One linear, merged.
fn one(w: &Tensor, adapter: &Adapter, magnitude: Option<&Vec<f32>>) -> Result<Tensor, TrainError> {
    let mut merged = sum(&Values::of(w)?, adapter);
    if let Some(magnitude) = magnitude {
        to_magnitudes(&mut merged, magnitude);
    }
    Ok(Tensor::from_vec(merged, w.dims(), w.device())?)
}

fn full(path: &Path, file: &ReadArrays, base: &Resident) -> Result<Trained, TrainError> {
    let mut model = base.clone();
    each_tensor(&mut model, |name, tensor| {
        let (dims, values) = file.f32(&name)?;
        if dims != tensor.dims() {
            return Err(TrainError::Unfit { path: path.into(), why: format!("{name} has another shape") });
        }
        *tensor = Tensor::from_vec(values, dims, tensor.device())?;
        Ok(())
    })?;
    tie(&mut model);
    Ok(Trained::Full(model))
}

/// Makes the head of a tied model its embedding again.
pub(super) fn tie(model: &mut Resident) {
    if model.config.shape.tied {
        model.frame.head = model.frame.embedding.clone();
    }
}

/// Every tensor of a model by its Hugging Face name; a tied head is the embedding and comes once.
pub(super) fn each_tensor(
    model: &mut Resident,
    mut each: impl FnMut(String, &mut Tensor) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let config = model.config.clone();
    let (first, last): (Vec<_>, Vec<_>) = config
        .frame_slots()
        .into_iter()
        .partition(|slot| matches!(slot.part, FramePart::Embedding | FramePart::Positions));
    for slot in first {
        model.frame.part_mut(slot.part).map_or(Ok(()), |tensor| each(slot.name, tensor))?;
    }
    for (layer, block) in model.blocks.iter_mut().enumerate() {
        for slot in config.slots(layer) {
            block.part_mut(slot.part).map_or(Ok(()), |tensor| each(slot.name, tensor))?;
        }
    }
    for slot in last {
        model.frame.part_mut(slot.part).map_or(Ok(()), |tensor| each(slot.name, tensor))?;
    }
    Ok(())
}
