//! Every family against transformers and PyTorch: tiny random models whose weights are a formula, and the facts that
//! tests/interop/families.py has written of them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{Device, Tensor};
use corda::adapt::Adapter;
use corda::calibrate::pass::Pass;
use corda::calibrate::{Normalisation, Snapshot, Statistics};
use corda::model::checkpoint::Checkpoint;
use corda::model::config::Config;
use corda::model::decoder::logits;
use corda::model::export::write_model;
use corda::model::generate::{Stop, greedy};
use corda::model::weights::Resident;
use corda::train::{Settings, Start, Tokenised, Trained, Trainer, Tuning};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    origin: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    config: serde_json::Value,
    /// The same in the form of transformers 4.
    older: serde_json::Value,
    /// Names of all tensors, sorted: the salt of each is its index.
    tensors: Vec<String>,
    /// Of each distinct input of each block, and of the head: trace and weighed sum of X^T X, weighed sum of mean |X|.
    statistics: Vec<[f64; 3]>,
    answers: Vec<Answer>,
    full: Learned,
    lora: Learned,
    dora: Learned,
}

#[derive(Deserialize)]
struct Answer {
    prompt: Vec<u32>,
    answer: Vec<u32>,
    /// The smallest difference between a logit that was chosen and the next.
    lead: f64,
}

#[derive(Deserialize)]
struct Learned {
    loss: Vec<f64>,
    gradient_norm: Vec<f64>,
    /// Of what was added to each parameter, by their sorted names: its length, and the sum of its values times a wave.
    changes: Vec<[f64; 2]>,
}

const GOLDEN: &str = include_str!("golden/families.json");
const LOGITS: &[u8] = include_bytes!("golden/families.safetensors");

fn golden() -> Vec<Case> {
    let golden: Golden = serde_json::from_str(GOLDEN).unwrap();
    assert!(golden.origin.contains("transformers"));
    golden.cases
}

/// scale sin(1.3 i + salt + 0.7 sin(0.37 i)), as in families.py.
fn wave(n: usize, salt: usize, scale: f64) -> Vec<f32> {
    let at = |i: usize| scale * (1.3 * i as f64 + salt as f64 + 0.7 * (0.37 * i as f64).sin()).sin();
    (0..n).map(|i| at(i) as f32).collect()
}

fn weighed(values: impl IntoIterator<Item = f64>, n: usize, salt: usize) -> f64 {
    values.into_iter().zip(wave(n, salt, 1.0)).map(|(x, w)| x * f64::from(w)).sum()
}

fn tokens(n: usize, salt: usize, vocabulary: usize) -> Vec<u32> {
    (0..n).map(|t| ((7 * t * t + 11 * t + 13 * salt + 3) % vocabulary) as u32).collect()
}

impl Case {
    /// Writes the model as a folder of Hugging Face's.
    fn write(&self, folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("config.json"), self.config.to_string()).unwrap();
        let config = Config::from_json(&self.config.to_string()).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        let rows = config.shape.vocabulary;
        let vocabulary: serde_json::Map<_, _> = (0..rows).map(|id| (format!("t{id}"), id.into())).collect();
        let tokenizer =
            serde_json::json!({"version": "1.0", "model": {"type": "BPE", "vocab": vocabulary, "merges": []}});
        std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
        let blocks = (0..config.shape.layers).flat_map(|layer| config.slots(layer));
        let mut dims: BTreeMap<String, Vec<usize>> = blocks.map(|slot| (slot.name, slot.dims)).collect();
        dims.extend(config.frame_slots().into_iter().map(|slot| (slot.name, slot.dims)));
        assert_eq!(dims.keys().collect::<Vec<_>>(), self.tensors.iter().collect::<Vec<_>>(), "{}", self.name);
        let weights = dims.into_iter().enumerate().map(|(salt, (name, dims))| {
            let n = dims.iter().product();
            let mut values = wave(n, salt, if dims.len() > 1 { 0.4 } else { 0.2 });
            if dims.len() == 1 && name.ends_with(".weight") && config.shape.family.gain_offset == 0.0 {
                values.iter_mut().for_each(|x| *x += 1.0);
            }
            (name, Tensor::from_vec(values, dims, &Device::Cpu).unwrap())
        });
        let weights: HashMap<String, Tensor> = weights.collect();
        candle_core::safetensors::save(&weights, folder.join("model.safetensors")).unwrap();
    }

    fn read(&self, folder: &Path) -> Resident {
        self.write(folder);
        open(folder)
    }
}

