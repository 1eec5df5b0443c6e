//! The decomposition study: rows arranged as a reader thinks of them (test sets, their curves, the points of a curve), and
//! from that its [`tables`] and [`claims`]. Its figure, the paper's Figure 2, is drawn by `study` in `figure.rs`.

use super::table::Cell;
use super::{ReportError, number};
use crate::results::Row;

pub mod claims;
pub mod tables;

/// What the points of a curve count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Components discarded per linear, r.
    Components,
    /// The share of all components of the targets.
    Share,
}

impl By {
    /// Where so many components, or such a share of them, stand.
    pub fn place(self, discarded: u32, share: f64) -> f64 {
        match self {
            By::Components => f64::from(discarded),
            By::Share => share,
        }
    }

    /// What a table's columns count, for captions.
    pub fn columns_are(self) -> &'static str {
        match self {
            By::Components => "components discarded per linear, r",
            By::Share => "share of all components discarded",
        }
    }

    /// A point as the head of a column.
    pub fn head(self, point: f64) -> String {
        match self {
            By::Components => format!("{point}"),
            By::Share => number::share(point),
        }
    }

    /// Points as the heads of columns.
    pub fn heads(self, points: &[f64]) -> Vec<String> {
        points.iter().map(|point| self.head(*point)).collect()
    }
}

/// One test set.
#[derive(Debug)]
pub struct Test<'a> {
    /// The undamaged model on it.
    pub undamaged: &'a Row,
    /// Curves in the order of the rows.
    pub curves: Vec<Curve<'a>>,
    /// All points of its curves, ascending, 0 first.
    pub points: Vec<f64>,
}

/// One arm on one test set.
#[derive(Debug)]
pub struct Curve<'a> {
    /// Any of its measurements: what does not depend on the point.
    pub row: &'a Row,
    /// Its measurements by point, ascending; at 0 only where the arm was measured there itself.
    pub points: Vec<(f64, &'a Row)>,
}

impl Curve<'_> {
    pub fn at(&self, point: f64) -> Option<&Row> {
        self.points.iter().find(|(at, _)| *at == point).map(|(_, row)| *row)
    }
}

impl Test<'_> {
    pub fn name(&self) -> &str {
        &self.undamaged.evaluation
    }

    pub fn curve(&self, arm: &str) -> Option<&Curve<'_>> {
        self.curves.iter().find(|curve| curve.row.arm == arm)
    }

    /// The measurement of a curve at a point: at 0 nothing was discarded, so every arm is the undamaged model there.
    pub fn at<'a>(&'a self, curve: &'a Curve, point: f64) -> Option<&'a Row> {
        curve.at(point).or((point == 0.0).then_some(self.undamaged))
    }

    /// A cell a point of a curve.
    pub fn cells(&self, curve: &Curve, points: &[f64], cell: impl Fn(&Row) -> Cell) -> Vec<Cell> {
        points.iter().map(|point| self.at(curve, *point).map_or(Cell::Absent, &cell)).collect()
    }

    /// What it is, e.g. `wiki: enwiki/test, 16 windows of 512 tokens`.
    pub fn heading(&self) -> String {
        let Row { evaluation, corpus, split, windows, length, .. } = self.undamaged;
        let plural = if *windows == 1 { "window" } else { "windows" };
        format!("{evaluation}: {corpus}/{split}, {windows} {plural} of {length} tokens")
    }
}

/// Values in the order in which they first appear, each once.
pub fn distinct<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut all = Vec::new();
    for value in values {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all
}

/// Values in ascending order, each once.
pub fn ascending<T: PartialOrd>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = values.into_iter().collect();
    all.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    all.dedup();
    all
}

/// Arranges rows; test sets and arms keep the order in which they first appear.
pub fn arrange(rows: &[Row], by: By) -> Result<Vec<Test<'_>>, ReportError> {
    let names = distinct(rows.iter().map(|row| row.evaluation.as_str()));
    let last = names.last().ok_or(ReportError::Empty)?;
    let mut tests = names.iter().map(|name| test(rows, name, by)).collect::<Result<Vec<Test>, _>>()?;
    // A test set that no arm is measured on has nothing to show.
    tests.retain(|test| !test.curves.is_empty());
    if tests.is_empty() { Err(ReportError::NoArms(last.to_string())) } else { Ok(tests) }
}

fn test<'a>(rows: &'a [Row], name: &str, by: By) -> Result<Test<'a>, ReportError> {
    let own = || rows.iter().filter(|row| row.evaluation == name);
    let curve = |arm: &'a str| {
        let mut points: Vec<(f64, &Row)> =
            own().filter(|row| row.arm == arm).map(|row| (by.place(row.discarded, row.share), row)).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        match points.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(ReportError::Twice(arm.into(), name.into(), pair[1].1.discarded)),
            None => Ok(Curve { row: points[0].1, points }),
        }
    };
    let arms = distinct(own().map(|row| row.arm.as_str()));
    let mut curves = arms.into_iter().map(curve).collect::<Result<Vec<Curve>, _>>()?;
    let undamaged = curves.iter().position(|curve| curve.row.method == "none");
    let undamaged = curves.remove(undamaged.ok_or_else(|| ReportError::NoUndamaged(name.into()))?).row;
    let points = ascending(curves.iter().flat_map(|curve| curve.points.iter().map(|(point, _)| *point)).chain([0.0]));
    Ok(Test { undamaged, curves, points })
}

#[cfg(test)]
mod tests;
