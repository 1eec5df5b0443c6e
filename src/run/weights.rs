//! The model in memory or on disk, and the model with components dropped.

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use crate::cache::{Cache, ReadArrays};
use crate::decompose::store;
use crate::model::ModelError;
use crate::model::checkpoint::Checkpoint;
use crate::model::config::Config;
use crate::model::llama::{Block, Frame, Resident, Streamed, Weights};
use crate::model::shape::LINEARS;
use crate::plan::Part;

use super::RunError;

/// The undamaged model.
pub enum Loaded {
    /// All weights in memory.
    Resident(Resident),
    /// Blocks read from disk as needed.
    Streamed(Streamed),
}

/// Windows that pass through the blocks together when every block is read from disk.
const STREAMED_TOGETHER: usize = 64;

impl Loaded {
    /// In memory if two copies (the model and one with components dropped) take at most half of what is free.
    pub fn read(checkpoint: Checkpoint, device: &Device) -> Result<Self, ModelError> {
        let bytes = checkpoint.config().shape.parameters() * 4;
        let fits = available_memory().is_none_or(|free| bytes * 2 <= free / 2);
        Ok(if fits {
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

    /// Windows to evaluate side by side.
    pub fn together(&self) -> usize {
        match self {
            Self::Resident(_) => 1,
            Self::Streamed(_) => STREAMED_TOGETHER,
        }
    }
}

/// Memory that can be had without swapping, bytes; `None` where the system does not say.
fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

/// A model with components dropped from its targets, as the decompositions in the cache say.
pub struct Truncated<'a> {
    base: &'a dyn Weights,
    cache: &'a Cache,
    key: &'a str,
    parts: &'a [Part],
    dropped: &'a (dyn Fn(usize) -> usize + Sync),
    frame: Frame,
}

impl<'a> Truncated<'a> {
    /// `dropped` gives the components to drop from a linear of a rank; `key` is the decomposition's.
    pub fn new(
        base: &'a dyn Weights,
        cache: &'a Cache,
        key: &'a str,
        parts: &'a [Part],
        dropped: &'a (dyn Fn(usize) -> usize + Sync),
    ) -> Result<Self, RunError> {
        let mut this = Self { frame: base.frame().clone(), base, cache, key, parts, dropped };
        // A tied head is untied by this: the embedding stays as it is.
        if let Some(part) = parts.iter().find(|part| part.head) {
            this.frame.head = this.truncate(part, "lm_head", base.head())?;
        }
        Ok(this)
    }

    fn truncate(&self, part: &Part, linear: &str, w: &Tensor) -> Result<Tensor, RunError> {
        let path = self.cache.part("decomposition", self.key, &part.name());
        let decomposed = store::read(&ReadArrays::open(&path)?, &path, linear)?;
        let (d_out, d_in) = w.dims2().map_err(ModelError::from)?;
        Ok(decomposed.truncation.apply(w, (self.dropped)(d_out.min(d_in)))?)
    }

    /// With all weights in memory, blocks in parallel.
    pub fn resident(&self) -> Result<Resident, RunError> {
        let layers = self.base.config().shape.layers;
        let blocks = (0..layers).into_par_iter().map(|layer| self.truncated_block(layer)).collect::<Result<_, _>>()?;
        Ok(Resident { config: self.base.config().clone(), frame: self.frame.clone(), blocks })
    }

    fn truncated_block(&self, layer: usize) -> Result<Block, RunError> {
        let mut block = self.base.block(layer)?;
        let Some(part) = self.parts.iter().find(|part| part.layer == layer && !part.head) else { return Ok(block) };
        let path = self.cache.part("decomposition", self.key, &part.name());
        let file = ReadArrays::open(&path)?;
        for (linear, _) in &part.linears {
            let Some(i) = LINEARS.iter().position(|suffix| linear.name.ends_with(suffix)) else { continue };
            let decomposed = store::read(&file, &path, &linear.name)?;
            block.linears[i] = decomposed.truncation.apply(&block.linears[i], (self.dropped)(linear.rank()))?;
        }
        Ok(block)
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
        self.truncated_block(layer).map_err(|e| match e {
            RunError::Model(e) => *e,
            other => ModelError::Dropping(other.to_string()),
        })
    }
}
