//! The tables: values over seeds, their intervals, differences to the untrained model, how training went.

use super::super::document::{Cell, Table};
use super::super::number::{self, Number};
use super::compare::{self, Spread, Told, spread};
use super::{Kind, Learner, Measure, Study};
use crate::results::{StepRow, TimingRow};

/// A table under a heading, with what to know of it.
pub struct Captioned {
    pub heading: &'static str,
    pub note: String,
    pub table: Table,
}

/// All of them, in the order of the report.
pub fn all(study: &Study) -> Vec<Captioned> {
    let seeds = study.seeds();
    let plural = if seeds == 1 { "seed" } else { "seeds" };
    let mut tables = vec![
        Captioned {
            heading: "Results",
            note: format!(
                "Mean over {seeds} {plural} ± standard deviation over seeds; {}. Best of a column, the untrained model \
                 aside: marked only where the difference to the next is told (see the claims for how). Answer loss: nats a \
                 token of the reference answers. Lower is better, but for exact match.",
                study.counts()
            ) + &failures(study),
            table: results(study),
        },
        Captioned {
            heading: "95% interval over questions and windows",
            note: "Of questions averaged over the seeds; of texts the mean over seeds of the intervals' ends; where no \
                   question, or every one, was answered as expected, the exact interval of a share.".into(),
            table: intervals(study),
        },
        Captioned {
            heading: "Difference to the untrained model",
            note: "Paired by question or window, with its 95% interval, as above: exact match in points, losses (of texts \
                   too) in nats a token."
                .into(),
            table: differences(study),
        },
    ];
    if study.all.has_steps() {
        tables.push(Captioned {
            heading: "Training",
            note: "Loss of the batches in the last quarter of the steps, nats a response token: mean over seeds ± standard \
                   deviation over seeds."
                .into(),
            table: training(study),
        });
    }
    tables
}

/// A sentence for each learner that failed.
fn failures(study: &Study) -> String {
    study.all.failures.iter().map(|failed| format!(" {} failed: {}.", failed.label, failed.why)).collect()
}

/// A learning rate as people write it.
pub fn rate(rate: f64) -> String {
    format!("{rate:e}")
}

/// A count with thousands apart.
pub fn count(value: u64) -> String {
    number::separated(&value.to_string())
}

/// A value of a measure with as many digits as it bears.
pub fn value(measure: Measure, value: f64) -> Number {
    let shown = measure.shown(value);
    match measure.kind {
        Kind::Loss => number::perplexity(shown),
        _ if !shown.is_finite() => number::perplexity(shown),
        Kind::ExactMatch => Number::Plain(format!("{shown:.1}")),
        Kind::AnswerLoss => Number::Plain(format!("{shown:.3}")),
    }
}

/// A share lies between 0 and 1, whatever t says of its interval's ends.
pub fn within(measure: Measure, end: f64) -> f64 {
    if measure.kind == Kind::ExactMatch { end.clamp(0.0, 1.0) } else { end }
}

/// A difference of a measure: points of exact match, nats.
pub fn signed(measure: Measure, difference: f64) -> String {
    if measure.kind != Kind::ExactMatch || !difference.is_finite() {
        return number::nats(difference);
    }
    let points = 100.0 * difference;
    if points.abs() < 0.05 { "0.0".into() } else { format!("{points:+.1}") }
}

/// Mean and deviation over seeds as a cell: of perplexities, not of the losses behind them.
pub fn over_seeds(measure: Measure, values: &[f64]) -> Cell {
    if values.is_empty() {
        return Cell::Absent;
    }
    let shown: Vec<f64> = values.iter().map(|value| measure.shown(*value)).collect();
    let Spread { mean, deviation } = spread(&shown);
    let text = |value: f64| match measure.kind {
        Kind::Loss => number::perplexity(value),
        _ if !value.is_finite() => number::perplexity(value),
        Kind::ExactMatch => Number::Plain(format!("{value:.1}")),
        Kind::AnswerLoss => Number::Plain(format!("{value:.3}")),
    };
    Cell::Spread(text(mean), text(deviation))
}

fn results(study: &Study) -> Table {
    let mut columns = vec!["trained parameters".to_string(), "learning rate".into()];
    columns.extend(study.measures.iter().map(Measure::heading));
    let best: Vec<Option<&str>> = study.measures.iter().map(|measure| best(study, *measure)).collect();
    let row = |learner: &Learner| {
        let of = learner.row;
        let untrained = of.method == "none";
        let mut cells = vec![
            if untrained { Cell::Absent } else { Cell::Text(count(of.parameters)) },
            of.rate.map_or(Cell::Absent, |value| Cell::Text(rate(value))),
        ];
        cells.extend(study.measures.iter().zip(&best).map(|(measure, best)| {
            let cell = over_seeds(*measure, &learner.values(*measure));
            if *best == Some(of.learner.as_str()) { Cell::Best(Box::new(cell)) } else { cell }
        }));
        (of.label.clone(), cells)
    };
    // A learner that failed has its place, not numbers.
    let failed = study.all.failures.iter().map(|failed| {
        let cells =
            std::iter::once(Cell::Text("failed".into())).chain(columns.iter().skip(1).map(|_| Cell::Absent)).collect();
        (failed.label.clone(), cells)
    });
    let rows = study.everyone().map(row).chain(failed).collect();
    Table { columns, rows }
}

