//! `corda convert`: a trained adapter as one for the untouched base model.

use std::path::Path;

use crate::adapt::peft::{self, AdapterError, Init};
use crate::atomic::write_folder;
use crate::model::read_shape;
use crate::run::RunError;

use super::base;
use super::files::apart;

/// Writes the adapter for the untouched base model that a trained adapter amounts to, given the adapter it started from.
///
/// # Errors
/// Among others, if `base` is the very model that the trained adapter is for although that is not the untouched one.
pub fn convert(trained: &Path, start: &Path, base: &Path, out: &Path) -> Result<(), RunError> {
    apart(out, &[trained, start, base])?;
    let shape = read_shape(base)?;
    let (folder, trained, start) = (trained, peft::read(trained)?, peft::read(start)?);
    trained.check_fits(&shape)?;
    start.check_fits(&shape)?;
    let name = base::full(base);
    let moved = start.linears.values().any(|(adapter, _)| adapter.b.iter().any(|x| *x != 0.0));
    if trained.init == Init::Plain
        && moved
        && trained.base.as_ref().is_some_and(|named| base::is_at(named, folder, base))
    {
        return Err(AdapterError::Base {
            adapter: folder.into(),
            wanted: name.name,
            why: "which lacks what the adapter started from, and the converted adapter is for the untouched model"
                .into(),
        }
        .into());
    }
    let converted = trained.converted(&start)?;
    write_folder(out, |folder| Ok(peft::write(folder, &converted, &[], &name, &shape)?))
}
