//! The Llama forward pass on one window of tokens, with an observer at the input of every linear.
//!
//! A [`Weights`] gives the weights block by block, so a model may be in memory or on disk. Attention is causal over
//! the window, positions start at 0, and there is no key-value cache: this is for losses and statistics; see
//! [`super::generate`] for generation.

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::ModelError;
use super::checkpoint::Checkpoint;
use super::config::Config;
use super::kernel::Heads;
use super::ops;
use super::shape::{LINEARS, Site, block_tensor};

/// The weights of one decoder block, f32.
#[derive(Debug, Clone)]
pub struct Block {
    /// `[hidden]`, before attention.
    pub attention_norm: Tensor,
    /// `[hidden]`, before the MLP.
    pub mlp_norm: Tensor,
    /// The linears in the order of [`LINEARS`], each [d_out, d_in].
    pub linears: [Tensor; 7],
}

/// Called with every distinct linear input of a block.
pub type Observer<'a> = &'a mut dyn FnMut(Site, &Tensor) -> Result<(), ModelError>;

/// Cosines and sines of the rotary embedding, [rows, head_dim / 2] each, and how the rows divide into sequences.
#[derive(Debug, Clone)]
pub struct Rotary {
    cos: Tensor,
    sin: Tensor,
    /// The number of tokens of each sequence. If `None`, the rows are one sequence of any length up to that of the tables.
    segments: Option<Vec<usize>>,
}

impl Rotary {
    /// Tables for windows of up to `length` tokens.
    pub fn new(config: &Config, length: usize, device: &Device) -> Result<Self, ModelError> {
        Self::tables(config, 0..length, device)
    }

    /// Tables for concatenated sequences of these lengths: positions start at 0 in each, and attention stays within it.
    pub fn packed(config: &Config, segments: &[usize], device: &Device) -> Result<Self, ModelError> {
        let positions = segments.iter().flat_map(|&length| 0..length);
        Ok(Self { segments: Some(segments.to_vec()), ..Self::tables(config, positions, device)? })
    }

    fn tables(config: &Config, positions: impl Iterator<Item = usize>, device: &Device) -> Result<Self, ModelError> {
        let half = config.frequencies.len();
        let angles = positions.flat_map(|t| config.frequencies.iter().map(move |f| t as f32 * f));
        let (sin, cos): (Vec<f32>, Vec<f32>) = angles.map(f32::sin_cos).unzip();
        let rows = cos.len() / half;
        Ok(Self {
            cos: Tensor::from_vec(cos, (rows, half), device)?,
            sin: Tensor::from_vec(sin, (rows, half), device)?,
            segments: None,
        })
    }

    /// Causal attention inside each sequence of rows.
    pub fn attend(&self, config: &Config) -> impl Fn(&Tensor, &Tensor, &Tensor) -> candle_core::Result<Tensor> {
        let shape = &config.shape;
        let heads = Heads { query: shape.heads, key_value: shape.kv_heads, dim: shape.head_dim };
        move |q, k, v| {
            let n = q.dim(0)?;
            ops::packed_attention(q, k, v, heads, self.segments.as_deref().unwrap_or(std::slice::from_ref(&n)))
        }
    }

