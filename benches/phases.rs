//! Each phase on inputs with the shapes of SmolLM2-135M (random weights), and the yardstick to which they are compared.

use candle_core::{Device, Tensor};
use corda::adapt::Adapter;
use corda::calibrate::pass::Pass;
use corda::calibrate::{Normalisation, Snapshot};
use corda::decompose::tall::Tall;
use corda::decompose::truncate::Truncation;
use corda::decompose::{End, Factorisation, corda as method};
use corda::evaluate::{Window, resident_losses};
use corda::model::ModelError;
use corda::model::arch::Family;
use corda::model::config::Config;
use corda::model::generate::{Stop, greedy};
use corda::model::kernel::{View, product};
use corda::model::shape::Shape;
use corda::model::weights::{Block, Frame, Resident};
use corda::train::{Settings, Start, Tokenised, Trainer, Tuning};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use faer::Mat;
use rayon::prelude::*;

fn shape(layers: usize) -> Shape {
    Shape {
        family: Family::llama(),
        hidden: 576,
        layers,
        heads: 9,
        kv_heads: 3,
        head_dim: 64,
        intermediate: 1536,
        vocabulary: 49152,
        context: 8192,
        tied: true,
    }
}

fn random(dims: &[usize]) -> Tensor {
    Tensor::randn(0.0f32, 0.04, dims, &Device::Cpu).expect("a random tensor")
}

fn model(layers: usize) -> Resident {
    let config = Config::plain(shape(layers), 1e-5);
    let tensor = |dims: &[usize]| match dims {
        [_] => Tensor::ones(dims, candle_core::DType::F32, &Device::Cpu),
        _ => Ok(random(dims)),
    };
    let blocks = (0..layers).map(|layer| Block::read(&config, layer, |_, _, dims| tensor(dims)).expect("a block"));
    let (blocks, frame) = (blocks.collect(), Frame::of(&config, |_, _, dims| tensor(dims)).expect("a frame"));
    Resident { blocks, frame, config }
}

fn tokens(length: usize) -> Vec<u32> {
    (0..length as u32).map(|t| (t * 7919) % 49152).collect()
}

/// The yardstick: f32 products of 2,048 cubed, one per thread.
fn yardstick(c: &mut Criterion) {
    const N: usize = 2048;
    let a = vec![0.5f32; N * N];
    let threads = rayon::current_num_threads();
    let mut group = c.benchmark_group("yardstick");
    group.sample_size(10).throughput(Throughput::Elements((threads * 2 * N * N * N) as u64));
    group.bench_function("2048 cubed, operations", |b| {
        b.iter(|| {
            (0..threads).into_par_iter().with_max_len(1).for_each(|_| {
                let mut out = vec![0.0; N * N];
                product(&mut out, N, 0.0, View::new(&a, N, N, N), View::new(&a, N, N, N).t(), 1.0);
            });
        });
    });
}

fn forward(c: &mut Criterion) {
    let model = model(30);
    let threads = rayon::current_num_threads();
    let mut group = c.benchmark_group("forward and loss");
    group.sample_size(10);
    for length in [512, 2048] {
        let window = tokens(length);
        let windows: Vec<_> = (0..threads).map(|id| Window { model: 0, id, tokens: &window }).collect();
        group.throughput(Throughput::Elements((threads * length) as u64));
        group.bench_function(BenchmarkId::new("tokens", length), |b| {
            b.iter(|| resident_losses(&[&model], &windows, &|_, _, _| Ok::<_, ModelError>(())).expect("losses"));
        });
    }
}

fn generation(c: &mut Criterion) {
    let model = model(30);
    // 64 prompts of 20 tokens, 16 new ones each, none ending early.
    let prompts: Vec<Vec<u32>> = (0..64).map(|i| tokens(20).into_iter().map(|t| (t + i) % 49152).collect()).collect();
    let stop = Stop { most: 16, eos: &[], complete: &|_| false };
    let mut group = c.benchmark_group("generate");
    group.sample_size(10).throughput(Throughput::Elements(64 * 16));
    group.bench_function("new tokens", |b| b.iter(|| greedy(&model, &prompts, &stop).expect("answers")));
}

