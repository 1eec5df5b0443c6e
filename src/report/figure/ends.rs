//! The labels right of a panel's plot, each at the end of its line: what they say, what room they need, how they look.

use super::labels::{self, Wish};
use super::panel::{Painter, Panel};
use super::{Anchor, CurveStyle, GREY, INK, Point, Stroke, Type};

const LABEL: Type = Type::regular(17.0, INK);

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
struct End {
    lines: Vec<String>,
    style: Option<CurveStyle>,
    from: Point,
}

impl Panel {
    /// Width that the labels need right of the plot.
    pub fn labels_width(&self) -> f64 {
        LEADER + SAMPLE + SAMPLE_GAP + LABEL.widest(self.texts().iter().flatten().map(String::as_str))
    }

    /// Height that the labels need.
    pub fn labels_height(&self) -> f64 {
        self.texts().iter().map(|lines| label_height(lines)).sum()
    }

    /// Lines of every label: the curves', then the undamaged model's if there is one.
    fn texts(&self) -> Vec<Vec<String>> {
        let labels = self.content.lines.iter().map(|line| line.label.clone());
        labels.chain(self.content.undamaged_label()).map(|text| balanced(&text)).collect()
    }
}

impl Painter<'_, '_> {
    fn ends(&self) -> Vec<End> {
        let content = &self.panel.content;
        let curves = content.lines.iter().enumerate().map(|(index, line)| {
            let (point, reading) = line.points.last()?;
            Some((Some(line.style), self.place(index, *point, *reading)))
        });
        let undamaged = content.undamaged.map(|reading| {
            let (_, y) = self.at(0.0, reading.perplexity);
            Some((None, (self.plot.right, y)))
        });
        let ends = curves.chain(undamaged).zip(self.panel.texts());
        ends.filter_map(|(end, lines)| end.map(|(style, from)| End { lines, style, from })).collect()
    }

    /// Paints the labels and the leaders to them.
    pub fn paint_labels(&self) {
        let (ends, right) = (self.ends(), self.plot.right);
        let wish = |end: &End| Wish { at: end.from.1, height: label_height(&end.lines) };
        let wishes: Vec<Wish> = ends.iter().map(wish).collect();
        let middles = labels::spread(&wishes, self.plot.top, self.plot.bottom);
        let x = right + LEADER;
        for (End { lines, style, from }, y) in ends.into_iter().zip(middles) {
            // Straight out of the plot first, then slanted: leaders do not run through each other's markers.
            let start = if style.is_some() { from.0 + 7.0 } else { from.0 };
            let colour = style.map_or(GREY, |style| style.colour);
            let leader = [(start, from.1), ((right + 4.0).max(start), from.1), (x - 3.0, y)];
            self.canvas.line(&leader, Stroke::solid(colour, 0.75));
            match style {
                Some(style) => self.canvas.sample((x, y), SAMPLE, style),
                None => self.canvas.line(&[(x, y), (x + SAMPLE, y)], Stroke::UNDAMAGED),
            }
            for (index, line) in lines.iter().enumerate() {
                let offset = (index as f64 - 0.5 * (lines.len() - 1) as f64) * LABEL_LINE;
                self.canvas.text(line, (x + SAMPLE + SAMPLE_GAP, y + offset), Anchor::Start, LABEL);
            }
        }
    }
}

fn label_height(lines: &[String]) -> f64 {
    lines.len() as f64 * LABEL_LINE + LABEL_GAP
}

/// Wraps into as few lines as the limit allows, before a parenthesis if that will do, else of about equal length.
fn balanced(text: &str) -> Vec<String> {
    let widest = LABEL.wrap(text, LABEL_LIMIT);
    if widest.len() == 2
        && let Some(at) = text.find(" (")
    {
        let (before, after) = text.split_at(at);
        let parts = [LABEL.wrap(before, LABEL_LIMIT), LABEL.wrap(after, LABEL_LIMIT)].concat();
        if parts.len() == 2 {
            return parts;
        }
    }
    // Down to 40 units.
    let narrower = (1..=32).map(|step| LABEL.wrap(text, LABEL_LIMIT - 4.0 * f64::from(step)));
    let as_few = narrower.take_while(|lines| lines.len() <= widest.len()).last();
    as_few.unwrap_or(widest)
}