fn open(folder: &Path) -> Resident {
    Resident::read(&Checkpoint::open_path(folder).unwrap(), &Device::Cpu).unwrap()
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn logits_are_those_of_transformers_at_every_position() {
    let all = candle_core::safetensors::load_buffer(LOGITS, &Device::Cpu).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cases = golden();
    assert_eq!(cases.len(), all.len());
    for family in corda::model::arch::FAMILIES {
        assert!(cases.iter().any(|case| case.config["model_type"] == family.name), "no case of {family}");
    }
    for case in &cases {
        let model = case.read(folder.path());
        let ours = flat(&logits(&model, &tokens(96, 0, model.config.shape.vocabulary)).unwrap());
        let theirs = flat(&all[&case.name]);
        assert_eq!(ours.len(), theirs.len());
        let worst = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-4, "{}: off by {worst}", case.name);
        // Exported, it is the same model.
        let exported = tempfile::tempdir().unwrap();
        write_model(exported.path(), &model, &Checkpoint::open_path(folder.path()).unwrap()).unwrap();
        let again = flat(&logits(&open(exported.path()), &tokens(96, 0, model.config.shape.vocabulary)).unwrap());
        let worst = ours.iter().zip(&again).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5, "{} exported: off by {worst}", case.name);
    }
}

#[test]
fn configurations_of_older_transformers_are_the_same_model() {
    for case in golden() {
        let read = |json: &serde_json::Value| Config::from_json(&json.to_string());
        let older = read(&case.older).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        assert_eq!(older, read(&case.config).unwrap(), "{}", case.name);
        assert!(case.older.get("rope_parameters").is_none(), "{}", case.name);
    }
}

#[test]
fn statistics_of_every_input_are_those_of_hooks() {
    let folder = tempfile::tempdir().unwrap();
    for case in golden() {
        let model = case.read(folder.path());
        let samples = vec![tokens(96, 0, model.config.shape.vocabulary)];
        let snapshots = [Snapshot { samples: 1, normalisation: Normalisation::None }];
        let mut pass = Pass::start("own", &model, &samples).unwrap();
        let mut ours: Vec<Statistics> = Vec::new();
        for _ in 0..model.config.shape.layers {
            let found = pass.block(&snapshots, &|_| {}).unwrap().statistics(&snapshots).unwrap();
            ours.extend(found.into_iter().flatten().map(|(_, statistics)| statistics));
        }
        let head = pass.head(&snapshots, &|_| {}).unwrap().statistics(&snapshots).unwrap();
        ours.extend(head.into_iter().flatten().map(|(_, statistics)| statistics));
        assert_eq!(ours.len(), case.statistics.len());
        for (at, (ours, [trace, sum, marginal])) in ours.iter().zip(&case.statistics).enumerate() {
            let (c, d) = (&ours.covariance, ours.covariance.nrows());
            let found: f64 = (0..d).map(|i| c[(i, i)]).sum();
            assert!((found / trace - 1.0).abs() < 1e-4, "{} input {at}: {found} against {trace}", case.name);
            let found = weighed((0..d * d).map(|i| c[(i / d, i % d)]), d * d, 1);
            assert!((found - sum).abs() < 1e-4 * trace, "{} input {at}: {found} against {sum}", case.name);
            let found = weighed(ours.abs_mean.iter().copied(), d, 2);
            assert!((found - marginal).abs() < 1e-3, "{} input {at}: {found} against {marginal}", case.name);
        }
    }
}

