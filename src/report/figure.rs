//! The study's figures, and what all figures are drawn with: [`grid`] lays panels out, [`plot`] paints axes, [`canvas`] draws
//! SVG, [`render`] turns it into PNG and PDF. Nothing in a figure depends on the machine or the time.
//!
//! | figure | where it is drawn |
//! |---|---|
//! | `figure2`, the paper's Figure 2 | [`study`]; of replicates [`replicates`] |
//! | `parameters` | [`parameters`] |
//! | `heatmaps`, `spectra` | [`heat`], [`spectra`] |
//! | `kept`, `training` (the paper's Figure 3) | `finetune/figures/` |
//! | `adapters`, by block | `adapters/figure.rs` |
//! | `layers`, of a sweep over targets | `sweep/damage.rs` |

use super::study::Test;
use super::{Meta, ReportError};
use crate::spec::Published;

mod axis;
mod canvas;
mod content;
mod ends;
pub mod font;
mod grid;
pub mod heat;
mod labels;
pub mod palette;
mod panel;
pub mod plot;
mod render;
pub mod spectra;

pub use axis::{Scale, Tick};
pub use canvas::{Anchor, Canvas, Point, Stroke, Type, draw};
use content::Content;
pub use grid::{Grid, Header, Legend, MARGIN};
pub use palette::{CurveStyle, GREY, GRID, INK, Shape};
use panel::{Layout, Panel};
pub use plot::{Area, LOOK, Look, Plot};
pub use render::{pdf, png};

/// Between panels.
const GAP: f64 = 28.0;
/// Panels beside each other.
const ACROSS: usize = 2;

/// Perplexity over the components discarded, as SVG; below, dashed and on their own axes, the paper's curves if given.
pub fn study(tests: &[Test], published: Option<&Published>, meta: &Meta) -> Result<String, ReportError> {
    let dashed = published.map_or(String::new(), |paper| {
        format!(
            " Dashed: the paper's curves, of {}, other texts and other r: compare only shapes and orderings.",
            paper.model
        )
    });
    let subtitle = format!("Shaded: 95% interval over windows.{dashed}");
    sheet(beside(tests, published, meta), meta, &subtitle, "what was discarded")
}

/// Rows of panels: ours, then the paper's.
fn beside(tests: &[Test], published: Option<&Published>, meta: &Meta) -> Vec<Vec<Content>> {
    let mut styles = styles(tests);
    if published.is_some() {
        // Dashes say "published" here; markers tell the arms of a method apart.
        styles.iter_mut().for_each(|(_, style)| style.dash = None);
    }
    let ours: Vec<Content> = tests.iter().map(|test| Content::study(test, meta.by, &styles)).collect();
    let theirs: Vec<Content> = published.map_or(Vec::new(), |paper| {
        let published = paper.beside(tests.iter().map(Test::name)).into_iter();
        published.map(|test| Content::published(paper, test, tests, &styles)).collect()
    });
    ours.chunks(ACROSS).chain(theirs.chunks(ACROSS)).map(<[_]>::to_vec).collect()
}

/// Perplexity over the components discarded, with bands that are what `shaded` says.
pub fn replicates(tests: &[Test], meta: &Meta, shaded: &str) -> Result<String, ReportError> {
    sheet(beside(tests, None, meta), meta, &format!("Shaded: {shaded}."), "what was discarded")
}

/// Perplexity over the share of the linears' parameters dropped, as SVG.
pub fn parameters(tests: &[Test], meta: &Meta) -> Result<String, ReportError> {
    let styles = styles(tests);
    let panels: Vec<Content> = tests.iter().map(|test| Content::parameters(test, meta, &styles)).collect();
    let subtitle = "A d×n matrix of rank k counts k(d + n − k) parameters, its degrees of freedom. Shaded: 95% interval \
                    over windows.";
    sheet(panels.chunks(ACROSS).map(<[_]>::to_vec).collect(), meta, subtitle, "the share of parameters dropped")
}

fn styles<'a>(tests: &[Test<'a>]) -> Vec<(&'a str, CurveStyle)> {
    let rows = tests.iter().flat_map(|test| test.curves.iter().map(|curve| curve.row));
    palette::assign(rows.map(|row| (row.method.as_str(), row.arm.as_str())))
}

/// Rows of panels below a title, as SVG.
fn sheet(rows: Vec<Vec<Content>>, meta: &Meta, subtitle: &str, over: &str) -> Result<String, ReportError> {
    let description = description(rows.iter().flatten(), meta, over);
    let rows: Vec<Vec<Panel>> = rows.into_iter().map(|row| row.into_iter().map(Panel::new).collect()).collect();
    let layout = Layout::of(&rows);
    let grid = Grid { rows: &rows, panel: (panel::WIDTH, layout.height()), gap: GAP };
    grid.draw(meta, [subtitle, &description], std::iter::empty(), |canvas, panel, corner| {
        layout.paint(canvas, panel, corner);
    })
}

/// What a screen reader says after the title.
fn description<'a>(panels: impl Iterator<Item = &'a Content>, meta: &Meta, over: &str) -> String {
    let panel = |content: &Content| {
        let labels: Vec<&str> = content.lines.iter().map(|line| line.label.as_str()).collect();
        format!("{}. Curves: {}.", content.heading, labels.join("; "))
    };
    let panels: Vec<String> = panels.map(panel).collect();
    format!("Perplexity of {} over {over}. {}", meta.model, panels.join(" "))
}

#[cfg(test)]
pub(super) mod tests;
