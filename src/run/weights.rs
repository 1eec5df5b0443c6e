//! The model in memory or on disk, and the model with components dropped.

use std::sync::{Mutex, PoisonError};

use candle_core::Device;
use faer::Mat;

use crate::cache::{Cache, CacheError, ReadArrays};
use crate::decompose::End;
use crate::decompose::store::{self, Decomposed};
use crate::model::ModelError;
use crate::model::checkpoint::Checkpoint;
use crate::model::config::Config;
use crate::model::shape::{Linear, Site};
use crate::model::weights::{Block, Frame, Resident, Streamed, Weights};
use crate::plan::Part;
use crate::plan::memory::Layout;

use super::RunError;

/// The undamaged model.
pub enum Loaded {
    /// All weights in memory.
    Resident(Resident),
    /// Blocks read from disk as needed.
    Streamed(Streamed),
}

impl Loaded {
    /// Into memory where the layout has room for it.
    pub fn read(checkpoint: Checkpoint, device: &Device, layout: &Layout) -> Result<Self, ModelError> {
        Ok(if layout.resident {
            Self::Resident(Resident::read(&checkpoint, device)?)
        } else {
            Self::Streamed(Streamed::new(checkpoint, device)?)
        })
    }

    /// As a source of weights.
    pub fn weights(&self) -> &dyn Weights {
        match self {
            Self::Resident(weights) => weights,
            Self::Streamed(weights) => weights,
        }
    }
}

/// Weights that remember the last block, so that several models on top of them read it from disk once.
pub struct LastBlock<'a> {
    base: &'a dyn Weights,
    last: Mutex<Option<(usize, Block)>>,
}

impl<'a> LastBlock<'a> {
    /// On top of `base`.
    pub fn new(base: &'a dyn Weights) -> Self {
        Self { base, last: Mutex::new(None) }
    }
}

impl Weights for LastBlock<'_> {
    fn config(&self) -> &Config {
        self.base.config()
    }
    fn frame(&self) -> &Frame {
        self.base.frame()
    }
    fn block(&self, layer: usize) -> Result<Block, ModelError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((at, block)) if *at == layer => Ok(block.clone()),
            _ => {
                // Let go of the old one first.
                *last = None;
                let block = self.base.block(layer)?;
                *last = Some((layer, block.clone()));
                Ok(block)
            }
        }
    }
}

/// A target's weights in f64, [d_out, d_in]: of `block`, or the head where there is none.
pub fn in_f64(weights: &dyn Weights, block: Option<&Block>, linear: &Linear) -> Result<Mat<f64>, ModelError> {
    let w = match (block, weights.config().shape.locate(&linear.name)) {
        (Some(block), Some((_, at))) => &block.linears[at],
        _ => weights.head(),
    };
    let flat = w.flatten_all()?.to_vec1::<f32>()?;
    Ok(Mat::from_fn(linear.d_out, linear.d_in, |i, j| f64::from(flat[i * linear.d_in + j])))
}

/// Which components are taken from each target, and where the cache has them.
#[derive(Clone, Copy)]
pub struct Taken<'a> {
    /// The cache that holds the decompositions.
    pub cache: &'a Cache,
    /// The decomposition's key.
    pub key: &'a str,
    /// The end they are taken from.
    pub end: End,
    /// The targets.
    pub parts: &'a [Part],
    /// How many are taken from a linear.
    pub count: &'a (dyn Fn(&Linear) -> usize + Sync),
}

impl Taken<'_> {
    /// The decompositions of a part, a linear each.
    pub fn read(&self, part: &Part) -> Result<Vec<(Linear, Decomposed)>, CacheError> {
        let path = self.cache.part("decomposition", self.key, &part.name());
        let file = ReadArrays::open(&path)?;
        let one =
            |(linear, _): &(Linear, Site)| Ok((linear.clone(), store::read(&file, &path, &linear.name, self.end)?));
        part.linears.iter().map(one).collect()
    }
}

/// A model with components taken from its targets.
pub struct Truncated<'a> {
    base: &'a dyn Weights,
    taken: Taken<'a>,
    frame: Frame,
}

impl<'a> Truncated<'a> {
    /// The model `base` without the components `taken`.
    pub fn new(base: &'a dyn Weights, taken: Taken<'a>) -> Result<Self, RunError> {
        let mut frame = base.frame().clone();
        // A tied head is untied by this: the embedding stays as it is.
        if let Some(part) = taken.parts.iter().find(|part| part.head) {
            for (linear, decomposed) in taken.read(part)? {
                frame.head = decomposed.truncation.apply(base.head(), (taken.count)(&linear))?;
            }
        }
        Ok(Self { base, taken, frame })
    }
}

impl Weights for Truncated<'_> {
    fn config(&self) -> &Config {
        self.base.config()
    }
    fn frame(&self) -> &Frame {
        &self.frame
    }
    fn block(&self, layer: usize) -> Result<Block, ModelError> {
        let mut block = self.base.block(layer)?;
        let Some(part) = self.taken.parts.iter().find(|part| part.layer == layer && !part.head) else {
            return Ok(block);
        };
        for (linear, decomposed) in self.taken.read(part).map_err(ModelError::derived)? {
            let Some((_, i)) = self.config().shape.locate(&linear.name) else { continue };
            block.linears[i] = decomposed.truncation.apply(&block.linears[i], (self.taken.count)(&linear))?;
        }
        Ok(block)
    }
}
