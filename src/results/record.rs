//! Rows to data frames and back: one column per field, named as the field, so that names, types and descriptions are
//! written once.

use polars::prelude::*;

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

/// A column as users see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub name: &'static str,
    /// Its type in words.
    pub holds: &'static str,
    /// What it holds; for numbers with `Unit: ...` at the end.
    pub text: &'static str,
}

impl Described {
    /// The description without the unit, and the unit.
    pub fn parts(&self) -> (&'static str, Option<&'static str>) {
        match self.text.split_once(" Unit: ") {
            Some((text, unit)) => (text, Some(unit.trim_end_matches('.'))),
            None => (self.text, None),
        }
    }
}

/// A row type that can be stored.
pub trait Record: Sized {
    /// What one row is.
    fn about() -> &'static str;
    /// The columns, in the order of the fields.
    fn columns() -> Vec<Described>;
    /// One column per field, in the order of the fields.
    fn to_frame(rows: &[Self]) -> PolarsResult<DataFrame>;
    /// The rows of a frame. Columns are found by name; other columns are ignored.
    fn from_frame(frame: &DataFrame) -> Result<Vec<Self>, Mismatch>;
}

/// A value of one column.
pub(super) trait Cell: Sized {
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

/// The values of one column of a frame; all are empty where the frame lacks a column that may be empty.
pub(super) fn read<C: Cell>(frame: &DataFrame, column: &'static str) -> Result<Vec<C>, Mismatch> {
    let expected = C::EXPECTED;
    let Ok(found) = frame.column(column) else {
        // Files of earlier versions lack optional columns that were added since.
        C::empty().ok_or(Mismatch::Missing { column, expected })?;
        return Ok((0..frame.height()).filter_map(|_| C::empty()).collect());
    };
    let wrong = || Mismatch::Type { column, expected, found: found.dtype().to_string() };
    let values = C::values(found).ok_or_else(wrong)?.into_iter().enumerate();
    values.map(|(row, cell)| cell.or_else(C::empty).ok_or(Mismatch::Empty { column, expected, row })).collect()
}

/// A row type as it is written: the struct, and its [`Record`] with the comments as descriptions.
macro_rules! record {
    (
        $(#[doc = $about:literal])+
        pub struct $type:ident { $($(#[doc = $text:literal])+ pub $field:ident: $kind:ty,)+ }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        pub struct $type {
            $($(#[doc = $text])+ pub $field: $kind,)+
        }

        impl $crate::results::Record for $type {
            fn about() -> &'static str {
                concat!($($about),+).trim_ascii()
            }
            fn columns() -> Vec<$crate::results::Described> {
                use $crate::results::{Described, record::Cell};
                vec![$(Described {
                    name: stringify!($field),
                    holds: <$kind as Cell>::EXPECTED,
                    text: concat!($($text),+).trim_ascii(),
                }),+]
            }
            fn to_frame(rows: &[Self]) -> polars::prelude::PolarsResult<polars::prelude::DataFrame> {
                let columns = vec![$($crate::results::record::Cell::column(
                    stringify!($field),
                    rows.iter().map(|row| row.$field.clone()).collect(),
                )),+];
                polars::prelude::DataFrame::new(rows.len(), columns)
            }
            fn from_frame(frame: &polars::prelude::DataFrame) -> Result<Vec<Self>, $crate::results::Mismatch> {
                $(let mut $field = $crate::results::record::read(frame, stringify!($field))?.into_iter();)+
                // The columns of a frame have one height, so all end together.
                Ok(std::iter::from_fn(|| Some(Self { $($field: $field.next()?),+ })).collect())
            }
        }
    };
}
pub(super) use record;

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

/// The column of [`Varied::variant`], after those of the row.
const VARIANT: &str = "variant";

impl<R: Record + Clone> Record for Varied<R> {
    fn about() -> &'static str {
        R::about()
    }
    fn columns() -> Vec<Described> {
        let text = "Name of the variant of a sweep: its folder below that of the experiment.";
        R::columns().into_iter().chain([Described { name: VARIANT, holds: Option::<String>::EXPECTED, text }]).collect()
    }
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
