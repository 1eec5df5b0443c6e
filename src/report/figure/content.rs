//! What a panel shows, before it is laid out: our curves, or the paper's, each point with its interval.

use super::super::study::{By, Curve, Test, ascending};
use super::super::{Meta, number};
use super::axis::PointAxis;
use super::palette::Dash;
use super::{CurveStyle, palette};
use crate::results::Row;
use crate::spec::{Published, PublishedRow, PublishedTest};

/// A perplexity and the ends of its 95% interval; NaN where there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    pub perplexity: f64,
    pub low: f64,
    pub high: f64,
}

impl Reading {
    fn of(row: &Row) -> Self {
        Self { perplexity: row.perplexity, low: row.ppl_low, high: row.ppl_high }
    }

    /// Whether the interval can be drawn on a logarithmic axis.
    pub fn bounded(&self) -> bool {
        self.low.is_finite() && self.high.is_finite() && self.low > 0.0
    }
}

#[derive(Debug, Clone)]
pub struct Line {
    pub label: String,
    pub style: CurveStyle,
    /// Its points, ascending.
    pub points: Vec<(f64, Reading)>,
}

impl Line {
    pub fn at(&self, point: f64) -> Option<Reading> {
        self.points.iter().find(|(at, _)| *at == point).map(|(_, reading)| *reading)
    }
}

#[derive(Debug, Clone)]
pub struct Content {
    pub heading: String,
    pub lines: Vec<Line>,
    /// The model before anything is dropped, where all curves share one.
    pub undamaged: Option<Reading>,
    pub x: PointAxis,
    /// What it counts.
    pub x_title: &'static str,
}

/// Of a published curve.
const DASHED: Dash = Some((8.0, 5.0));

impl Content {
    /// A test set by the points of the study.
    pub fn study(test: &Test, by: By, styles: &[(&str, CurveStyle)]) -> Self {
        let (x, x_title) = match by {
            By::Components => (PointAxis::Components(test.points.clone()), by.columns_are()),
            By::Share => {
                let last = test.points.last().copied().filter(|last| *last > 0.0).unwrap_or(1.0);
                (PointAxis::Share(last), "share of components discarded")
            }
        };
        Self::of(test, x, x_title, styles, &Some)
    }

    /// A test set by the share of the targets' parameters that each point drops.
    pub fn parameters(test: &Test, meta: &Meta, styles: &[(&str, CurveStyle)]) -> Self {
        let dropped = |point: f64| meta.parameters(point).map(|parameters| parameters.dropped);
        let x = PointAxis::Parameters(ascending(test.points.iter().filter_map(|point| dropped(*point))));
        Self::of(test, x, "share of the linears' parameters dropped", styles, &dropped)
    }

    fn of(
        test: &Test,
        x: PointAxis,
        x_title: &'static str,
        styles: &[(&str, CurveStyle)],
        place: &dyn Fn(f64) -> Option<f64>,
    ) -> Self {
        let line = |curve: &Curve| {
            let points = curve.points.iter().filter_map(|(point, row)| Some((place(*point)?, Reading::of(row))));
            let style = palette::find(styles, &curve.row.arm);
            Line { label: curve.row.label.clone(), style, points: points.collect() }
        };
        let lines = test.curves.iter().map(line).collect();
        Self { heading: test.heading(), lines, undamaged: Some(Reading::of(test.undamaged)), x, x_title }
    }

    /// A published test set, dashed, each curve in the colour and marker of the one of ours that corresponds to it.
    pub fn published(paper: &Published, test: &PublishedTest, ours: &[Test], styles: &[(&str, CurveStyle)]) -> Self {
        let points = test.rows.iter().flat_map(|row| row.perplexity.keys()).map(|&r| f64::from(r));
        let points = ascending(points.chain([0.0]));
        let ours = ours.iter().filter(|ours| ours.name() == test.evaluation);
        let curves: Vec<&Curve> = ours.flat_map(|ours| &ours.curves).collect();
        let exact = |perplexity| Reading { perplexity, low: f64::NAN, high: f64::NAN };
        let lines = test.rows.iter().map(|row| Line {
            label: row.label.clone(),
            style: CurveStyle { dash: DASHED, ..published_style(row, &test.rows, &curves, styles) },
            points: row.perplexity.iter().map(|(&r, &perplexity)| (f64::from(r), exact(perplexity))).collect(),
        });
        Self {
            heading: format!("As published: {} on {}", test.name, paper.model),
            lines: lines.collect(),
            undamaged: None,
            x: PointAxis::Components(points),
            x_title: By::Components.columns_are(),
        }
    }

    /// What the label of the undamaged model says.
    pub fn undamaged_label(&self) -> Option<String> {
        self.undamaged.map(|reading| format!("undamaged {}", number::perplexity(reading.perplexity).text()))
    }
}

/// The style of the curve of ours that corresponds to a published one: same method, same calibration, and of those the
/// one as far down in the number of samples. Sample counts themselves differ with the size of the study.
fn published_style(
    row: &PublishedRow,
    rows: &[PublishedRow],
    ours: &[&Curve],
    styles: &[(&str, CurveStyle)],
) -> CurveStyle {
    let alike = |other: &&PublishedRow| other.method == row.method && other.calibration == row.calibration;
    let more = rows.iter().filter(alike).filter(|other| other.samples > row.samples).count();
    let of_method: Vec<&Curve> = ours.iter().copied().filter(|curve| curve.row.method == row.method).collect();
    let mut same = of_method.clone();
    same.retain(|curve| curve.row.calibration == row.calibration);
    same.sort_by_key(|curve| std::cmp::Reverse(curve.row.samples));
    let found = same.get(more).or(of_method.first());
    found.map_or(palette::plain(&row.method, &[]), |curve| palette::find(styles, &curve.row.arm))
}

#[cfg(test)]
mod tests;
