//! Measurements: rows, their parquet and CSV files, provenance, and the comparison of two runs.
//!
//! [`write_rows`] and [`read_rows`] store any [`Record`], such as [`Row`] or [`TrainedRow`], as parquet. What each column of
//! each row type holds is written once, as the comment on its field: [`tables`] lists it, the parquet files carry it, and
//! `docs/results.md` is generated from it. Everything here reaches the disk through [`crate::atomic`]. Nothing here measures or
//! draws.

pub mod compare;
pub mod exact;
#[cfg(test)]
pub(crate) mod fixture;
pub mod folder;
pub mod machine;
pub mod provenance;
mod record;
mod rows;
mod seal;
mod store;
mod tables;

pub use record::{Described, Mismatch, Record, Varied};
pub use rows::{
    AdapterRow, AnswerRow, FailureRow, HeatRow, LinearRow, RateRow, Row, SpectrumRow, StepRow, TimingRow, TrainedRow,
    WindowRow,
};
pub use store::{COLUMNS, Error, is_intact, read_rows, write_csv, write_rows};
pub use tables::{Table, tables};
