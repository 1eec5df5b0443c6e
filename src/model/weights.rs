//! The weights of a model, block by block: in memory, or read from disk as they are needed.

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::ModelError;
use super::arch::Place;
use super::checkpoint::Checkpoint;
use super::config::{Config, FramePart, Part};

/// The parameters of a norm.
#[derive(Debug, Clone)]
pub struct Norm {
    /// What the normalised values are multiplied by; 1 + w where a family stores w.
    pub gain: Tensor,
    /// What is then added; LayerNorm only.
    pub shift: Option<Tensor>,
}

/// The weights of one decoder block, f32.
#[derive(Debug, Clone)]
pub struct Block {
    /// Which block it is.
    pub layer: usize,
    /// The linears in the family's order, each [d_out, d_in].
    pub linears: Vec<Tensor>,
    /// Their biases, `[d_out]`, where they have one.
    pub biases: Vec<Option<Tensor>>,
    /// The norms by [`Place`].
    norms: [Option<Norm>; Place::COUNT],
}

impl Block {
    /// A block whose tensors `read` gives by what they are, Hugging Face's name and dimensions.
    pub fn read<E>(
        config: &Config,
        layer: usize,
        mut read: impl FnMut(Part, &str, &[usize]) -> Result<Tensor, E>,
    ) -> Result<Self, E> {
        let linears = config.shape.family.linears.len();
        let mut block = Self {
            layer,
            linears: Vec::with_capacity(linears),
            biases: vec![None; linears],
            norms: [const { None }; Place::COUNT],
        };
        for slot in config.slots(layer) {
            let tensor = read(slot.part, &slot.name, &slot.dims)?;
            match slot.part {
                // Slots list linears in their order.
                Part::Weight(_) => block.linears.push(tensor),
                Part::Bias(at) => block.biases[at] = Some(tensor),
                Part::Gain(place) => block.norms[place as usize] = Some(Norm { gain: tensor, shift: None }),
                Part::Shift(place) => {
                    if let Some(norm) = &mut block.norms[place as usize] {
                        norm.shift = Some(tensor);
                    }
                }
            }
        }
        Ok(block)
    }

    /// The norm at that place, if the family has one there.
    pub fn norm(&self, place: Place) -> Option<&Norm> {
        self.norms[place as usize].as_ref()
    }

    /// The tensor that is that part, if the block has it.
    pub fn part(&self, part: Part) -> Option<&Tensor> {
        match part {
            Part::Weight(at) => self.linears.get(at),
            Part::Bias(at) => self.biases.get(at)?.as_ref(),
            Part::Gain(place) => self.norm(place).map(|norm| &norm.gain),
            Part::Shift(place) => self.norm(place)?.shift.as_ref(),
        }
    }

    /// As [`Block::part`], to change it.
    pub fn part_mut(&mut self, part: Part) -> Option<&mut Tensor> {
        match part {
            Part::Weight(at) => self.linears.get_mut(at),
            Part::Bias(at) => self.biases.get_mut(at)?.as_mut(),
            Part::Gain(place) => self.norms[place as usize].as_mut().map(|norm| &mut norm.gain),
            Part::Shift(place) => self.norms[place as usize].as_mut()?.shift.as_mut(),
        }
    }
}

/// The parts of a model that are not blocks.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Token embedding, [vocabulary, hidden].
    pub embedding: Tensor,
    /// Embedding of positions, [context + 2, hidden], where they are learned.
    pub positions: Option<Tensor>,
    /// Final norm.
    pub norm: Norm,
    /// Output head, [vocabulary, hidden]; the embedding itself where tied.
    pub head: Tensor,
}

impl Frame {
    /// A frame whose tensors `read` gives by what they are, Hugging Face's name and dimensions; a tied head is the embedding.
    pub fn of<E>(
        config: &Config,
        mut read: impl FnMut(FramePart, &str, &[usize]) -> Result<Tensor, E>,
    ) -> Result<Self, E> {
        let mut found = std::collections::BTreeMap::new();
        for slot in config.frame_slots() {
            found.insert(slot.part as usize, read(slot.part, &slot.name, &slot.dims)?);
        }
        let mut take = |part: FramePart| found.remove(&(part as usize));
        let (positions, shift, head) = (take(FramePart::Positions), take(FramePart::Shift), take(FramePart::Head));
        let (Some(embedding), Some(gain)) = (take(FramePart::Embedding), take(FramePart::Gain)) else {
            unreachable!("every model has an embedding and a final norm")
        };
        Ok(Self { head: head.unwrap_or_else(|| embedding.clone()), norm: Norm { gain, shift }, embedding, positions })
    }

