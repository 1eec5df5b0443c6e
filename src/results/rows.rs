//! The row types, a file for each kind of experiment. The comment on a field describes its column to users: a sentence on
//! what it holds, then `Unit: ...` for numbers.

mod components;
mod finetune;
mod study;
mod timing;

pub use components::{AdapterRow, HeatRow, SpectrumRow};
pub use finetune::{AnswerRow, FailureRow, RateRow, StepRow, TrainedRow};
pub use study::{LinearRow, Row, WindowRow};
pub use timing::TimingRow;

/// A row of one of several variants of an experiment. A file without variants reads as rows without one.
#[derive(Debug, Clone, PartialEq)]
pub struct Varied<R> {
    /// The row.
    pub row: R,
    /// Name of the variant: its folder below that of the experiment.
    pub variant: Option<String>,
}

impl<R> Varied<R> {
    /// The rows of a variant.
    pub fn of(rows: Vec<R>, variant: &str) -> impl Iterator<Item = Self> {
        rows.into_iter().map(move |row| Self { row, variant: Some(variant.to_string()) })
    }
}
