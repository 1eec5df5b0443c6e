//! Training on a tiny model: gradients, resuming, threads, and PyTorch's own numbers.

use candle_core::Tensor;
use rayon::ThreadPoolBuilder;
use serde::Deserialize;

use super::fixture::{adapters, examples, model, settings, start, trainer, wave};
use super::learner::Learner;
use super::order::groups;
use super::trained::each_tensor;
use super::{Settings, Start, Step, Tokenised, TrainError, Trained, Trainer, Tuning, ZeroRows, gradient};
use crate::model::decoder::{embed, losses};
use crate::model::ops::values::change;
use crate::model::packed::{Packed, response_losses};
use crate::model::weights::{Resident, Weights};

const KINDS: [Tuning; 3] = [Tuning::Full, Tuning::Lora, Tuning::Dora];

/// All trained values, flat.
fn values(trainer: &Trainer) -> Vec<f32> {
    let of = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    trainer.parameters.iter().flat_map(|parameter| of(&parameter.var)).collect()
}

fn without_time(history: &[Step]) -> Vec<Step> {
    history.iter().map(|step| Step { seconds: 0.0, ..*step }).collect()
}

#[test]
fn packed_examples_lose_what_each_loses_alone() {
    let (model, examples) = (model(false), examples(5));
    let together = response_losses(&model, &examples).unwrap();
    for (example, packed) in examples.iter().zip(&together) {
        // The path that perplexity takes: a window, and its last predictions.
        let rotary = crate::model::rotary::Rotary::new(&model.config, example.tokens.len(), &candle_core::Device::Cpu);
        let rotary = rotary.unwrap();
        let mut hidden = embed(&model, &example.tokens).unwrap();
        for layer in 0..model.config.shape.layers {
            let block = model.block(layer).unwrap();
            hidden = crate::model::decoder::block_forward(&model.config, &rotary, &block, &hidden, &mut |_, _| Ok(()))
                .unwrap();
        }
        let alone = losses(&model, &hidden, &example.tokens).unwrap();
        let alone = &alone[example.response - 1..];
        assert_eq!(alone.len(), packed.len());
        assert!(alone.iter().zip(packed).all(|(a, b)| (a - b).abs() < 1e-5), "{alone:?} against {packed:?}");
    }
}

/// Mean loss of the response tokens, in f64 sums over the f32 losses.
fn mean_loss(learner: &Learner, batch: &[&Tokenised]) -> f64 {
    let losses = learner.losses(&Packed::new(batch.iter().copied()), &learner.inverses().unwrap()).unwrap();
    let losses = losses.to_vec1::<f64>().unwrap();
    losses.iter().sum::<f64>() / losses.len() as f64
}

fn length(values: &[f32]) -> f64 {
    values.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt()
}

/// Along a direction d of one parameter, (L(p + h d) - L(p - h d)) / 2h is the gradient's component. The direction is half the
/// gradient's own, so that the component is large, and half another, so that it would show what the gradient misses. DoRA's
/// norms get no gradient, so they are held where they are (`frozen`).
#[test]
fn gradients_are_finite_differences() {
    for (kind, tied) in [(Tuning::Full, true), (Tuning::Full, false), (Tuning::Lora, true), (Tuning::Dora, false)] {
        let (learner, parameters) = Learner::new(&start(kind, tied)).unwrap();
        let all = examples(6);
        let batch: Vec<&Tokenised> = all.iter().collect();
        let gradient = gradient::of_batch(&learner, &parameters, &batch).unwrap();
        assert!((gradient.loss - mean_loss(&learner, &batch)).abs() < 1e-6);
        let frozen = learner.inverses().unwrap();
        let packed = Packed::new(batch.iter().copied());
        let loss = || {
            let losses = learner.losses(&packed, &frozen).unwrap().to_vec1::<f64>().unwrap();
            losses.iter().sum::<f64>() / losses.len() as f64
        };
        for (i, (parameter, gradient)) in parameters.iter().zip(&gradient.values).enumerate() {
            let size = length(gradient);
            assert!(size > 1e-5, "{kind:?}: no gradient for {}", parameter.name);
            let other = wave(gradient.len(), 900 + i, 1.0);
            let by = length(&other);
            let along = gradient.iter().zip(&other).map(|(g, w)| (f64::from(*g) / size + f64::from(*w) / by) as f32);
            let direction: Vec<f32> = along.collect();
            let h = 5e-3;
            let moved = |by: f32| {
                change(&parameter.var, |p| p.iter_mut().zip(&direction).for_each(|(p, d)| *p += by * d)).unwrap();
            };
            let before = parameter.var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            moved(h);
            let above = loss();
            change(&parameter.var, |p| p.copy_from_slice(&before)).unwrap();
            moved(-h);
            let below = loss();
            change(&parameter.var, |p| p.copy_from_slice(&before)).unwrap();
            let expected = (above - below) / (2.0 * f64::from(h));
            let found: f64 = gradient.iter().zip(&direction).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
            let bound = 3e-3 * size + 2e-4;
            assert!((found - expected).abs() < bound, "{kind:?} {}: {found} against {expected}", parameter.name);
        }
    }
}

