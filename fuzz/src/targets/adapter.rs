//! Adapter folders: adapter_config.json, and optionally the weights beside it.

use std::fs;

use corda::adapt::peft::{self, Loaded};
use corda::model::checkpoint::Checkpoint;

use super::{Scratch, names, parts};

/// Weights for the tiny model, if the input has none.
const WEIGHTS: &[u8] = include_bytes!("../../fixture/adapter_model.safetensors");

pub fn run(scratch: &Scratch, data: &[u8]) {
    let parts = parts(data);
    scratch.put("adapter/adapter_config.json", Some(parts[0]));
    scratch.put("adapter/adapter_model.safetensors", Some(parts.get(1).copied().unwrap_or(WEIGHTS)));
    let folder = scratch.path("adapter");
    let loaded = match peft::read(&folder) {
        Ok(loaded) => loaded,
        Err(error) => return names(&error, &["adapter_config.json", "adapter_model.safetensors"]),
    };
    let model = Checkpoint::open_path(&scratch.model("none", None)).expect("the fixture is a model");
    let shape = &model.config().shape;
    if let Err(error) = loaded.check_fits(shape) {
        return names(&error, &["adapter_model.safetensors", "adapter_config.json"]);
    }
    let _ = loaded.converted(&loaded);

    // Writing and reading again gives the same, except for the scales: ours are 1.
    let again = scratch.path("again");
    let _ = fs::remove_dir_all(&again);
    let adapters: Vec<_> = loaded.linears.values().map(|(adapter, _)| adapter.clone()).collect();
    let magnitudes: Vec<Vec<f32>> = match loaded.magnitudes.len() == adapters.len() {
        true => loaded.magnitudes.values().cloned().collect(),
        false => Vec::new(),
    };
    peft::write(&again, &adapters, &magnitudes, &"base".into(), shape)
        .expect("an adapter that was read can be written");
    let read = peft::read(&again).expect("what we write we read");
    assert_eq!(bits(&read), bits(&loaded), "an adapter changes by being written and read");
}

/// The bits of every value of an adapter, so that NaN equals NaN.
fn bits(loaded: &Loaded) -> Vec<(&str, usize, Vec<u32>)> {
    loaded
        .linears
        .iter()
        .map(|(name, (adapter, _))| {
            (name.as_str(), adapter.rank, adapter.b.iter().chain(&adapter.a).map(|x| x.to_bits()).collect())
        })
        .collect()
}
