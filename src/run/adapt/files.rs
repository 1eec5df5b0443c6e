//! Which files the commands about adapters write, and where they may.

use std::path::Path;

use crate::atomic::replaceable;
use crate::run::RunError;

/// Those of `all` that `only` names; all where it names none.
pub(super) fn chosen<W>(all: Vec<W>, id: impl Fn(&W) -> &String, only: &[String]) -> Result<Vec<W>, RunError> {
    if let Some(name) = only.iter().find(|name| !all.iter().any(|one| id(one) == *name)) {
        let known = all.iter().map(|one| id(one).as_str()).collect::<Vec<_>>().join(", ");
        return Err(RunError::NoSuchAdapter { name: name.clone(), known });
    }
    Ok(all.into_iter().filter(|one| only.is_empty() || only.contains(id(one))).collect())
}

/// Refuses a folder for output that holds what is read, or that may not be replaced.
///
/// # Errors
/// [`RunError::OverInput`]; as [`replaceable`].
pub(super) fn apart(out: &Path, inputs: &[&Path]) -> Result<(), RunError> {
    if let Ok(full) = out.canonicalize() {
        let inside = |input: &&&Path| input.canonicalize().is_ok_and(|input| input.starts_with(&full));
        if let Some(input) = inputs.iter().find(inside) {
            return Err(RunError::OverInput { out: out.into(), input: input.to_path_buf() });
        }
    }
    Ok(replaceable(out)?)
}
