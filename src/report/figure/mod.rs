//! The study as a figure: a panel a test set, perplexity over what was discarded, both on logarithmic axes.
//!
//! [`svg`] draws, [`png`] renders that drawing. Nothing in a figure depends on the machine or the time.

use super::study::Test;
use super::{Meta, ReportError};

mod axis;
mod canvas;
pub mod damage;
mod ends;
mod font;
pub mod heat;
mod labels;
pub mod layers;
mod palette;
mod panel;
mod png;

use canvas::{Anchor, Canvas, Type};
use font::Weight;
use palette::{GREY, INK};
use panel::{Frame, Panel};

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

/// The figure of a study as SVG.
pub fn svg(tests: &[Test], meta: &Meta) -> Result<String, ReportError> {
    svg_shaded(tests, meta, "95% interval over windows")
}

/// The figure of a study whose rows' intervals are what `shaded` says.
pub fn svg_shaded(tests: &[Test], meta: &Meta, shaded: &str) -> Result<String, ReportError> {
    let arms = tests.iter().flat_map(|test| test.curves.iter().map(|curve| (curve.method, curve.arm)));
    let styles = palette::assign(arms);
    let panels: Vec<Panel> = tests.iter().map(|test| Panel::new(test, meta.by, &styles)).collect();
    // One size for all, so that panels can be compared by eye.
    let labels = panels.iter().map(Panel::labels_width).fold(0.0, f64::max);
    let plot_height = panels.iter().map(Panel::labels_height).fold(PLOT_HEIGHT, f64::max);
    let heading_lines = panels.iter().map(|panel| panel.heading(PANEL).len()).max().unwrap_or(1);
    let panel_height = Frame::height(plot_height, heading_lines);

    let across = panels.len().min(ACROSS);
    let down = panels.len().div_ceil(ACROSS);
    let width = 2.0 * MARGIN + across as f64 * PANEL + (across - 1) as f64 * GAP;
    let subtitle = format!("{}. Shaded: {shaded}.", meta.model);
    let header = Header::new(&meta.title, &subtitle, width - 2.0 * MARGIN);
    let height = header.height + down as f64 * panel_height + (down - 1) as f64 * GAP + MARGIN;

    canvas::draw((width, height), &meta.title, &description(tests, meta), |canvas| {
        header.paint(canvas)?;
        for (index, panel) in panels.iter().enumerate() {
            let (column, row) = ((index % ACROSS) as f64, (index / ACROSS) as f64);
            let corner = (MARGIN + column * (PANEL + GAP), header.height + row * (panel_height + GAP));
            panel.paint(canvas, &Frame::new(corner, PANEL, labels, plot_height, heading_lines))?;
        }
        Ok(())
    })
}

/// What a screen reader says after the title.
fn description(tests: &[Test], meta: &Meta) -> String {
    let panel = |test: &Test| {
        let labels: Vec<&str> = test.curves.iter().map(|curve| curve.label).collect();
        format!("{}. Curves: {}.", test.heading(), labels.join("; "))
    };
    let panels: Vec<String> = tests.iter().map(panel).collect();
    format!("Perplexity of {} over what was discarded. {}", meta.model, panels.join(" "))
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
mod tests;
