//! One panel: the plot of one test set. The labels at its lines' ends are [`super::ends`]'s.

use plotters::style::RGBColor;

use super::super::ReportError;
use super::axis::PointAxis;
use super::content::{Content, Line, Reading};
use super::{Anchor, Area, Canvas, GREY, INK, Look, Point, Scale, Shape, Stroke, Tick, Type, Weight, font};

const HEADING: Type = Type { size: 19.0, colour: INK, weight: Weight::Bold };
const TICK: Type = Type { size: 17.0, colour: INK, weight: Weight::Regular };
const Y_AXIS: Look = Look {
    label: TICK,
    title: Type { size: 18.0, colour: INK, weight: Weight::Regular },
    major: (7.0, 1.5),
    minor: (4.0, 1.0),
    beside: 11.0,
    below: 19.0,
    under: 47.0,
    crossed: false,
};
/// Every point has a tick of the same length, whether there is room for its label or not.
const X_AXIS: Look = Look { minor: Y_AXIS.major, ..Y_AXIS };

/// Left of the plot: the axis title and the tick labels.
const LEFT: f64 = 88.0;
/// Below the plot.
const BELOW: f64 = 64.0;
/// A line of the heading, and what is between heading and plot.
const HEADING_LINE: f64 = 25.0;
const HEADING_GAP: f64 = 13.0;
/// At the top of the plot, for values that are not finite.
const NOT_FINITE: f64 = 46.0;

/// A test set ready to be painted.
pub struct Panel {
    pub(super) content: Content,
    y: Scale,
    /// Whether any value is not finite.
    broken: bool,
}

/// Where a panel's parts are.
pub struct Frame {
    corner: Point,
    width: f64,
    pub(super) plot: Area,
}

impl Frame {
    /// Height of a panel around a plot of this height.
    pub fn height(plot: f64, heading_lines: usize) -> f64 {
        heading_lines as f64 * HEADING_LINE + HEADING_GAP + plot + BELOW
    }

    /// The parts of a panel at `corner` with labels of width `labels`.
    pub fn new(corner: Point, width: f64, labels: f64, plot: f64, heading_lines: usize) -> Self {
        let top = corner.1 + heading_lines as f64 * HEADING_LINE + HEADING_GAP;
        let right = corner.0 + width - labels;
        Self { corner, width, plot: Area { left: corner.0 + LEFT, top, right, bottom: top + plot } }
    }
}

impl Panel {
    /// Chooses the vertical axis.
    pub fn new(content: Content) -> Self {
        let points = content.lines.iter().flat_map(|line| line.points.iter().map(|(_, reading)| *reading));
        let readings: Vec<Reading> = points.chain(content.undamaged).collect();
        let y = Scale::log(readings.iter().flat_map(|reading| [reading.low, reading.perplexity, reading.high]));
        let broken = readings.iter().any(|reading| !reading.perplexity.is_finite());
        Self { content, y, broken }
    }

    pub fn heading(&self, width: f64) -> Vec<String> {
        font::wrap(&self.content.heading, HEADING.size, HEADING.weight, width)
    }

    pub fn paint(&self, canvas: &Canvas, frame: &Frame) -> Result<(), ReportError> {
        for (index, line) in self.heading(frame.width).iter().enumerate() {
            let y = frame.corner.1 + (index as f64 + 0.5) * HEADING_LINE;
            canvas.text(line, (frame.corner.0, y), Anchor::Start, HEADING)?;
        }
        self.paint_y_axis(canvas, frame)?;
        self.paint_x_axis(canvas, frame)?;
        let lines = &self.content.lines;
        lines.iter().try_for_each(|line| self.paint_interval(canvas, frame, line))?;
        self.paint_undamaged(canvas, frame)?;
        lines.iter().enumerate().try_for_each(|(index, line)| self.paint_line(canvas, frame, index, line))?;
        for (index, line) in lines.iter().enumerate() {
            for (point, reading) in &line.points {
                canvas.marker(self.place(frame, index, *point, *reading), line.style)?;
            }
        }
        self.paint_labels(canvas, frame)
    }

