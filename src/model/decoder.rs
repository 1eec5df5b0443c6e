//! The forward pass of a decoder on one window of tokens, with an observer at the input of every linear. What is computed
//! follows from [`Config`]; operations have gradients, so the same pass is that of training.
//!
//! Attention is causal over the window, positions start at 0, and there is no key-value cache: this is for losses and
//! statistics; see [`super::generate`] for generation.

use candle_core::Tensor;

use super::ModelError;
use super::arch::{HeadNorm, NormFormula, Place, Role};
use super::config::{Activation, Config};
use super::ops;
use super::rotary::Rotary;
use super::shape::Site;
use super::weights::{Block, Norm, Weights};

/// Called with every distinct linear input of a block.
pub type Observer<'a> = &'a mut dyn FnMut(Site, &Tensor) -> Result<(), ModelError>;

/// Applies the linear of a block with this index in its family's list to its input, without its bias.
pub type Apply<'a> = &'a dyn Fn(usize, &Tensor) -> candle_core::Result<Tensor>;

/// Attention as a block needs it: q (scaled), k and v, rotated, to [n, heads * head_dim].
pub type Attend<'a> = &'a mut dyn FnMut(&Tensor, &Tensor, &Tensor) -> candle_core::Result<Tensor>;

/// The hidden states that enter block 0, [n, hidden], of tokens at these positions.
pub fn embed_at(
    weights: &dyn Weights,
    tokens: &[u32],
    positions: impl Iterator<Item = u32>,
) -> Result<Tensor, ModelError> {
    let (embedding, config) = (weights.embedding(), weights.config());
    let vocabulary = embedding.dim(0)?;
    if let Some(id) = tokens.iter().find(|&&id| id as usize >= vocabulary) {
        return Err(ModelError::Tokenizer(format!("token id {id} is beyond the model's vocabulary of {vocabulary}")));
    }
    let mut hidden = embedding.index_select(&Tensor::new(tokens, embedding.device())?, 0)?;
    if config.embedding_scale != 1.0 {
        hidden = (hidden * f64::from(config.embedding_scale))?;
    }
    match &weights.frame().positions {
        None => Ok(hidden),
        Some(table) => {
            let rows = Tensor::from_iter(positions.map(|at| at + super::arch::POSITION_OFFSET as u32), table.device())?;
            Ok((hidden + table.index_select(&rows, 0)?)?)
        }
    }
}

/// The hidden states that enter block 0, [n, hidden], of a window.
pub fn embed(weights: &dyn Weights, tokens: &[u32]) -> Result<Tensor, ModelError> {
    embed_at(weights, tokens, 0..tokens.len() as u32)
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
    block_forward_by(config, rotary, block, (&linear, &mut rotary.attend(config, block.layer)), hidden, observe)
}

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
    let parts = Parts { config, rotary, block, linear };
    let x = parts.norm(Place::BeforeAttention, hidden)?;
    observe(Site::Attention, &x)?;
    let [q, k, v] = parts.heads(&x)?;
    let attended = attend(&q, &k, &v)?;
    observe(Site::Output, &attended)?;
    let added = parts.norm(Place::AfterAttention, &parts.linear(Role::Output, &attended)?)?;
    let hidden = (hidden + added)?;

    let x = parts.norm(Place::BeforeMlp, &hidden)?;
    observe(Site::Mlp, &x)?;
    let x = parts.activated(&x)?;
    observe(Site::Down, &x)?;
    let added = parts.norm(Place::AfterMlp, &parts.linear(Role::Down, &x)?)?;
    Ok((hidden + added)?)
}

/// What the parts of a block are computed from.
struct Parts<'a> {
    config: &'a Config,
    rotary: &'a Rotary,
    block: &'a Block,
    linear: Apply<'a>,
}

