//! The figure `spectra`: one panel per linear, in rows by kind and columns by block; singular values over their index, with what the
//! last of them carry.

use super::super::study::distinct;
use super::super::{Meta, ReportError, number};
use super::axis::round_step;
use super::heat::{block_and_kind, short};
use super::{Anchor, Area, Canvas, CurveStyle, GRID, Grid, INK, LOOK, Look, Point, Scale, Stroke, Tick, Type, palette};
use crate::results::SpectrumRow;

/// How to read the figure.
pub const CAPTION: &str = "Singular values of W T, largest first, divided by the Frobenius norm of W T so that methods \
    compare; T is what a method weighs the input by: the identity (plain SVD), a diagonal (ASVD), the damped covariance \
    (CO-SVD). Shaded: the last components, which truncation drops; the numbers below each panel say which share of the \
    energy (the sum of squares) they carry, by method. That is what dropping them takes from the norm of W T: each \
    method's own measure, not the model's loss.";

/// A plot.
const WIDTH: f64 = 236.0;
const HEIGHT: f64 = 190.0;
/// Left of it: tick labels.
const LEFT: f64 = 78.0;
/// Below it: ticks and their labels, the energies' heading, and a line of energies.
const TICKS: f64 = 32.0;
const LINE: f64 = 22.0;
const BELOW: f64 = 22.0;
const HEADING: f64 = 30.0;
/// Energies beside each other.
const ENERGIES: usize = 3;
/// Blocks beside each other.
const ACROSS: usize = 6;

const TITLE: Type = Type::bold(17.0);
const TEXT: Type = Type::regular(15.0, INK);
const AXES: Look = Look { label: TEXT, ..LOOK };

/// The spectrum of a linear under an arm.
struct Line<'a> {
    label: &'a str,
    style: CurveStyle,
    /// Descending.
    values: Vec<f64>,
}

impl Line<'_> {
    /// Share of the energy that the last components carry.
    fn energy(&self, last: usize) -> f64 {
        let all: f64 = self.values.iter().map(|value| value * value).sum();
        let first = self.values.len().saturating_sub(last);
        self.values[first..].iter().map(|value| value * value).sum::<f64>() / all
    }
}

/// A linear.
struct Panel<'a> {
    heading: String,
    kind: &'a str,
    lines: Vec<Line<'a>>,
}

/// The figure as SVG; `last` components of each linear are marked.
pub fn svg(rows: &[SpectrumRow], last: usize, meta: &Meta) -> Result<String, ReportError> {
    let rows = grid(rows);
    let panels = || rows.iter().flatten();
    let lines = || panels().flat_map(|panel| &panel.lines);
    let subtitle = format!(
        "Singular values of W T over ‖W T‖, largest first; shaded: the last {last}, and below a panel the share of the energy \
         they carry."
    );
    let energies = distinct(lines().map(|line| line.label)).len().div_ceil(ENERGIES) as f64;
    let panel = (LEFT + WIDTH, HEADING + HEIGHT + TICKS + (1.0 + energies) * LINE + BELOW);
    let names: Vec<&str> = panels().map(|panel| panel.heading.as_str()).collect();
    let description = format!("Singular values of {}.", names.join(", "));
    let legend = lines().map(|line| (line.label, line.style));
    Grid { rows: &rows, panel, gap: 0.0 }.draw(meta, [&subtitle, &description], legend, |canvas, panel, corner| {
        // One axis a kind of linear, so that blocks can be compared.
        let same = panels().filter(|other| other.kind == panel.kind).flat_map(|panel| &panel.lines);
        let y = Scale::log(same.flat_map(|line| line.values.iter().copied()));
        paint(canvas, (corner.0 + LEFT, corner.1), panel, &y, last);
    })
}

/// Panels by kind of linear, kinds and blocks in their order; more than fit beside each other go on in the next row.
fn grid<'a>(rows: &'a [SpectrumRow]) -> Vec<Vec<Panel<'a>>> {
    let styles = palette::assign(rows.iter().map(|row| (row.method.as_str(), row.arm.as_str())));
    let linears = distinct(rows.iter().map(|row| row.linear.as_str()));
    let mut grid = Vec::new();
    for kind in distinct(linears.iter().map(|linear| block_and_kind(linear).1)) {
        let of_kind: Vec<&str> = linears.iter().copied().filter(|linear| block_and_kind(linear).1 == kind).collect();
        let row = |linears: &[&'a str]| linears.iter().map(|linear| panel(rows, linear, kind, &styles)).collect();
        grid.extend(of_kind.chunks(ACROSS).map(row));
    }
    grid
}

