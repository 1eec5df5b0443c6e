//! Training loss over optimiser steps: a panel a rank, a line a learner.

use super::super::spread::Spread;
use super::super::{Meta, ReportError};
use super::canvas::{Canvas, Point, Stroke};
use super::grid::Grid;
use super::legend::Legend;
use super::palette::{self, CurveStyle};
use super::plot::{Area, Plot};
use super::scale::Scale;

/// Of a plot beside others, and of one alone.
const WIDTH: f64 = 560.0;
const ALONE: f64 = 980.0;
const HEIGHT: f64 = 360.0;
/// Right of a plot.
const RIGHT: f64 = 24.0;
/// Markers along a line.
const MARKERS: usize = 5;

/// A panel.
pub struct Panel<'a> {
    /// Which rank.
    pub heading: String,
    /// Its learners.
    pub lines: Vec<Line<'a>>,
}

/// A learner.
pub struct Line<'a> {
    /// What the legend says.
    pub label: &'a str,
    /// The spec's word, which has the colour.
    pub method: &'a str,
    /// The same for learners that differ in rank only.
    pub family: String,
    /// Step, and the loss over seeds.
    pub points: Vec<(f64, Spread)>,
}

/// The figure as SVG.
pub fn svg(panels: &[Panel], meta: &Meta, subtitle: &str) -> Result<String, ReportError> {
    let every = || panels.iter().flat_map(|panel| &panel.lines);
    let points = || every().flat_map(|line| &line.points);
    if points().next().is_none() {
        return Err(ReportError::Empty);
    }
    let styles = palette::assign(every().map(|line| (line.method, line.family.as_str())));
    // One size and one pair of axes for all, so that ranks can be compared.
    let x = Scale::linear(points().map(|point| point.0).chain([0.0]));
    let y = Scale::log(points().flat_map(|(_, spread)| spread.ends()));
    let width = if panels.len() == 1 { ALONE } else { WIDTH };
    let legend = |panel: &Panel| {
        let entries = panel.lines.iter().map(|line| Some((line.label, palette::find(&styles, &line.family)?)));
        Legend::new(entries.flatten(), width + 0.5 * Plot::LEFT)
    };
    let below = panels.iter().map(|panel| legend(panel).height).fold(0.0, f64::max);
    let size = (Plot::LEFT + width + RIGHT, Plot::HEADING + HEIGHT + Plot::BELOW + below);
    let names: Vec<&str> = every().map(|line| line.label).collect();
    let description = format!("Training loss over optimiser steps. Lines: {}.", names.join("; "));
    let grid = Grid { across: panels.len(), down: 1, panel: size, gap: 0.0 };
    grid.draw(meta, [subtitle, &description], std::iter::empty(), |canvas, (_, column), corner| {
        let area = Area::new((corner.0 + Plot::LEFT, corner.1 + Plot::HEADING), width, HEIGHT);
        let (plot, panel) = (Plot { area, x, y }, &panels[column]);
        plot.paint(canvas, &panel.heading, "optimiser step", "training loss, nats a response token")?;
        let lines = panel.lines.iter().map(|line| Some((line, palette::find(&styles, &line.family)?)));
        let lines: Vec<(&Line, CurveStyle)> = lines.flatten().collect();
        for (line, style) in &lines {
            band(&plot, line).map_or(Ok(()), |outline| canvas.area(&outline, style.method.colour, 0.13))?;
        }
        for (number, (line, style)) in lines.iter().enumerate() {
            paint_line(canvas, &plot, line, *style, (number as f64 + 0.5) / lines.len() as f64)?;
        }
        legend(panel).paint(canvas, (area.left - 0.5 * Plot::LEFT, area.bottom + Plot::BELOW))
    })
}

/// Markers of one line beside those of the next, by `shift`: lines that run together both show.
fn paint_line(canvas: &Canvas, plot: &Plot, line: &Line, style: CurveStyle, shift: f64) -> Result<(), ReportError> {
    let finite = line.points.iter().filter(|(_, loss)| loss.mean.is_finite() && loss.mean > 0.0);
    let path: Vec<Point> = finite.map(|(step, loss)| plot.at((*step, loss.mean))).collect();
    if path.len() > 1 {
        canvas.line(&path, Stroke::of(style, 2.0))?;
    }
    for index in 0..MARKERS {
        let along = (index as f64 + shift) / MARKERS as f64;
        if let Some(point) = path.get((along * path.len() as f64) as usize) {
            canvas.marker(*point, style)?;
        }
    }
    Ok(())
}

/// Outline of the band around a line; none of a single seed.
fn band(plot: &Plot, line: &Line) -> Option<Vec<Point>> {
    let ends = line.points.iter().map(|(step, loss)| (*step, loss.ends()));
    let known: Vec<(f64, [f64; 3])> = ends.filter(|(_, [_, low, high])| high.is_finite() && *low > 0.0).collect();
    let upper = known.iter().map(|(step, [_, _, high])| plot.at((*step, *high)));
    let lower = known.iter().rev().map(|(step, [_, low, _])| plot.at((*step, *low)));
    (known.len() > 1).then(|| upper.chain(lower).collect())
}