    /// The logarithmic part of the plot, below the values that are not finite.
    fn logarithmic(&self, frame: &Frame) -> Area {
        Area { top: if self.broken { frame.plot.top + NOT_FINITE } else { frame.plot.top }, ..frame.plot }
    }

    /// Where values that are not finite are marked.
    fn not_finite_y(&self, frame: &Frame) -> f64 {
        frame.plot.top + 0.3 * NOT_FINITE
    }

    fn x_of(&self, frame: &Frame, point: f64) -> f64 {
        frame.plot.x(self.content.x.fraction(point))
    }

    pub(super) fn y_of(&self, frame: &Frame, value: f64) -> f64 {
        match value.is_finite() {
            true => self.logarithmic(frame).y(self.y.fraction(value)),
            false => self.not_finite_y(frame),
        }
    }

    /// Where a reading of line `index` is marked. Markers of values that are not finite stand beside each other.
    pub(super) fn place(&self, frame: &Frame, index: usize, point: f64, reading: Reading) -> Point {
        let at = (self.x_of(frame, point), self.y_of(frame, reading.perplexity));
        if reading.perplexity.is_finite() {
            return at;
        }
        let lost = |line: &Line| line.at(point).is_some_and(|reading| !reading.perplexity.is_finite());
        let before = self.content.lines[..index].iter().filter(|line| lost(line)).count();
        let all = self.content.lines.iter().filter(|line| lost(line)).count().max(1);
        (at.0 + 13.0 * (before as f64 - 0.5 * (all - 1) as f64), at.1)
    }

    fn paint_y_axis(&self, canvas: &Canvas, frame: &Frame) -> Result<(), ReportError> {
        let Area { left, top, bottom, .. } = frame.plot;
        self.logarithmic(frame).y_ticks(canvas, &self.y.ticks(), &Y_AXIS)?;
        canvas.line(&[(left, bottom), (left, top)], Stroke::solid(INK, 1.5))?;
        if self.broken {
            let y = self.not_finite_y(frame);
            for (text, dy) in [("not", -9.5), ("finite", 9.5)] {
                canvas.text(text, (left - Y_AXIS.beside, y + dy), Anchor::End, TICK)?;
            }
            self.paint_break(canvas, (left, top + 0.8 * NOT_FINITE), true)?;
        }
        frame.plot.y_title(canvas, "perplexity", LEFT - 12.0, &Y_AXIS)
    }

    fn paint_x_axis(&self, canvas: &Canvas, frame: &Frame) -> Result<(), ReportError> {
        let Area { left, right, bottom, .. } = frame.plot;
        canvas.line(&[(left, bottom), (right, bottom)], Stroke::solid(INK, 1.5))?;
        // From the right, so that the largest r keeps its label where there is no room for all.
        let mut free = f64::INFINITY;
        let ticks = self.content.x.ticks();
        let zero = ticks.first().map_or(left, |tick| frame.plot.x(tick.at));
        let fitting = ticks.into_iter().rev().map(|tick| {
            let x = frame.plot.x(tick.at);
            let label = tick.label.filter(|label| {
                let half = 0.5 * font::width(label, TICK.size, TICK.weight) + 3.0;
                let fits = x + half <= free && (x == zero || x - half > zero + 8.0);
                free = if fits { x - half } else { free };
                fits
            });
            Tick { label, ..tick }
        });
        frame.plot.x_ticks(canvas, &fitting.collect::<Vec<_>>(), &X_AXIS)?;
        if self.content.x.broken() {
            self.paint_break(canvas, (frame.plot.x(PointAxis::BREAK), bottom), false)?;
        }
        frame.plot.x_title(canvas, self.content.x_title, &X_AXIS)
    }

    /// Two strokes across an axis, and nothing of the axis between them.
    fn paint_break(&self, canvas: &Canvas, at: Point, upright: bool) -> Result<(), ReportError> {
        const HALF: f64 = 4.0;
        let turn = |along: f64, across: f64| {
            if upright { (at.0 + across, at.1 - along) } else { (at.0 + along, at.1 - across) }
        };
        let white = RGBColor(255, 255, 255);
        canvas.area(&[turn(-HALF, -3.0), turn(-HALF, 3.0), turn(HALF, 3.0), turn(HALF, -3.0)], white, 1.0)?;
        for along in [-HALF, HALF] {
            canvas.line(&[turn(along - 3.0, -7.0), turn(along + 3.0, 7.0)], Stroke::solid(INK, 1.5))?;
        }
        Ok(())
    }

