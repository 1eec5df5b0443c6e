//! What adapters carry, block by block: a column a rank, a row a measure, a line an arm, on logarithmic axes.

use super::super::{Meta, ReportError};
use super::axis::LogAxis;
use super::canvas::{Anchor, Canvas, Point, Stroke, Type, draw};
use super::font::Weight;
use super::legend::Legend;
use super::palette::{self, CurveStyle, GRID, INK};
use super::{Header, MARGIN};

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

const TITLE: Type = Type { size: 18.0, colour: INK, weight: Weight::Bold };
const AXIS: Type = Type { size: 17.0, colour: INK, weight: Weight::Regular };
const TICK: Type = Type { size: 16.0, colour: INK, weight: Weight::Regular };

/// The figure as SVG. Values of 0 have no place on a logarithmic axis and are left out.
pub fn svg(measures: &[Measure], meta: &Meta, subtitle: &str) -> Result<String, ReportError> {
    let every = || measures.iter().flat_map(|m| m.panels.iter().flat_map(|(_, lines)| lines));
    let styles = palette::assign(every().map(|series| (series.method, series.arm)));
    let across = measures.iter().map(|m| m.panels.len()).max().unwrap_or(0);
    if across == 0 {
        return Err(ReportError::Empty);
    }
    let width = 2.0 * MARGIN + across as f64 * (LEFT + WIDTH);
    let header = Header::new(&meta.title, subtitle, width - 2.0 * MARGIN);
    let styled = |series: &Series<'_>| styles.iter().find(|(arm, _)| *arm == series.arm).map(|(_, style)| *style);
    let legend = Legend::new(every().filter_map(|s| Some((s.label, styled(s)?))), width - 2.0 * MARGIN);
    let panel_height = HEADING + HEIGHT + BELOW;
    let legend_top = header.height + measures.len() as f64 * panel_height;
    let height = legend_top + legend.height + MARGIN;
    let titles: Vec<&str> = measures.iter().map(|m| m.title.as_str()).collect();
    let description = format!("By block: {}.", titles.join("; "));
    draw((width, height), &meta.title, &description, |canvas| {
        header.paint(canvas)?;
        for (row, measure) in measures.iter().enumerate() {
            // One axis a row, so that ranks can be compared.
            let values = measure.panels.iter().flat_map(|(_, lines)| lines).flat_map(|s| s.values.iter().map(|v| v.1));
            let y = LogAxis::around(values);
            for (column, (heading, lines)) in measure.panels.iter().enumerate() {
                let corner = (MARGIN + column as f64 * (LEFT + WIDTH), header.height + row as f64 * panel_height);
                let frame = Frame { left: corner.0 + LEFT, top: corner.1 + HEADING };
                canvas.text(heading, (frame.left, corner.1 + 0.5 * HEADING), Anchor::Start, TITLE)?;
                let title = if column == 0 { Some(measure.title.as_str()) } else { None };
                panel(canvas, &frame, &y, lines, &styles, title)?;
            }
        }
        legend.paint(canvas, (MARGIN, legend_top))
    })
}

struct Frame {
    left: f64,
    top: f64,
}

fn panel(
    canvas: &Canvas,
    frame: &Frame,
    y: &LogAxis,
    lines: &[Series],
    styles: &[(&str, CurveStyle)],
    title: Option<&str>,
) -> Result<(), ReportError> {
    let (right, bottom) = (frame.left + WIDTH - 24.0, frame.top + HEIGHT);
    let last = lines.iter().flat_map(|s| s.values.iter().map(|v| v.0)).max().unwrap_or(0);
    let x_of = |layer: u32| frame.left + 10.0 + (right - frame.left - 20.0) * f64::from(layer) / f64::from(last.max(1));
    let y_of = |value: f64| bottom - y.fraction(value) * HEIGHT;
    for tick in y.ticks() {
        let at = bottom - tick.at * HEIGHT;
        canvas.line(&[(frame.left - 5.0, at), (frame.left, at)], Stroke::solid(INK, 1.0))?;
        if let Some(label) = &tick.label {
            canvas.line(&[(frame.left, at), (right, at)], Stroke::solid(GRID, 1.0))?;
            canvas.text(label, (frame.left - 9.0, at), Anchor::End, TICK)?;
        }
    }
    canvas.line(&[(frame.left, frame.top), (frame.left, bottom), (right, bottom)], Stroke::solid(INK, 1.5))?;
    let step = (last / 5).max(1);
    for layer in (0..=last).step_by(step as usize) {
        canvas.line(&[(x_of(layer), bottom), (x_of(layer), bottom + 5.0)], Stroke::solid(INK, 1.0))?;
        canvas.text(&layer.to_string(), (x_of(layer), bottom + 16.0), Anchor::Middle, TICK)?;
    }
    canvas.text("block", (0.5 * (frame.left + right), bottom + 40.0), Anchor::Middle, AXIS)?;
    if let Some(title) = title {
        canvas.text(title, (frame.left - LEFT + 12.0, frame.top + 0.5 * HEIGHT), Anchor::Upwards, AXIS)?;
    }
    for series in lines {
        let Some((_, style)) = styles.iter().find(|(arm, _)| *arm == series.arm) else { continue };
        let stroke = Stroke { colour: style.method.colour, width: 2.0, dash: style.dash };
        for run in series.values.split(|(_, value)| !value.is_finite() || *value <= 0.0) {
            let points: Vec<Point> = run.iter().map(|(layer, value)| (x_of(*layer), y_of(*value))).collect();
            if points.len() > 1 {
                canvas.line(&points, stroke)?;
            }
            for (point, (layer, _)) in points.iter().zip(run) {
                if layer.is_multiple_of(step) {
                    canvas.marker(*point, *style)?;
                }
            }
        }
    }
    Ok(())
}
