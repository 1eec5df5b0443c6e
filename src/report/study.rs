//! The decomposition study: rows arranged as a reader thinks of them (test sets, their curves, the points of a curve), and
//! from that its [`tables`] and [`claims`]. Its figure, the paper's Figure 2, is drawn by `study` in `figure.rs`.

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
    /// Where a row stands on its curve.
    pub fn point(self, row: &Row) -> f64 {
        self.place(row.discarded, row.share)
    }

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
    pub arm: &'a str,
    pub label: &'a str,
    pub method: &'a str,
    /// Its measurements by point, ascending; at 0 only where the arm was measured there itself.
    pub points: Vec<(f64, &'a Row)>,
}

impl Curve<'_> {
    pub fn at(&self, point: f64) -> Option<&Row> {
        self.points.iter().find(|(at, _)| *at == point).map(|(_, row)| *row)
    }

    pub fn calibration(&self) -> Option<&str> {
        self.points.first().and_then(|(_, row)| row.calibration.as_deref())
    }

    pub fn samples(&self) -> Option<u32> {
        self.points.first().and_then(|(_, row)| row.samples)
    }
}

impl Test<'_> {
    pub fn name(&self) -> &str {
        &self.undamaged.evaluation
    }

    pub fn curve(&self, arm: &str) -> Option<&Curve<'_>> {
        self.curves.iter().find(|curve| curve.arm == arm)
    }

    /// The measurement of a curve at a point: at 0 nothing was discarded, so every arm is the undamaged model there.
    pub fn at<'a>(&'a self, curve: &'a Curve, point: f64) -> Option<&'a Row> {
        curve.at(point).or((point == 0.0).then_some(self.undamaged))
    }

    /// What it is, e.g. `wiki: enwiki/test, 16 windows of 512 tokens`.
    pub fn heading(&self) -> String {
        let Row { evaluation, corpus, split, windows, length, .. } = self.undamaged;
        let plural = if *windows == 1 { "window" } else { "windows" };
        format!("{evaluation}: {corpus}/{split}, {windows} {plural} of {length} tokens")
    }
}

/// Names in the order in which they first appear, each once.
pub fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all = Vec::new();
    for name in names {
        if !all.contains(&name) {
            all.push(name);
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
    if rows.is_empty() {
        return Err(ReportError::Empty);
    }
    let names = distinct(rows.iter().map(|row| row.evaluation.as_str()));
    let tests = names.iter().map(|name| test(rows.iter().filter(|row| row.evaluation == *name), name, by));
    let mut tests = tests.collect::<Result<Vec<Test>, _>>()?;
    // A test set that no arm is measured on has nothing to show.
    tests.retain(|test| !test.curves.is_empty());
    match names.last() {
        Some(last) if tests.is_empty() => Err(ReportError::NoArms { evaluation: last.to_string() }),
        _ => Ok(tests),
    }
}

fn test<'a>(rows: impl Iterator<Item = &'a Row>, name: &str, by: By) -> Result<Test<'a>, ReportError> {
    let mut undamaged = None;
    let mut curves: Vec<Curve> = Vec::new();
    for row in rows {
        let twice =
            || ReportError::Twice { arm: row.arm.clone(), evaluation: name.to_string(), discarded: row.discarded };
        if row.method == "none" {
            if undamaged.replace(row).is_some() {
                return Err(twice());
            }
            continue;
        }
        let at = curves.iter().position(|curve| curve.arm == row.arm).unwrap_or_else(|| {
            curves.push(Curve { arm: &row.arm, label: &row.label, method: &row.method, points: Vec::new() });
            curves.len() - 1
        });
        let point = by.point(row);
        if curves[at].at(point).is_some() {
            return Err(twice());
        }
        curves[at].points.push((point, row));
    }
    let undamaged = undamaged.ok_or_else(|| ReportError::NoUndamaged { evaluation: name.to_string() })?;
    curves.iter_mut().for_each(|curve| curve.points.sort_by(|a, b| a.0.total_cmp(&b.0)));
    let points = curves.iter().flat_map(|curve| curve.points.iter().map(|(point, _)| *point));
    let points = ascending(points.chain([0.0]));
    Ok(Test { undamaged, curves, points })
}

#[cfg(test)]
mod tests;
