//! A model with an adapter merged into its linears: W + scale B A, with DoRA its rows brought to the magnitudes. Where the
//! adapter belongs to W without its start (PiSSA, OLoRA), that is what B A is added to.

use candle_core::Tensor;

use super::config::Init;
use super::error::AdapterError;
use super::folder::Loaded;
use super::residual::residual;
use super::{CONFIG, to_magnitudes};
use crate::model::ModelError;
use crate::model::config::Config;
use crate::model::shape::HEAD;
use crate::model::weights::{Block, Frame, Weights};

/// The merged model, a block at a time.
pub struct Merged<'a> {
    base: &'a dyn Weights,
    adapter: &'a Loaded,
    frame: Frame,
}

impl<'a> Merged<'a> {
    /// `adapter` on `base`, which it must fit ([`Loaded::check_fits`]). A tied head with an adapter of its own is untied.
    ///
    /// # Errors
    /// If the adapter belongs to a base that cannot be computed from this one, or comes with tensors of the base that
    /// differ from this one's.
    pub fn new(base: &'a dyn Weights, adapter: &'a Loaded) -> Result<Self, ModelError> {
        if let Init::Other { value, why } = &adapter.init {
            let path = adapter.path.with_file_name(CONFIG);
            return Err(ModelError::derived(AdapterError::Init { path, value: value.clone(), why }));
        }
        if adapter.init != Init::Plain && adapter.linears.contains_key(HEAD) && base.config().shape.tied {
            let why = "changes the embedding that the head is tied to, while PEFT loads it; convert the adapter first \
                       (`corda convert`)";
            let (path, linear) = (adapter.path.clone(), HEAD.into());
            return Err(ModelError::derived(AdapterError::Linear { path, linear, why: why.into() }));
        }
        check_copies(base, adapter)?;
        let mut frame = base.frame().clone();
        if adapter.linears.contains_key(HEAD) {
            frame.head = merged(adapter, HEAD, base.head())?;
        }
        Ok(Self { base, adapter, frame })
    }
}

/// PEFT loads the tensors of the base that were saved beside an adapter over the base's own: they must be the same.
fn check_copies(base: &dyn Weights, adapter: &Loaded) -> Result<(), ModelError> {
    for (name, (dims, values)) in &adapter.copies {
        let refused = |why: &str| {
            let (path, name) = (adapter.path.clone(), name.clone());
            ModelError::derived(AdapterError::Tensor { path, name, why: why.into() })
        };
        let Some(own) = tensor(base, name)? else {
            return Err(refused("is not a tensor of an adapter, nor the base's embedding, head or a linear"));
        };
        if own.dims() != &dims[..] || own.flatten_all()?.to_vec1::<f32>()? != *values {
            return Err(refused(
                "replaces the base's own, which differs: the vocabulary was changed, or this is another base model",
            ));
        }
    }
    Ok(())
}

/// The base's embedding, head or a linear of a block.
fn tensor(base: &dyn Weights, name: &str) -> Result<Option<Tensor>, ModelError> {
    let Some(stem) = name.strip_suffix(".weight") else { return Ok(None) };
    let shape = &base.config().shape;
    match shape.locate(stem) {
        Some((layer, at)) => Ok(Some(base.block(layer)?.linears[at].clone())),
        None if stem == shape.family.names.embedding => Ok(Some(base.embedding().clone())),
        None if stem == HEAD => Ok(Some(base.head().clone())),
        None => Ok(None),
    }
}

fn merged(adapter: &Loaded, linear: &str, w: &Tensor) -> Result<Tensor, ModelError> {
    let Some((one, scale)) = adapter.linears.get(linear) else { return Ok(w.clone()) };
    let refused = |why: String| {
        ModelError::derived(AdapterError::Linear { path: adapter.path.clone(), linear: linear.into(), why })
    };
    let (d_in, w_flat) = (one.a.len() / one.rank.max(1), w.flatten_all()?.to_vec1::<f32>()?);
    let mut out = residual(&adapter.init, w_flat, d_in, one.rank, *scale).map_err(refused)?;
    one.add_to(&mut out, *scale);
    if let Some(magnitudes) = adapter.magnitudes.get(linear) {
        if let Some(row) = out.chunks_exact(d_in.max(1)).position(|row| row.iter().all(|x| *x == 0.0)) {
            return Err(refused(format!(
                "is DoRA's, and row {row} (from 0) of W + B A is all zeros: it has no direction"
            )));
        }
        to_magnitudes(&mut out, magnitudes);
    }
    Ok(Tensor::from_vec(out, w.dims(), w.device())?)
}

impl Weights for Merged<'_> {
    fn config(&self) -> &Config {
        self.base.config()
    }
    fn frame(&self) -> &Frame {
        &self.frame
    }
    fn block(&self, layer: usize) -> Result<Block, ModelError> {
        let mut block = self.base.block(layer)?;
        for (linear, of) in block.linears.iter_mut().zip(self.config().shape.block_linears(layer)) {
            *linear = merged(self.adapter, &of.name, linear)?;
        }
        Ok(block)
    }
}
