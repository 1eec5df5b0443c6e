//! Panels of one size below a title, in rows and columns, and a legend below them: what each line is.

use super::super::{Meta, ReportError};
use super::{Anchor, Canvas, CurveStyle, GREY, INK, Point, Stroke, Type, Weight, draw, font};

/// Around everything.
pub const MARGIN: f64 = 20.0;

const TITLE: Type = Type { size: 24.0, colour: INK, weight: Weight::Bold };
const SUBTITLE: Type = Type { size: 17.0, colour: GREY, weight: Weight::Regular };
const LINE: f64 = 1.3;

/// Height and text of a legend's entries.
const ENTRY: f64 = 26.0;
const LABEL: Type = Type { size: 17.0, colour: INK, weight: Weight::Regular };

/// Where the panels are.
pub struct Grid {
    pub across: usize,
    pub down: usize,
    /// Width and height of a panel.
    pub panel: (f64, f64),
    pub gap: f64,
}

impl Grid {
    /// The figure as SVG: `paint` is given row, column and upper left corner of each panel.
    pub fn draw<'a>(
        &self,
        meta: &Meta,
        [subtitle, description]: [&str; 2],
        legend: impl Iterator<Item = (&'a str, CurveStyle)>,
        paint: impl Fn(&Canvas, (usize, usize), Point) -> Result<(), ReportError>,
    ) -> Result<String, ReportError> {
        let (across, down) = (self.across as f64, self.down as f64);
        let width = 2.0 * MARGIN + across * self.panel.0 + (across - 1.0) * self.gap;
        let header = Header::new(&meta.title, subtitle, width - 2.0 * MARGIN);
        let legend = Legend::new(legend, width - 2.0 * MARGIN);
        let bottom = header.height + down * self.panel.1 + (down - 1.0) * self.gap;
        draw((width, bottom + legend.height + MARGIN), &meta.title, description, |canvas| {
            header.paint(canvas)?;
            for (row, column) in (0..self.down).flat_map(|row| (0..self.across).map(move |column| (row, column))) {
                let x = MARGIN + column as f64 * (self.panel.0 + self.gap);
                let y = header.height + row as f64 * (self.panel.1 + self.gap);
                paint(canvas, (row, column), (x, y))?;
            }
            legend.paint(canvas, (MARGIN, bottom))
        })
    }
}

/// Title and subtitle above the panels.
pub struct Header {
    lines: Vec<(String, Type)>,
    /// Of all of it, the space below included.
    pub height: f64,
}

impl Header {
    /// Breaks both into lines of this width.
    pub fn new(title: &str, subtitle: &str, width: f64) -> Self {
        let wrap = |text: &str, look: Type| {
            font::wrap(text, look.size, look.weight, width).into_iter().map(move |line| (line, look)).collect()
        };
        let [title, subtitle]: [Vec<(String, Type)>; 2] = [wrap(title, TITLE), wrap(subtitle, SUBTITLE)];
        let height =
            MARGIN + LINE * (TITLE.size * title.len() as f64 + SUBTITLE.size * subtitle.len() as f64) + 0.7 * MARGIN;
        Self { lines: [title, subtitle].concat(), height }
    }

    pub fn paint(&self, canvas: &Canvas) -> Result<(), ReportError> {
        let mut y = MARGIN;
        for (line, look) in &self.lines {
            canvas.text(line, (MARGIN, y + 0.5 * LINE * look.size), Anchor::Start, *look)?;
            y += LINE * look.size;
        }
        Ok(())
    }
}

/// A legend: entries in their places, as many beside each other as fit.
pub struct Legend {
    entries: Vec<(String, CurveStyle, Point)>,
    /// Of all lines together.
    pub height: f64,
}

impl Legend {
    /// Lays out labels with their styles, each label once.
    pub fn new<'a>(all: impl Iterator<Item = (&'a str, CurveStyle)>, width: f64) -> Self {
        let mut entries: Vec<(String, CurveStyle, Point)> = Vec::new();
        let (mut x, mut y) = (0.0, 0.0);
        for (label, style) in all {
            if entries.iter().any(|(known, ..)| known == label) {
                continue;
            }
            let needed = 78.0 + font::width(label, LABEL.size, LABEL.weight);
            if x > 0.0 && x + needed > width {
                (x, y) = (0.0, y + ENTRY);
            }
            entries.push((label.to_string(), style, (x, y)));
            x += needed;
        }
        let height = if entries.is_empty() { 0.0 } else { y + ENTRY };
        Self { entries, height }
    }

    /// Paints it with its upper left corner at `corner`.
    pub fn paint(&self, canvas: &Canvas, corner: Point) -> Result<(), ReportError> {
        for (label, style, (x, y)) in &self.entries {
            let (x, y) = (corner.0 + x, corner.1 + y + 0.5 * ENTRY);
            canvas.line(&[(x, y), (x + 40.0, y)], Stroke::of(*style, 2.25))?;
            canvas.marker((x + 20.0, y), *style)?;
            canvas.text(label, (x + 50.0, y), Anchor::Start, LABEL)?;
        }
        Ok(())
    }
}
