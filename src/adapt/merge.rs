//! A model with an adapter merged into its linears: W + scale B A, with DoRA its rows brought to the magnitudes.

use candle_core::Tensor;

use super::peft::Loaded;
use super::to_magnitudes;
use crate::model::ModelError;
use crate::model::config::Config;
use crate::model::llama::{Block, Frame, Weights};
use crate::model::shape::LINEARS;

/// The merged model, a block at a time.
pub struct Merged<'a> {
    base: &'a dyn Weights,
    adapter: &'a Loaded,
    frame: Frame,
}

impl<'a> Merged<'a> {
    /// `adapter` on `base`, which it must fit ([`Loaded::check_fits`]). A tied head with an adapter of its own is untied.
    pub fn new(base: &'a dyn Weights, adapter: &'a Loaded) -> Result<Self, ModelError> {
        let mut frame = base.frame().clone();
        if adapter.linears.contains_key("lm_head") {
            frame.head = merged(adapter, "lm_head", base.head())?;
        }
        Ok(Self { base, adapter, frame })
    }
}

fn merged(adapter: &Loaded, linear: &str, w: &Tensor) -> Result<Tensor, ModelError> {
    let Some((one, scale)) = adapter.linears.get(linear) else { return Ok(w.clone()) };
    let mut out = w.flatten_all()?.to_vec1::<f32>()?;
    one.add_to(&mut out, *scale);
    if let Some(magnitudes) = adapter.magnitudes.get(linear) {
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
        for (linear, suffix) in block.linears.iter_mut().zip(LINEARS) {
            *linear = merged(self.adapter, &format!("model.layers.{layer}.{suffix}"), linear)?;
        }
        Ok(block)
    }
}
