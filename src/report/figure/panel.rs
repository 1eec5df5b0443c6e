//! One panel: the plot of one test set and the labels at its lines' ends.

use super::super::ReportError;
use super::super::number;
use super::super::study::{By, Curve, Test};
use super::axis::{LogAxis, PointAxis};
use super::canvas::{Anchor, Canvas, Point, Stroke, Type};
use super::font::{self, Weight};
use super::labels::{self, Wish};
use super::palette::{CurveStyle, GREY, GRID, INK};
use crate::results::Row;

const HEADING: Type = Type { size: 19.0, colour: INK, weight: Weight::Bold };
const AXIS_TITLE: Type = Type { size: 18.0, colour: INK, weight: Weight::Regular };
const TICK: Type = Type { size: 17.0, colour: INK, weight: Weight::Regular };
const LABEL: Type = Type { size: 17.0, colour: INK, weight: Weight::Regular };

/// Height of a line of a label.
const LABEL_LINE: f64 = 21.0;
/// Between labels.
const LABEL_GAP: f64 = 7.0;
/// No label is wider, unless a single word is.
const LABEL_LIMIT: f64 = 190.0;
/// From the plot to the labels: room for leader lines.
const LEADER: f64 = 24.0;
/// The sample of line and marker before a label's text, and the gap after it.
const SAMPLE: f64 = 30.0;
const SAMPLE_GAP: f64 = 7.0;

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
pub struct Panel<'a> {
    test: &'a Test<'a>,
    by: By,
    curves: Vec<(&'a Curve<'a>, CurveStyle)>,
    x: PointAxis,
    y: LogAxis,
    /// Whether any value is not finite.
    broken: bool,
}

/// Where a panel's parts are.
pub struct Frame {
    corner: Point,
    width: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
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
        Self { corner, width, left: corner.0 + LEFT, right, top, bottom: top + plot }
    }
}

/// A label and where its line ends.
struct End<'a> {
    lines: Vec<String>,
    style: Option<&'a CurveStyle>,
    from: Point,
}

impl<'a> Panel<'a> {
    /// Chooses axes and styles.
    pub fn new(test: &'a Test<'a>, by: By, styles: &[(&str, CurveStyle)]) -> Self {
        let style = |curve: &&'a Curve<'a>| styles.iter().find(|(arm, _)| *arm == curve.arm).map(|(_, style)| *style);
        let curves: Vec<_> = test.curves.iter().filter_map(|curve| Some((curve, style(&curve)?))).collect();
        let rows =
            || test.curves.iter().flat_map(|curve| curve.points.iter().map(|(_, row)| *row)).chain([test.undamaged]);
        let last = test.points.last().copied().filter(|last| *last > 0.0).unwrap_or(1.0);
        Self {
            test,
            by,
            curves,
            x: match by {
                By::Components => PointAxis::Components { points: test.points.clone() },
                By::Share => PointAxis::Share { last },
            },
            y: LogAxis::around(rows().flat_map(|row| [row.ppl_low, row.perplexity, row.ppl_high])),
            broken: rows().any(|row| !row.perplexity.is_finite()),
        }
    }

    /// Lines of the heading.
    pub fn heading(&self, width: f64) -> Vec<String> {
        font::wrap(&self.test.heading(), HEADING.size, HEADING.weight, width)
    }

    /// Width that the labels need right of the plot.
    pub fn labels_width(&self) -> f64 {
        let texts = self.texts().into_iter().flatten();
        let widest = texts.map(|line| font::width(&line, LABEL.size, LABEL.weight)).fold(0.0, f64::max);
        LEADER + SAMPLE + SAMPLE_GAP + widest
    }

    /// Height that the labels need.
    pub fn labels_height(&self) -> f64 {
        self.texts().iter().map(|lines| label_height(lines)).sum()
    }

    /// Lines of every label: the curves', then the undamaged model's.
    fn texts(&self) -> Vec<Vec<String>> {
        let undamaged = format!("undamaged {}", number::perplexity(self.test.undamaged.perplexity).text());
        let all = self.curves.iter().map(|(curve, _)| curve.label).chain([undamaged.as_str()]);
        all.map(|text| balanced(text, LABEL_LIMIT)).collect()
    }