#[test]
fn adapters_are_the_merged_model() {
    for kind in [Tuning::Lora, Tuning::Dora] {
        let mut trainer = trainer(kind, true);
        trainer.step().unwrap();
        trainer.step().unwrap();
        let trained = trainer.finished().unwrap();
        let base = start(kind, true).base;
        let merged = trained.merged(&base).unwrap();
        let all = examples(11);
        let all: Vec<&Tokenised> = all.iter().collect();
        let merged = response_losses(&merged, all.iter().copied()).unwrap().concat();
        let Trained::Adapters { adapters, magnitudes, .. } = &trained else { panic!("adapters") };
        assert_eq!((adapters.len(), magnitudes.is_empty()), (14, kind == Tuning::Lora));
        let start = Start { base, kind: Tuning::Lora, adapters: adapters.clone() };
        if kind == Tuning::Lora {
            let (learner, _) = Learner::new(&start).unwrap();
            let mean = merged.iter().sum::<f64>() / merged.len() as f64;
            assert!((mean_loss(&learner, &all) - mean).abs() < 1e-5);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trained.safetensors");
        trained.store(&path).unwrap();
        let again = Trained::load(&path, &start.base).unwrap().merged(&start.base).unwrap();
        assert_eq!(response_losses(&again, all.iter().copied()).unwrap().concat(), merged);
    }
}

#[test]
fn all_weights_are_stored_and_a_copy_does_not_move() {
    let mut trainer = trainer(Tuning::Full, true);
    trainer.step().unwrap();
    let trained = trainer.finished().unwrap();
    let base = start(Tuning::Full, true).base;
    let all = examples(3);
    let all: Vec<&Tokenised> = all.iter().collect();
    let of =
        |trained: &Trained| response_losses(&trained.merged(&base).unwrap(), all.iter().copied()).unwrap().concat();
    let before = of(&trained);
    trainer.step().unwrap();
    trainer.step().unwrap();
    assert_eq!(of(&trained), before);
    assert_ne!(of(&trainer.finished().unwrap()), before);
    assert_eq!(
        response_losses(&base, all.iter().copied()).unwrap(),
        response_losses(&model(true), all.iter().copied()).unwrap()
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trained.safetensors");
    trained.store(&path).unwrap();
    assert_eq!(of(&Trained::load(&path, &base).unwrap()), before);
}

#[test]
fn a_resumed_run_is_the_run() {
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS {
        let path = folder.path().join(format!("{kind:?}.safetensors"));
        let mut straight = trainer(kind, true);
        assert_eq!(straight.steps(), 6);
        assert!(!straight.restore(&path, "a").unwrap());
        let mut stopped = trainer(kind, true);
        for _ in 0..6 {
            straight.step().unwrap();
        }
        for _ in 0..3 {
            stopped.step().unwrap();
        }
        stopped.save(&path, "a").unwrap();
        let mut resumed = trainer(kind, true);
        let refused = resumed.restore(&path, "b").unwrap_err().to_string();
        assert!(refused.contains("run a") && refused.contains("not of b"), "{refused}");
        assert!(resumed.restore(&path, "a").unwrap());
        assert_eq!(resumed.history(), stopped.history());
        for _ in 0..3 {
            resumed.step().unwrap();
        }
        assert_eq!(values(&resumed), values(&straight), "{kind:?}");
        assert_eq!(without_time(resumed.history()), without_time(straight.history()));
        assert!(matches!(resumed.step(), Err(TrainError::Finished(6))));
        assert!(straight.history()[5].loss < straight.history()[1].loss, "{:?}", straight.history());
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let many: Vec<Tokenised> = examples(7).into_iter().cycle().take(200).collect();
    assert!(groups(&many.iter().map(Tokenised::inputs).collect::<Vec<_>>()).len() > 2);
    let run = |threads: usize, kind| {
        let settings = Settings { batch: 200, ..settings() };
        let mut trainer = Trainer::new(start(kind, true), many.clone(), settings).unwrap();
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            trainer.step().unwrap();
            trainer.step().unwrap();
        });
        (values(&trainer), without_time(trainer.history()))
    };
    for kind in KINDS {
        let one = run(1, kind);
        assert_eq!(one, run(2, kind));
        assert_eq!(one, run(4, kind));
    }
}

#[test]
fn a_loss_that_is_no_number_changes_nothing() {
    let mut trainer = trainer(Tuning::Lora, true);
    trainer.step().unwrap();
    change(&trainer.parameters[0].var, |values| values[0] = f32::NAN).unwrap();
    let before = values(&trainer);
    let error = trainer.step().unwrap_err();
    assert!(matches!(error, TrainError::NotFinite { step: 2, what: "the loss", .. }), "{error}");
    assert!(error.to_string().contains("step 2"), "{error}");
    let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&values(&trainer)), bits(&before));
    assert_eq!(trainer.history().len(), 1);
}

