//! PDF from the SVG, by krilla: a page of the figure's size, vectors as vectors, text as text in the figures' own font.

use krilla::geom::Size;
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::{Document, SerializeSettings};
use krilla_svg::{SurfaceExt, SvgSettings};

use super::super::ReportError;
use super::font;

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
