//! The study as figures: a panel a test set, perplexity over what was discarded, both on logarithmic axes.
//!
//! [`study`] and [`parameters`] draw SVG, [`png()`] and [`pdf()`] render a drawing. Nothing in a figure depends on the
//! machine or the time.

use super::published::Published;
use super::study::Test;
use super::{Meta, ReportError};

mod axis;
mod canvas;
mod content;
pub mod damage;
mod ends;
mod font;
pub mod heat;
pub mod kept;
mod labels;
pub mod layers;
mod legend;
mod palette;
mod panel;
mod pdf;
mod plot;
mod png;
mod scale;
pub mod spectra;
pub mod training;

use canvas::{Anchor, Canvas, Type};
use content::Content;
use font::Weight;
use palette::{CurveStyle, GREY, INK};
use panel::{Frame, Panel};

pub use pdf::pdf;
pub use png::png;

/// Around everything.
const MARGIN: f64 = 20.0;
/// Between panels.
const GAP: f64 = 28.0;
/// A panel's width, labels included.
const PANEL: f64 = 668.0;
/// Panels beside each other.
const ACROSS: usize = 2;
/// Of a plot, without headings and axes; more where labels need more.
const PLOT_HEIGHT: f64 = 430.0;

const TITLE: Type = Type { size: 24.0, colour: INK, weight: Weight::Bold };
const SUBTITLE: Type = Type { size: 17.0, colour: GREY, weight: Weight::Regular };
const LINE: f64 = 1.3;

/// Perplexity over the components discarded, as SVG; below, dashed and on their own axes, the paper's curves if given.
pub fn study(tests: &[Test], published: Option<&Published>, meta: &Meta) -> Result<String, ReportError> {
    let mut subtitle = format!("{}. Shaded: 95% interval over windows.", meta.model);
    if let Some(paper) = published {
        subtitle += &format!(
            " Dashed: the paper's curves, of {}, other texts and other r: only shapes and orderings compare.",
            paper.model
        );
    }
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
    let theirs = published.map_or(Vec::new(), |paper| {
        let published = paper.beside(tests.iter().map(Test::name)).into_iter();
        published.map(|test| Content::published(paper, test, tests, &styles)).collect::<Vec<_>>()
    });
    ours.chunks(ACROSS).chain(theirs.chunks(ACROSS)).map(<[_]>::to_vec).collect()
}

/// Perplexity over the components discarded, with bands that are what `shaded` says.
pub fn replicates(tests: &[Test], meta: &Meta, shaded: &str) -> Result<String, ReportError> {
    let styles = styles(tests);
    let panels: Vec<Content> = tests.iter().map(|test| Content::study(test, meta.by, &styles)).collect();
    let subtitle = format!("{}. Shaded: {shaded}.", meta.model);
    sheet(panels.chunks(ACROSS).map(<[_]>::to_vec).collect(), meta, &subtitle, "what was discarded")
}

/// Perplexity over the share of the linears' parameters dropped, as SVG.
pub fn parameters(tests: &[Test], meta: &Meta) -> Result<String, ReportError> {
    let styles = styles(tests);
    let panels: Vec<Content> = tests.iter().map(|test| Content::parameters(test, meta, &styles)).collect();
    let subtitle = format!(
        "{}. A d×n matrix of rank k counts k(d + n − k) parameters, its degrees of freedom. Shaded: 95% interval over windows.",
        meta.model
    );
    sheet(panels.chunks(ACROSS).map(<[_]>::to_vec).collect(), meta, &subtitle, "the share of parameters dropped")
}

fn styles<'a>(tests: &[Test<'a>]) -> Vec<(&'a str, CurveStyle)> {
    palette::assign(tests.iter().flat_map(|test| test.curves.iter().map(|curve| (curve.method, curve.arm))))
}

/// Rows of panels below a title, as SVG.
fn sheet(rows: Vec<Vec<Content>>, meta: &Meta, subtitle: &str, over: &str) -> Result<String, ReportError> {
    let description = description(rows.iter().flatten(), meta, over);
    let rows: Vec<Vec<Panel>> = rows.into_iter().map(|row| row.into_iter().map(Panel::new).collect()).collect();
    let panels = || rows.iter().flatten();
    // One size for all, so that panels can be compared by eye.
    let labels = panels().map(Panel::labels_width).fold(0.0, f64::max);
    let plot_height = panels().map(Panel::labels_height).fold(PLOT_HEIGHT, f64::max);
    let heading_lines = panels().map(|panel| panel.heading(PANEL).len()).max().unwrap_or(1);
    let panel_height = Frame::height(plot_height, heading_lines);

    let across = rows.iter().map(Vec::len).max().unwrap_or(1) as f64;
    let down = rows.len() as f64;
    let width = 2.0 * MARGIN + across * PANEL + (across - 1.0) * GAP;
    let header = Header::new(&meta.title, subtitle, width - 2.0 * MARGIN);
    let height = header.height + down * panel_height + (down - 1.0) * GAP + MARGIN;
    canvas::draw((width, height), &meta.title, &description, |canvas| {
        header.paint(canvas)?;
        for (row, panels) in rows.iter().enumerate() {
            for (column, panel) in panels.iter().enumerate() {
                let (column, row) = (column as f64, row as f64);
                let corner = (MARGIN + column * (PANEL + GAP), header.height + row * (panel_height + GAP));
                panel.paint(canvas, &Frame::new(corner, PANEL, labels, plot_height, heading_lines))?;
            }
        }
        Ok(())
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

/// Title and subtitle above the panels.
struct Header {
    title: Vec<String>,
    subtitle: Vec<String>,
    height: f64,
}

impl Header {
    fn new(title: &str, subtitle: &str, width: f64) -> Self {
        let title = font::wrap(title, TITLE.size, TITLE.weight, width);
        let subtitle = font::wrap(subtitle, SUBTITLE.size, SUBTITLE.weight, width);
        let height =
            MARGIN + LINE * (TITLE.size * title.len() as f64 + SUBTITLE.size * subtitle.len() as f64) + 0.7 * MARGIN;
        Self { title, subtitle, height }
    }

    fn paint(&self, canvas: &Canvas) -> Result<(), ReportError> {
        let lines =
            self.title.iter().map(|line| (line, TITLE)).chain(self.subtitle.iter().map(|line| (line, SUBTITLE)));
        let mut y = MARGIN;
        for (line, look) in lines {
            canvas.text(line, (MARGIN, y + 0.5 * LINE * look.size), Anchor::Start, look)?;
            y += LINE * look.size;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests;
