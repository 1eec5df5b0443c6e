//! A tiny model and examples for tests, by a formula that tests/interop/train_step.py has too.

use candle_core::{Device, Tensor};

use super::{Settings, Start, Tokenised, Trainer, Tuning};
use crate::adapt::Adapter;
use crate::model::arch::{Family, Place};
use crate::model::config::{Config, FramePart, Part};
use crate::model::shape::Shape;
use crate::model::weights::{Block, Frame, Resident};

pub(super) fn shape(tied: bool) -> Shape {
    Shape {
        family: Family::llama(),
        hidden: 16,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: 4,
        intermediate: 24,
        vocabulary: 40,
        context: 64,
        tied,
    }
}

/// scale sin(1.3 i + salt + 0.7 sin(0.37 i)): a value for each index that looks like none of its neighbours.
pub(super) fn wave(n: usize, salt: usize, scale: f64) -> Vec<f32> {
    let at = |i: usize| scale * (1.3 * i as f64 + salt as f64 + 0.7 * (0.37 * i as f64).sin()).sin();
    (0..n).map(|i| at(i) as f32).collect()
}

/// Tensor number `salt`: around 1 where it is a norm.
fn tensor(salt: usize, dims: &[usize]) -> Tensor {
    let n = dims.iter().product();
    let values = match dims.len() {
        1 => wave(n, salt, 0.2).into_iter().map(|x| 1.0 + x).collect(),
        _ => wave(n, salt, 0.4),
    };
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

pub(super) fn model(tied: bool) -> Resident {
    let config = Config::plain(shape(tied), 1e-5);
    let blocks = (0..config.shape.layers).map(|layer| {
        let block = Block::read(&config, layer, |part, _, dims| {
            let salt = match part {
                Part::Gain(Place::BeforeAttention) => 100 + layer,
                Part::Weight(i) => 10 * layer + i + 1,
                _ => 200 + layer,
            };
            Ok::<_, std::convert::Infallible>(tensor(salt, dims))
        });
        block.unwrap()
    });
    let frame = Frame::of(&config, |part, _, dims| {
        let salt = match part {
            FramePart::Embedding => 50,
            FramePart::Head => 51,
            _ => 300,
        };
        Ok::<_, std::convert::Infallible>(tensor(salt, dims))
    });
    Resident { blocks: blocks.collect(), frame: frame.unwrap(), config }
}

/// Adapters of rank 3 on every linear of the blocks, neither factor zero.
pub(super) fn adapters(shape: &Shape) -> Vec<Adapter> {
    let linears = shape.linears();
    let adapted = linears[..7 * shape.layers].iter().enumerate();
    let one = |(i, linear): (usize, &crate::model::shape::Linear)| Adapter {
        linear: linear.name.clone(),
        rank: 3,
        b: wave(linear.d_out * 3, 400 + i, 0.1),
        a: wave(3 * linear.d_in, 500 + i, 0.3),
    };
    adapted.map(one).collect()
}

/// Example `i`: 5 to 11 tokens, the last 2 to 4 of them the response.
pub(super) fn examples(count: usize) -> Vec<Tokenised> {
    let one = |i: usize| {
        let length = 5 + 3 * i % 7;
        let tokens = (0..length).map(|t| ((7 * t * t + 11 * t + 13 * i + 3) % 40) as u32).collect();
        Tokenised { tokens, response: length - 2 - i % 3 }
    };
    (0..count).map(one).collect()
}

pub(super) fn start(kind: Tuning, tied: bool) -> Start {
    let base = model(tied);
    let adapters = if kind == Tuning::Full { vec![] } else { adapters(&base.config.shape) };
    Start { base, kind, adapters }
}

pub(super) fn settings() -> Settings {
    Settings { epochs: 2, batch: 4, rate: 1e-2, warmup: 0.2, seed: 3, ..Settings::default() }
}

pub(super) fn trainer(kind: Tuning, tied: bool) -> Trainer {
    Trainer::new(start(kind, tied), examples(11), settings()).unwrap()
}