#[test]
fn generation_with_the_cache_is_that_without() {
    let folder = tempfile::tempdir().unwrap();
    for case in golden() {
        let model = case.read(folder.path());
        let prompts: Vec<Vec<u32>> = case.answers.iter().map(|answer| answer.prompt.clone()).collect();
        let stop = Stop { most: 24, eos: &[], complete: &|_| false };
        let ours = greedy(&model, &prompts, &stop).unwrap();
        let theirs: Vec<&Vec<u32>> = case.answers.iter().map(|answer| &answer.answer).collect();
        assert_eq!(ours.iter().collect::<Vec<_>>(), theirs, "{}", case.name);
        // No choice is one of rounding, and no answer one token again and again.
        assert!(case.answers.iter().all(|answer| answer.lead > 1e-3), "{}", case.name);
        let varied = |answer: &&Vec<u32>| answer.iter().any(|token| *token != answer[0]);
        assert!(theirs.iter().all(varied) && theirs.len() == 3, "{}", case.name);
    }
    // Where frequencies depend on the length of the sequence, keys that were kept would be of another one.
    let long = golden().into_iter().find(|case| case.name == "phi3-long").unwrap();
    let stop = Stop { most: 24, eos: &[], complete: &|_| false };
    let error = greedy(&long.read(folder.path()), &[vec![1; 60]], &stop).unwrap_err().to_string();
    assert!(error.contains("64") && error.contains("LongRoPE"), "{error}");
}

/// Example `i` of families.py: the last 6 + i tokens are the response.
fn examples(vocabulary: usize) -> Vec<Tokenised> {
    let one = |i: usize| {
        let length = 30 + 20 * i;
        Tokenised { tokens: tokens(length, i, vocabulary), response: length - 6 - i }
    };
    (0..4).map(one).collect()
}

/// Three steps as those of families.py, with the epsilon by which changes show how large gradients are.
fn three_steps(case: &Case, start: Start, expected: &Learned) -> Trained {
    let kind = start.kind;
    let examples = examples(start.base.config.shape.vocabulary);
    let settings = Settings {
        epochs: 3,
        batch: 4,
        rate: 5e-3,
        eps: 1e-2,
        warmup: 0.0,
        weight_decay: 0.01,
        clip: Some(1.0),
        seed: 3,
        ..Settings::default()
    };
    let mut trainer = Trainer::new(start, examples, settings).unwrap();
    for at in 0..3 {
        let step = trainer.step().unwrap();
        let (loss, norm) = (expected.loss[at], expected.gradient_norm[at]);
        let label = format!("{} {kind:?} step {at}", case.name);
        assert!((step.loss - loss).abs() < 1e-4, "{label}: loss {} against {loss}", step.loss);
        assert!((step.gradient_norm / norm - 1.0).abs() < 1e-3, "{label}: norm {} against {norm}", step.gradient_norm);
    }
    trainer.finished().unwrap()
}

/// Values of every parameter before and after training, by name.
type Both = BTreeMap<String, (Vec<f32>, Vec<f32>)>;

/// What training added to each parameter is what it added in PyTorch.
fn changed_as(case: &Case, expected: &Learned, ours: &Both) {
    assert_eq!(ours.len(), expected.changes.len(), "{}", case.name);
    for ((name, (before, after)), [length, sum]) in ours.iter().zip(&expected.changes) {
        let by: Vec<f64> = after.iter().zip(before).map(|(a, b)| f64::from(*a) - f64::from(*b)).collect();
        let found = by.iter().map(|x| x * x).sum::<f64>().sqrt();
        // Beside a share of the change, what f32 rounds off of a value of about 1 in three steps.
        let bound = 2e-3 * length + 1e-7 * (by.len() as f64).sqrt();
        assert!((found - length).abs() < bound, "{} {name}: changed by {found}, not {length}", case.name);
        let found = weighed(by.iter().copied(), by.len(), 1);
        assert!((found - sum).abs() < bound, "{} {name}: sum of changes {found}, not {sum}", case.name);
    }
}

