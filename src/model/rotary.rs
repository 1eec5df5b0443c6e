//! Cosines and sines of the rotary embeddings for the rows of a pass, and how the rows divide into sequences.

use candle_core::{Device, Tensor};

use super::ModelError;
use super::config::Config;
use super::kernel::{Attention, Heads};
use super::ops;
use super::rope::Rope;

/// Tables of all rotary embeddings of a model, and how the rows divide into sequences.
#[derive(Debug, Clone)]
pub struct Rotary {
    /// One for each of [`Config::ropes`].
    tables: Vec<Tables>,
    /// The number of tokens of each sequence. If `None`, the rows are one sequence of any length up to that of the tables.
    segments: Option<Vec<usize>>,
}

/// Cosines and sines, [rows, dims / 2] each.
#[derive(Debug, Clone)]
struct Table {
    cos: Tensor,
    sin: Tensor,
}

#[derive(Debug, Clone)]
struct Tables {
    table: Table,
    /// Where frequencies depend on the length: the number of rows from which on other ones hold, and those.
    longer: Option<(usize, Table)>,
}

impl Table {
    /// Of tokens at these positions in sequences of these lengths.
    fn new(
        rope: &Rope,
        rows: impl Iterator<Item = (usize, usize)>,
        lengths: &[usize],
        device: &Device,
    ) -> Result<Self, ModelError> {
        let half = rope.dims / 2;
        let frequencies: Vec<Vec<f32>> = lengths.iter().map(|&length| rope.frequencies(length)).collect();
        let angles = rows.flat_map(|(sequence, at)| frequencies[sequence].iter().map(move |f| at as f32 * f));
        let amplitude = rope.amplitude();
        let (sin, cos): (Vec<f32>, Vec<f32>) = angles
            .map(|angle| {
                let (sin, cos) = angle.sin_cos();
                (sin * amplitude, cos * amplitude)
            })
            .unzip();
        let rows = cos.len() / half;
        Ok(Self {
            cos: Tensor::from_vec(cos, (rows, half), device)?,
            sin: Tensor::from_vec(sin, (rows, half), device)?,
        })
    }

    fn select(&self, positions: &Tensor) -> Result<Self, ModelError> {
        Ok(Self { cos: self.cos.index_select(positions, 0)?, sin: self.sin.index_select(positions, 0)? })
    }
}

impl Rotary {
    /// Tables for windows of up to `length` tokens.
    pub fn new(config: &Config, length: usize, device: &Device) -> Result<Self, ModelError> {
        let window =
            |rope: &Rope, length: usize, of: usize| Table::new(rope, (0..length).map(|at| (0, at)), &[of], device);
        let tables = config.ropes.iter().map(|rope| {
            let same = rope.same_up_to().unwrap_or(length);
            let longer = if length > same { Some((same, window(rope, length, length)?)) } else { None };
            Ok(Tables { table: window(rope, length.min(same), length.min(same))?, longer })
        });
        Ok(Self { tables: tables.collect::<Result<_, ModelError>>()?, segments: None })
    }

    /// Tables for concatenated sequences of these lengths: positions start at 0 in each, and attention stays within it.
    pub fn packed(config: &Config, segments: &[usize], device: &Device) -> Result<Self, ModelError> {
        let rows = || segments.iter().enumerate().flat_map(|(i, &length)| (0..length).map(move |at| (i, at)));
        let tables = config
            .ropes
            .iter()
            .map(|rope| Ok(Tables { table: Table::new(rope, rows(), segments, device)?, longer: None }));
        Ok(Self { tables: tables.collect::<Result<_, ModelError>>()?, segments: Some(segments.to_vec()) })
    }

    /// The rows of these positions: what a pass takes whose rows are not positions 0, 1, 2...
    pub fn at(&self, positions: &[u32]) -> Result<Self, ModelError> {
        let tables = self.tables.iter().map(|Tables { table, .. }| {
            let positions = Tensor::new(positions, table.cos.device())?;
            Ok(Tables { table: table.select(&positions)?, longer: None })
        });
        Ok(Self { tables: tables.collect::<Result<_, ModelError>>()?, segments: None })
    }

    /// Rotates x [n, heads * head_dim] by that rotary embedding, and multiplies it by `scale`.
    pub fn rotate(&self, rope: Option<usize>, x: &Tensor, heads: usize, scale: f32) -> candle_core::Result<Tensor> {
        let Some(tables) = rope.and_then(|at| self.tables.get(at)) else {
            return if scale == 1.0 { Ok(x.clone()) } else { x * f64::from(scale) };
        };
        let n = x.dim(0)?;
        let Table { cos, sin } = match &tables.longer {
            Some((same, longer)) if n > *same => longer,
            _ => &tables.table,
        };
        ops::rotary(x, &cos.narrow(0, 0, n)?, &sin.narrow(0, 0, n)?, heads, scale)
    }

    /// Causal attention of block `layer` inside each sequence of rows.
    pub fn attend(
        &self,
        config: &Config,
        layer: usize,
    ) -> impl Fn(&Tensor, &Tensor, &Tensor) -> candle_core::Result<Tensor> {
        let attention = attention(config, layer);
        move |q, k, v| {
            let n = q.dim(0)?;
            ops::packed_attention(q, k, v, attention, self.segments.as_deref().unwrap_or(std::slice::from_ref(&n)))
        }
    }
}

/// The attention of block `layer`.
pub fn attention(config: &Config, layer: usize) -> Attention {
    let shape = &config.shape;
    let heads = Heads { query: shape.heads, key_value: shape.kv_heads, dim: shape.head_dim };
    Attention { heads, window: config.layers[layer].window, cap: config.score_cap }
}
