//! Files of models: GGUF, safetensors with their index, config.json, tokenizer.json.

use std::path::Path;

use candle_core::Device;
use corda::cache::ReadArrays;
use corda::calibrate;
use corda::decompose::{self, End};
use corda::model::ModelError;
use corda::model::checkpoint::Checkpoint;
use corda::model::shape::{Shape, Site};
use corda::model::tokenizer::Tokenizer;
use corda::model::weights::{Frame, read_block};

use super::{Scratch, names, parts};

/// Weights are read only for models that a test could write; for larger shapes only the names are checked.
const PARAMETERS: u64 = 1 << 20;

const TEXT: &str = "The model keeps 12 of 345 parts, <s>naïvely</s>:\n\t日本 🦀 it's   done.";

/// A whole model as GGUF.
pub fn gguf(scratch: &Scratch, data: &[u8]) {
    let path = scratch.put("model.gguf", Some(data));
    opened(&path, &["model.gguf"]);
}

/// An index, and one or two files of weights; the first part may be empty: no index. The same bytes are also read as files
/// of our cache.
pub fn safetensors(scratch: &Scratch, data: &[u8]) {
    let parts = parts(data);
    let (index, weights) = if let [one] = parts[..] { (None, one) } else { (Some(parts[0]), parts[1]) };
    let folder = scratch.model("model.safetensors", Some(weights));
    scratch.put("model/model.safetensors.index.json", index.filter(|index| !index.is_empty()));
    scratch.put("model/second.safetensors", parts.get(2).copied());
    opened(&folder, &["model.safetensors", "second.safetensors", "/model"]);
    cached(&folder.join("model.safetensors"));
}

/// config.json, and generation_config.json.
pub fn config(scratch: &Scratch, data: &[u8]) {
    let parts = parts(data);
    let folder = scratch.model("config.json", Some(parts[0]));
    scratch.put("model/generation_config.json", parts.get(1).copied());
    opened(&folder, &["config.json", "generation_config.json", "model.safetensors", "/model"]);
}

/// tokenizer.json, and tokenizer_config.json.
pub fn tokenizer(scratch: &Scratch, data: &[u8]) {
    let parts = parts(data);
    let folder = scratch.model("tokenizer.json", Some(parts[0]));
    scratch.put("model/tokenizer_config.json", parts.get(1).copied());
    match Checkpoint::open_path(&folder).and_then(|checkpoint| checkpoint.tokenizer()) {
        Ok(tokenizer) => encoded(&tokenizer),
        Err(error) => names(&error, &["tokenizer.json", "tokenizer_config.json", "/model"]),
    }
}

/// Opens a model and reads everything in it.
fn opened(path: &Path, files: &[&str]) {
    let named = |error: ModelError| names(&error, files);
    let checkpoint = match Checkpoint::open_path(path) {
        Ok(checkpoint) => checkpoint,
        Err(error) => return named(error),
    };
    let config = checkpoint.config().clone();
    match checkpoint.tokenizer() {
        Ok(tokenizer) => encoded(&tokenizer),
        Err(error) => named(error),
    }
    let _ = checkpoint.eos().map_err(named);
    let _ = checkpoint.side_files(true).map_err(named);
    if small(&config.shape) {
        let _ = Frame::read(&checkpoint, &Device::Cpu).map_err(named);
        for layer in 0..config.shape.layers {
            let _ = read_block(&checkpoint, layer, &Device::Cpu).map_err(named);
        }
    }
}

/// Whether the model has few weights; the products are computed only if they cannot overflow.
fn small(shape: &Shape) -> bool {
    let all = [shape.hidden, shape.layers, shape.heads, shape.kv_heads, shape.head_dim, shape.intermediate];
    all.iter().chain([&shape.vocabulary]).all(|&one| one <= 1 << 12) && shape.parameters() <= PARAMETERS
}

/// Encodes and decodes: ids are stable, and ids that no text produces do no harm.
fn encoded(tokenizer: &Tokenizer) {
    if let Ok(ids) = tokenizer.encode(TEXT) {
        assert_eq!(tokenizer.encode(TEXT).expect("what encodes once encodes twice"), ids);
        let _ = tokenizer.decode(&ids);
    }
    let _ = tokenizer.encode("");
    let _ = tokenizer.decode(&[0, 1, 2, 3, 1_000_000, u32::MAX]);
}

/// Reads the bytes as every kind of file in the cache.
fn cached(path: &Path) {
    let file = match ReadArrays::open(path) {
        Ok(file) => file,
        Err(error) => return names(&error, &["model.safetensors"]),
    };
    for site in [Site::Attention, Site::Output, Site::Mlp, Site::Down, Site::Head] {
        if let Err(error) = calibrate::store::read(&file, path, site) {
            names(&error, &["model.safetensors"]);
        }
    }
    for linear in ["lm_head", "model.layers.0.mlp.up_proj"] {
        if let Err(error) = decompose::store::read(&file, path, linear, End::Smallest) {
            names(&error, &["model.safetensors"]);
        }
    }
}
