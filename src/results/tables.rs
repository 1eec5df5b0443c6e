//! Which parquet file holds rows of which type, and what their columns mean.

use super::{
    AdapterRow, AnswerRow, Described, FailureRow, HeatRow, LinearRow, RateRow, Record, Row, SpectrumRow, StepRow,
    TimingRow, TrainedRow, WindowRow,
};

/// A file of results as users see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name in a results folder. A CSV file of the same name has the same columns.
    pub file: &'static str,
    /// What one row is.
    pub about: &'static str,
    /// Its columns, in order; over the variants of a sweep `variant` follows them.
    pub columns: Vec<Described>,
}

/// Every parquet file that an experiment may write.
pub fn tables() -> Vec<Table> {
    fn table<R: Record>(file: &'static str) -> Table {
        Table { file, about: R::about(), columns: R::columns() }
    }
    vec![
        table::<Row>("results.parquet"),
        table::<WindowRow>("windows.parquet"),
        table::<LinearRow>("linears.parquet"),
        table::<AdapterRow>("adapters.parquet"),
        table::<HeatRow>("heatmaps.parquet"),
        table::<SpectrumRow>("spectra.parquet"),
        table::<TrainedRow>("trained.parquet"),
        table::<StepRow>("steps.parquet"),
        table::<RateRow>("rates.parquet"),
        table::<AnswerRow>("answers.parquet"),
        table::<FailureRow>("failures.parquet"),
        table::<TimingRow>("timings.parquet"),
    ]
}

#[cfg(test)]
mod tests;