/// The learner whose value is best, if the difference to the next is told.
fn best<'a>(study: &Study<'a>, measure: Measure) -> Option<&'a str> {
    let mean = |learner: &Learner| spread(&learner.values(measure)).mean;
    let mut order: Vec<(&Learner, f64)> =
        study.learners.iter().map(|learner| (learner, measure.goodness(mean(learner)))).collect();
    order.retain(|(_, goodness)| goodness.is_finite());
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let [(first, _), (next, _), ..] = order[..] else { return None };
    let found = compare::difference(study.all.answers, first, next, measure)?;
    (found.told == Told::Better).then_some(first.row.learner.as_str())
}

/// A row a learner, a column a measure.
fn by_measure<'a>(
    study: &Study<'a>,
    learners: impl Iterator<Item = &'a Learner<'a>>,
    cell: impl Fn(&Learner, Measure) -> Cell,
) -> Table {
    let row = |learner: &Learner| {
        let cells = study.measures.iter().map(|measure| cell(learner, *measure)).collect();
        (learner.row.label.clone(), cells)
    };
    Table { columns: study.measures.iter().map(Measure::heading).collect(), rows: learners.map(row).collect() }
}

fn intervals<'a>(study: &'a Study<'a>) -> Table {
    by_measure(study, study.everyone(), |learner, measure| {
        match compare::interval(study.all.answers, learner, measure) {
            None => Cell::Absent,
            Some((low, high)) => {
                Cell::Interval(value(measure, within(measure, low)), value(measure, within(measure, high)))
            }
        }
    })
}

fn differences<'a>(study: &'a Study<'a>) -> Table {
    let mut table = by_measure(study, study.learners.iter(), |learner, measure| {
        match compare::from_untrained(study.all.answers, learner, &study.untrained, measure) {
            None => Cell::Absent,
            Some(parts) => {
                let [mean, low, high] = parts.map(|part| signed(measure, part));
                Cell::Difference(mean, low, high)
            }
        }
    });
    let unit = |measure: &Measure| match measure.kind {
        Kind::ExactMatch => format!("{}: exact match, points", measure.name),
        Kind::AnswerLoss => format!("{}: answer loss, nats", measure.name),
        Kind::Loss => format!("{}: loss, nats", measure.name),
    };
    table.columns = study.measures.iter().map(unit).collect();
    table
}

/// Mean loss of the last quarter of the steps, by seed.
pub fn last_quarter(steps: &[StepRow], learner: &str) -> Vec<(u64, f64)> {
    let mut seeds: Vec<u64> = steps.iter().filter(|step| step.learner == learner).map(|step| step.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let of_seed = |seed: u64| {
        let mut losses: Vec<(u32, f64)> = steps
            .iter()
            .filter(|step| step.learner == learner && step.seed == seed)
            .map(|step| (step.step, step.loss))
            .collect();
        losses.sort_by_key(|(step, _)| *step);
        let last = &losses[losses.len() - losses.len().div_ceil(4)..];
        (seed, last.iter().map(|(_, loss)| loss).sum::<f64>() / last.len() as f64)
    };
    seeds.into_iter().map(of_seed).collect()
}

fn training(study: &Study) -> Table {
    let steps = study.all.steps;
    let row = |learner: &Learner| {
        let id = learner.row.learner.as_str();
        let own = steps.iter().filter(|step| step.learner == id);
        let losses: Vec<f64> = last_quarter(steps, id).into_iter().map(|(_, loss)| loss).collect();
        if losses.is_empty() {
            return (learner.row.label.clone(), vec![Cell::Absent, Cell::Absent]);
        }
        let Spread { mean, deviation } = spread(&losses);
        let number = |value: f64| Number::Plain(format!("{value:.3}"));
        let cells = vec![
            Cell::Text(own.map(|step| step.step).max().unwrap_or(0).to_string()),
            // Of one seed there is no deviation.
            if losses.len() > 1 {
                Cell::Spread(number(mean), number(deviation))
            } else {
                Cell::Text(format!("{mean:.3}"))
            },
        ];
        (learner.row.label.clone(), cells)
    };
    let columns = ["steps a run", "loss, last quarter"].map(String::from).to_vec();
    Table { columns, rows: study.learners.iter().map(row).collect() }
}

/// How long training took, from the times of its steps: a fact of runs, so that only the page has it, among those.
pub fn speed(study: &Study, timings: &[TimingRow]) -> Option<Table> {
    let row = |learner: &Learner| {
        let id = learner.row.learner.as_str();
        let trained = |row: &&TimingRow| row.stage == "train" && row.arm == id;
        let seconds: f64 = timings.iter().filter(trained).map(|row| row.seconds).sum();
        let tokens: u64 = study.all.steps.iter().filter(|step| step.learner == id).map(|step| step.tokens).sum();
        let rate = tokens as f64 / seconds;
        let cells = vec![Cell::Text(format!("{seconds:.0}")), Cell::Text(count(rate.round() as u64))];
        (seconds > 0.0).then(|| (learner.row.label.clone(), cells))
    };
    let rows: Vec<_> = study.learners.iter().filter_map(row).collect();
    let columns = ["seconds", "tokens a second"].map(String::from).to_vec();
    (!rows.is_empty()).then_some(Table { columns, rows })
}
