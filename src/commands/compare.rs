//! `corda compare`: two results, and an exit status that says whether they agree.

use std::path::Path;
use std::process::ExitCode;

use corda::outln;
use corda::results::compare::{self, Agreement};
use corda::results::exact;

use crate::failure::Failure;

/// Compares measurements row by row.
///
/// # Errors
/// If there is nothing that can be compared.
pub fn by_row(first: &Path, second: &Path, tolerance: f64) -> Result<ExitCode, Failure> {
    let comparison = compare::compare(first, second, tolerance)?;
    outln!("{comparison}");
    Ok(agreed(comparison.worst() < Agreement::Apart))
}

/// Compares every file to the bit.
///
/// # Errors
/// If there is nothing that can be compared.
pub fn to_the_bit(first: &Path, second: &Path) -> Result<ExitCode, Failure> {
    let found = exact::compare(first, second)?;
    outln!("{found}");
    Ok(agreed(found.is_same()))
}

fn agreed(agreed: bool) -> ExitCode {
    if agreed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