#[test]
fn what_cannot_be_trained_is_refused_and_named() {
    let refused = |start: Start, examples: Vec<Tokenised>, settings: Settings| {
        Trainer::new(start, examples, settings).map(|_| ()).unwrap_err().to_string()
    };
    let good = || (start(Tuning::Lora, true), examples(3), settings());
    let example = |tokens: Vec<u32>, response| {
        let (start, mut examples, settings) = good();
        examples[1] = Tokenised { tokens, response };
        refused(start, examples, settings)
    };
    assert!(example(vec![1, 2], 2).contains("example 1"));
    assert!(example(vec![1; 65], 60).contains("65 tokens"));
    assert!(example(vec![1, 40], 1).contains("token id 40"));
    let (start, _, settings) = good();
    assert!(refused(start.clone(), vec![], settings.clone()).contains("no examples"));
    let mut other = start.clone();
    other.adapters[2].linear = "lm_head".into();
    assert!(refused(other, examples(1), settings.clone()).contains("lm_head"));
    let mut other = start.clone();
    other.adapters[2].a.pop();
    assert!(refused(other, examples(1), settings.clone()).contains("rank 3"));
    let twice =
        Start { adapters: [adapters(&start.base.config.shape), start.adapters.clone()].concat(), ..start.clone() };
    assert!(refused(twice, examples(1), settings.clone()).contains("two"));
    let zero = Settings { batch: 0, ..settings };
    assert!(refused(start, examples(1), zero).contains("batch"));
}

/// What tests/interop/train_step.py prints.
#[derive(Deserialize)]
struct Golden {
    origin: String,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    kind: Tuning,
    tied: bool,
    weight_decay: f64,
    loss: Vec<f64>,
    gradient_norm: Vec<f64>,
    rate: Vec<f64>,
    /// Of each parameter by our name: its first values, and the sum of its values times a wave.
    parameters: std::collections::BTreeMap<String, (Vec<f64>, f64)>,
}

