//! Losses of several examples in one pass: their tokens are concatenated in the rows, without padding; positions start at 0 in
//! each, and attention stays within it. Fine-tuning and the losses of answers both use this.

use candle_core::Tensor;

use super::ModelError;
use super::decoder::{Apply, Attend, block_forward_by, embed_at, final_norm};
use super::ops;
use super::rotary::Rotary;
use super::tokenised::Tokenised;
use super::weights::{Block, Weights};

/// Examples packed into one sequence of rows.
#[derive(Debug)]
pub struct Packed {
    /// Every example's tokens but its last.
    tokens: Vec<u32>,
    /// Tokens of each example among them.
    lengths: Vec<usize>,
    /// The rows whose prediction is a response token, and that token.
    rows: Vec<u32>,
    targets: Vec<u32>,
    /// Response tokens of each example.
    responses: Vec<usize>,
}

impl Packed {
    /// Packs examples, each of at least two tokens.
    pub fn new<'a>(examples: impl IntoIterator<Item = &'a Tokenised>) -> Self {
        let mut all = Self { tokens: vec![], lengths: vec![], rows: vec![], targets: vec![], responses: vec![] };
        for example in examples {
            let (start, first) = (all.tokens.len(), example.first_target());
            all.tokens.extend(&example.tokens[..example.inputs()]);
            all.lengths.push(example.inputs());
            all.targets.extend(example.tokens.iter().skip(first));
            all.rows.extend((0..example.targets()).map(|i| (start + first - 1 + i) as u32));
            all.responses.push(example.targets());
        }
        all
    }

    /// The loss of every response token, in nats, [response tokens], with a gradient if a weight has one. `linear` applies a linear
    /// of a block to its input.
    pub fn losses(
        &self,
        weights: &dyn Weights,
        linear: &dyn Fn(usize, &Block, usize, &Tensor) -> candle_core::Result<Tensor>,
    ) -> Result<Tensor, ModelError> {
        let config = weights.config();
        let device = weights.embedding().device();
        let rotary = Rotary::packed(config, &self.lengths, device)?;
        let positions = self.lengths.iter().flat_map(|&length| 0..length as u32);
        let mut hidden = embed_at(weights, &self.tokens, positions)?;
        for layer in 0..config.shape.layers {
            let block = weights.block(layer)?;
            let apply = |i: usize, x: &Tensor| linear(layer, &block, i, x);
            let by: (Apply, Attend) = (&apply, &mut rotary.attend(config, layer));
            hidden = block_forward_by(config, &rotary, &block, by, &hidden, &mut |_, _| Ok(()))?;
        }
        // The head is the widest linear, and most rows are of prompts.
        let rows = Tensor::new(self.rows.as_slice(), device)?;
        let h = final_norm(weights, &hidden.index_select(&rows, 0)?)?;
        Ok(ops::token_losses(&h, weights.head(), &self.targets, config.logit_cap)?)
    }
}

/// The losses of the response tokens of each example, in nats, by one pass over all of them on one thread.
pub fn response_losses<'a>(
    weights: &dyn Weights,
    examples: impl IntoIterator<Item = &'a Tokenised>,
) -> Result<Vec<Vec<f64>>, ModelError> {
    let packed = Packed::new(examples);
    let losses = packed.losses(weights, &|_, block, i, x| ops::linear(x, &block.linears[i]))?;
    let mut rest = losses.to_dtype(candle_core::DType::F64)?.to_vec1::<f64>()?.into_iter();
    Ok(packed.responses.iter().map(|&n| rest.by_ref().take(n).collect()).collect())
}
