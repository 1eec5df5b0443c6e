//! Strokes, areas, markers and text in units of the figure, drawn through plotters into SVG.
//!
//! plotters' SVG has whole coordinates only; it draws [`FINE`] times larger and the view box scales back, so that
//! positions are exact to a quarter of a unit.

use std::cell::RefCell;

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, DashedPathElement, PathElement, Polygon, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontFamily, FontStyle, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle};

use super::super::ReportError;
use super::font::{self, FAMILY, Weight};
use super::palette::{CurveStyle, Dash, Fill, GREY, INK, Shape, WHITE};

/// Steps a unit.
const FINE: f64 = 4.0;

/// A point: x to the right, y down.
pub type Point = (f64, f64);

#[derive(Debug, Clone, Copy)]
pub struct Stroke {
    pub colour: RGBColor,
    pub width: f64,
    pub dash: Dash,
}

impl Stroke {
    /// The line of the model before anything was done to it.
    pub const UNDAMAGED: Self = Self { colour: GREY, width: 1.5, dash: Some((6.0, 4.0)) };

    pub fn solid(colour: RGBColor, width: f64) -> Self {
        Self { colour, width, dash: None }
    }

    pub fn of(style: CurveStyle, width: f64) -> Self {
        Self { colour: style.colour, width, dash: style.dash }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Type {
    /// Pixels an em.
    pub size: f64,
    pub colour: RGBColor,
    pub weight: Weight,
}

impl Type {
    pub const fn regular(size: f64, colour: RGBColor) -> Self {
        Self { size, colour, weight: Weight::Regular }
    }

    pub const fn bold(size: f64) -> Self {
        Self { size, colour: INK, weight: Weight::Bold }
    }

    pub fn width(&self, text: &str) -> f64 {
        font::width(text, self.size, self.weight)
    }

    /// Width of the widest of some lines; 0 without any.
    pub fn widest<'a>(&self, texts: impl Iterator<Item = &'a str>) -> f64 {
        texts.map(|text| self.width(text)).fold(0.0, f64::max)
    }

    /// Lines that are no wider than `limit`, unless a single word is.
    pub fn wrap(&self, text: &str, limit: f64) -> Vec<String> {
        font::wrap(text, self.size, self.weight, limit)
    }
}

/// Where a text lies relative to its point; vertically it is always centred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
    /// Its middle is there, turned to read upwards.
    Upwards,
}

/// A figure in the making. What the backend refuses is said once it is whole.
pub struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    refused: RefCell<Option<String>>,
}