    /// Paints everything.
    pub fn paint(&self, canvas: &Canvas, frame: &Frame) -> Result<(), ReportError> {
        for (index, line) in self.heading(frame.width).iter().enumerate() {
            let y = frame.corner.1 + (index as f64 + 0.5) * HEADING_LINE;
            canvas.text(line, (frame.corner.0, y), Anchor::Start, HEADING)?;
        }
        self.paint_y_axis(canvas, frame)?;
        self.paint_x_axis(canvas, frame)?;
        for (curve, style) in &self.curves {
            self.paint_interval(canvas, frame, curve, style)?;
        }
        self.paint_undamaged(canvas, frame)?;
        for (curve, style) in &self.curves {
            self.paint_lines(canvas, frame, curve, style)?;
        }
        for (curve, style) in &self.curves {
            for (point, row) in &curve.points {
                canvas.marker(self.place(frame, curve, *point, row), *style)?;
            }
        }
        self.paint_labels(canvas, frame)
    }

    /// Top of the logarithmic part.
    fn log_top(&self, frame: &Frame) -> f64 {
        if self.broken { frame.top + NOT_FINITE } else { frame.top }
    }

    /// Where values that are not finite are marked.
    fn not_finite_y(&self, frame: &Frame) -> f64 {
        frame.top + 0.3 * NOT_FINITE
    }

    fn x_of(&self, frame: &Frame, point: f64) -> f64 {
        frame.left + self.x.fraction(point) * (frame.right - frame.left)
    }

    fn y_at(&self, frame: &Frame, fraction: f64) -> f64 {
        frame.bottom - fraction * (frame.bottom - self.log_top(frame))
    }

    fn y_of(&self, frame: &Frame, value: f64) -> f64 {
        if value.is_finite() { self.y_at(frame, self.y.fraction(value)) } else { self.not_finite_y(frame) }
    }

    /// Where a measurement is marked. Markers of values that are not finite stand beside each other.
    fn place(&self, frame: &Frame, curve: &Curve, point: f64, row: &Row) -> Point {
        let at = (self.x_of(frame, point), self.y_of(frame, row.perplexity));
        if row.perplexity.is_finite() {
            return at;
        }
        let lost: Vec<&str> = self
            .curves
            .iter()
            .map(|(curve, _)| *curve)
            .filter(|curve| lost_at(curve, point))
            .map(|curve| curve.arm)
            .collect();
        let index = lost.iter().position(|arm| *arm == curve.arm).unwrap_or(0);
        (at.0 + 13.0 * (index as f64 - 0.5 * (lost.len() - 1) as f64), at.1)
    }

    fn paint_y_axis(&self, canvas: &Canvas, frame: &Frame) -> Result<(), ReportError> {
        let line = Stroke::solid(INK, 1.5);
        for tick in self.y.ticks() {
            let y = self.y_at(frame, tick.at);
            let length = if tick.label.is_some() { 7.0 } else { 4.0 };
            canvas.line(
                &[(frame.left - length, y), (frame.left, y)],
                Stroke::solid(INK, if tick.label.is_some() { 1.5 } else { 1.0 }),
            )?;
            if let Some(label) = &tick.label {
                canvas.line(&[(frame.left, y), (frame.right, y)], Stroke::solid(GRID, 1.0))?;
                canvas.text(label, (frame.left - 11.0, y), Anchor::End, TICK)?;
            }
        }
        canvas.line(&[(frame.left, frame.bottom), (frame.left, frame.top)], line)?;
        if self.broken {
            let y = self.not_finite_y(frame);
            for (text, dy) in [("not", -9.5), ("finite", 9.5)] {
                canvas.text(text, (frame.left - 11.0, y + dy), Anchor::End, TICK)?;
            }
            self.paint_break(canvas, (frame.left, frame.top + 0.8 * NOT_FINITE), true)?;
        }
        let middle = 0.5 * (frame.top + frame.bottom);
        canvas.text("perplexity", (frame.corner.0 + 12.0, middle), Anchor::Upwards, AXIS_TITLE)
    }