fn calibration(c: &mut Criterion) {
    // One of the thirty blocks: all blocks cost the same.
    let model = model(1);
    let samples: Vec<Vec<u32>> = (0..16).map(|i| tokens(512).into_iter().map(|t| (t + i) % 49152).collect()).collect();
    let snapshot = Snapshot { samples: 16, normalisation: Normalisation::Max };
    let mut group = c.benchmark_group("calibration");
    group.sample_size(10).throughput(Throughput::Elements(16 * 512));
    group.bench_function("tokens x blocks", |b| {
        b.iter(|| {
            let mut pass = Pass::start("bench", &model, &samples).expect("a pass");
            pass.block(&[snapshot], &|_| {}).expect("a block").statistics(&[snapshot]).expect("statistics")
        });
    });
}

/// Uniform in [-0.5, 0.5): a full-rank matrix, unlike any formula of row and column.
fn dense(rows: usize, cols: usize) -> Mat<f64> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    Mat::from_fn(rows, cols, |_, _| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    })
}

fn decomposition(c: &mut Criterion) {
    let mut group = c.benchmark_group("factorisation");
    group.sample_size(10);
    for (d_out, d_in) in [(576, 576), (192, 576), (1536, 576), (576, 1536), (2048, 2048), (4096, 4096)] {
        let m = dense(d_out, d_in);
        group.bench_function(format!("{d_out}x{d_in}"), |b| {
            b.iter(|| {
                let w = Tall::of(m.as_ref());
                Truncation::new(&w, &Factorisation::of(w.core(), End::Smallest, 128).expect("a factorisation"))
            });
        });
    }
    let x = dense(600, 576);
    let covariance = x.transpose() * &x;
    group.bench_function("damping 576", |b| {
        b.iter(|| method::damp(&covariance, &method::Damping::default()).expect("damped"));
    });
    group.finish();

    // Another r of an arm: every linear of the model is truncated again.
    let model = model(30);
    let truncations: Vec<Truncation> = model.blocks[0]
        .linears
        .iter()
        .map(|w| {
            let (d_out, d_in) = w.dims2().expect("two dimensions");
            let w = dense(d_out, d_in);
            let w = Tall::of(w.as_ref());
            Truncation::new(&w, &Factorisation::of(w.core(), End::Smallest, 128).expect("a factorisation"))
        })
        .collect();
    let mut group = c.benchmark_group("truncation");
    group.sample_size(10);
    group.bench_function("all linears to r = 64", |b| {
        b.iter(|| {
            model.blocks.par_iter().for_each(|block| {
                for (w, truncation) in block.linears.iter().zip(&truncations) {
                    truncation.apply(w, 64).expect("W'");
                }
            });
        });
    });
}

/// A step on 16 examples of 48 to 80 tokens, 6 of them the response.
fn training(c: &mut Criterion) {
    const BATCH: usize = 16;
    let base = model(30);
    let linears = base.config.shape.linears();
    let examples = (0..BATCH).map(|i| {
        let length = 48 + (i * 7) % 33;
        Tokenised { tokens: tokens(length), response: length - 6 }
    });
    let examples: Vec<Tokenised> = examples.collect();
    let adapters = || linears[..210].iter().map(|linear| Adapter::lora(linear, 32, 0)).collect();
    let mut group = c.benchmark_group("train");
    group.sample_size(10);
    group.throughput(Throughput::Elements(examples.iter().map(|example| example.inputs() as u64).sum()));
    for (name, kind) in [("lora r=32, tokens", Tuning::Lora), ("full, tokens", Tuning::Full)] {
        let adapters = if kind == Tuning::Full { Vec::new() } else { adapters() };
        let settings = Settings { epochs: 10_000, batch: BATCH, ..Settings::default() };
        let start = Start { base: base.clone(), kind, adapters };
        let mut trainer = Trainer::new(start, examples.clone(), settings).expect("a trainer");
        group.bench_function(name, |b| b.iter(|| trainer.step().expect("a step")));
    }
}

criterion_group!(benches, yardstick, forward, generation, calibration, decomposition, training);
criterion_main!(benches);