    /// Reads them from a checkpoint.
    pub fn read(checkpoint: &Checkpoint, device: &Device) -> Result<Self, ModelError> {
        Self::of(checkpoint.config(), |part, name, dims| match part {
            FramePart::Gain => checkpoint.gain(name, dims, device),
            _ => checkpoint.tensor(name, dims, device),
        })
    }

    /// The tensor that is that part, if the model has it.
    pub fn part_mut(&mut self, part: FramePart) -> Option<&mut Tensor> {
        match part {
            FramePart::Embedding => Some(&mut self.embedding),
            FramePart::Positions => self.positions.as_mut(),
            FramePart::Gain => Some(&mut self.norm.gain),
            FramePart::Shift => self.norm.shift.as_mut(),
            FramePart::Head => Some(&mut self.head),
        }
    }
}

/// A source of weights.
pub trait Weights: Sync {
    /// The model's configuration.
    fn config(&self) -> &Config;
    /// Embedding, final norm and head.
    fn frame(&self) -> &Frame;
    /// Token embedding, [vocabulary, hidden].
    fn embedding(&self) -> &Tensor {
        &self.frame().embedding
    }
    /// Output head, [vocabulary, hidden]; the embedding itself where tied and not decomposed.
    fn head(&self) -> &Tensor {
        &self.frame().head
    }
    /// The weights of block `layer`. This is cheap if they are in memory.
    fn block(&self, layer: usize) -> Result<Block, ModelError>;
}

/// Reads block `layer` of a checkpoint.
pub fn read_block(checkpoint: &Checkpoint, layer: usize, device: &Device) -> Result<Block, ModelError> {
    Block::read(checkpoint.config(), layer, |part, name, dims| match part {
        Part::Gain(_) => checkpoint.gain(name, dims, device),
        _ => checkpoint.tensor(name, dims, device),
    })
}

/// A model whose weights are all in memory.
#[derive(Debug, Clone)]
pub struct Resident {
    /// Configuration.
    pub config: Config,
    /// Embedding, final norm, head.
    pub frame: Frame,
    /// Every block.
    pub blocks: Vec<Block>,
}

impl Resident {
    /// Reads and dequantises everything, blocks in parallel.
    pub fn read(checkpoint: &Checkpoint, device: &Device) -> Result<Self, ModelError> {
        let layers = checkpoint.config().shape.layers;
        let (frame, blocks) = rayon::join(
            || Frame::read(checkpoint, device),
            || {
                let blocks = (0..layers).into_par_iter().map(|layer| read_block(checkpoint, layer, device));
                blocks.collect::<Result<Vec<_>, ModelError>>()
            },
        );
        Ok(Self { config: checkpoint.config().clone(), frame: frame?, blocks: blocks? })
    }

    /// All weights of a source in memory, blocks in parallel.
    pub fn collect(weights: &dyn Weights) -> Result<Self, ModelError> {
        let layers = weights.config().shape.layers;
        let blocks = (0..layers).into_par_iter().map(|layer| weights.block(layer)).collect::<Result<_, _>>()?;
        Ok(Self { config: weights.config().clone(), frame: weights.frame().clone(), blocks })
    }
}

impl Weights for Resident {
    fn config(&self) -> &Config {
        &self.config
    }
    fn frame(&self) -> &Frame {
        &self.frame
    }
    fn block(&self, layer: usize) -> Result<Block, ModelError> {
        Ok(self.blocks[layer].clone())
    }
}

/// A model whose blocks are read from disk each time they are needed: for models larger than memory.
pub struct Streamed {
    checkpoint: Checkpoint,
    frame: Frame,
    device: Device,
}

impl Streamed {
    /// Reads embedding, norm and head; blocks stay on disk.
    pub fn new(checkpoint: Checkpoint, device: &Device) -> Result<Self, ModelError> {
        Ok(Self { frame: Frame::read(&checkpoint, device)?, checkpoint, device: device.clone() })
    }
}

impl Weights for Streamed {
    fn config(&self) -> &Config {
        self.checkpoint.config()
    }
    fn frame(&self) -> &Frame {
        &self.frame
    }
    fn block(&self, layer: usize) -> Result<Block, ModelError> {
        read_block(&self.checkpoint, layer, &self.device)
    }
}