    fn paint_x_axis(&self, canvas: &Canvas, frame: &Frame) -> Result<(), ReportError> {
        let line = Stroke::solid(INK, 1.5);
        canvas.line(&[(frame.left, frame.bottom), (frame.right, frame.bottom)], line)?;
        // From the right, so that the largest r keeps its label where there is no room for all.
        let mut free = f64::INFINITY;
        let ticks = self.x.ticks();
        let zero = ticks.first().map_or(frame.left, |tick| frame.left + tick.at * (frame.right - frame.left));
        for tick in ticks.iter().rev() {
            let x = frame.left + tick.at * (frame.right - frame.left);
            canvas.line(&[(x, frame.bottom), (x, frame.bottom + 7.0)], line)?;
            let Some(label) = &tick.label else { continue };
            let half = 0.5 * font::width(label, TICK.size, TICK.weight) + 3.0;
            if x + half <= free && (x == zero || x - half > zero + 8.0) {
                canvas.text(label, (x, frame.bottom + 19.0), Anchor::Middle, TICK)?;
                free = x - half;
            }
        }
        if self.x.broken() {
            let x = frame.left + PointAxis::BREAK * (frame.right - frame.left);
            self.paint_break(canvas, (x, frame.bottom), false)?;
        }
        let title = match self.by {
            By::Components => "components discarded per linear, r",
            By::Share => "share of components discarded",
        };
        let middle = 0.5 * (frame.left + frame.right);
        canvas.text(title, (middle, frame.bottom + 47.0), Anchor::Middle, AXIS_TITLE)
    }

    /// Two strokes across an axis, and nothing of the axis between them.
    fn paint_break(&self, canvas: &Canvas, at: Point, upright: bool) -> Result<(), ReportError> {
        const HALF: f64 = 4.0;
        let turn = |along: f64, across: f64| {
            if upright { (at.0 + across, at.1 - along) } else { (at.0 + along, at.1 - across) }
        };
        let white = plotters::style::RGBColor(255, 255, 255);
        canvas.area(&[turn(-HALF, -3.0), turn(-HALF, 3.0), turn(HALF, 3.0), turn(HALF, -3.0)], white, 1.0)?;
        for along in [-HALF, HALF] {
            canvas.line(&[turn(along - 3.0, -7.0), turn(along + 3.0, 7.0)], Stroke::solid(INK, 1.5))?;
        }
        Ok(())
    }

    /// The shaded 95% interval, as far as it is finite.
    fn paint_interval(
        &self,
        canvas: &Canvas,
        frame: &Frame,
        curve: &Curve,
        style: &CurveStyle,
    ) -> Result<(), ReportError> {
        let bounded = |row: &Row| row.ppl_low.is_finite() && row.ppl_high.is_finite() && row.ppl_low > 0.0;
        let discarded: Vec<_> = curve.points.iter().filter(|(point, _)| self.on_line(*point)).collect();
        for run in discarded.split(|(_, row)| !bounded(row)) {
            let upper = run.iter().map(|(point, row)| (self.x_of(frame, *point), self.y_of(frame, row.ppl_high)));
            let lower = run.iter().rev().map(|(point, row)| (self.x_of(frame, *point), self.y_of(frame, row.ppl_low)));
            let outline: Vec<Point> = upper.chain(lower).collect();
            match outline.len() {
                0 => {}
                // One point has no area: a whisker instead.
                2 => canvas.line(&outline, Stroke::solid(style.method.colour, 1.0))?,
                _ => canvas.area(&outline, style.method.colour, 0.13)?,
            }
        }
        Ok(())
    }

    /// Whether a point is on the line, not left of the break.
    fn on_line(&self, point: f64) -> bool {
        point > 0.0 || !self.x.broken()
    }

    /// The undamaged model: a dashed line, and its point at 0 with the interval as a whisker.
    fn paint_undamaged(&self, canvas: &Canvas, frame: &Frame) -> Result<(), ReportError> {
        let row = self.test.undamaged;
        let (x, y) = (self.x_of(frame, 0.0), self.y_of(frame, row.perplexity));
        canvas
            .line(&[(frame.left, y), (frame.right, y)], Stroke { colour: GREY, width: 1.5, dash: Some((6.0, 4.0)) })?;
        if row.ppl_low.is_finite() && row.ppl_high.is_finite() && row.ppl_low > 0.0 {
            let (low, high) = (self.y_of(frame, row.ppl_low), self.y_of(frame, row.ppl_high));
            canvas.line(&[(x, low), (x, high)], Stroke::solid(GREY, 1.5))?;
            for end in [low, high] {
                canvas.line(&[(x - 4.0, end), (x + 4.0, end)], Stroke::solid(GREY, 1.5))?;
            }
        }
        canvas.shape((x, y), super::palette::Shape::Circle, 5.5, GREY)
    }

