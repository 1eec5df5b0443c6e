//! The figure `training`, as the paper's Figure 3: training loss over optimiser steps, one panel per rank, one
//! line per learner.

use crate::report::figure::{Area, Canvas, CurveStyle, Grid, Legend, Plot, Point, Scale, Stroke, palette};
use crate::report::finetune::tables::losses;
use crate::report::finetune::{Learner, Study};
use crate::report::spread::{Spread, mean, spread};
use crate::report::study::ascending;
use crate::report::{Meta, ReportError};
use crate::results::StepRow;

/// Of a plot beside others, and of one alone.
const WIDTH: f64 = 560.0;
const ALONE: f64 = 980.0;
const HEIGHT: f64 = 360.0;
/// Right of a plot.
const RIGHT: f64 = 24.0;
/// Markers along a line.
const MARKERS: usize = 5;

struct Line<'a> {
    label: &'a str,
    method: &'a str,
    /// The same for learners that differ in rank only.
    family: String,
    /// Step, and the loss over seeds.
    points: Vec<(f64, Spread)>,
}

pub fn svg(study: &Study, meta: &Meta) -> Result<String, ReportError> {
    let row = [panels(study)];
    let every = || row.iter().flatten().flat_map(|(_, lines)| lines);
    let points = || every().flat_map(|line| &line.points);
    if points().next().is_none() {
        return Err(ReportError::Empty);
    }
    let styles = palette::assign(every().map(|line| (line.method, line.family.as_str())));
    let style = |line: &Line| palette::find(&styles, &line.family);
    // One size and one pair of axes for all, so that ranks can be compared.
    let x = Scale::linear(points().map(|point| point.0).chain([0.0]));
    let y = Scale::log(points().flat_map(|(_, spread)| spread.ends()));
    let width = if row[0].len() == 1 { ALONE } else { WIDTH };
    let legend =
        |lines: &[Line]| Legend::new(lines.iter().map(|line| (line.label, style(line))), width + 0.5 * Plot::LEFT);
    let below = row[0].iter().map(|(_, lines)| legend(lines).height).fold(0.0, f64::max);
    let names: Vec<&str> = every().map(|line| line.label).collect();
    let description = format!("Training loss over optimiser steps. Lines: {}.", names.join("; "));
    let panel = (Plot::LEFT + width + RIGHT, Plot::HEADING + HEIGHT + Plot::BELOW + below);
    let (grid, none) = (Grid { rows: &row, panel, gap: 0.0 }, std::iter::empty());
    grid.draw(meta, [&caption(study), &description], none, |canvas, (heading, lines), corner| {
        let area = Area::new((corner.0 + Plot::LEFT, corner.1 + Plot::HEADING), width, HEIGHT);
        let plot = Plot { area, x, y };
        plot.paint(canvas, heading, "optimiser step", "training loss, nats per response token");
        lines.iter().for_each(|line| paint_band(canvas, &plot, line, style(line)));
        for (number, line) in lines.iter().enumerate() {
            let finite = line.points.iter().filter(|(_, loss)| loss.mean.is_finite() && loss.mean > 0.0);
            let path: Vec<Point> = finite.map(|(step, loss)| plot.at((*step, loss.mean))).collect();
            canvas.line(&path, Stroke::of(style(line), 2.0));
            canvas.markers(&path, MARKERS, (number as f64 + 0.5) / lines.len() as f64, style(line));
        }
        legend(lines).paint(canvas, (area.left - 0.5 * Plot::LEFT, area.bottom + Plot::BELOW));
    })
}

/// How to read it.
pub fn caption(study: &Study) -> String {
    let of = match window(study.all.steps) {
        1 => "Training loss of every batch".to_string(),
        width => format!("Training loss of the batches, as a running mean over {width} steps"),
    };
    match study.seeds() {
        1 => format!("{of}."),
        seeds => format!("{of}: the mean over {seeds} seeds; shaded: ± one standard deviation over the seeds."),
    }
}

/// Steps that a running mean covers: a twentieth of a run.
fn window(steps: &[StepRow]) -> usize {
    let last = steps.iter().map(|step| step.step).max().unwrap_or(0) as usize;
    (last / 20).max(1)
}

/// One panel per rank, the largest first; learners without a rank (full fine-tuning) are in each.
fn panels<'a>(study: &Study<'a>) -> Vec<(String, Vec<Line<'a>>)> {
    let mut ranks = ascending(study.learners.iter().map(|learner| learner.row.rank).filter(Option::is_some));
    ranks.reverse();
    if ranks.is_empty() {
        ranks.push(None);
    }
    let panel = |rank: Option<u32>| {
        let of_rank = study.learners.iter().filter(|learner| learner.row.rank.is_none() || learner.row.rank == rank);
        let heading = rank.map_or(String::new(), |rank| format!("r = {rank}"));
        (heading, of_rank.filter_map(|learner| line(study.all.steps, learner)).collect())
    };
    ranks.into_iter().map(panel).collect()
}

fn line<'a>(steps: &[StepRow], learner: &Learner<'a>) -> Option<Line<'a>> {
    let width = window(steps);
    let runs = losses(steps, &learner.row.learner).into_iter().map(|(_, run)| running_mean(&run, width));
    let smooth: Vec<Vec<f64>> = runs.filter(|run| !run.is_empty()).collect();
    let points = (0..smooth.iter().map(Vec::len).min()?).map(|at| {
        // A window stands at its middle; steps count from 1.
        (at as f64 + 0.5 * (width + 1) as f64, spread(&smooth.iter().map(|run| run[at]).collect::<Vec<_>>()))
    });
    let (label, method) = (&learner.row.label, &learner.row.method);
    Some(Line { label, method, family: learner.family(), points: points.collect() })
}

/// Means over every whole window.
fn running_mean(values: &[f64], width: usize) -> Vec<f64> {
    values.windows(width).map(|window| mean(window.iter().copied())).collect()
}

/// One standard deviation around a line; none of a single seed.
fn paint_band(canvas: &Canvas, plot: &Plot, line: &Line, style: CurveStyle) {
    let ends = line.points.iter().map(|(step, loss)| (*step, loss.ends()));
    let known = ends.filter(|(_, [_, low, high])| high.is_finite() && *low > 0.0);
    let (upper, lower): (Vec<Point>, Vec<Point>) =
        known.map(|(step, [_, low, high])| (plot.at((step, high)), plot.at((step, low)))).unzip();
    if upper.len() > 1 {
        canvas.band(&upper, &lower, style.colour);
    }
}

#[cfg(test)]
mod tests;