    /// The shaded 95% interval, as far as it is finite.
    fn paint_interval(&self, canvas: &Canvas, frame: &Frame, line: &Line) -> Result<(), ReportError> {
        let colour = line.style.method.colour;
        let discarded: Vec<_> = line.points.iter().filter(|(point, _)| self.on_line(*point)).collect();
        for run in discarded.split(|(_, reading)| !reading.bounded()) {
            let at = |point, value| (self.x_of(frame, point), self.y_of(frame, value));
            let upper = run.iter().map(|(point, reading)| at(*point, reading.high));
            let lower = run.iter().map(|(point, reading)| at(*point, reading.low));
            let outline: Vec<Point> = upper.chain(lower.rev()).collect();
            match outline[..] {
                [] => {}
                // One point has no area: a whisker instead.
                [high, low] => paint_whisker(canvas, low, high, colour)?,
                _ => canvas.area(&outline, colour, 0.13)?,
            }
        }
        Ok(())
    }

    /// Whether a point is on the line, not left of the break.
    fn on_line(&self, point: f64) -> bool {
        point > 0.0 || !self.content.x.broken()
    }

    /// The undamaged model: a dashed line, and its point at 0 with the interval as a whisker.
    fn paint_undamaged(&self, canvas: &Canvas, frame: &Frame) -> Result<(), ReportError> {
        let Some(reading) = self.content.undamaged else { return Ok(()) };
        let (x, y) = (self.x_of(frame, 0.0), self.y_of(frame, reading.perplexity));
        canvas.line(&[(frame.plot.left, y), (frame.plot.right, y)], Stroke::UNDAMAGED)?;
        if reading.bounded() {
            let (low, high) = (self.y_of(frame, reading.low), self.y_of(frame, reading.high));
            paint_whisker(canvas, (x, low), (x, high), GREY)?;
        }
        canvas.shape((x, y), Shape::Circle, 5.5, GREY)
    }

    /// The curve, dotted and thin from 0 across the break and towards values that are not finite.
    fn paint_line(&self, canvas: &Canvas, frame: &Frame, index: usize, line: &Line) -> Result<(), ReportError> {
        let colour = line.style.method.colour;
        let main = Stroke::of(line.style, 2.25);
        let bridge = Stroke { colour, width: 1.0, dash: Some((1.5, 3.0)) };
        let at = |point: f64, reading: Reading| self.place(frame, index, point, reading);
        let discarded = line.points.iter().filter(|(point, _)| *point > 0.0);
        let discarded: Vec<(Point, bool)> =
            discarded.map(|(point, reading)| (at(*point, *reading), reading.perplexity.is_finite())).collect();
        for run in discarded.split(|(_, finite)| !finite) {
            let run: Vec<Point> = run.iter().map(|(at, _)| *at).collect();
            if run.len() > 1 {
                canvas.line(&run, main)?;
            }
        }
        let start = line.at(0.0).or(self.content.undamaged).map(|reading| at(0.0, reading));
        if let (Some(start), Some((first, finite))) = (start, discarded.first()) {
            let stroke = if self.content.x.broken() || !finite { bridge } else { main };
            canvas.line(&[start, *first], stroke)?;
        }
        for pair in discarded.windows(2).filter(|pair| pair[0].1 != pair[1].1) {
            canvas.line(&[pair[0].0, pair[1].0], bridge)?;
        }
        Ok(())
    }
}

/// An interval of one point: a line with ends.
fn paint_whisker(canvas: &Canvas, low: Point, high: Point, colour: RGBColor) -> Result<(), ReportError> {
    let stroke = Stroke::solid(colour, 1.5);
    canvas.line(&[low, high], stroke)?;
    [low, high].into_iter().try_for_each(|(x, y)| canvas.line(&[(x - 4.0, y), (x + 4.0, y)], stroke))
}
