//! PNG from the SVG, by resvg with the figures' own font.

use resvg::tiny_skia::{Pixmap, Transform};

use super::super::ReportError;
use super::font;

/// Pixels a unit of the SVG: sharp in print at the width of a page.
const SCALE: f32 = 2.0;

/// Renders a figure. The same SVG gives the same bytes.
pub fn png(svg: &str) -> Result<Vec<u8>, ReportError> {
    let failed = |error: String| ReportError::Drawing(format!("rendering the PNG failed: {error}"));
    let tree = font::tree(svg)?;
    let size = tree.size().to_int_size().scale_by(SCALE).ok_or_else(|| failed("it has no size".to_string()))?;
    let mut pixels = Pixmap::new(size.width(), size.height()).ok_or_else(|| failed("it is too large".to_string()))?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| failed(error.to_string()))
}
