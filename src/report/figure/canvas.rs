//! Strokes, areas, markers and text in units of the figure, drawn through plotters into SVG.
//!
//! plotters' SVG has whole coordinates only; it draws [`FINE`] times larger and the view box scales back, so that
//! positions are exact to a quarter of a unit.

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, DashedPathElement, PathElement, Polygon, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontFamily, FontStyle, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle};

use super::super::ReportError;
use super::font::{FAMILY, Weight};
use super::palette::{CurveStyle, Dash, Fill, GREY, Shape};

/// Steps a unit.
const FINE: f64 = 4.0;

/// A point: x to the right, y down.
pub type Point = (f64, f64);

/// A line's look.
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
        Self { colour: style.method.colour, width, dash: style.dash }
    }
}

/// A text's look.
#[derive(Debug, Clone, Copy)]
pub struct Type {
    /// Pixels an em.
    pub size: f64,
    pub colour: RGBColor,
    pub weight: Weight,
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

/// A figure in the making.
pub struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// Draws a figure of `width` x `height` units; returns the SVG. `title` is what screen readers say, `description` more.
pub fn draw(
    (width, height): (f64, f64),
    title: &str,
    description: &str,
    paint: impl FnOnce(&Canvas) -> Result<(), ReportError>,
) -> Result<String, ReportError> {
    let size = (fine(width) as u32, fine(height) as u32);
    let mut body = String::new();
    {
        let canvas = Canvas { area: SVGBackend::with_string(&mut body, size).into_drawing_area() };
        canvas.area.fill(&RGBColor(255, 255, 255)).map_err(refused)?;
        paint(&canvas)?;
        canvas.area.present().map_err(refused)?;
    }
    let (_, elements) =
        body.split_once(">\n").ok_or_else(|| ReportError::Drawing("the SVG has no root element".to_string()))?;
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
fn pale(colour: RGBColor) -> RGBColor {
    let mix = |part: u8| part / 2 + 128;
    RGBColor(mix(colour.0), mix(colour.1), mix(colour.2))
}

fn fine(value: f64) -> i32 {
    (value * FINE).round() as i32
}

fn fine_point(point: &Point) -> (i32, i32) {
    (fine(point.0), fine(point.1))
}

fn refused<E: std::error::Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> ReportError {
    ReportError::Drawing(error.to_string())
}

impl Canvas<'_> {
    pub fn line(&self, points: &[Point], stroke: Stroke) -> Result<(), ReportError> {
        let style =
            ShapeStyle { color: stroke.colour.to_rgba(), filled: false, stroke_width: fine(stroke.width) as u32 };
        let points: Vec<(i32, i32)> = points.iter().map(fine_point).collect();
        match stroke.dash {
            None => self.area.draw(&PathElement::new(points, style)).map_err(refused),
            Some((dash, gap)) => {
                self.area.draw(&DashedPathElement::new(points, fine(dash), fine(gap), style)).map_err(refused)
            }
        }
    }

    pub fn area(&self, points: &[Point], colour: RGBColor, opacity: f64) -> Result<(), ReportError> {
        let points: Vec<(i32, i32)> = points.iter().map(fine_point).collect();
        self.area.draw(&Polygon::new(points, colour.mix(opacity).filled())).map_err(refused)
    }

    pub fn marker(&self, at: Point, style: CurveStyle) -> Result<(), ReportError> {
        const RADIUS: f64 = 5.5;
        let colour = style.method.colour;
        let white = RGBColor(255, 255, 255);
        // A white rim keeps markers apart where curves run together.
        self.shape(at, style.method.shape, RADIUS + 1.25, white)?;
        self.shape(at, style.method.shape, RADIUS, colour)?;
        let shape = |radius, colour| self.shape(at, style.method.shape, radius, colour);
        match style.fill {
            Fill::Full => {}
            Fill::Hollow => shape(RADIUS - 2.0, white)?,
            Fill::Dot => {
                shape(RADIUS - 1.5, white)?;
                self.shape(at, Shape::Circle, 2.0, colour)?;
            }
            Fill::Pale => shape(RADIUS - 1.75, pale(colour))?,
        }
        Ok(())
    }

    /// A filled shape; `radius` is that of the disc of about the same area.
    pub fn shape(&self, at: Point, shape: Shape, radius: f64, colour: RGBColor) -> Result<(), ReportError> {
        // Corners, turn of the first against the top, and the size that looks equal to a disc.
        let (corners, turn, scale) = match shape {
            Shape::Circle => {
                let disc = Circle::new(fine_point(&at), fine(radius), colour.filled());
                return self.area.draw(&disc).map_err(refused);
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
        self.area(&(0..corners).map(corner).collect::<Vec<_>>(), colour, 1.0)
    }

    /// One line of text, vertically centred on the point.
    pub fn text(&self, text: &str, at: Point, anchor: Anchor, look: Type) -> Result<(), ReportError> {
        /// plotters writes its sizes divided by this as the SVG's.
        const PLOTTERS: f64 = 1.24;
        let (h_pos, transform) = match anchor {
            Anchor::Start => (HPos::Left, FontTransform::None),
            Anchor::Middle => (HPos::Center, FontTransform::None),
            Anchor::End => (HPos::Right, FontTransform::None),
            Anchor::Upwards => (HPos::Center, FontTransform::Rotate270),
        };
        let weight = match look.weight {
            Weight::Regular => FontStyle::Normal,
            Weight::Bold => FontStyle::Bold,
        };
        let font = (FontFamily::Name(FAMILY), look.size * FINE * PLOTTERS, weight).into_font().transform(transform);
        let style = TextStyle::from(font).color(&look.colour).pos(Pos::new(h_pos, VPos::Center));
        self.area.draw(&Text::new(text.to_string(), fine_point(&at), style)).map_err(refused)
    }
}
