//! Writes a Llama with random weights in Hugging Face format, to try sizes that no test can download:
//!
//! ```sh
//! cargo run --release --example random_llama -- 1.3b FOLDER
//! ```
//!
//! As for large models, the weights are f16, in one file per block with an index. The tokenizer knows single characters.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::path::Path;

use corda::model::arch::Family;
use corda::model::config::Config;
use corda::model::shape::Shape;
use corda::tensors::{self, Entry};
use half::f16;
use safetensors::tensor::Dtype;

const CHARACTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;:!?'\"()-$%&/\n";

fn shape(size: &str) -> Option<Shape> {
    let of = |hidden, layers, heads, intermediate| Shape {
        family: Family::llama(),
        hidden,
        layers,
        heads,
        kv_heads: heads,
        head_dim: hidden / heads,
        intermediate,
        vocabulary: 32_000,
        context: 4096,
        tied: false,
    };
    match size {
        "0.5b" => Some(of(1280, 20, 20, 3456)),
        "1.3b" => Some(of(2048, 24, 16, 5504)),
        _ => None,
    }
}

/// f16 values around `mean`, uniform, of about the size that keeps activations near 1.
fn weights(dims: &[usize], mean: f32, state: &mut u64) -> Vec<u8> {
    let scale = if mean == 0.0 { (3.0 / dims[dims.len() - 1] as f32).sqrt() } else { 0.2 };
    let mut next = || {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..dims.iter().product()).flat_map(|_| f16::from_f32(mean + scale * next()).to_le_bytes()).collect()
}

fn write(size: &str, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let shape = shape(size).ok_or("there are the sizes 0.5b and 1.3b")?;
    let model = Config::plain(shape.clone(), 1e-5);
    let mut files: Vec<Vec<(String, Vec<usize>)>> = (0..shape.layers)
        .map(|layer| model.slots(layer).into_iter().map(|slot| (slot.name, slot.dims)).collect())
        .collect();
    files.push(model.frame_slots().into_iter().map(|slot| (slot.name, slot.dims)).collect());
    let (mut state, mut index) = (0x2545_f491_4f6c_dd1du64, serde_json::Map::new());
    let count = files.len();
    for (i, tensors) in files.into_iter().enumerate() {
        let file = format!("model-{:05}-of-{count:05}.safetensors", i + 1);
        let entry =
            |(name, dims): &(String, Vec<usize>)| Entry { name: name.clone(), dtype: Dtype::F16, dims: dims.clone() };
        let entries: Vec<Entry> = tensors.iter().map(entry).collect();
        index.extend(entries.iter().map(|entry| (entry.name.clone(), file.clone().into())));
        tensors::write(&folder.join(&file), &BTreeMap::new(), &entries, |i| {
            let mean = if entries[i].dims.len() == 1 { 1.0 } else { 0.0 };
            Ok::<_, std::io::Error>(weights(&entries[i].dims, mean, &mut state))
        })??;
    }
    let vocabulary: serde_json::Map<String, serde_json::Value> = std::iter::once("<unk>".to_string())
        .chain(CHARACTERS.chars().map(String::from))
        .enumerate()
        .map(|(id, token)| (token, id.into()))
        .collect();
    let tokenizer = serde_json::json!({"version": "1.0", "model":
        {"type": "BPE", "unk_token": "<unk>", "vocab": vocabulary, "merges": []}});
    let config = serde_json::json!({
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate, "vocab_size": shape.vocabulary, "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads, "num_key_value_heads": shape.kv_heads, "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0, "max_position_embeddings": shape.context, "tie_word_embeddings": false,
        "bos_token_id": 0, "eos_token_id": 0,
    });
    let index = serde_json::json!({"weight_map": index});
    for (name, value) in
        [("config.json", config), ("tokenizer.json", tokenizer), ("model.safetensors.index.json", index)]
    {
        std::fs::write(folder.join(name), value.to_string())?;
    }
    println!("{}: {} parameters", folder.display(), shape.parameters());
    Ok(())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [size, folder] = arguments.as_slice() else {
        eprintln!("usage: random_llama 0.5b|1.3b FOLDER");
        std::process::exit(2);
    };
    if let Err(e) = write(size, Path::new(folder)) {
        eprintln!("error: {e}");
        std::process::exit(1);
    }
}
