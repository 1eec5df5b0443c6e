//! A legend below panels: what each line is, as many beside each other as fit.

use super::super::ReportError;
use super::canvas::{Anchor, Canvas, Point, Stroke, Type};
use super::font::{self, Weight};
use super::palette::{CurveStyle, INK};

const LINE: f64 = 26.0;
const TEXT: Type = Type { size: 17.0, colour: INK, weight: Weight::Regular };

/// Entries in their places.
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
            let needed = 78.0 + font::width(label, TEXT.size, TEXT.weight);
            if x > 0.0 && x + needed > width {
                (x, y) = (0.0, y + LINE);
            }
            entries.push((label.to_string(), style, (x, y)));
            x += needed;
        }
        let height = if entries.is_empty() { 0.0 } else { y + LINE };
        Self { entries, height }
    }

    /// Paints it with its upper left corner at `corner`.
    pub fn paint(&self, canvas: &Canvas, corner: Point) -> Result<(), ReportError> {
        for (label, style, (x, y)) in &self.entries {
            let (x, y) = (corner.0 + x, corner.1 + y + 0.5 * LINE);
            canvas.line(&[(x, y), (x + 40.0, y)], Stroke::of(*style, 2.25))?;
            canvas.marker((x + 20.0, y), *style)?;
            canvas.text(label, (x + 50.0, y), Anchor::Start, TEXT)?;
        }
        Ok(())
    }
}