    /// The curve, dotted and thin from 0 across the break and towards values that are not finite.
    fn paint_lines(
        &self,
        canvas: &Canvas,
        frame: &Frame,
        curve: &Curve,
        style: &CurveStyle,
    ) -> Result<(), ReportError> {
        let colour = style.method.colour;
        let solid = Stroke { colour, width: 2.25, dash: style.dash };
        let bridge = Stroke { colour, width: 1.0, dash: Some((1.5, 3.0)) };
        let discarded: Vec<(Point, bool)> = curve
            .points
            .iter()
            .filter(|(point, _)| *point > 0.0)
            .map(|(point, row)| (self.place(frame, curve, *point, row), row.perplexity.is_finite()))
            .collect();
        for run in discarded.split(|(_, finite)| !finite) {
            let line: Vec<Point> = run.iter().map(|(at, _)| *at).collect();
            if line.len() > 1 {
                canvas.line(&line, solid)?;
            }
        }
        let undamaged = (self.x_of(frame, 0.0), self.y_of(frame, self.test.undamaged.perplexity));
        let from = curve.at(0.0).map_or(undamaged, |row| self.place(frame, curve, 0.0, row));
        if let Some((first, finite)) = discarded.first() {
            let stroke = if self.x.broken() || !finite { bridge } else { solid };
            canvas.line(&[from, *first], stroke)?;
        }
        for pair in discarded.windows(2).filter(|pair| pair[0].1 != pair[1].1) {
            canvas.line(&[pair[0].0, pair[1].0], bridge)?;
        }
        Ok(())
    }

    fn ends(&self, frame: &Frame) -> Vec<End<'_>> {
        let mut texts = self.texts();
        let undamaged = texts.pop().unwrap_or_default();
        let ends = self.curves.iter().zip(texts).filter_map(|((curve, style), lines)| {
            let (point, row) = curve.points.last()?;
            Some(End { lines, style: Some(style), from: self.place(frame, curve, *point, row) })
        });
        let baseline = (frame.right, self.y_of(frame, self.test.undamaged.perplexity));
        ends.chain([End { lines: undamaged, style: None, from: baseline }]).collect()
    }

    fn paint_labels(&self, canvas: &Canvas, frame: &Frame) -> Result<(), ReportError> {
        let ends = self.ends(frame);
        let wishes: Vec<Wish> =
            ends.iter().map(|end| Wish { at: end.from.1, height: label_height(&end.lines) }).collect();
        let middles = labels::spread(&wishes, frame.top, frame.bottom);
        let x = frame.right + LEADER;
        for (end, y) in ends.iter().zip(middles) {
            // Straight out of the plot first, then slanted: leaders do not run through each other's markers.
            let leader =
                [(end.from.0.max(frame.right - 2.0), end.from.1), (frame.right + 4.0, end.from.1), (x - 3.0, y)];
            canvas.line(&leader, Stroke::solid(end.style.map_or(GREY, |style| style.method.colour), 0.75))?;
            match end.style {
                Some(style) => {
                    let sample = Stroke { colour: style.method.colour, width: 2.25, dash: style.dash };
                    canvas.line(&[(x, y), (x + SAMPLE, y)], sample)?;
                    canvas.marker((x + 0.5 * SAMPLE, y), *style)?;
                }
                None => canvas
                    .line(&[(x, y), (x + SAMPLE, y)], Stroke { colour: GREY, width: 1.5, dash: Some((6.0, 4.0)) })?,
            }
            for (index, line) in end.lines.iter().enumerate() {
                let offset = (index as f64 - 0.5 * (end.lines.len() - 1) as f64) * LABEL_LINE;
                canvas.text(line, (x + SAMPLE + SAMPLE_GAP, y + offset), Anchor::Start, LABEL)?;
            }
        }
        Ok(())
    }
}

fn lost_at(curve: &Curve, point: f64) -> bool {
    curve.at(point).is_some_and(|row| !row.perplexity.is_finite())
}

fn label_height(lines: &[String]) -> f64 {
    lines.len() as f64 * LABEL_LINE + LABEL_GAP
}

/// Wraps into as few lines as the limit allows, of about equal length.
fn balanced(text: &str, limit: f64) -> Vec<String> {
    let wrap = |limit| font::wrap(text, LABEL.size, LABEL.weight, limit);
    let count = wrap(limit).len();
    let mut best = wrap(limit);
    let mut width = limit;
    while width > 40.0 {
        width -= 4.0;
        let narrower = wrap(width);
        if narrower.len() > count {
            break;
        }
        best = narrower;
    }
    best
}
