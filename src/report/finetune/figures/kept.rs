//! The figure `kept`: the task learned against the knowledge kept, one panel per measure of knowledge, one point
//! per learner.

use super::{Kind, Learner, Measure, Study};
use crate::report::figure::{
    Anchor, Area, Canvas, CurveStyle, GREY, Grid, Plot, Point, Scale, Shape, Stroke, Type, Weight, palette,
};
use crate::report::spread::{Spread, spread};
use crate::report::{Meta, ReportError};
use crate::results::TrainedRow;

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 340.0;
const RIGHT: f64 = 24.0;
/// Panels beside each other.
const ACROSS: usize = 3;
/// Share of questions answered below which answers are too few to show by exact match.
const ANSWERED: f64 = 0.05;

const NOTE: Type = Type { size: 15.0, colour: GREY, weight: Weight::Regular };

/// The figure as SVG.
pub fn svg(study: &Study, meta: &Meta) -> Result<String, ReportError> {
    let subtitle = format!("{}. {}", meta.model, caption(study));
    let task = *readable(study, &study.all.tested.task).first().ok_or(ReportError::Empty)?;
    let knowledge = readable(study, &study.all.tested.knowledge);
    if knowledge.is_empty() {
        return Err(ReportError::Empty);
    }
    let rows = || study.learners.iter().map(|learner| learner.row);
    let styles = palette::assign(rows().map(|row| (row.method.as_str(), row.learner.as_str())));
    let names: Vec<&str> = knowledge.iter().map(|measure| measure.name).collect();
    let description = format!("Task learned against knowledge kept: {}.", names.join("; "));
    let legend = rows().filter_map(|row| Some((row.label.as_str(), palette::find(&styles, &row.learner)?)));
    let panel = (Plot::LEFT + WIDTH + RIGHT, Plot::HEADING + HEIGHT + Plot::BELOW);
    let (across, down) = (knowledge.len().min(ACROSS), knowledge.len().div_ceil(ACROSS));
    Grid { across, down, panel, gap: 0.0 }.draw(meta, [&subtitle, &description], legend, |canvas, at, corner| {
        let Some(knowledge) = knowledge.get(at.0 * ACROSS + at.1) else { return Ok(()) };
        paint(canvas, corner, study, [task, *knowledge], &styles)
    })
}

/// How to read it.
pub fn caption(study: &Study) -> String {
    let seeds = match study.seeds() {
        1 => "One point per learner".to_string(),
        seeds => format!(
            "One point per learner: the mean over {seeds} seeds, with one standard deviation in each direction; dots are seeds"
        ),
    };
    format!(
        "Right: more of the task learned; up: more knowledge kept (the axes of losses and perplexities are reversed). \
         {seeds}. Dashed: the knowledge of the untrained model."
    )
}

/// For each name the measure that reads best: exact match where some learner answers at least 5%, else the loss.
fn readable<'a>(study: &Study<'a>, names: &[String]) -> Vec<Measure<'a>> {
    let of_name = |name: &String| {
        let all: Vec<Measure> = study.named(std::slice::from_ref(name)).collect();
        let exact = |measure: &&Measure| measure.kind == Kind::ExactMatch;
        let answered = |measure: &&Measure| {
            let values = study.everyone().flat_map(|learner| learner.values(**measure));
            exact(measure) && values.fold(0.0, f64::max) >= ANSWERED
        };
        let found = all.iter().find(answered).or(all.iter().find(|measure| !exact(measure)));
        found.or(all.first()).copied()
    };
    names.iter().filter_map(of_name).collect()
}

/// Both measures of a learner, as shown, by seed.
fn seeds(learner: &Learner, [task, knowledge]: [Measure; 2]) -> Vec<Point> {
    let pair = |row: &TrainedRow| {
        let other = learner.of(knowledge).find(|other| other.seed == row.seed)?;
        Some((task.shown(row.value), knowledge.shown(other.value)))
    };
    learner.of(task).filter_map(pair).collect()
}

