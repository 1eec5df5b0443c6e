//! The figure `spectra`: one panel per linear, in rows by kind and columns by block; singular values over their index, with what the
//! last of them carry.

use super::super::study::distinct;
use super::super::{Meta, ReportError, number};
use super::axis::round_step;
use super::heat::{block_and_kind, short};
use super::{
    Anchor, Area, Canvas, CurveStyle, GRID, Grid, INK, LOOK, Look, Point, Scale, Stroke, Tick, Type, Weight, palette,
};
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

const TITLE: Type = Type { size: 17.0, colour: INK, weight: Weight::Bold };
const TEXT: Type = Type { size: 15.0, colour: INK, weight: Weight::Regular };
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
    let every = || rows.iter().flatten().flat_map(|panel| &panel.lines);
    let across = rows.iter().map(Vec::len).max().ok_or(ReportError::Empty)?;
    let subtitle = format!(
        "{}. Singular values of W T over ‖W T‖, largest first; shaded: the last {last}, and below a panel the share of the \
         energy they carry.",
        meta.model
    );
    let energies = distinct(every().map(|line| line.label)).len().div_ceil(ENERGIES) as f64;
    let panel = (LEFT + WIDTH, HEADING + HEIGHT + TICKS + (1.0 + energies) * LINE + BELOW);
    let names: Vec<&str> = rows.iter().flatten().map(|panel| panel.heading.as_str()).collect();
    let description = format!("Singular values of {}.", names.join(", "));
    let legend = every().map(|line| (line.label, line.style));
    let grid = Grid { across, down: rows.len(), panel, gap: 0.0 };
    grid.draw(meta, [&subtitle, &description], legend, |canvas, (row, column), corner| {
        let Some(panel) = rows[row].get(column) else { return Ok(()) };
        // One axis a kind of linear, so that blocks can be compared.
        let same = rows.iter().flatten().filter(|other| other.kind == panel.kind);
        let y = Scale::log(same.flat_map(|panel| &panel.lines).flat_map(|line| line.values.iter().copied()));
        paint(canvas, (corner.0 + LEFT, corner.1), panel, &y, last)
    })
}

/// Panels by kind of linear, kinds and blocks in their order; more than fit beside each other go on in the next row.
fn grid(rows: &[SpectrumRow]) -> Vec<Vec<Panel<'_>>> {
    let styles = palette::assign(rows.iter().map(|row| (row.method.as_str(), row.arm.as_str())));
    let linears = distinct(rows.iter().map(|row| row.linear.as_str()));
    let kinds = distinct(linears.iter().map(|linear| block_and_kind(linear).1));
    let mut grid = Vec::new();
    for kind in kinds {
        let of_kind = linears.iter().filter(|linear| block_and_kind(linear).1 == kind);
        let mut panels = of_kind.map(|linear| panel(rows, linear, kind, &styles)).peekable();
        while panels.peek().is_some() {
            grid.push(panels.by_ref().take(ACROSS).collect());
        }
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

fn paint(canvas: &Canvas, corner: Point, panel: &Panel, y: &Scale, last: usize) -> Result<(), ReportError> {
    let area = Area::new((corner.0, corner.1 + HEADING), WIDTH - 20.0, HEIGHT);
    let Area { left, top, right, bottom } = area;
    let count = panel.lines.iter().map(|line| line.values.len()).max().unwrap_or(0);
    let along = |index: usize| index as f64 / count.max(1) as f64;
    canvas.text(&panel.heading, (left, corner.1 + 0.5 * HEADING), Anchor::Start, TITLE)?;
    let shade = area.x(along(count.saturating_sub(last)));
    canvas.area(&[(shade, top), (right, top), (right, bottom), (shade, bottom)], GRID, 1.0)?;
    let labelled: Vec<Tick> = y.ticks().into_iter().filter(|tick| tick.label.is_some()).collect();
    area.y_ticks(canvas, &labelled, &AXES)?;
    area.lines(canvas)?;
    let indices = (0..=count).step_by((round_step(count as f64 / 4.0) as usize).max(1));
    let indices: Vec<Tick> = indices.map(|at| Tick { at: along(at), label: Some(at.to_string()) }).collect();
    area.x_ticks(canvas, &indices, &AXES)?;
    for (number, line) in panel.lines.iter().enumerate() {
        let place = |(index, value): (usize, &f64)| (area.x(along(index)), area.y(y.fraction(*value)));
        // Markers of one line beside those of the next: lines that run together both show.
        paint_line(canvas, line, (number % ENERGIES) as f64 / ENERGIES as f64, place)?;
    }
    paint_energies(canvas, (left, bottom + TICKS), panel, last)
}

/// The line, without points that would lie on each other, and a few markers, `shift` of their distance further right.
fn paint_line(
    canvas: &Canvas,
    line: &Line,
    shift: f64,
    place: impl Fn((usize, &f64)) -> Point,
) -> Result<(), ReportError> {
    /// Points closer than this are one.
    const CLOSE: f64 = 0.8;
    let positive = line.values.iter().enumerate().filter(|(_, value)| **value > 0.0 && value.is_finite());
    let all: Vec<Point> = positive.map(place).collect();
    let mut points: Vec<Point> = Vec::new();
    for (index, point) in all.iter().enumerate() {
        let far = |from: &Point| (point.0 - from.0).hypot(point.1 - from.1) >= CLOSE;
        if index + 1 == all.len() || points.last().is_none_or(far) {
            points.push(*point);
        }
    }
    if points.len() > 1 {
        canvas.line(&points, Stroke::of(line.style, 2.0))?;
    }
    for third in [0.0, 1.0, 2.0] {
        if let Some(point) = all.get(((third + 0.15 + shift) / 3.0 * all.len() as f64) as usize) {
            canvas.marker(*point, line.style)?;
        }
    }
    Ok(())
}

fn paint_energies(canvas: &Canvas, corner: Point, panel: &Panel, last: usize) -> Result<(), ReportError> {
    /// From one energy to the next; from its marker to its text.
    const STEP: f64 = (WIDTH + 44.0) / ENERGIES as f64;
    const GAP: f64 = 11.0;
    // As far left as the tick labels, which leave room there.
    let left = corner.0 - 44.0;
    canvas.text(&format!("energy of the last {last}"), (left, corner.1 + 0.5 * LINE), Anchor::Start, TEXT)?;
    for (index, line) in panel.lines.iter().enumerate() {
        let x = left + 6.0 + (index % ENERGIES) as f64 * STEP;
        let y = corner.1 + (1.5 + (index / ENERGIES) as f64) * LINE;
        canvas.marker((x, y), line.style)?;
        let text = number::scientific(line.energy(last));
        canvas.text(&text, (x + GAP, y), Anchor::Start, TEXT)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
