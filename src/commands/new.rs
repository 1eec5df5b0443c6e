//! `corda new`: a commented experiment file to start from.

use std::path::Path;

use corda::{atomic, outln, spec};

use crate::failure::Failure;

/// Writes the file NAME.yaml into the folder of experiments, never over one that is there.
///
/// # Errors
/// A name that no experiment may have; a file that is there, or cannot be written.
pub fn write(experiments: &Path, name: &str) -> Result<(), Failure> {
    let name = name.strip_suffix(".yaml").unwrap_or(name);
    let text = spec::starter(name).map_err(Failure::Name)?;
    let path = experiments.join(format!("{name}.yaml"));
    match atomic::write_new(&path, text.as_bytes()) {
        Ok(()) => outln!("{}", path.display()),
        Err(source) => return Err(Failure::Create { path, source }),
    }
    Ok(())
}