/// Of the task and of the knowledge.
fn spreads(seeds: &[Point]) -> [Spread; 2] {
    let of = |part: fn(&Point) -> f64| spread(&seeds.iter().map(part).collect::<Vec<_>>());
    [of(|seed| seed.0), of(|seed| seed.1)]
}

fn scale(measure: Measure, values: impl Iterator<Item = f64>) -> Scale {
    let scale = if measure.kind == Kind::Loss { Scale::log(values) } else { Scale::linear(values) };
    // Less of a loss is better: then the axis runs backwards.
    scale.reversed(measure.kind != Kind::ExactMatch)
}

fn paint(
    canvas: &Canvas,
    corner: Point,
    study: &Study,
    measures: [Measure; 2],
    styles: &[(&str, CurveStyle)],
) -> Result<(), ReportError> {
    let point = |learner: &Learner| Some((seeds(learner, measures), palette::find(styles, &learner.row.learner)?));
    let points: Vec<(Vec<Point>, CurveStyle)> = study.learners.iter().filter_map(point).collect();
    let untrained = seeds(&study.untrained, measures).first().copied();
    let values = |part: usize| {
        let of = move |(seeds, _): &(Vec<Point>, CurveStyle)| {
            let own: Vec<f64> = seeds.iter().map(|seed| [seed.0, seed.1][part]).collect();
            spreads(seeds)[part].ends().into_iter().chain(own)
        };
        points.iter().flat_map(of)
    };
    let [task, knowledge] = measures;
    let plot = Plot {
        area: Area::new((corner.0 + Plot::LEFT, corner.1 + Plot::HEADING), WIDTH, HEIGHT),
        // The untrained model's task score is far off and would press all points together: it does not count.
        x: scale(task, values(0)),
        y: scale(knowledge, values(1).chain(untrained.map(|(_, knowledge)| knowledge))),
    };
    plot.paint(canvas, knowledge.name, &task.heading(), &knowledge.heading())?;
    untrained.map_or(Ok(()), |untrained| paint_untrained(canvas, &plot, untrained))?;
    points.iter().try_for_each(|(seeds, style)| paint_spread(canvas, &plot, seeds, *style))?;
    // Above all spreads.
    for (seeds, style) in &points {
        let at = plot.at(spreads(seeds).map(|spread| spread.mean).into());
        if plot.area.holds(at) {
            canvas.marker(at, *style)?;
        }
    }
    Ok(())
}

fn paint_untrained(canvas: &Canvas, plot: &Plot, untrained: Point) -> Result<(), ReportError> {
    let (area, at) = (&plot.area, plot.at(untrained));
    if !(area.top..=area.bottom).contains(&at.1) {
        return Ok(());
    }
    canvas.line(&[(area.left, at.1), (area.right, at.1)], Stroke::UNDAMAGED)?;
    if area.holds(at) {
        canvas.shape(at, Shape::Circle, 5.5, GREY)?;
    }
    // Below the line where there is no room above.
    let aside = if at.1 - area.top < 22.0 { 12.0 } else { -12.0 };
    canvas.text("untrained", (area.right - 6.0, at.1 + aside), Anchor::End, NOTE)
}

/// Single seeds as dots, and a standard deviation each way.
fn paint_spread(canvas: &Canvas, plot: &Plot, seeds: &[Point], style: CurveStyle) -> Result<(), ReportError> {
    let colour = style.method.colour;
    let [Spread { mean: x, deviation: across }, Spread { mean: y, deviation: along }] = spreads(seeds);
    let stroke = Stroke::solid(colour, 1.5);
    if across.is_finite() && x.is_finite() && y.is_finite() {
        canvas.line(&[plot.at((x - across, y)), plot.at((x + across, y))], stroke)?;
    }
    // A logarithmic axis ends above 0.
    if along.is_finite() && x.is_finite() && y - along > 0.0 {
        canvas.line(&[plot.at((x, y - along)), plot.at((x, y + along))], stroke)?;
    }
    for at in seeds.iter().filter(|_| seeds.len() > 1).map(|seed| plot.at(*seed)).filter(|at| plot.area.holds(*at)) {
        canvas.shape(at, Shape::Circle, 2.25, colour)?;
    }
    Ok(())
}
