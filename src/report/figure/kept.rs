//! The task learned against the knowledge kept: a panel a measure of knowledge, a point a learner.

use super::super::{Meta, ReportError};
use super::canvas::{Anchor, Canvas, Stroke, Type, draw};
use super::font::Weight;
use super::legend::Legend;
use super::palette::{self, CurveStyle, GREY, Shape};
use super::plot::{BELOW, HEADING, LEFT, Plot};
use super::scale::Scale;
use super::{Header, MARGIN};

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 340.0;
const RIGHT: f64 = 24.0;
/// Panels beside each other.
const ACROSS: usize = 3;

const NOTE: Type = Type { size: 15.0, colour: GREY, weight: Weight::Regular };

/// A panel.
pub struct Panel<'a> {
    /// Which knowledge.
    pub heading: &'a str,
    /// Of the task and of the knowledge.
    pub axes: (Axis, Axis),
    /// The learners.
    pub points: Vec<Point<'a>>,
    /// The model as it came.
    pub untrained: Option<(f64, f64)>,
}

/// An axis.
pub struct Axis {
    /// What it shows.
    pub title: String,
    /// Whether it is logarithmic.
    pub logarithmic: bool,
    /// Whether less is better: then it runs backwards.
    pub reversed: bool,
}

/// A learner.
pub struct Point<'a> {
    /// What the legend says.
    pub label: &'a str,
    /// The spec's word, which has the colour.
    pub method: &'a str,
    /// Its id.
    pub learner: &'a str,
    /// Task and knowledge of each seed.
    pub seeds: Vec<(f64, f64)>,
}

/// Mean and standard deviation, NaN of a single value.
fn spread(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    (mean, (values.map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt())
}

impl Axis {
    fn scale(&self, values: impl Iterator<Item = f64>) -> Scale {
        let scale = if self.logarithmic { Scale::log(values) } else { Scale::linear(values) };
        scale.reversed(self.reversed)
    }
}

impl Panel<'_> {
    /// The plot with its upper left corner at `corner`. The untrained model's task score is far off and would press all
    /// points together: it does not count.
    fn plot(&self, corner: (f64, f64)) -> Plot {
        let seeds = || self.points.iter().flat_map(|point| &point.seeds);
        let (left, top) = (corner.0 + LEFT, corner.1 + HEADING);
        let before = self.untrained.map(|(_, knowledge)| knowledge);
        let deviations = |of: fn(&(f64, f64)) -> f64| {
            let ends = self.points.iter().map(move |point| spread(point.seeds.iter().map(of)));
            ends.flat_map(|(mean, deviation)| [mean - deviation, mean + deviation])
        };
        let x = self.axes.0.scale(seeds().map(|seed| seed.0).chain(deviations(|seed| seed.0)));
        let y = self.axes.1.scale(seeds().map(|seed| seed.1).chain(deviations(|seed| seed.1)).chain(before));
        Plot { left, top, right: left + WIDTH, bottom: top + HEIGHT, x, y }
    }

    fn paint(&self, canvas: &Canvas, corner: (f64, f64), styles: &[(&str, CurveStyle)]) -> Result<(), ReportError> {
        let plot = self.plot(corner);
        plot.paint(canvas, self.heading, &self.axes.0.title, &self.axes.1.title)?;
        self.paint_untrained(canvas, &plot)?;
        let style =
            |point: &Point| styles.iter().find(|(learner, _)| *learner == point.learner).map(|(_, style)| *style);
        for point in &self.points {
            let Some(style) = style(point) else { continue };
            paint_spread(canvas, &plot, point, style)?;
        }
        // Above all spreads.
        for point in &self.points {
            let Some(style) = style(point) else { continue };
            let at = plot.at((spread(point.seeds.iter().map(|s| s.0)).0, spread(point.seeds.iter().map(|s| s.1)).0));
            if plot.holds(at) {
                canvas.marker(at, style)?;
            }
        }
        Ok(())
    }

    fn paint_untrained(&self, canvas: &Canvas, plot: &Plot) -> Result<(), ReportError> {
        let Some(untrained) = self.untrained else { return Ok(()) };
        let at = plot.at(untrained);
        let y = at.1;
        if !(plot.top..=plot.bottom).contains(&y) {
            return Ok(());
        }
        let dashed = Stroke { colour: GREY, width: 1.5, dash: Some((6.0, 4.0)) };
        canvas.line(&[(plot.left, y), (plot.right, y)], dashed)?;
        if plot.holds(at) {
            canvas.shape(at, Shape::Circle, 5.5, GREY)?;
        }
        // Below the line where there is no room above.
        let aside = if y - plot.top < 22.0 { 12.0 } else { -12.0 };
        canvas.text("untrained", (plot.right - 6.0, y + aside), Anchor::End, NOTE)
    }
}

/// Single seeds as dots, and a standard deviation each way.
fn paint_spread(canvas: &Canvas, plot: &Plot, point: &Point, style: CurveStyle) -> Result<(), ReportError> {
    let colour = style.method.colour;
    let (x, across) = spread(point.seeds.iter().map(|seed| seed.0));
    let (y, along) = spread(point.seeds.iter().map(|seed| seed.1));
    let stroke = Stroke::solid(colour, 1.5);
    if across.is_finite() && x.is_finite() && y.is_finite() {
        canvas.line(&[plot.at((x - across, y)), plot.at((x + across, y))], stroke)?;
    }
    // A logarithmic axis ends above 0.
    if along.is_finite() && x.is_finite() && y - along > 0.0 {
        canvas.line(&[plot.at((x, y - along)), plot.at((x, y + along))], stroke)?;
    }
    if point.seeds.len() > 1 {
        for seed in &point.seeds {
            let at = plot.at(*seed);
            if plot.holds(at) {
                canvas.shape(at, Shape::Circle, 2.25, colour)?;
            }
        }
    }
    Ok(())
}

/// The figure as SVG.
pub fn svg(panels: &[Panel], meta: &Meta, subtitle: &str) -> Result<String, ReportError> {
    let every = || panels.iter().flat_map(|panel| &panel.points);
    let styles = palette::assign(every().map(|point| (point.method, point.learner)));
    let across = panels.len().min(ACROSS);
    if across == 0 {
        return Err(ReportError::Empty);
    }
    let (panel_width, panel_height) = (LEFT + WIDTH + RIGHT, HEADING + HEIGHT + BELOW);
    let width = 2.0 * MARGIN + across as f64 * panel_width;
    let header = Header::new(&meta.title, subtitle, width - 2.0 * MARGIN);
    let style = |point: &Point| styles.iter().find(|(learner, _)| *learner == point.learner).map(|(_, style)| *style);
    let legend = Legend::new(every().filter_map(|point| Some((point.label, style(point)?))), width - 2.0 * MARGIN);
    let legend_top = header.height + panels.len().div_ceil(ACROSS) as f64 * panel_height;
    let names: Vec<&str> = panels.iter().map(|panel| panel.heading).collect();
    let description = format!("Task learned against knowledge kept: {}.", names.join("; "));
    draw((width, legend_top + legend.height + MARGIN), &meta.title, &description, |canvas| {
        header.paint(canvas)?;
        for (index, panel) in panels.iter().enumerate() {
            let (row, column) = ((index / ACROSS) as f64, (index % ACROSS) as f64);
            panel.paint(canvas, (MARGIN + column * panel_width, header.height + row * panel_height), &styles)?;
        }
        legend.paint(canvas, (MARGIN, legend_top))
    })
}
