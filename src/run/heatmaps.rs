//! Heat maps of covariances: |C| averaged over a grid of cells, as rows and a figure.

use std::path::Path;

use faer::MatRef;
use serde_json::{Value, json};

use crate::calibrate::store as statistics_store;
use crate::plan::Plan;
use crate::report;
use crate::results::{self, HeatRow};
use crate::spec::{self, Experiment};

use super::RunError;
use super::product::{Drawing, Product};
use super::session::Run;

/// The product.
pub(super) struct HeatMaps<'a>(&'a spec::HeatMaps);

impl<'a> HeatMaps<'a> {
    /// Of an experiment with `heatmaps`.
    pub fn of(experiment: &'a Experiment) -> Option<Self> {
        experiment.heatmaps.as_ref().map(Self)
    }
}

impl Product for HeatMaps<'_> {
    fn files(&self) -> Vec<&'static str> {
        vec!["heatmaps.parquet", "heatmaps.svg", "heatmaps.png", "heatmaps.pdf"]
    }

    fn keys(&self, plan: &Plan) -> Vec<(&'static str, Value)> {
        vec![("heatmaps", json!(plan.heatmaps))]
    }

    fn write(&self, run: &Run, to: &Path) -> Result<Vec<String>, RunError> {
        results::write_rows(&to.join("heatmaps.parquet"), &rows(run, self.0)?)?;
        Ok(Vec::new())
    }

    fn render(&self, drawing: &mut Drawing) -> Result<(), RunError> {
        let cells = results::read_rows(&drawing.folder.join("heatmaps.parquet"))?;
        drawing.written.extend(report::render_heatmaps(&cells, drawing.meta, drawing.to)?);
        Ok(())
    }

    fn drawn(&self, plan: &Plan) -> Option<(&'static str, usize, &'static str)> {
        Some(("heat maps", plan.linears() * plan.heatmaps.len(), "maps"))
    }
}

/// The cells of every target's input under every calibration that the spec draws.
fn rows(run: &Run, heatmaps: &spec::HeatMaps) -> Result<Vec<HeatRow>, RunError> {
    let mut rows = Vec::new();
    for part in &run.plan.parts {
        let read = |key: &String| {
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
