//! Panels of one size below a title, in rows and columns, and a legend below them.

use super::super::{Meta, ReportError};
use super::canvas::{Anchor, Canvas, Point, Type, draw};
use super::font::{self, Weight};
use super::legend::Legend;
use super::palette::{CurveStyle, GREY, INK};

/// Around everything.
pub const MARGIN: f64 = 20.0;

const TITLE: Type = Type { size: 24.0, colour: INK, weight: Weight::Bold };
const SUBTITLE: Type = Type { size: 17.0, colour: GREY, weight: Weight::Regular };
const LINE: f64 = 1.3;

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