impl Parts<'_> {
    /// The linear of that role with its bias.
    fn linear(&self, role: Role, x: &Tensor) -> candle_core::Result<Tensor> {
        let Some(at) = self.config.shape.family.position(role) else {
            candle_core::bail!("`{}` has no linear of the role {role:?}", self.config.shape.family)
        };
        let y = (self.linear)(at, x)?;
        match &self.block.biases[at] {
            Some(bias) => ops::add_row(&y, bias),
            None => Ok(y),
        }
    }

    /// The norm at that place; where there is none, x itself.
    fn norm(&self, place: Place, x: &Tensor) -> candle_core::Result<Tensor> {
        match self.block.norm(place) {
            Some(norm) => normed(self.config, norm, x),
            None => Ok(x.clone()),
        }
    }

    /// Queries (scaled), keys and values, the former two normalised and rotated.
    fn heads(&self, x: &Tensor) -> candle_core::Result<[Tensor; 3]> {
        let shape = &self.config.shape;
        let (q, kv) = (shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim);
        let [q, k, v] = if shape.family.has(Role::QueryKeyValue) {
            let all = self.linear(Role::QueryKeyValue, x)?;
            let part = |start: usize, width: usize| all.narrow(1, start, width)?.contiguous();
            [part(0, q)?, part(q, kv)?, part(q + kv, kv)?]
        } else {
            [self.linear(Role::Query, x)?, self.linear(Role::Key, x)?, self.linear(Role::Value, x)?]
        };
        let (q, k) = (self.head_norm(Place::Query, q)?, self.head_norm(Place::Key, k)?);
        // The scale of scores goes into q, where it is cheapest.
        let rotate = |x: &Tensor, heads: usize, scale: f32| {
            self.rotary.rotate(self.config.layers[self.block.layer].rope, x, heads, scale)
        };
        Ok([rotate(&q, shape.heads, self.config.score_scale)?, rotate(&k, shape.kv_heads, 1.0)?, v])
    }

    /// The norm of queries or keys, where there is one.
    fn head_norm(&self, place: Place, x: Tensor) -> candle_core::Result<Tensor> {
        match (self.block.norm(place), self.config.shape.family.head_norm) {
            (None, _) => Ok(x),
            (Some(norm), HeadNorm::Together) => normed(self.config, norm, &x),
            (Some(norm), HeadNorm::Each) => {
                let (n, width) = x.dims2()?;
                let dim = self.config.shape.head_dim;
                normed(self.config, norm, &x.reshape((n * width / dim, dim))?)?.reshape((n, width))
            }
        }
    }

    /// What the MLP's last linear sees.
    fn activated(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let activation = self.config.activation;
        let family = self.config.shape.family;
        if family.has(Role::GateUp) {
            let both = self.linear(Role::GateUp, x)?;
            let width = self.config.shape.intermediate;
            let part = |start: usize| both.narrow(1, start, width)?.contiguous();
            ops::gated(&part(0)?, &part(width)?, activation)
        } else if family.has(Role::Gate) {
            ops::gated(&self.linear(Role::Gate, x)?, &self.linear(Role::Up, x)?, activation)
        } else {
            let x = self.linear(Role::Up, x)?;
            match activation {
                Activation::Silu => x.silu(),
                Activation::GeluTanh => x.gelu(),
                Activation::Relu => x.relu(),
            }
        }
    }
}

/// A norm of each row of x.
fn normed(config: &Config, norm: &Norm, x: &Tensor) -> candle_core::Result<Tensor> {
    match (config.shape.family.formula, &norm.shift) {
        (NormFormula::Layer, Some(shift)) => ops::layer_norm(x, &norm.gain, shift, config.eps),
        _ => ops::rms_norm(x, &norm.gain, config.eps),
    }
}

/// The final norm: what `lm_head` sees, [n, hidden].
pub fn final_norm(weights: &dyn Weights, hidden: &Tensor) -> Result<Tensor, ModelError> {
    Ok(normed(weights.config(), &weights.frame().norm, hidden)?)
}

/// Logits of what the final norm gave, [n, vocabulary].
pub fn head_logits(weights: &dyn Weights, h: &Tensor) -> Result<Tensor, ModelError> {
    let logits = ops::linear(h, weights.head())?;
    match weights.config().logit_cap {
        None => Ok(logits),
        Some(cap) => Ok(((logits / f64::from(cap))?.tanh()? * f64::from(cap))?),
    }
}

/// Logits of every position of a window, [n, vocabulary].
pub fn logits(weights: &dyn Weights, tokens: &[u32]) -> Result<Tensor, ModelError> {
    let rotary = Rotary::new(weights.config(), tokens.len(), weights.embedding().device())?;
    let mut hidden = embed(weights, tokens)?;
    for layer in 0..weights.config().shape.layers {
        hidden = block_forward(weights.config(), &rotary, &weights.block(layer)?, &hidden, &mut |_, _| Ok(()))?;
    }
    head_logits(weights, &final_norm(weights, &hidden)?)
}

/// The loss of each prediction of a window, in nats: entry t is -log p(tokens[t + 1] | tokens[..= t]).
pub fn losses(weights: &dyn Weights, hidden: &Tensor, tokens: &[u32]) -> Result<Vec<f64>, ModelError> {
    let h = final_norm(weights, &hidden.narrow(0, 0, tokens.len() - 1)?)?;
    Ok(ops::cross_entropy(&h, weights.head(), &tokens[1..], weights.config().logit_cap)?)
}