#[test]
fn three_steps_are_pytorchs() {
    let golden: Golden = serde_json::from_str(include_str!("../../tests/golden/train_step.json")).unwrap();
    assert!(golden.origin.contains("torch"));
    assert_eq!(golden.runs.len(), 4);
    for run in golden.runs {
        let settings = Settings { epochs: 3, batch: 5, warmup: 0.0, weight_decay: run.weight_decay, ..settings() };
        let mut trainer = Trainer::new(start(run.kind, run.tied), examples(5), settings).unwrap();
        for at in 0..3 {
            let step = trainer.step().unwrap();
            let label = format!("{:?} step {at}: {step:?}", run.kind);
            assert!((step.loss - run.loss[at]).abs() < 1e-5, "{label}, loss {}", run.loss[at]);
            let norm = run.gradient_norm[at];
            assert!((step.gradient_norm / norm - 1.0).abs() < 1e-4, "{label}, gradient norm {norm}");
            assert!((step.rate - run.rate[at]).abs() < 1e-12, "{label}, rate {}", run.rate[at]);
        }
        assert_eq!(trainer.parameters.len(), run.parameters.len());
        for parameter in &trainer.parameters {
            let ours = parameter.var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let (first, sum) = &run.parameters[&parameter.name];
            let label = format!("{:?} {}", run.kind, parameter.name);
            for (a, b) in ours.iter().zip(first) {
                assert!((f64::from(*a) - b).abs() < 1e-4, "{label}: {a} against {b}");
            }
            let weighed = ours.iter().zip(wave(ours.len(), 1, 1.0)).map(|(a, w)| f64::from(*a) * f64::from(w));
            let found = weighed.sum::<f64>();
            assert!((found - sum).abs() < 1e-4 * (ours.len() as f64).sqrt(), "{label}: {found} against {sum}");
        }
    }
}

#[test]
fn every_tensor_comes_once() {
    for (tied, count) in [(true, 2 + 2 * 9), (false, 3 + 2 * 9)] {
        let mut names = Vec::new();
        let mut all: Resident = model(tied);
        each_tensor(&mut all, |name, _| {
            names.push(name);
            Ok(())
        })
        .unwrap();
        assert_eq!(names.len(), count);
    }
}

#[test]
fn a_start_that_is_not_finite_is_told_from_a_rate_that_is_too_high() {
    let mut start = start(Tuning::Lora, true);
    let norm = start.base.frame.norm.gain.affine(f64::NAN, 0.0).unwrap();
    start.base.frame.norm.gain = norm;
    let mut trainer = Trainer::new(start, examples(3), settings()).unwrap();
    let error = trainer.step().unwrap_err();
    assert!(matches!(error, TrainError::StartNotFinite { what: "the loss", .. }), "{error}");
    assert!(!error.to_string().contains("lower"), "{error}");
}

#[test]
fn rows_of_zeros_are_named_before_dora_divides_by_them() {
    let with = |kind: Tuning| {
        let mut start = start(kind, true);
        let w = &start.base.blocks[1].linears[3];
        let (rows, columns) = w.dims2().unwrap();
        let zero = |i: usize| if (3..9).contains(&i) { 0.0f32 } else { 0.5 };
        let values: Vec<f32> = (0..rows * columns).map(|at| zero(at / columns)).collect();
        start.base.blocks[1].linears[3] = candle_core::Tensor::from_vec(values, (rows, columns), w.device()).unwrap();
        start.adapters.iter_mut().for_each(|adapter| adapter.b.iter_mut().for_each(|x| *x = 0.0));
        Trainer::new(start, examples(3), settings()).map(|_| ())
    };
    with(Tuning::Lora).unwrap();
    let error = with(Tuning::Dora).unwrap_err();
    let expected = ZeroRows { linear: "model.layers.1.self_attn.o_proj".into(), rows: 6, of: 16, first: 3 };
    assert!(matches!(&error, TrainError::ZeroRows(all) if all[..] == [expected]), "{error}");
    assert!(error.to_string().contains("o_proj (6 of 16 rows, first row 3 from 0)"), "{error}");
}