    /// The rows of these positions: what a pass takes whose rows are not positions 0, 1, 2...
    pub fn at(&self, positions: &[u32]) -> Result<Self, ModelError> {
        let positions = Tensor::new(positions, self.cos.device())?;
        Ok(Self {
            cos: self.cos.index_select(&positions, 0)?,
            sin: self.sin.index_select(&positions, 0)?,
            segments: None,
        })
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
    /// Final norm, `[hidden]`.
    fn norm(&self) -> &Tensor {
        &self.frame().norm
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
    let shape = &checkpoint.config().shape;
    let linears = &shape.linears()[layer * LINEARS.len()..(layer + 1) * LINEARS.len()];
    let norm = |part: &str| checkpoint.tensor(&block_tensor(layer, part), &[shape.hidden], device);
    let linear =
        |i: usize| checkpoint.tensor(&block_tensor(layer, LINEARS[i]), &[linears[i].d_out, linears[i].d_in], device);
    Ok(Block {
        attention_norm: norm("input_layernorm")?,
        mlp_norm: norm("post_attention_layernorm")?,
        linears: [linear(0)?, linear(1)?, linear(2)?, linear(3)?, linear(4)?, linear(5)?, linear(6)?],
    })
}

/// The parts of a model that are not blocks.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Token embedding, [vocabulary, hidden].
    pub embedding: Tensor,
    /// Final norm, `[hidden]`.
    pub norm: Tensor,
    /// Output head, [vocabulary, hidden].
    pub head: Tensor,
}

impl Frame {
    /// Reads them from a checkpoint; a tied head is the embedding.
    pub fn read(checkpoint: &Checkpoint, device: &Device) -> Result<Self, ModelError> {
        let shape = &checkpoint.config().shape;
        let wide = [shape.vocabulary, shape.hidden];
        let embedding = checkpoint.tensor("model.embed_tokens.weight", &wide, device)?;
        let head = if shape.tied { embedding.clone() } else { checkpoint.tensor("lm_head.weight", &wide, device)? };
        Ok(Self { norm: checkpoint.tensor("model.norm.weight", &[shape.hidden], device)?, embedding, head })
    }
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
}

impl Resident {
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

/// The hidden states that enter block 0: [n, hidden].
pub fn embed(weights: &dyn Weights, tokens: &[u32]) -> Result<Tensor, ModelError> {
    let embedding = weights.embedding();
    let vocabulary = embedding.dim(0)?;
    if let Some(id) = tokens.iter().find(|&&id| id as usize >= vocabulary) {
        return Err(ModelError::Tokenizer(format!("token id {id} is beyond the model's vocabulary of {vocabulary}")));
    }
    Ok(embedding.index_select(&Tensor::new(tokens, embedding.device())?, 0)?)
}

/// One decoder block: hidden [n, hidden] -> [n, hidden].
pub fn block_forward(
    config: &Config,
    rotary: &Rotary,
    block: &Block,
    hidden: &Tensor,
    observe: Observer,
) -> Result<Tensor, ModelError> {
    let linear = |i: usize, x: &Tensor| ops::linear(x, &block.linears[i]);
    block_forward_by(config, rotary, block, (&linear, &mut rotary.attend(config)), hidden, observe)
}

/// Applies the linear of a block with this index in [`LINEARS`] to its input.
pub type Apply<'a> = &'a dyn Fn(usize, &Tensor) -> candle_core::Result<Tensor>;

/// Attention as a block needs it: q (scaled by dim^-1/2), k and v, rotated, to [n, heads * head_dim].
pub type Attend<'a> = &'a mut dyn FnMut(&Tensor, &Tensor, &Tensor) -> candle_core::Result<Tensor>;

/// [`block_forward`] with linears that are more than a weight (those with an adapter), and with the attention that `attend`
/// computes.
pub fn block_forward_by(
    config: &Config,
    rotary: &Rotary,
    block: &Block,
    (linear, attend): (Apply, Attend),
    hidden: &Tensor,
    observe: Observer,
) -> Result<Tensor, ModelError> {
    let shape = &config.shape;
    let [q, k, v, o, gate, up, down] = [0, 1, 2, 3, 4, 5, 6];
    let n = hidden.dim(0)?;
    let (cos, sin) = (rotary.cos.narrow(0, 0, n)?, rotary.sin.narrow(0, 0, n)?);

    let x = ops::rms_norm(hidden, &block.attention_norm, config.rms_eps)?;
    observe(Site::Attention, &x)?;
    // The attention's 1/sqrt(dim) goes into q, where it is cheapest.
    let q = ops::rotary(&linear(q, &x)?, &cos, &sin, shape.heads, (shape.head_dim as f32).powf(-0.5))?;
    let k = ops::rotary(&linear(k, &x)?, &cos, &sin, shape.kv_heads, 1.0)?;
    let attended = attend(&q, &k, &linear(v, &x)?)?;
    observe(Site::Output, &attended)?;
    let hidden = (hidden + linear(o, &attended)?)?;

    let x = ops::rms_norm(&hidden, &block.mlp_norm, config.rms_eps)?;
    observe(Site::Mlp, &x)?;
    let x = ops::silu_times(&linear(gate, &x)?, &linear(up, &x)?)?;
    observe(Site::Down, &x)?;
    Ok((hidden + linear(down, &x)?)?)
}

/// The final norm: what `lm_head` sees, [n, hidden].
pub fn final_norm(weights: &dyn Weights, hidden: &Tensor) -> Result<Tensor, ModelError> {
    Ok(ops::rms_norm(hidden, weights.norm(), weights.config().rms_eps)?)
}

/// Logits of every position of a window, [n, vocabulary].
pub fn logits(weights: &dyn Weights, tokens: &[u32]) -> Result<Tensor, ModelError> {
    let rotary = Rotary::new(weights.config(), tokens.len(), weights.embedding().device())?;
    let mut hidden = embed(weights, tokens)?;
    for layer in 0..weights.config().shape.layers {
        hidden = block_forward(weights.config(), &rotary, &weights.block(layer)?, &hidden, &mut |_, _| Ok(()))?;
    }
    Ok(ops::linear(&final_norm(weights, &hidden)?, weights.head())?)
}

/// The loss of each prediction of a window, in nats: entry t is -log p(tokens[t + 1] | tokens[..= t]).
pub fn losses(weights: &dyn Weights, hidden: &Tensor, tokens: &[u32]) -> Result<Vec<f64>, ModelError> {
    let h = final_norm(weights, &hidden.narrow(0, 0, tokens.len() - 1)?)?;
    Ok(ops::cross_entropy(&h, weights.head(), &tokens[1..])?)
}
