//! The task learned against the knowledge kept: a panel a measure of knowledge, a point a learner.

use super::super::spread::{Spread, spread};
use super::super::{Meta, ReportError};
use super::canvas::{Anchor, Canvas, Stroke, Type};
use super::font::Weight;
use super::grid::Grid;
use super::palette::{self, CurveStyle, GREY, Shape};
use super::plot::{Area, Plot};
use super::scale::Scale;

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

impl Point<'_> {
    /// Of the task and of the knowledge, over the seeds.
    fn spreads(&self) -> [Spread; 2] {
        let of = |part: fn(&(f64, f64)) -> f64| spread(&self.seeds.iter().map(part).collect::<Vec<_>>());
        [of(|seed| seed.0), of(|seed| seed.1)]
    }
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
        let scale = |axis: &Axis, part: usize, before: Option<f64>| {
            let seeds = self.points.iter().flat_map(|point| point.seeds.iter().map(move |seed| [seed.0, seed.1][part]));
            let ends = self.points.iter().flat_map(|point| point.spreads()[part].ends());
            axis.scale(seeds.chain(ends).chain(before))
        };
        Plot {
            area: Area::new((corner.0 + Plot::LEFT, corner.1 + Plot::HEADING), WIDTH, HEIGHT),
            x: scale(&self.axes.0, 0, None),
            y: scale(&self.axes.1, 1, self.untrained.map(|(_, knowledge)| knowledge)),
        }
    }

    fn paint(&self, canvas: &Canvas, corner: (f64, f64), styles: &[(&str, CurveStyle)]) -> Result<(), ReportError> {
        let plot = self.plot(corner);
        plot.paint(canvas, self.heading, &self.axes.0.title, &self.axes.1.title)?;
        self.paint_untrained(canvas, &plot)?;
        let styled = self.points.iter().filter_map(|point| Some((point, palette::find(styles, point.learner)?)));
        let styled: Vec<(&Point, CurveStyle)> = styled.collect();
        styled.iter().try_for_each(|(point, style)| paint_spread(canvas, &plot, point, *style))?;
        // Above all spreads.
        for (point, style) in styled {
            let at = plot.at(point.spreads().map(|spread| spread.mean).into());
            if plot.area.holds(at) {
                canvas.marker(at, style)?;
            }
        }
        Ok(())
    }

    fn paint_untrained(&self, canvas: &Canvas, plot: &Plot) -> Result<(), ReportError> {
        let Some(untrained) = self.untrained else { return Ok(()) };
        let (area, at) = (&plot.area, plot.at(untrained));
        let y = at.1;
        if !(area.top..=area.bottom).contains(&y) {
            return Ok(());
        }
        canvas.line(&[(area.left, y), (area.right, y)], Stroke::UNDAMAGED)?;
        if area.holds(at) {
            canvas.shape(at, Shape::Circle, 5.5, GREY)?;
        }
        // Below the line where there is no room above.
        let aside = if y - area.top < 22.0 { 12.0 } else { -12.0 };
        canvas.text("untrained", (area.right - 6.0, y + aside), Anchor::End, NOTE)
    }
}

/// Single seeds as dots, and a standard deviation each way.
fn paint_spread(canvas: &Canvas, plot: &Plot, point: &Point, style: CurveStyle) -> Result<(), ReportError> {
    let colour = style.method.colour;
    let [Spread { mean: x, deviation: across }, Spread { mean: y, deviation: along }] = point.spreads();
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
            if plot.area.holds(at) {
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
    if panels.is_empty() {
        return Err(ReportError::Empty);
    }
    let names: Vec<&str> = panels.iter().map(|panel| panel.heading).collect();
    let description = format!("Task learned against knowledge kept: {}.", names.join("; "));
    let legend = every().filter_map(|point| Some((point.label, palette::find(&styles, point.learner)?)));
    let panel = (Plot::LEFT + WIDTH + RIGHT, Plot::HEADING + HEIGHT + Plot::BELOW);
    let grid = Grid { across: panels.len().min(ACROSS), down: panels.len().div_ceil(ACROSS), panel, gap: 0.0 };
    grid.draw(meta, [subtitle, &description], legend, |canvas, (row, column), corner| {
        panels.get(row * ACROSS + column).map_or(Ok(()), |panel| panel.paint(canvas, corner, &styles))
    })
}
