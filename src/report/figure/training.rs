//! Training loss over optimiser steps: a panel a rank, a line a learner.

use super::super::{Meta, ReportError};
use super::canvas::{Point, Stroke, draw};
use super::legend::Legend;
use super::palette::{self, CurveStyle};
use super::plot::{BELOW, HEADING, LEFT, Plot};
use super::scale::Scale;
use super::{Header, MARGIN};

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
    /// Step, mean loss, and its standard deviation over seeds, NaN of a single one.
    pub points: Vec<(f64, f64, f64)>,
}

/// The figure as SVG.
pub fn svg(panels: &[Panel], meta: &Meta, subtitle: &str) -> Result<String, ReportError> {
    let every = || panels.iter().flat_map(|panel| &panel.lines);
    let points = || every().flat_map(|line| &line.points);
    if points().next().is_none() {
        return Err(ReportError::Empty);
    }
    let styles = palette::assign(every().map(|line| (line.method, line.family.as_str())));
    let style = |line: &Line| styles.iter().find(|(family, _)| *family == line.family).map(|(_, style)| *style);
    // One size and one pair of axes for all, so that ranks can be compared.
    let x = Scale::linear(points().map(|point| point.0).chain([0.0]));
    let y = Scale::log(points().flat_map(|(_, mean, deviation)| [*mean, mean - deviation, mean + deviation]));
    let plot_width = if panels.len() == 1 { ALONE } else { WIDTH };
    let panel_width = LEFT + plot_width + RIGHT;
    let width = 2.0 * MARGIN + panels.len() as f64 * panel_width;
    let header = Header::new(&meta.title, subtitle, width - 2.0 * MARGIN);
    let legend_of = |panel: &'_ Panel| -> Vec<(String, CurveStyle)> {
        panel.lines.iter().filter_map(|line| Some((line.label.to_string(), style(line)?))).collect()
    };
    let entries: Vec<Vec<(String, CurveStyle)>> = panels.iter().map(legend_of).collect();
    let legends: Vec<Legend> = entries
        .iter()
        .map(|all| Legend::new(all.iter().map(|(label, style)| (label.as_str(), *style)), plot_width + 0.5 * LEFT))
        .collect();
    let below = legends.iter().map(|legend| legend.height).fold(0.0, f64::max);
    let bottom = header.height + HEADING + HEIGHT;
    let names: Vec<&str> = every().map(|line| line.label).collect();
    let description = format!("Training loss over optimiser steps. Lines: {}.", names.join("; "));
    draw((width, bottom + BELOW + below + MARGIN), &meta.title, &description, |canvas| {
        header.paint(canvas)?;
        for (column, (panel, legend)) in panels.iter().zip(&legends).enumerate() {
            let left = MARGIN + column as f64 * panel_width + LEFT;
            let plot = Plot { left, top: bottom - HEIGHT, right: left + plot_width, bottom, x, y };
            plot.paint(canvas, &panel.heading, "optimiser step", "training loss, nats a response token")?;
            for line in &panel.lines {
                let Some(style) = style(line) else { continue };
                band(&plot, line).map_or(Ok(()), |outline| canvas.area(&outline, style.method.colour, 0.13))?;
            }
            for (number, line) in panel.lines.iter().enumerate() {
                let Some(style) = style(line) else { continue };
                let stroke = Stroke { colour: style.method.colour, width: 2.0, dash: style.dash };
                let finite = line.points.iter().filter(|(_, mean, _)| mean.is_finite() && *mean > 0.0);
                let path: Vec<Point> = finite.map(|(step, mean, _)| plot.at((*step, *mean))).collect();
                if path.len() > 1 {
                    canvas.line(&path, stroke)?;
                }
                // Markers of one line beside those of the next: lines that run together both show.
                let shift = (number as f64 + 0.5) / panel.lines.len() as f64;
                for index in 0..MARKERS {
                    let along = (index as f64 + shift) / MARKERS as f64;
                    if let Some(point) = path.get((along * path.len() as f64) as usize) {
                        canvas.marker(*point, style)?;
                    }
                }
            }
            legend.paint(canvas, (left - 0.5 * LEFT, bottom + BELOW))?;
        }
        Ok(())
    })
}

/// Outline of the band around a line; none of a single seed.
fn band(plot: &Plot, line: &Line) -> Option<Vec<Point>> {
    let known = |(_, mean, deviation): &&(f64, f64, f64)| deviation.is_finite() && mean - deviation > 0.0;
    let points: Vec<&(f64, f64, f64)> = line.points.iter().filter(known).collect();
    let upper = points.iter().map(|(step, mean, deviation)| plot.at((*step, mean + deviation)));
    let lower = points.iter().rev().map(|(step, mean, deviation)| plot.at((*step, mean - deviation)));
    (points.len() > 1).then(|| upper.chain(lower).collect())
}
