//! Rows to data frames and back: a column a field, named as the field, so that names and types are said once.

use polars::prelude::*;

use super::{
    AdapterRow, AnswerRow, FailureRow, HeatRow, LinearRow, RateRow, Row, SpectrumRow, StepRow, TrainedRow, Varied,
    WindowRow,
};

/// Why a frame does not hold the rows it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// A column is not there.
    #[error("column `{column}` is missing (expected {expected})")]
    Missing {
        /// Its name.
        column: &'static str,
        /// Its type in words.
        expected: &'static str,
    },
    /// A column has another type.
    #[error("column `{column}` holds {found}, expected {expected}")]
    Type {
        /// Its name.
        column: &'static str,
        /// Its type in words.
        expected: &'static str,
        /// polars' name of the type found.
        found: String,
    },
    /// A column that must be filled has an empty cell.
    #[error("column `{column}` is empty in row {row}, expected {expected}")]
    Empty {
        /// Its name.
        column: &'static str,
        /// Its type in words.
        expected: &'static str,
        /// Index of the first such row, from 0.
        row: usize,
    },
}

/// A row type that can be stored.
pub trait Record: Sized {
    /// One column a field, in the order of the fields.
    fn to_frame(rows: &[Self]) -> PolarsResult<DataFrame>;
    /// The rows of a frame. Columns are found by name; further columns are ignored.
    fn from_frame(frame: &DataFrame) -> Result<Vec<Self>, Mismatch>;
}

/// A value of one column.
trait Cell: Sized {
    /// The column's type in words.
    const EXPECTED: &'static str;
    fn column(name: &str, values: Vec<Self>) -> Column;
    fn values(column: &Column) -> Option<Vec<Option<Self>>>;
    /// What an empty cell means; `None` where it may not be empty.
    fn empty() -> Option<Self>;
}

macro_rules! cell {
    ($type:ty, $array:ident, $expected:literal) => {
        impl Cell for $type {
            const EXPECTED: &'static str = $expected;
            fn column(name: &str, values: Vec<Self>) -> Column {
                Column::new(name.into(), values)
            }
            fn values(column: &Column) -> Option<Vec<Option<Self>>> {
                Some(column.$array().ok()?.iter().map(|cell| cell.map(Into::into)).collect())
            }
            fn empty() -> Option<Self> {
                None
            }
        }
        impl Cell for Option<$type> {
            const EXPECTED: &'static str = concat!($expected, " or empty");
            fn column(name: &str, values: Vec<Self>) -> Column {
                Column::new(name.into(), values)
            }
            fn values(column: &Column) -> Option<Vec<Option<Self>>> {
                Some(<$type as Cell>::values(column)?.into_iter().map(Some).collect())
            }
            fn empty() -> Option<Self> {
                Some(None)
            }
        }
    };
}

cell!(u32, u32, "32-bit unsigned integers");
cell!(u64, u64, "64-bit unsigned integers");
cell!(f64, f64, "64-bit floats");
cell!(String, str, "text");

/// The values of one column of a frame.
fn read<C: Cell>(frame: &DataFrame, column: &'static str) -> Result<Vec<C>, Mismatch> {
    let expected = C::EXPECTED;
    let found = frame.column(column).map_err(|_| Mismatch::Missing { column, expected })?;
    let wrong = || Mismatch::Type { column, expected, found: found.dtype().to_string() };
    let values = C::values(found).ok_or_else(wrong)?.into_iter().enumerate();
    values.map(|(row, cell)| cell.or_else(C::empty).ok_or(Mismatch::Empty { column, expected, row })).collect()
}

macro_rules! record {
    ($type:ident { $($field:ident),* $(,)? }) => {
        impl Record for $type {
            fn to_frame(rows: &[Self]) -> PolarsResult<DataFrame> {
                let columns = vec![$(Cell::column(stringify!($field), rows.iter().map(|row| row.$field.clone()).collect())),*];
                DataFrame::new(rows.len(), columns)
            }
            fn from_frame(frame: &DataFrame) -> Result<Vec<Self>, Mismatch> {
                $(let mut $field = read(frame, stringify!($field))?.into_iter();)*
                // Columns of a frame have one height, so all end together.
                Ok(std::iter::from_fn(|| Some(Self { $($field: $field.next()?),* })).collect())
            }
        }
    };
}

/// The column of [`Varied::variant`], after those of the row.
const VARIANT: &str = "variant";

impl<R: Record + Clone> Record for Varied<R> {
    fn to_frame(rows: &[Self]) -> PolarsResult<DataFrame> {
        let inner: Vec<R> = rows.iter().map(|row| row.row.clone()).collect();
        let mut frame = R::to_frame(&inner)?;
        frame.with_column(Cell::column(VARIANT, rows.iter().map(|row| row.variant.clone()).collect()))?;
        Ok(frame)
    }
    fn from_frame(frame: &DataFrame) -> Result<Vec<Self>, Mismatch> {
        let rows = R::from_frame(frame)?;
        let variants = match frame.column(VARIANT) {
            Ok(_) => read(frame, VARIANT)?,
            Err(_) => vec![None; rows.len()],
        };
        Ok(rows.into_iter().zip(variants).map(|(row, variant)| Self { row, variant }).collect())
    }
}

record!(Row {
    experiment,
    arm,
    label,
    method,
    calibration,
    samples,
    discarded,
    share,
    targets,
    evaluation,
    corpus,
    split,
    windows,
    length,
    tokens,
    nll,
    nll_stderr,
    perplexity,
    ppl_low,
    ppl_high,
    delta_nll,
    delta_low,
    delta_high,
    seconds,
    key,
    factored_ratio,
});
record!(WindowRow { experiment, arm, discarded, share, evaluation, window, nll });
record!(LinearRow {
    experiment,
    arm,
    linear,
    d_out,
    d_in,
    sigma_max,
    sigma_min,
    tokens_per_dimension,
    effective_rank,
    condition,
    lambda,
    damping_rounds,
});
record!(AdapterRow { experiment, arm, label, method, components, linear, layer, rank, energy, text, output_share });
record!(HeatRow { experiment, linear, calibration, row, column, value });
record!(SpectrumRow { experiment, arm, label, method, linear, index, value, normalised });
record!(TrainedRow {
    experiment,
    learner,
    label,
    method,
    calibration,
    end,
    rank,
    parameters,
    rate,
    seed,
    measure,
    kind,
    count,
    value,
    stderr,
    low,
    high,
    delta,
    delta_low,
    delta_high,
    seconds,
    key,
});
record!(StepRow {
    experiment,
    learner,
    label,
    rank,
    rate,
    seed,
    step,
    loss,
    gradient_norm,
    step_rate,
    tokens,
    seconds,
});
record!(FailureRow { experiment, learner, label, why });
record!(RateRow { experiment, learner, label, rate, seed, examples, loss, chosen });
record!(AnswerRow { experiment, learner, seed, questions, record, given, expected, exact, nll });
