//! One panel: the plot of one test set. The labels at its lines' ends are [`super::ends`]'s.

use super::axis::PointAxis;
use super::content::{Content, Line, Reading};
use super::palette::WHITE;
use super::{Anchor, Area, Canvas, GREY, INK, Look, Point, Scale, Shape, Stroke, Tick, Type};

const HEADING: Type = Type::bold(19.0);
const TICK: Type = Type::regular(17.0, INK);
const Y_AXIS: Look = Look {
    label: TICK,
    title: Type::regular(18.0, INK),
    major: (7.0, 1.5),
    minor: (4.0, 1.0),
    beside: 11.0,
    below: 19.0,
    under: 47.0,
    crossed: false,
};
/// Every point has a tick of the same length, whether there is room for its label or not.
const X_AXIS: Look = Look { minor: Y_AXIS.major, ..Y_AXIS };

/// A panel's width, labels included.
pub const WIDTH: f64 = 668.0;
/// Of a plot, without headings and axes; more where labels need more.
const PLOT_HEIGHT: f64 = 430.0;
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
    heading: Vec<String>,
    y: Scale,
    /// Whether any value is not finite.
    broken: bool,
}

impl Panel {
    /// Chooses the vertical axis.
    pub fn new(content: Content) -> Self {
        let points = content.lines.iter().flat_map(|line| line.points.iter().map(|(_, reading)| *reading));
        let readings: Vec<Reading> = points.chain(content.undamaged).collect();
        let y = Scale::log(readings.iter().flat_map(|reading| [reading.low, reading.perplexity, reading.high]));
        let broken = readings.iter().any(|reading| !reading.perplexity.is_finite());
        Self { heading: HEADING.wrap(&content.heading, WIDTH), content, y, broken }
    }
}

/// The sizes of the parts of panels: one for all of a figure, so that they can be compared by eye.
pub struct Layout {
    labels: f64,
    plot: f64,
    heading: f64,
}

impl Layout {
    pub fn of(panels: &[Vec<Panel>]) -> Self {
        let panels = panels.iter().flatten();
        let lines = panels.clone().map(|panel| panel.heading.len()).max().unwrap_or(1);
        Self {
            labels: panels.clone().map(Panel::labels_width).fold(0.0, f64::max),
            plot: panels.map(Panel::labels_height).fold(PLOT_HEIGHT, f64::max),
            heading: lines as f64 * HEADING_LINE + HEADING_GAP,
        }
    }

    /// Height of a panel.
    pub fn height(&self) -> f64 {
        self.heading + self.plot + BELOW
    }

    pub fn paint(&self, canvas: &Canvas, panel: &Panel, corner: Point) {
        for (index, line) in panel.heading.iter().enumerate() {
            let y = corner.1 + (index as f64 + 0.5) * HEADING_LINE;
            canvas.text(line, (corner.0, y), Anchor::Start, HEADING);
        }
        let top_left = (corner.0 + LEFT, corner.1 + self.heading);
        let plot = Area { right: corner.0 + WIDTH - self.labels, ..Area::new(top_left, 0.0, self.plot) };
        Painter { canvas, panel, plot }.paint();
    }
}

/// Paints a panel whose plot has its place.
pub struct Painter<'a, 'b> {
    pub(super) canvas: &'a Canvas<'b>,
    pub(super) panel: &'a Panel,
    pub(super) plot: Area,
}

impl Painter<'_, '_> {
    fn paint(&self) {
        self.paint_y_axis();
        self.paint_x_axis();
        let lines = &self.panel.content.lines;
        lines.iter().for_each(|line| self.paint_interval(line));
        self.paint_undamaged();
        lines.iter().enumerate().for_each(|(index, line)| self.paint_line(index, line));
        for (index, line) in lines.iter().enumerate() {
            for (point, reading) in &line.points {
                self.canvas.marker(self.place(index, *point, *reading), line.style);
            }
        }
        self.paint_labels();
    }

    /// The logarithmic part of the plot, below the values that are not finite.
    fn logarithmic(&self) -> Area {
        Area { top: if self.panel.broken { self.plot.top + NOT_FINITE } else { self.plot.top }, ..self.plot }
    }

    /// Where a perplexity at a point lies; those that are not finite have their place at the top.
    pub(super) fn at(&self, point: f64, perplexity: f64) -> Point {
        let y = match perplexity.is_finite() {
            true => self.logarithmic().y(self.panel.y.fraction(perplexity)),
            false => self.plot.top + 0.3 * NOT_FINITE,
        };
        (self.plot.x(self.panel.content.x.fraction(point)), y)
    }

    /// Where a reading of line `index` is marked. Markers of values that are not finite stand beside each other.
    pub(super) fn place(&self, index: usize, point: f64, reading: Reading) -> Point {
        let at = self.at(point, reading.perplexity);
        if reading.perplexity.is_finite() {
            return at;
        }
        let lines = &self.panel.content.lines;
        let lost = |line: &&Line| line.at(point).is_some_and(|reading| !reading.perplexity.is_finite());
        let before = lines[..index].iter().filter(lost).count();
        let all = lines.iter().filter(lost).count().max(1);
        (at.0 + 13.0 * (before as f64 - 0.5 * (all - 1) as f64), at.1)
    }

