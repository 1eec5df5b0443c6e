//! The figure `adapters`: what adapters carry, block by block, on logarithmic axes; one column per rank, one row per measure, one
//! line per arm.

use super::{Group, groups, texts};
use crate::report::figure::{Anchor, Area, Canvas, CurveStyle, Grid, LOOK, Point, Scale, Stroke, Tick, palette, plot};
use crate::report::spread::mean;
use crate::report::study::ascending;
use crate::report::{Meta, ReportError};
use crate::results::AdapterRow;

const WIDTH: f64 = 330.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 84.0;
const BELOW: f64 = 58.0;
const HEADING: f64 = 30.0;

/// What a row of panels shows of a linear.
type Measure<'a> = Box<dyn Fn(&AdapterRow) -> Option<f64> + 'a>;

/// A line: an arm at a rank, one value per block.
struct Line<'a> {
    /// Any row of the arm.
    of: &'a AdapterRow,
    values: Vec<(u32, f64)>,
}

/// The arms of a rank by one measure.
struct Panel<'a> {
    heading: String,
    /// What the measure is called, left of the first panel of its row.
    title: Option<&'a str>,
    y: Scale,
    lines: Vec<Line<'a>>,
}

pub fn svg(adapters: &[AdapterRow], meta: &Meta) -> Result<String, ReportError> {
    let measures = measures(adapters);
    let rows: Vec<Vec<Panel>> = measures.iter().map(|(title, measure)| row(adapters, title, measure)).collect();
    let drawn = || rows.iter().flatten().flat_map(|panel| &panel.lines).map(|line| line.of);
    let styles = palette::assign(drawn().map(|row| (row.method.as_str(), row.arm.as_str())));
    let titles: Vec<&str> = measures.iter().map(|(title, _)| title.as_str()).collect();
    let description = format!("By block: {}.", titles.join("; "));
    let subtitle = "What adapters carry: means over the linears of a block.";
    let legend = drawn().map(|row| (row.label.as_str(), palette::find(&styles, &row.arm)));
    let grid = Grid { rows: &rows, panel: (LEFT + WIDTH, HEADING + HEIGHT + BELOW), gap: 0.0 };
    grid.draw(meta, [subtitle, &description], legend, |canvas, panel, corner| paint(canvas, corner, panel, &styles))
}

/// One panel per rank.
fn row<'a>(adapters: &'a [AdapterRow], title: &'a str, measure: &Measure) -> Vec<Panel<'a>> {
    let groups = groups(adapters);
    let ranks = ascending(groups.iter().map(|group| group.components));
    let lines = |rank: &u32| -> Vec<Line> {
        let lines = groups.iter().filter(|group| group.components == *rank).map(|group| line(group, measure));
        // Plain LoRA starts at nothing, which a logarithmic axis cannot show.
        lines.filter(|line| line.values.iter().any(|(_, value)| *value > 0.0)).collect()
    };
    let panels: Vec<Vec<Line>> = ranks.iter().map(lines).collect();
    // One axis a row, so that ranks can be compared.
    let y = Scale::log(panels.iter().flatten().flat_map(|line| line.values.iter().map(|value| value.1)));
    let panel = |(column, lines)| {
        let heading = format!("r = {}", ranks[column]);
        Panel { heading, title: (column == 0).then_some(title), y, lines }
    };
    panels.into_iter().enumerate().map(panel).collect()
}

/// Energy, then the output share on each text; with their titles.
fn measures(adapters: &[AdapterRow]) -> Vec<(String, Measure<'_>)> {
    let mut all: Vec<(String, Measure)> = vec![("‖BA‖ / ‖W‖".into(), Box::new(|row| Some(row.energy)))];
    for text in texts(adapters) {
        let share = move |row: &AdapterRow| row.output_share.filter(|_| row.text.as_deref() == Some(text));
        all.push((format!("output share, {text}"), Box::new(share)));
    }
    all
}

fn line<'a>(group: &Group<'a>, measure: &Measure) -> Line<'a> {
    let at = |layer: u32| mean(group.rows.iter().filter(|row| row.layer == layer).filter_map(|row| measure(row)));
    let layers = ascending(group.rows.iter().map(|row| row.layer));
    Line { of: group.rows[0], values: layers.into_iter().map(|layer| (layer, at(layer))).collect() }
}

/// Values of 0 have no place on a logarithmic axis and are left out.
fn paint(canvas: &Canvas, corner: Point, panel: &Panel, styles: &[(&str, CurveStyle)]) {
    /// Between the axes' ends and the first and last block.
    const INSET: f64 = 10.0;
    let Panel { heading, title, y, lines } = panel;
    let area = Area::new((corner.0 + LEFT, corner.1 + HEADING), WIDTH - 24.0, HEIGHT);
    canvas.text(heading, (area.left, corner.1 + 0.5 * HEADING), Anchor::Start, plot::HEADING);
    let last = lines.iter().flat_map(|line| line.values.iter().map(|value| value.0)).max().unwrap_or(0);
    let (step, width) = ((last / 5).max(1), area.right - area.left);
    let along = |block: u32| (INSET + (width - 2.0 * INSET) * f64::from(block) / f64::from(last.max(1))) / width;
    let tick = |block: u32| Tick { at: along(block), label: Some(block.to_string()) };
    area.y_ticks(canvas, &y.ticks(), &LOOK);
    area.lines(canvas);
    area.x_ticks(canvas, &(0..=last).step_by(step as usize).map(tick).collect::<Vec<_>>(), &LOOK);
    area.x_title(canvas, "block", &LOOK);
    if let Some(title) = title {
        area.y_title(canvas, title, LEFT - 12.0, &LOOK);
    }
    for line in lines {
        let style = palette::find(styles, &line.of.arm);
        for run in line.values.split(|(_, value)| !value.is_finite() || *value <= 0.0) {
            let at = |(block, value): &(u32, f64)| (area.x(along(*block)), area.y(y.fraction(*value)));
            canvas.line(&run.iter().map(at).collect::<Vec<_>>(), Stroke::of(style, 2.0));
            let marked = run.iter().filter(|(block, _)| block.is_multiple_of(step));
            marked.for_each(|point| canvas.marker(at(point), style));
        }
    }
}

#[cfg(test)]
mod tests;
