//! `corda list`: what an experiment can name, and the experiments there are.

use std::path::Path;

use corda::decompose::METHODS;
use corda::outln;

use crate::failure::Failure;
use crate::project;

/// Prints methods, models, corpora and experiments.
///
/// # Errors
/// What is wrong with the catalog.
pub fn print(experiments: &Path) -> Result<(), Failure> {
    let catalog = project::catalog(experiments)?;
    outln!("methods");
    for method in METHODS {
        outln!("  {:24} {}", method.name, method.summary);
    }
    outln!("models");
    for entry in &catalog.models {
        let model = &entry.model;
        let terms = model.terms.as_ref().map(|terms| format!(" ({terms})")).unwrap_or_default();
        let (family, parameters) = (model.shape.family, model.shape.parameters());
        outln!("  {:24} {family}, {parameters} parameters, {}{terms}", model.name, model.licence);
    }
    outln!("corpora");
    for entry in &catalog.corpora {
        outln!("  {:24} {}", entry.name, entry.description.as_deref().unwrap_or_default());
    }
    outln!("experiments");
    for path in project::files(experiments) {
        outln!("  {}", path.display());
    }
    Ok(())
}
