//! The figure `kept`: the task learned against the knowledge kept, one panel per measure of knowledge, one point
//! per learner.

use crate::report::figure::{
    Anchor, Area, Canvas, CurveStyle, GREY, Grid, Plot, Point, Scale, Shape, Stroke, Type, palette,
};
use crate::report::finetune::{Kind, Learner, Measure, Study};
use crate::report::spread::{Spread, spread};
use crate::report::{Meta, ReportError};

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 340.0;
const RIGHT: f64 = 24.0;
/// Panels beside each other.
const ACROSS: usize = 3;
/// Share of questions answered below which answers are too few to show by exact match.
const ANSWERED: f64 = 0.05;

const NOTE: Type = Type::regular(15.0, GREY);

pub fn svg(study: &Study, meta: &Meta) -> Result<String, ReportError> {
    let task = *readable(study, &study.all.tested.task).first().ok_or(ReportError::Empty)?;
    let knowledge = readable(study, &study.all.tested.knowledge);
    let rows = || study.learners.iter().map(|learner| learner.row);
    let styles = palette::assign(rows().map(|row| (row.method.as_str(), row.learner.as_str())));
    let names: Vec<&str> = knowledge.iter().map(|measure| measure.name).collect();
    let description = format!("Task learned against knowledge kept: {}.", names.join("; "));
    let legend = rows().map(|row| (row.label.as_str(), palette::find(&styles, &row.learner)));
    let panel = (Plot::LEFT + WIDTH + RIGHT, Plot::HEADING + HEIGHT + Plot::BELOW);
    let panels: Vec<Vec<Measure>> = knowledge.chunks(ACROSS).map(<[_]>::to_vec).collect();
    let grid = Grid { rows: &panels, panel, gap: 0.0 };
    grid.draw(meta, [&caption(study), &description], legend, |canvas, knowledge, corner| {
        paint(canvas, corner, study, [task, *knowledge], &styles);
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
    let pairs = learner.beside(task, learner, knowledge).into_iter();
    pairs.map(|(x, y)| (task.shown(x), knowledge.shown(y))).collect()
}

fn scale(measure: Measure, values: impl Iterator<Item = f64>) -> Scale {
    let scale = if measure.kind == Kind::Loss { Scale::log(values) } else { Scale::linear(values) };
    // Less of a loss is better: then the axis runs backwards.
    scale.reversed(measure.kind != Kind::ExactMatch)
}

/// A learner by both measures: seed by seed, and over the seeds.
struct Learned {
    seeds: Vec<Point>,
    task: Spread,
    knowledge: Spread,
    style: CurveStyle,
}

impl Learned {
    fn new(learner: &Learner, measures: [Measure; 2], styles: &[(&str, CurveStyle)]) -> Self {
        let seeds = seeds(learner, measures);
        let over = |part: fn(&Point) -> f64| spread(&seeds.iter().map(part).collect::<Vec<_>>());
        let (task, knowledge) = (over(|seed| seed.0), over(|seed| seed.1));
        Self { task, knowledge, style: palette::find(styles, &learner.row.learner), seeds }
    }
}

fn paint(canvas: &Canvas, corner: Point, study: &Study, measures: [Measure; 2], styles: &[(&str, CurveStyle)]) {
    let learned: Vec<Learned> = study.learners.iter().map(|it| Learned::new(it, measures, styles)).collect();
    let untrained = seeds(&study.untrained, measures).first().copied();
    let along = learned.iter().flat_map(|it| it.task.ends().into_iter().chain(it.seeds.iter().map(|seed| seed.0)));
    let up = learned.iter().flat_map(|it| it.knowledge.ends().into_iter().chain(it.seeds.iter().map(|seed| seed.1)));
    let [task, knowledge] = measures;
    let plot = Plot {
        area: Area::new((corner.0 + Plot::LEFT, corner.1 + Plot::HEADING), WIDTH, HEIGHT),
        // The untrained model's task score is far off and would press all points together: it does not count.
        x: scale(task, along),
        y: scale(knowledge, up.chain(untrained.map(|(_, knowledge)| knowledge))),
    };
    plot.paint(canvas, knowledge.name, &task.heading(), &knowledge.heading());
    if let Some(untrained) = untrained {
        paint_untrained(canvas, &plot, untrained);
    }
    learned.iter().for_each(|learned| paint_spread(canvas, &plot, learned));
    // Above all spreads.
    let means = learned.iter().map(|it| (plot.at((it.task.mean, it.knowledge.mean)), it.style));
    means.filter(|(at, _)| plot.area.holds(*at)).for_each(|(at, style)| canvas.marker(at, style));
}

fn paint_untrained(canvas: &Canvas, plot: &Plot, untrained: Point) {
    let (area, at) = (&plot.area, plot.at(untrained));
    if !(area.top..=area.bottom).contains(&at.1) {
        return;
    }
    canvas.line(&[(area.left, at.1), (area.right, at.1)], Stroke::UNDAMAGED);
    if area.holds(at) {
        canvas.shape(at, Shape::Circle, 5.5, GREY);
    }
    // Below the line where there is no room above.
    let aside = if at.1 - area.top < 22.0 { 12.0 } else { -12.0 };
    canvas.text("untrained", (area.right - 6.0, at.1 + aside), Anchor::End, NOTE);
}

/// Single seeds as dots, and a standard deviation each way.
fn paint_spread(canvas: &Canvas, plot: &Plot, Learned { seeds, task, knowledge, style }: &Learned) {
    let ([x, left, right], [y, low, high]) = (task.ends(), knowledge.ends());
    let line = |ends: [(f64, f64); 2]| canvas.line(&ends.map(|end| plot.at(end)), Stroke::solid(style.colour, 1.5));
    if right.is_finite() && y.is_finite() {
        line([(left, y), (right, y)]);
    }
    // A logarithmic axis ends above 0.
    if high.is_finite() && x.is_finite() && low > 0.0 {
        line([(x, low), (x, high)]);
    }
    for at in seeds.iter().filter(|_| seeds.len() > 1).map(|seed| plot.at(*seed)).filter(|at| plot.area.holds(*at)) {
        canvas.shape(at, Shape::Circle, 2.25, style.colour);
    }
}
