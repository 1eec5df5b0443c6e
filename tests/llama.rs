//! Our forward pass compared with candle-transformers' own Llama on the same weights.

use crate::tiny::{LLAMA3_SCALING, Tiny};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::llama::{Cache, Llama, LlamaConfig};
use corda::model::checkpoint::Checkpoint;
use corda::model::decoder::logits;
use corda::model::weights::{Resident, Streamed, Weights};

const WINDOW: usize = 512;

/// candle's logits at the last of `tokens`.
fn reference(tiny: &Tiny, tokens: &[u32]) -> Vec<f32> {
    let config: LlamaConfig = serde_json::from_str(&tiny.config()).unwrap();
    let config = config.into_config(false);
    let weights = VarBuilder::from_tensors(tiny.weights(), DType::F32, &Device::Cpu);
    let model = Llama::load(weights, &config).unwrap();
    let mut cache = Cache::new(false, DType::F32, &config, &Device::Cpu).unwrap();
    let input = Tensor::new(tokens, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    model.forward(&input, 0, &mut cache).unwrap().squeeze(0).unwrap().to_vec1().unwrap()
}

fn agrees(tiny: Tiny, sharded: bool) {
    let folder = tempfile::tempdir().unwrap();
    tiny.write(folder.path(), sharded);
    let checkpoint = Checkpoint::open_path(folder.path()).unwrap();
    let resident = Resident::read(&checkpoint, &Device::Cpu).unwrap();
    let tokens: Vec<u32> = (0..WINDOW as u32).map(|t| (t * t + 7 * t + 3) % Tiny::VOCABULARY as u32).collect();
    let ours = logits(&resident, &tokens).unwrap();
    let streamed = Streamed::new(checkpoint, &Device::Cpu).unwrap();
    let again = logits(&streamed as &dyn Weights, &tokens).unwrap();
    assert_eq!(ours.to_vec2::<f32>().unwrap(), again.to_vec2::<f32>().unwrap(), "from disk as from memory");
    let ours = ours.to_vec2::<f32>().unwrap();
    let spread = ours[WINDOW - 1].iter().copied().fold(f32::MIN, f32::max);
    assert!(spread > 0.5, "logits that say nothing: {spread}");
    // candle returns only the last position: prefixes give the others.
    for length in [1, 2, 63, 64, 65, 200, WINDOW] {
        let theirs = reference(&tiny, &tokens[..length]);
        let worst = ours[length - 1].iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-3, "{tiny:?} at {length}: {worst}");
    }
}

const BASE: Tiny = Tiny { hidden: 64, layers: 2, heads: 4, kv_heads: 4, tied: false, rope_scaling: None };

#[test]
fn every_head_its_own_keys_untied() {
    agrees(BASE, false);
}

#[test]
fn grouped_query_tied_as_smollm2() {
    agrees(Tiny { hidden: 72, heads: 9, kv_heads: 3, tied: true, ..BASE }, false);
}

#[test]
fn llama3_scaling_one_key_head_in_two_shards() {
    agrees(Tiny { kv_heads: 1, rope_scaling: Some(LLAMA3_SCALING), ..BASE }, true);
}