/// Draws a figure of `width` x `height` units; returns the SVG. `title` is what screen readers say, `description` more.
pub fn draw(
    (width, height): (f64, f64),
    title: &str,
    description: &str,
    paint: impl FnOnce(&Canvas),
) -> Result<String, ReportError> {
    let size = (fine(width) as u32, fine(height) as u32);
    let mut body = String::new();
    let refused = {
        let area = SVGBackend::with_string(&mut body, size).into_drawing_area();
        let canvas = Canvas { area, refused: RefCell::new(None) };
        canvas.keep(canvas.area.fill(&WHITE));
        paint(&canvas);
        canvas.keep(canvas.area.present());
        canvas.refused.take()
    };
    if let Some(why) = refused {
        return Err(ReportError::Drawing(why));
    }
    let elements = body.split_once(">\n").map_or("", |(_, elements)| elements);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {} {}\" \
         role=\"img\" aria-labelledby=\"title description\" stroke-linejoin=\"round\">\n\
         <title id=\"title\">{}</title>\n<desc id=\"description\">{}</desc>\n{elements}",
        size.0,
        size.1,
        escape(title),
        escape(description),
    ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Half way to white.
fn pale(RGBColor(red, green, blue): RGBColor) -> RGBColor {
    RGBColor(red / 2 + 128, green / 2 + 128, blue / 2 + 128)
}

fn fine(value: f64) -> i32 {
    (value * FINE).round() as i32
}

fn fine_point(point: &Point) -> (i32, i32) {
    (fine(point.0), fine(point.1))
}

impl Canvas<'_> {
    fn keep<E: std::error::Error + Send + Sync>(&self, drawn: Result<(), DrawingAreaErrorKind<E>>) {
        if let Err(error) = drawn {
            self.refused.borrow_mut().get_or_insert(error.to_string());
        }
    }

    /// A line through points; through fewer than two there is none.
    pub fn line(&self, points: &[Point], stroke: Stroke) {
        if points.len() < 2 {
            return;
        }
        let (color, stroke_width) = (stroke.colour.to_rgba(), fine(stroke.width) as u32);
        let style = ShapeStyle { color, filled: false, stroke_width };
        let points: Vec<(i32, i32)> = points.iter().map(fine_point).collect();
        self.keep(match stroke.dash {
            None => self.area.draw(&PathElement::new(points, style)),
            Some((dash, gap)) => self.area.draw(&DashedPathElement::new(points, fine(dash), fine(gap), style)),
        });
    }

    pub fn area(&self, points: &[Point], colour: RGBColor, opacity: f64) {
        let points: Vec<(i32, i32)> = points.iter().map(fine_point).collect();
        self.keep(self.area.draw(&Polygon::new(points, colour.mix(opacity).filled())));
    }

    /// The shaded area between an upper and a lower line, which have as many points.
    pub fn band(&self, upper: &[Point], lower: &[Point], colour: RGBColor) {
        let outline: Vec<Point> = upper.iter().chain(lower.iter().rev()).copied().collect();
        self.area(&outline, colour, 0.13);
    }

    pub fn rectangle(&self, (x, y): Point, (width, height): Point, colour: RGBColor) {
        self.area(&[(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour, 1.0);
    }

    /// A few markers along a line; by a shift of their own below 1, those of lines that run together all show.
    pub fn markers(&self, line: &[Point], count: usize, shift: f64, style: CurveStyle) {
        let places = (0..count).map(|index| (index as f64 + shift) / count as f64 * line.len() as f64);
        places.filter_map(|at| line.get(at as usize)).for_each(|point| self.marker(*point, style));
    }

    pub fn marker(&self, at: Point, style: CurveStyle) {
        const RADIUS: f64 = 5.5;
        let shape = |radius, colour| self.shape(at, style.shape, radius, colour);
        // A white rim keeps markers apart where curves run together.
        shape(RADIUS + 1.25, WHITE);
        shape(RADIUS, style.colour);
        match style.fill {
            Fill::Full => {}
            Fill::Hollow => shape(RADIUS - 2.0, WHITE),
            Fill::Dot => {
                shape(RADIUS - 1.5, WHITE);
                self.shape(at, Shape::Circle, 2.0, style.colour);
            }
            Fill::Pale => shape(RADIUS - 1.75, pale(style.colour)),
        }
    }

    /// A sample of a line, with its marker, as legends have it.
    pub fn sample(&self, (x, y): Point, width: f64, style: CurveStyle) {
        self.line(&[(x, y), (x + width, y)], Stroke::of(style, 2.25));
        self.marker((x + 0.5 * width, y), style);
    }

    /// A filled shape; `radius` is that of the disc of about the same area.
    pub fn shape(&self, at: Point, shape: Shape, radius: f64, colour: RGBColor) {
        // Corners, turn of the first against the top, and the size that looks equal to a disc.
        let (corners, turn, scale) = match shape {
            Shape::Circle => {
                return self.keep(self.area.draw(&Circle::new(fine_point(&at), fine(radius), colour.filled())));
            }
            Shape::Square => (4, 0.5, 1.25),
            Shape::Diamond => (4, 0.0, 1.3),
            Shape::Triangle => (3, 0.0, 1.4),
            Shape::Nabla => (3, 0.5, 1.4),
            Shape::Pentagon => (5, 0.0, 1.15),
            Shape::Hexagon => (6, 0.0, 1.1),
        };
        let corner = |index: i32| {
            let angle = std::f64::consts::TAU * (f64::from(index) + turn) / f64::from(corners);
            (at.0 + scale * radius * angle.sin(), at.1 - scale * radius * angle.cos())
        };
        self.area(&(0..corners).map(corner).collect::<Vec<_>>(), colour, 1.0);
    }

    /// One line of text, vertically centred on the point.
    pub fn text(&self, text: &str, at: Point, anchor: Anchor, look: Type) {
        /// plotters writes its sizes divided by this as the SVG's.
        const PLOTTERS: f64 = 1.24;
        let (h_pos, transform) = match anchor {
            Anchor::Start => (HPos::Left, FontTransform::None),
            Anchor::Middle => (HPos::Center, FontTransform::None),
            Anchor::End => (HPos::Right, FontTransform::None),
            Anchor::Upwards => (HPos::Center, FontTransform::Rotate270),
        };
        let weight = if look.weight == Weight::Bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = (FontFamily::Name(FAMILY), look.size * FINE * PLOTTERS, weight).into_font().transform(transform);
        let style = TextStyle::from(font).color(&look.colour).pos(Pos::new(h_pos, VPos::Center));
        self.keep(self.area.draw(&Text::new(text.to_string(), fine_point(&at), style)));
    }
}
