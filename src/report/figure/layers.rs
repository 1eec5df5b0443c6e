//! What adapters carry, block by block: a column a rank, a row a measure, a line an arm, on logarithmic axes.

use super::super::{Meta, ReportError};
use super::axis::{LogAxis, Tick};
use super::canvas::{Anchor, Canvas, Point, Stroke};
use super::grid::Grid;
use super::palette::{self, CurveStyle};
use super::plot::{self, Area, LOOK};

/// One line: an arm at a rank, a value a block.
pub struct Series<'a> {
    /// Arm's id.
    pub arm: &'a str,
    /// Arm's label.
    pub label: &'a str,
    /// The spec's word.
    pub method: &'a str,
    /// Index of the block and value, ascending.
    pub values: Vec<(u32, f64)>,
}

/// A row of panels.
pub struct Measure<'a> {
    /// What it is, for the vertical axis.
    pub title: String,
    /// A panel a rank: its heading and lines.
    pub panels: Vec<(String, Vec<Series<'a>>)>,
}

const WIDTH: f64 = 330.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 84.0;
const BELOW: f64 = 58.0;
const HEADING: f64 = 30.0;

/// The figure as SVG. Values of 0 have no place on a logarithmic axis and are left out.
pub fn svg(measures: &[Measure], meta: &Meta, subtitle: &str) -> Result<String, ReportError> {
    let every = || measures.iter().flat_map(|m| m.panels.iter().flat_map(|(_, lines)| lines));
    let styles = palette::assign(every().map(|series| (series.method, series.arm)));
    let across = measures.iter().map(|m| m.panels.len()).max().filter(|across| *across > 0);
    let across = across.ok_or(ReportError::Empty)?;
    let titles: Vec<&str> = measures.iter().map(|m| m.title.as_str()).collect();
    let description = format!("By block: {}.", titles.join("; "));
    let grid = Grid { across, down: measures.len(), panel: (LEFT + WIDTH, HEADING + HEIGHT + BELOW), gap: 0.0 };
    let legend = every().filter_map(|series| Some((series.label, palette::find(&styles, series.arm)?)));
    grid.draw(meta, [subtitle, &description], legend, |canvas, (row, column), corner| {
        let Some((heading, lines)) = measures[row].panels.get(column) else { return Ok(()) };
        // One axis a row, so that ranks can be compared.
        let of_row = measures[row].panels.iter().flat_map(|(_, lines)| lines);
        let y = LogAxis::around(of_row.flat_map(|series| series.values.iter().map(|value| value.1)));
        let area = Area::new((corner.0 + LEFT, corner.1 + HEADING), WIDTH - 24.0, HEIGHT);
        canvas.text(heading, (area.left, corner.1 + 0.5 * HEADING), Anchor::Start, plot::HEADING)?;
        paint_axes(canvas, &area, &y, lines)?;
        if column == 0 {
            area.y_title(canvas, &measures[row].title, LEFT - 12.0, &LOOK)?;
        }
        lines.iter().try_for_each(|series| paint_line(canvas, &area, &y, series, last(lines), &styles))
    })
}

/// The last block of a panel.
fn last(lines: &[Series]) -> u32 {
    lines.iter().flat_map(|series| series.values.iter().map(|value| value.0)).max().unwrap_or(0)
}

/// From one label of a block to the next, and from one marker to the next.
fn step(last: u32) -> u32 {
    (last / 5).max(1)
}

/// Where a block lies on its axis, a little in from the ends.
fn along(block: u32, last: u32, area: &Area) -> f64 {
    const INSET: f64 = 10.0;
    let width = area.right - area.left;
    (INSET + (width - 2.0 * INSET) * f64::from(block) / f64::from(last.max(1))) / width
}

fn paint_axes(canvas: &Canvas, area: &Area, y: &LogAxis, lines: &[Series]) -> Result<(), ReportError> {
    let last = last(lines);
    let tick = |block: u32| Tick { at: along(block, last, area), label: Some(block.to_string()) };
    area.y_ticks(canvas, &y.ticks(), &LOOK)?;
    area.lines(canvas)?;
    area.x_ticks(canvas, &(0..=last).step_by(step(last) as usize).map(tick).collect::<Vec<_>>(), &LOOK)?;
    area.x_title(canvas, "block", &LOOK)
}

fn paint_line(
    canvas: &Canvas,
    area: &Area,
    y: &LogAxis,
    series: &Series,
    last: u32,
    styles: &[(&str, CurveStyle)],
) -> Result<(), ReportError> {
    let Some(style) = palette::find(styles, series.arm) else { return Ok(()) };
    for run in series.values.split(|(_, value)| !value.is_finite() || *value <= 0.0) {
        let at = |(block, value): &(u32, f64)| (area.x(along(*block, last, area)), area.y(y.fraction(*value)));
        let points: Vec<Point> = run.iter().map(at).collect();
        if points.len() > 1 {
            canvas.line(&points, Stroke::of(style, 2.0))?;
        }
        for (point, _) in points.iter().zip(run).filter(|(_, (block, _))| block.is_multiple_of(step(last))) {
            canvas.marker(*point, style)?;
        }
    }
    Ok(())
}