fn panel<'a>(rows: &'a [SpectrumRow], linear: &str, kind: &'a str, styles: &[(&str, CurveStyle)]) -> Panel<'a> {
    let of_linear = || rows.iter().filter(|row| row.linear == linear);
    let line = |(arm, style): &(&str, CurveStyle)| {
        let mut of_arm: Vec<&SpectrumRow> = of_linear().filter(|row| row.arm == *arm).collect();
        of_arm.sort_by_key(|row| row.index);
        let label = of_arm.first()?.label.as_str();
        Some(Line { label, style: *style, values: of_arm.iter().map(|row| row.normalised).collect() })
    };
    Panel { heading: short(linear), kind, lines: styles.iter().filter_map(line).collect() }
}

fn paint(canvas: &Canvas, corner: Point, panel: &Panel, y: &Scale, last: usize) {
    let area = Area::new((corner.0, corner.1 + HEADING), WIDTH - 20.0, HEIGHT);
    let Area { left, top, right, bottom } = area;
    let count = panel.lines.iter().map(|line| line.values.len()).max().unwrap_or(0);
    let along = |index: usize| index as f64 / count.max(1) as f64;
    canvas.text(&panel.heading, (left, corner.1 + 0.5 * HEADING), Anchor::Start, TITLE);
    let shade = area.x(along(count.saturating_sub(last)));
    canvas.rectangle((shade, top), (right - shade, bottom - top), GRID);
    let labelled: Vec<Tick> = y.ticks().into_iter().filter(|tick| tick.label.is_some()).collect();
    area.y_ticks(canvas, &labelled, &AXES);
    area.lines(canvas);
    let indices = (0..=count).step_by((round_step(count as f64 / 4.0) as usize).max(1));
    let indices: Vec<Tick> = indices.map(|at| Tick { at: along(at), label: Some(at.to_string()) }).collect();
    area.x_ticks(canvas, &indices, &AXES);
    for (number, line) in panel.lines.iter().enumerate() {
        let positive = line.values.iter().enumerate().filter(|(_, value)| **value > 0.0 && value.is_finite());
        let points: Vec<Point> =
            positive.map(|(index, value)| (area.x(along(index)), area.y(y.fraction(*value)))).collect();
        canvas.line(&apart(&points), Stroke::of(line.style, 2.0));
        canvas.markers(&points, 3, 0.15 + (number % ENERGIES) as f64 / ENERGIES as f64, line.style);
    }
    paint_energies(canvas, (left, bottom + TICKS), panel, last);
}

/// The points of a line without those that would lie on each other; the last is kept.
fn apart(all: &[Point]) -> Vec<Point> {
    /// Points closer than this are one.
    const CLOSE: f64 = 0.8;
    let mut points: Vec<Point> = Vec::new();
    for (index, point) in all.iter().enumerate() {
        let far = |from: &Point| (point.0 - from.0).hypot(point.1 - from.1) >= CLOSE;
        if index + 1 == all.len() || points.last().is_none_or(far) {
            points.push(*point);
        }
    }
    points
}

fn paint_energies(canvas: &Canvas, corner: Point, panel: &Panel, last: usize) {
    /// From one energy to the next; from its marker to its text.
    const STEP: f64 = (WIDTH + 44.0) / ENERGIES as f64;
    const GAP: f64 = 11.0;
    // As far left as the tick labels, which leave room there.
    let left = corner.0 - 44.0;
    canvas.text(&format!("energy of the last {last}"), (left, corner.1 + 0.5 * LINE), Anchor::Start, TEXT);
    for (index, line) in panel.lines.iter().enumerate() {
        let x = left + 6.0 + (index % ENERGIES) as f64 * STEP;
        let y = corner.1 + (1.5 + (index / ENERGIES) as f64) * LINE;
        canvas.marker((x, y), line.style);
        canvas.text(&number::scientific(line.energy(last)), (x + GAP, y), Anchor::Start, TEXT);
    }
}

#[cfg(test)]
mod tests;
