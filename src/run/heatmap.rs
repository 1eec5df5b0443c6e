//! Heat maps of covariances: |C| averaged over a grid of cells.

use faer::MatRef;

use crate::calibrate::store as statistics_store;
use crate::results::HeatRow;

use super::{Run, RunError};

/// The cells of every target's input under every calibration that the spec draws.
pub(super) fn rows(run: &Run) -> Result<Vec<HeatRow>, RunError> {
    let mut rows = Vec::new();
    let Some(heatmaps) = &run.experiment.heatmaps else { return Ok(rows) };
    for part in &run.plan.parts {
        let read = |stage: &usize| {
            let key = &run.plan.calibrate[*stage].key;
            statistics_store::read_sites(&run.context.cache.part("statistics", key, &part.name()), part.sites())
        };
        let statistics = run.plan.heatmaps.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        for (linear, site) in &part.linears {
            for (statistics, calibration) in statistics.iter().zip(&heatmaps.calibrations) {
                let cells = downsampled(statistics[site].covariance.as_ref(), heatmaps.size);
                rows.extend(cells.into_iter().enumerate().map(|(i, value)| HeatRow {
                    experiment: run.experiment.name.clone(),
                    linear: linear.name.clone(),
                    calibration: calibration.clone(),
                    row: (i / heatmaps.size) as u32,
                    column: (i % heatmaps.size) as u32,
                    value,
                }));
            }
        }
    }
    Ok(rows)
}

/// Means of |c| over size x size cells as even as they can be, row-major.
fn downsampled(c: MatRef<f64>, size: usize) -> Vec<f64> {
    let edge = |i: usize| i * c.nrows() / size;
    let mut cells = Vec::with_capacity(size * size);
    for row in 0..size {
        for column in 0..size {
            let cell = c.submatrix(edge(row), edge(column), edge(row + 1) - edge(row), edge(column + 1) - edge(column));
            cells.push(cell.norm_l1() / (cell.nrows() * cell.ncols()) as f64);
        }
    }
    cells
}

#[cfg(test)]
mod tests;
