//! `corda logits`: logits as safetensors, for comparison with other programs.

use std::path::Path;

use candle_core::Device;

use crate::adapt::merge::Merged;
use crate::adapt::peft;
use crate::cache::Arrays;
use crate::model::ModelError;
use crate::model::checkpoint::Checkpoint;
use crate::model::decoder::logits;
use crate::model::weights::Resident;
use crate::run::RunError;

/// Writes token ids and logits of the first `tokens` tokens of a text, of a model with or without an adapter, as
/// safetensors: what `tests/interop` compares with other programs' logits.
pub fn write_logits(
    model: &Path,
    adapter: Option<&Path>,
    text: &Path,
    tokens: usize,
    out: &Path,
) -> Result<(), RunError> {
    let checkpoint = Checkpoint::open_path(model)?;
    let resident = Resident::read(&checkpoint, &Device::Cpu)?;
    let string = std::fs::read_to_string(text).map_err(|source| ModelError::Read { path: text.into(), source })?;
    let mut ids = checkpoint.tokenizer()?.encode(&string)?;
    ids.truncate(tokens);
    let logits = match adapter.map(peft::read).transpose()? {
        Some(adapter) => {
            adapter.check_fits(&checkpoint.config().shape)?;
            logits(&Merged::new(&resident, &adapter)?, &ids)?
        }
        None => logits(&resident, &ids)?,
    };
    let flat = logits.flatten_all().and_then(|l| l.to_vec1::<f32>()).map_err(ModelError::from)?;
    let mut arrays = Arrays::default();
    arrays.push_u32("tokens".into(), &[ids.len()], ids.iter().copied());
    arrays.push_f32("logits".into(), logits.dims(), flat.iter().copied());
    Ok(arrays.write(out)?)
}