#[test]
fn three_steps_of_all_weights_are_pytorchs() {
    let folder = tempfile::tempdir().unwrap();
    for case in golden() {
        let mut before = case.read(folder.path());
        let start = Start { base: open(folder.path()), kind: Tuning::Full, adapters: vec![] };
        let Trained::Full(mut after) = three_steps(&case, start, &case.full) else {
            panic!("all weights were trained")
        };
        let (config, mut ours) = (after.config.clone(), Both::new());
        for layer in 0..config.shape.layers {
            for slot in config.slots(layer) {
                let of = |model: &Resident| flat(model.blocks[layer].part(slot.part).unwrap());
                ours.insert(slot.name, (of(&before), of(&after)));
            }
        }
        for slot in config.frame_slots() {
            let of = |model: &mut Resident| flat(model.frame.part_mut(slot.part).unwrap());
            ours.insert(slot.name, (of(&mut before), of(&mut after)));
        }
        changed_as(&case, &case.full, &ours);
    }
}

/// Adapters of rank 3 on every linear of the blocks, as families.py makes them.
fn adapters(base: &Resident) -> Vec<Adapter> {
    let mut linears = base.config.shape.linears();
    linears.retain(|linear| linear.name != "lm_head");
    linears.sort_by(|a, b| a.name.cmp(&b.name));
    let one = |(i, linear): (usize, &corda::model::shape::Linear)| Adapter {
        linear: linear.name.clone(),
        rank: 3,
        b: wave(linear.d_out * 3, 400 + i, 0.1),
        a: wave(3 * linear.d_in, 500 + i, 0.3),
    };
    linears.iter().enumerate().map(one).collect()
}

/// Norms of the rows of W + B A, where DoRA's magnitudes start.
fn row_norms(base: &Resident, adapter: &Adapter) -> Vec<f32> {
    let (layer, at) = base.config.shape.locate(&adapter.linear).unwrap();
    let mut sum = flat(&base.blocks[layer].linears[at]);
    adapter.add_to(&mut sum, 1.0);
    let norm = |row: &[f32]| row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt() as f32;
    sum.chunks_exact(adapter.a.len() / adapter.rank).map(norm).collect()
}

#[test]
fn three_steps_of_adapters_are_pytorchs() {
    let folder = tempfile::tempdir().unwrap();
    for case in golden() {
        for (kind, expected) in [(Tuning::Lora, &case.lora), (Tuning::Dora, &case.dora)] {
            let base = case.read(folder.path());
            let before = adapters(&base);
            let norms: Vec<Vec<f32>> = before.iter().map(|adapter| row_norms(&base, adapter)).collect();
            let start = Start { adapters: before.clone(), base, kind };
            let Trained::Adapters { adapters: after, magnitudes, .. } = three_steps(&case, start, expected) else {
                panic!("adapters were trained")
            };
            assert_eq!(magnitudes.len(), if kind == Tuning::Dora { after.len() } else { 0 });
            let mut ours = Both::new();
            for (before, after) in before.into_iter().zip(&after) {
                assert_eq!(before.linear, after.linear);
                ours.insert(format!("{}.lora_A", after.linear), (before.a, after.a.clone()));
                ours.insert(format!("{}.lora_B", after.linear), (before.b, after.b.clone()));
            }
            for ((adapter, before), magnitudes) in after.iter().zip(norms).zip(magnitudes) {
                ours.insert(format!("{}.lora_magnitude_vector", adapter.linear), (before, magnitudes));
            }
            changed_as(&case, expected, &ours);
        }
    }
}
