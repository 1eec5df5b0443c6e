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