    fn paint_y_axis(&self) {
        let Area { left, top, bottom, .. } = self.plot;
        self.logarithmic().y_ticks(self.canvas, &self.panel.y.ticks(), &Y_AXIS);
        self.canvas.line(&[(left, bottom), (left, top)], Stroke::solid(INK, 1.5));
        if self.panel.broken {
            let (_, y) = self.at(0.0, f64::INFINITY);
            for (text, dy) in [("not", -9.5), ("finite", 9.5)] {
                self.canvas.text(text, (left - Y_AXIS.beside, y + dy), Anchor::End, TICK);
            }
            self.paint_break((left, top + 0.8 * NOT_FINITE), true);
        }
        self.plot.y_title(self.canvas, "perplexity", LEFT - 12.0, &Y_AXIS);
    }

    fn paint_x_axis(&self) {
        let Area { left, right, bottom, .. } = self.plot;
        let Content { x: axis, x_title, .. } = &self.panel.content;
        self.canvas.line(&[(left, bottom), (right, bottom)], Stroke::solid(INK, 1.5));
        // From the right, so that the largest r keeps its label where there is no room for all.
        let mut free = f64::INFINITY;
        let ticks = axis.ticks();
        let zero = ticks.first().map_or(left, |tick| self.plot.x(tick.at));
        let fitting = ticks.into_iter().rev().map(|tick| {
            let x = self.plot.x(tick.at);
            let label = tick.label.filter(|label| {
                let half = 0.5 * TICK.width(label) + 3.0;
                let fits = x + half <= free && (x == zero || x - half > zero + 8.0);
                free = if fits { x - half } else { free };
                fits
            });
            Tick { label, ..tick }
        });
        self.plot.x_ticks(self.canvas, &fitting.collect::<Vec<_>>(), &X_AXIS);
        if axis.broken() {
            self.paint_break((self.plot.x(PointAxis::BREAK), bottom), false);
        }
        self.plot.x_title(self.canvas, x_title, &X_AXIS);
    }

    /// Two strokes across an axis, and nothing of the axis between them.
    fn paint_break(&self, at: Point, upright: bool) {
        const HALF: f64 = 4.0;
        let turn = |along: f64, across: f64| {
            if upright { (at.0 + across, at.1 - along) } else { (at.0 + along, at.1 - across) }
        };
        self.canvas.area(&[turn(-HALF, -3.0), turn(-HALF, 3.0), turn(HALF, 3.0), turn(HALF, -3.0)], WHITE, 1.0);
        for along in [-HALF, HALF] {
            self.canvas.line(&[turn(along - 3.0, -7.0), turn(along + 3.0, 7.0)], Stroke::solid(INK, 1.5));
        }
    }

    /// The shaded 95% interval, as far as it is finite, without what is left of the break.
    fn paint_interval(&self, line: &Line) {
        let broken = self.panel.content.x.broken();
        let drawn: Vec<_> = line.points.iter().filter(|(point, _)| *point > 0.0 || !broken).collect();
        for run in drawn.split(|(_, reading)| !reading.bounded()) {
            let upper: Vec<Point> = run.iter().map(|(point, reading)| self.at(*point, reading.high)).collect();
            let lower: Vec<Point> = run.iter().map(|(point, reading)| self.at(*point, reading.low)).collect();
            match (&upper[..], &lower[..]) {
                ([], []) => {}
                // One point has no area: a whisker instead.
                ([high], [low]) => self.paint_whisker([*low, *high], Stroke::solid(line.style.colour, 1.5)),
                _ => self.canvas.band(&upper, &lower, line.style.colour),
            }
        }
    }

    /// The undamaged model: a dashed line, and its point at 0 with the interval as a whisker.
    fn paint_undamaged(&self) {
        let Some(reading) = self.panel.content.undamaged else { return };
        let at = self.at(0.0, reading.perplexity);
        self.canvas.line(&[(self.plot.left, at.1), (self.plot.right, at.1)], Stroke::UNDAMAGED);
        if reading.bounded() {
            self.paint_whisker([reading.low, reading.high].map(|end| self.at(0.0, end)), Stroke::solid(GREY, 1.5));
        }
        self.canvas.shape(at, Shape::Circle, 5.5, GREY);
    }

    /// An interval of one point: a line with ends.
    fn paint_whisker(&self, ends: [Point; 2], stroke: Stroke) {
        self.canvas.line(&ends, stroke);
        ends.into_iter().for_each(|(x, y)| self.canvas.line(&[(x - 4.0, y), (x + 4.0, y)], stroke));
    }

    /// The curve, dotted and thin from 0 across the break and towards values that are not finite.
    fn paint_line(&self, index: usize, line: &Line) {
        let main = Stroke::of(line.style, 2.25);
        let bridge = Stroke { width: 1.0, dash: Some((1.5, 3.0)), ..main };
        let at =
            |(point, reading): &(f64, Reading)| (self.place(index, *point, *reading), reading.perplexity.is_finite());
        let drawn: Vec<(Point, bool)> = line.points.iter().filter(|(point, _)| *point > 0.0).map(at).collect();
        for run in drawn.split(|(_, finite)| !finite) {
            self.canvas.line(&run.iter().map(|(at, _)| *at).collect::<Vec<_>>(), main);
        }
        let start = line.at(0.0).or(self.panel.content.undamaged).map(|reading| self.place(index, 0.0, reading));
        if let (Some(start), Some((first, finite))) = (start, drawn.first()) {
            let stroke = if self.panel.content.x.broken() || !finite { bridge } else { main };
            self.canvas.line(&[start, *first], stroke);
        }
        for pair in drawn.windows(2).filter(|pair| pair[0].1 != pair[1].1) {
            self.canvas.line(&[pair[0].0, pair[1].0], bridge);
        }
    }
}
