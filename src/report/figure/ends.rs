//! The labels right of a panel's plot, each at the end of its line: what they say, what room they need, how they look.

use super::super::ReportError;
use super::labels::{self, Wish};
use super::panel::{Frame, Panel};
use super::{Anchor, Canvas, CurveStyle, GREY, INK, Point, Stroke, Type, Weight, font};

const LABEL: Type = Type { size: 17.0, colour: INK, weight: Weight::Regular };

/// Height of a line of a label.
const LABEL_LINE: f64 = 21.0;
/// Between labels.
const LABEL_GAP: f64 = 7.0;
/// No label is wider, unless a single word is.
const LABEL_LIMIT: f64 = 168.0;
/// From the plot to the labels: room for leader lines.
const LEADER: f64 = 22.0;
/// The sample of line and marker before a label's text, and the gap after it.
const SAMPLE: f64 = 36.0;
const SAMPLE_GAP: f64 = 7.0;

/// A label and where its line ends.
struct End<'a> {
    lines: Vec<String>,
    style: Option<&'a CurveStyle>,
    from: Point,
}

impl Panel {
    /// Width that the labels need right of the plot.
    pub fn labels_width(&self) -> f64 {
        let texts = self.texts().into_iter().flatten();
        let widest = texts.map(|line| font::width(&line, LABEL.size, LABEL.weight)).fold(0.0, f64::max);
        LEADER + SAMPLE + SAMPLE_GAP + widest
    }

    /// Height that the labels need.
    pub fn labels_height(&self) -> f64 {
        self.texts().iter().map(|lines| label_height(lines)).sum()
    }

    /// Lines of every label: the curves', then the undamaged model's if there is one.
    fn texts(&self) -> Vec<Vec<String>> {
        let labels = self.content.lines.iter().map(|line| line.label.clone());
        labels.chain(self.content.undamaged_label()).map(|text| balanced(&text, LABEL_LIMIT)).collect()
    }

    fn ends(&self, frame: &Frame) -> Vec<End<'_>> {
        let mut texts = self.texts().into_iter();
        let mut ends = Vec::new();
        for ((index, line), lines) in self.content.lines.iter().enumerate().zip(texts.by_ref()) {
            let Some((point, reading)) = line.points.last() else { continue };
            ends.push(End { lines, style: Some(&line.style), from: self.place(frame, index, *point, *reading) });
        }
        if let (Some(reading), Some(lines)) = (self.content.undamaged, texts.next()) {
            ends.push(End { lines, style: None, from: (frame.plot.right, self.y_of(frame, reading.perplexity)) });
        }
        ends
    }

    /// Paints the labels and the leaders to them.
    pub fn paint_labels(&self, canvas: &Canvas, frame: &Frame) -> Result<(), ReportError> {
        let ends = self.ends(frame);
        let wishes: Vec<Wish> =
            ends.iter().map(|end| Wish { at: end.from.1, height: label_height(&end.lines) }).collect();
        let middles = labels::spread(&wishes, frame.plot.top, frame.plot.bottom);
        let x = frame.plot.right + LEADER;
        for (end, y) in ends.iter().zip(middles) {
            // Straight out of the plot first, then slanted: leaders do not run through each other's markers.
            let start = if end.style.is_some() { end.from.0 + 7.0 } else { end.from.0 };
            let turn = (frame.plot.right + 4.0).max(start);
            let colour = end.style.map_or(GREY, |style| style.method.colour);
            canvas.line(&[(start, end.from.1), (turn, end.from.1), (x - 3.0, y)], Stroke::solid(colour, 0.75))?;
            match end.style {
                Some(style) => {
                    canvas.line(&[(x, y), (x + SAMPLE, y)], Stroke::of(*style, 2.25))?;
                    canvas.marker((x + 0.5 * SAMPLE, y), *style)?;
                }
                None => canvas.line(&[(x, y), (x + SAMPLE, y)], Stroke::UNDAMAGED)?,
            }
            for (index, line) in end.lines.iter().enumerate() {
                let offset = (index as f64 - 0.5 * (end.lines.len() - 1) as f64) * LABEL_LINE;
                canvas.text(line, (x + SAMPLE + SAMPLE_GAP, y + offset), Anchor::Start, LABEL)?;
            }
        }
        Ok(())
    }
}

fn label_height(lines: &[String]) -> f64 {
    lines.len() as f64 * LABEL_LINE + LABEL_GAP
}

/// Wraps into as few lines as the limit allows, before a parenthesis if that will do, else of about equal length.
fn balanced(text: &str, limit: f64) -> Vec<String> {
    let wrap = |text: &str, limit| font::wrap(text, LABEL.size, LABEL.weight, limit);
    let mut best = wrap(text, limit);
    let count = best.len();
    if count == 2
        && let Some((before, _)) = text.split_once(" (")
    {
        let (before, after) = text.split_at(before.len());
        let parts = [wrap(before, limit), wrap(after, limit)].concat();
        if parts.len() == count {
            return parts;
        }
    }
    let mut width = limit;
    while width > 40.0 {
        width -= 4.0;
        let narrower = wrap(text, width);
        if narrower.len() > count {
            break;
        }
        best = narrower;
    }
    best
}
