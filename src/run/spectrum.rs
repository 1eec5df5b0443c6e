//! Spectra: the singular values of every target as each arm weighs it, from the decompositions in the cache.

use crate::cache::ReadArrays;
use crate::decompose::store;
use crate::results::SpectrumRow;

use super::{Run, RunError};

/// The singular values of every target under every arm.
pub(super) fn rows(run: &Run) -> Result<Vec<SpectrumRow>, RunError> {
    let mut rows = Vec::new();
    for stage in &run.plan.decompose {
        let arm = &run.experiment.arms[stage.arm];
        for part in &run.plan.parts {
            let path = run.context.cache.part("decomposition", &stage.key, &part.name());
            let file = ReadArrays::open(&path)?;
            for (linear, _) in &part.linears {
                let (singular, _) = store::read_spectrum(&file, &path, &linear.name)?;
                let normalised = normalised(&singular);
                rows.extend((0u32..).zip(singular.iter().zip(normalised)).map(|(index, (&value, normalised))| {
                    SpectrumRow {
                        experiment: run.experiment.name.clone(),
                        arm: arm.id.clone(),
                        label: arm.label.clone(),
                        method: arm.method.name().into(),
                        linear: linear.name.clone(),
                        index,
                        value,
                        normalised,
                    }
                }));
            }
        }
    }
    Ok(rows)
}

/// Values divided by the root of the sum of their squares; as they are if that is 0.
fn normalised(values: &[f64]) -> Vec<f64> {
    // Relative to the largest first: squares of large covariances must not overflow.
    let largest = values.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return values.to_vec();
    }
    let norm = largest * values.iter().map(|value| (value / largest).powi(2)).sum::<f64>().sqrt();
    values.iter().map(|value| value / norm).collect()
}

#[cfg(test)]
mod tests;
