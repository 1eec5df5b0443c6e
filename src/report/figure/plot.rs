//! A plain plot with two axes, for figures of trained models: where values lie, axes and grid.

use super::super::ReportError;
use super::canvas::{Anchor, Canvas, Point, Stroke, Type};
use super::font::Weight;
use super::palette::{GRID, INK};
use super::scale::Scale;

/// Left of a plot: axis title and tick labels.
pub const LEFT: f64 = 92.0;
/// Below it: tick labels and axis title.
pub const BELOW: f64 = 62.0;
/// Above it.
pub const HEADING: f64 = 32.0;

const TITLE: Type = Type { size: 18.0, colour: INK, weight: Weight::Bold };
const AXIS: Type = Type { size: 17.0, colour: INK, weight: Weight::Regular };
const TICK: Type = Type { size: 16.0, colour: INK, weight: Weight::Regular };

/// A plot in its place.
pub struct Plot {
    /// Its inner edges.
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
    /// Its axes.
    pub x: Scale,
    pub y: Scale,
}

impl Plot {
    /// Where a pair of values lies.
    pub fn at(&self, (x, y): (f64, f64)) -> Point {
        (
            self.left + self.x.fraction(x) * (self.right - self.left),
            self.bottom - self.y.fraction(y) * (self.bottom - self.top),
        )
    }

    /// Whether a point lies within the plot.
    pub fn holds(&self, (x, y): Point) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    /// Paints heading, grid, axes and their titles.
    pub fn paint(&self, canvas: &Canvas, heading: &str, x_title: &str, y_title: &str) -> Result<(), ReportError> {
        canvas.text(heading, (self.left, self.top - 0.5 * HEADING), Anchor::Start, TITLE)?;
        for tick in self.y.ticks() {
            let y = self.bottom - tick.at * (self.bottom - self.top);
            canvas.line(&[(self.left - 5.0, y), (self.left, y)], Stroke::solid(INK, 1.0))?;
            let Some(label) = &tick.label else { continue };
            canvas.line(&[(self.left, y), (self.right, y)], Stroke::solid(GRID, 1.0))?;
            canvas.text(label, (self.left - 9.0, y), Anchor::End, TICK)?;
        }
        for tick in self.x.ticks() {
            let x = self.left + tick.at * (self.right - self.left);
            canvas.line(&[(x, self.bottom), (x, self.bottom + 5.0)], Stroke::solid(INK, 1.0))?;
            let Some(label) = &tick.label else { continue };
            canvas.line(&[(x, self.top), (x, self.bottom)], Stroke::solid(GRID, 1.0))?;
            canvas.text(label, (x, self.bottom + 17.0), Anchor::Middle, TICK)?;
        }
        let corner = [(self.left, self.top), (self.left, self.bottom), (self.right, self.bottom)];
        canvas.line(&corner, Stroke::solid(INK, 1.5))?;
        canvas.text(x_title, (0.5 * (self.left + self.right), self.bottom + 42.0), Anchor::Middle, AXIS)?;
        canvas.text(y_title, (self.left - LEFT + 14.0, 0.5 * (self.top + self.bottom)), Anchor::Upwards, AXIS)
    }
}
