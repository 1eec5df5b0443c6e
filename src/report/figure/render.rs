//! PNG and PDF from the SVG, with the figures' own font: by resvg, and by krilla as a page of the figure's size with vectors as
//! vectors and text as text.

use krilla::geom::Size;
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::{Document, SerializeSettings};
use krilla_svg::{SurfaceExt, SvgSettings};
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

/// Points a unit of the SVG, which is a pixel of CSS: 96 an inch, where points are 72.
const POINTS: f32 = 0.75;

/// Renders a figure; `title` is the document's. The same arguments give the same bytes: no date, no identity of a run.
pub fn pdf(svg: &str, title: &str) -> Result<Vec<u8>, ReportError> {
    let failed = |why: &str| ReportError::Drawing(format!("rendering the PDF failed: {why}"));
    let tree = font::tree(svg)?;
    let size = Size::from_wh(POINTS * tree.size().width(), POINTS * tree.size().height())
        .ok_or_else(|| failed("it has no size"))?;
    let mut document = Document::new_with(SerializeSettings::default());
    document.set_metadata(Metadata::new().title(title.into()).language("en".into()));
    let mut page = document.start_page_with(PageSettings::new(size));
    let mut surface = page.surface();
    surface.draw_svg(&tree, size, SvgSettings::default()).ok_or_else(|| failed("the drawing was refused"))?;
    surface.finish();
    page.finish();
    document.finish().map_err(|error| failed(&format!("{error:?}")))
}
