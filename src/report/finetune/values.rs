//! Values of measures as tables show them.

use super::{Kind, Measure};
use crate::report::number::{self, Number};
use crate::report::table::Cell;

/// A learning rate as people write it.
pub fn rate(rate: f64) -> String {
    format!("{rate:e}")
}

/// A count with thousands apart.
pub fn count(value: u64) -> String {
    number::separated(&value.to_string())
}

/// A value of a measure with as many digits as it bears.
pub fn value(measure: Measure, value: f64) -> Number {
    digits(measure.kind, measure.shown(value))
}

fn digits(kind: Kind, shown: f64) -> Number {
    match kind {
        Kind::ExactMatch if shown.is_finite() => Number::Plain(format!("{shown:.1}")),
        Kind::AnswerLoss if shown.is_finite() => Number::Plain(format!("{shown:.3}")),
        _ => number::perplexity(shown),
    }
}

/// A share lies between 0 and 1, whatever t says of its interval's ends.
pub fn within(measure: Measure, end: f64) -> f64 {
    if measure.kind == Kind::ExactMatch { end.clamp(0.0, 1.0) } else { end }
}

/// A difference of a measure: points of exact match, nats.
pub fn signed(measure: Measure, difference: f64) -> String {
    if measure.kind != Kind::ExactMatch || !difference.is_finite() {
        return number::nats(difference);
    }
    let points = 100.0 * difference;
    if points.abs() < 0.05 { "0.0".into() } else { format!("{points:+.1}") }
}

/// Mean and deviation over seeds as a cell: of perplexities, not of the losses behind them.
pub fn over_seeds(measure: Measure, values: &[f64]) -> Cell {
    let shown: Vec<f64> = values.iter().map(|value| measure.shown(*value)).collect();
    Cell::spread(&shown, |value| digits(measure.kind, value))
}
