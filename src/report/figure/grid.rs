//! Panels of one size below a title, in rows and columns, and a legend below them: what each line is.

use super::super::{Meta, ReportError};
use super::{Anchor, Canvas, CurveStyle, GREY, INK, Point, Type, draw};

/// Around everything.
pub const MARGIN: f64 = 20.0;

const TITLE: Type = Type::bold(24.0);
const SUBTITLE: Type = Type::regular(17.0, GREY);
const LINE: f64 = 1.3;

/// Height and text of a legend's entries.
const ENTRY: f64 = 26.0;
const LABEL: Type = Type::regular(17.0, INK);

/// Where the panels are: in rows, which may differ in length.
pub struct Grid<'a, P> {
    pub rows: &'a [Vec<P>],
    /// Width and height of a panel.
    pub panel: (f64, f64),
    pub gap: f64,
}

impl<P> Grid<'_, P> {
    /// The figure as SVG: `paint` is given each panel with its upper left corner.
    pub fn draw<'a>(
        &self,
        meta: &Meta,
        [subtitle, description]: [&str; 2],
        legend: impl Iterator<Item = (&'a str, CurveStyle)>,
        paint: impl Fn(&Canvas, &P, Point),
    ) -> Result<String, ReportError> {
        let across = self.rows.iter().map(Vec::len).max().filter(|across| *across > 0).ok_or(ReportError::Empty)?;
        let (across, down) = (across as f64, self.rows.len() as f64);
        let width = 2.0 * MARGIN + across * self.panel.0 + (across - 1.0) * self.gap;
        let header = Header::new(meta, subtitle, width);
        let legend = Legend::new(legend, width - 2.0 * MARGIN);
        let bottom = header.height + down * self.panel.1 + (down - 1.0) * self.gap;
        draw((width, bottom + legend.height + MARGIN), &meta.title, description, |canvas| {
            header.paint(canvas);
            for (row, panels) in self.rows.iter().enumerate() {
                let y = header.height + row as f64 * (self.panel.1 + self.gap);
                for (column, panel) in panels.iter().enumerate() {
                    paint(canvas, panel, (MARGIN + column as f64 * (self.panel.0 + self.gap), y));
                }
            }
            legend.paint(canvas, (MARGIN, bottom));
        })
    }
}

pub struct Header {
    lines: Vec<(String, Type)>,
    /// Of all of it, the space below included.
    pub height: f64,
}

impl Header {
    /// Of a figure of this width: its title, then the model and what else there is to say.
    pub fn new(meta: &Meta, subtitle: &str, width: f64) -> Self {
        let subtitle = format!("{}. {subtitle}", meta.model);
        let wrap = |text: &str, look: Type| -> Vec<(String, Type)> {
            look.wrap(text, width - 2.0 * MARGIN).into_iter().map(|line| (line, look)).collect()
        };
        let (title, subtitle) = (wrap(&meta.title, TITLE), wrap(&subtitle, SUBTITLE));
        let height =
            MARGIN + LINE * (TITLE.size * title.len() as f64 + SUBTITLE.size * subtitle.len() as f64) + 0.7 * MARGIN;
        Self { lines: [title, subtitle].concat(), height }
    }

    pub fn paint(&self, canvas: &Canvas) {
        let mut y = MARGIN;
        for (line, look) in &self.lines {
            canvas.text(line, (MARGIN, y + 0.5 * LINE * look.size), Anchor::Start, *look);
            y += LINE * look.size;
        }
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
            let needed = 78.0 + LABEL.width(label);
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
    pub fn paint(&self, canvas: &Canvas, corner: Point) {
        for (label, style, (x, y)) in &self.entries {
            let (x, y) = (corner.0 + x, corner.1 + y + 0.5 * ENTRY);
            canvas.sample((x, y), 40.0, *style);
            canvas.text(label, (x + 50.0, y), Anchor::Start, LABEL);
        }
    }
}
