//! The one painter of axes: ticks with their labels and grid lines, the lines of the axes, their titles. Every figure with
//! axes paints them here, each with its own [`Look`].

use super::{Anchor, Canvas, GRID, INK, Point, Scale, Stroke, Tick, Type};

/// How axes look.
pub struct Look {
    pub label: Type,
    pub title: Type,
    /// Length and width of ticks with a label, and of others.
    pub major: (f64, f64),
    pub minor: (f64, f64),
    /// From the vertical axis to its labels, and from the horizontal one.
    pub beside: f64,
    pub below: f64,
    /// From the horizontal axis to its title.
    pub under: f64,
    /// Whether the horizontal axis has grid lines too.
    pub crossed: bool,
}

/// Of figures with plain axes.
pub const LOOK: Look = Look {
    label: Type::regular(16.0, INK),
    title: Type::regular(17.0, INK),
    major: (5.0, 1.0),
    minor: (5.0, 1.0),
    beside: 9.0,
    below: 16.0,
    under: 40.0,
    crossed: false,
};

pub const HEADING: Type = Type::bold(18.0);

/// Where a plot is: its inner edges.
#[derive(Debug, Clone, Copy)]
pub struct Area {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Area {
    /// The area of this size right of and below a point.
    pub fn new((left, top): Point, width: f64, height: f64) -> Self {
        Self { left, top, right: left + width, bottom: top + height }
    }

    /// Where a fraction of the horizontal axis lies.
    pub fn x(&self, fraction: f64) -> f64 {
        self.left + fraction * (self.right - self.left)
    }

    /// Where a fraction of the vertical axis lies.
    pub fn y(&self, fraction: f64) -> f64 {
        self.bottom - fraction * (self.bottom - self.top)
    }

    pub fn holds(&self, (x, y): Point) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    /// Paints the ticks of the vertical axis, with their labels and grid lines.
    pub fn y_ticks(&self, canvas: &Canvas, ticks: &[Tick], look: &Look) {
        for tick in ticks {
            let y = self.y(tick.at);
            let (length, width) = if tick.label.is_some() { look.major } else { look.minor };
            canvas.line(&[(self.left - length, y), (self.left, y)], Stroke::solid(INK, width));
            let Some(label) = &tick.label else { continue };
            canvas.line(&[(self.left, y), (self.right, y)], Stroke::solid(GRID, 1.0));
            canvas.text(label, (self.left - look.beside, y), Anchor::End, look.label);
        }
    }

    /// Paints the ticks of the horizontal axis.
    pub fn x_ticks(&self, canvas: &Canvas, ticks: &[Tick], look: &Look) {
        for tick in ticks {
            let x = self.x(tick.at);
            let (length, width) = if tick.label.is_some() { look.major } else { look.minor };
            canvas.line(&[(x, self.bottom), (x, self.bottom + length)], Stroke::solid(INK, width));
            let Some(label) = &tick.label else { continue };
            if look.crossed {
                canvas.line(&[(x, self.top), (x, self.bottom)], Stroke::solid(GRID, 1.0));
            }
            canvas.text(label, (x, self.bottom + look.below), Anchor::Middle, look.label);
        }
    }

    pub fn lines(&self, canvas: &Canvas) {
        let corner = [(self.left, self.top), (self.left, self.bottom), (self.right, self.bottom)];
        canvas.line(&corner, Stroke::solid(INK, 1.5));
    }

    pub fn x_title(&self, canvas: &Canvas, title: &str, look: &Look) {
        let middle = 0.5 * (self.left + self.right);
        canvas.text(title, (middle, self.bottom + look.under), Anchor::Middle, look.title);
    }

    /// Paints the title of the vertical axis, `beside` left of it.
    pub fn y_title(&self, canvas: &Canvas, title: &str, beside: f64, look: &Look) {
        let middle = 0.5 * (self.top + self.bottom);
        canvas.text(title, (self.left - beside, middle), Anchor::Upwards, look.title);
    }
}

pub struct Plot {
    pub area: Area,
    pub x: Scale,
    pub y: Scale,
}

impl Plot {
    /// Left of a plot: axis title and tick labels.
    pub const LEFT: f64 = 92.0;
    /// Below it: tick labels and axis title.
    pub const BELOW: f64 = 62.0;
    pub const HEADING: f64 = 32.0;

    /// Where a pair of values lies.
    pub fn at(&self, (x, y): (f64, f64)) -> Point {
        (self.area.x(self.x.fraction(x)), self.area.y(self.y.fraction(y)))
    }

    /// Paints heading, grid, axes and their titles.
    pub fn paint(&self, canvas: &Canvas, heading: &str, x_title: &str, y_title: &str) {
        const CROSSED: Look = Look { below: 17.0, under: 42.0, crossed: true, ..LOOK };
        let area = &self.area;
        canvas.text(heading, (area.left, area.top - 0.5 * Self::HEADING), Anchor::Start, HEADING);
        area.y_ticks(canvas, &self.y.ticks(), &CROSSED);
        area.x_ticks(canvas, &self.x.ticks(), &CROSSED);
        area.lines(canvas);
        area.x_title(canvas, x_title, &CROSSED);
        area.y_title(canvas, y_title, Self::LEFT - 14.0, &CROSSED);
    }
}
