//! The tables: values over seeds, their intervals, differences to the untrained model, how training went.

use super::compare;
use super::{Kind, Learner, Measure, Study};
use crate::report::Meta;
use crate::report::claims::Says;
use crate::report::document::Captioned;
use crate::report::number::{self, Number};
use crate::report::spread::{Spread, mean, spread};
use crate::report::table::{Cell, Table};
use crate::results::{StepRow, TimingRow};
use crate::spec::Scores;

/// All tables of what was measured, in the order of the report.
pub fn all(study: &Study) -> Vec<Captioned> {
    let seeds = study.seeds();
    let plural = if seeds == 1 { "seed" } else { "seeds" };
    let note = format!(
        "Mean over {seeds} {plural} ± standard deviation over seeds; {}. Bold: the best fine-tuned model, if its lead over the \
         next one is significant (the claims say how this is judged). Answer loss is in nats per token of the reference \
         answers. Lower is better, except for exact match.{}",
        study.counts(),
        failures(study)
    );
    let mut tables = vec![
        Captioned::new("Results", note, results(study)).ours(),
        Captioned::new(
            "95% interval over questions and windows",
            "For questions: of their values averaged over seeds. For texts: the mean over seeds of the intervals' ends. Where \
             no question, or every question, was answered as expected: the exact interval of a proportion.",
            intervals(study),
        )
        .ours(),
        Captioned::new(
            "Difference to the untrained model",
            "Paired by question or window, with the 95% interval as above: exact match in percentage points, losses (also of \
             texts) in nats per token.",
            differences(study),
        )
        .ours(),
    ];
    if study.all.has_steps() {
        let note = "Batch loss over the last quarter of the steps, in nats per response token: mean ± standard deviation over \
                    seeds.";
        tables.push(Captioned::new("Training", note, training(study)).ours());
    }
    tables
}

/// The paper's own table, and how not to read it.
pub fn published(scores: &Scores, meta: &Meta) -> Captioned {
    let cell = |value: Option<&f64>| value.map_or(Cell::Absent, |value| Cell::text(format!("{value:.2}")));
    let rows = scores.rows.iter().map(|row| {
        let parameters = row.parameters.clone().map_or(Cell::Absent, Cell::Text);
        let values = scores.columns.iter().map(|column| cell(row.scores.get(&column.name)));
        (row.label.clone(), std::iter::once(parameters).chain(values).collect())
    });
    let columns = std::iter::once("trained parameters").chain(scores.columns.iter().map(|column| column.name.as_str()));
    let note = format!(
        "{} ({}). Measured on {}, not on {}: models, data and scales differ, so the numbers cannot be compared with ours, but \
         their order can. {}.",
        scores.title, scores.citation, scores.model, meta.model, scores.setting
    );
    Captioned::new("The paper's scores", note, Table::new(columns, rows)).of_paper()
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
    digits(measure.kind, measure.shown(value))
}

fn digits(kind: Kind, shown: f64) -> Number {
    match kind {
        Kind::ExactMatch if shown.is_finite() => Number::Plain(format!("{shown:.1}")),
        Kind::AnswerLoss if shown.is_finite() => Number::Plain(format!("{shown:.3}")),
        _ => number::perplexity(shown),
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
    Cell::Spread(digits(measure.kind, mean), digits(measure.kind, deviation))
}

fn results(study: &Study) -> Table {
    let mut columns = vec!["trained parameters".to_string(), "learning rate".into()];
    columns.extend(study.measures.iter().map(Measure::heading));
    let best: Vec<Option<&str>> = study.measures.iter().map(|measure| best(study, *measure)).collect();
    let row = |learner: &Learner| {
        let of = learner.row;
        let mut cells = vec![
            if of.method == "none" { Cell::Absent } else { Cell::text(count(of.parameters)) },
            of.rate.map_or(Cell::Absent, |value| Cell::text(rate(value))),
        ];
        cells.extend(study.measures.iter().zip(&best).map(|(measure, best)| {
            let cell = over_seeds(*measure, &learner.values(*measure));
            if *best == Some(of.learner.as_str()) { Cell::Best(Box::new(cell)) } else { cell }
        }));
        (of.label.clone(), cells)
    };
    // A learner that failed has its place, not numbers.
    let failed = study.all.failures.iter().map(|failed| {
        let absent = columns.iter().skip(1).map(|_| Cell::Absent);
        (failed.label.clone(), std::iter::once(Cell::text("failed")).chain(absent).collect())
    });
    Table::new(columns.clone(), study.everyone().map(row).chain(failed))
}

/// The learner whose value is best, if the data say so of the difference to the next.
fn best<'a>(study: &Study<'a>, measure: Measure) -> Option<&'a str> {
    let goodness = |learner: &Learner| measure.goodness(mean(learner.values(measure)));
    let mut order: Vec<(&Learner, f64)> = study.learners.iter().map(|learner| (learner, goodness(learner))).collect();
    order.retain(|(_, goodness)| goodness.is_finite());
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let [(first, _), (next, _), ..] = order[..] else { return None };
    let found = compare::difference(study.all.answers, first, next, measure)?;
    (found.says == Says::Holds).then_some(first.row.learner.as_str())
}

/// A row for a learner, a cell a measure.
fn by_measure(study: &Study, learner: &Learner, cell: impl Fn(Measure) -> Option<Cell>) -> (String, Vec<Cell>) {
    let cells = study.measures.iter().map(|measure| cell(*measure).unwrap_or(Cell::Absent));
    (learner.row.label.clone(), cells.collect())
}

fn intervals(study: &Study) -> Table {
    let row = |learner: &Learner| {
        by_measure(study, learner, |measure| {
            let end = |end| value(measure, within(measure, end));
            let (low, high) = compare::interval(study.all.answers, learner, measure)?;
            Some(Cell::Interval(end(low), end(high)))
        })
    };
    Table::new(study.measures.iter().map(Measure::heading), study.everyone().map(row))
}

fn differences(study: &Study) -> Table {
    let row = |learner: &Learner| {
        by_measure(study, learner, |measure| {
            let parts = compare::from_untrained(study.all.answers, learner, &study.untrained, measure)?;
            Some(Cell::Difference(parts.map(|part| signed(measure, part))))
        })
    };
    let unit = |measure: &Measure| match measure.kind {
        Kind::ExactMatch => format!("{}: exact match, percentage points", measure.name),
        Kind::AnswerLoss => format!("{}: answer loss, nats", measure.name),
        Kind::Loss => format!("{}: loss, nats", measure.name),
    };
    Table::new(study.measures.iter().map(unit), study.learners.iter().map(row))
}

/// Losses of a learner's steps, in order, by seed.
pub fn losses(steps: &[StepRow], learner: &str) -> Vec<(u64, Vec<f64>)> {
    let mut own: Vec<&StepRow> = steps.iter().filter(|step| step.learner == learner).collect();
    own.sort_by_key(|step| (step.seed, step.step));
    let runs = own.chunk_by(|a, b| a.seed == b.seed);
    runs.map(|run| (run[0].seed, run.iter().map(|step| step.loss).collect())).collect()
}

/// Mean loss of the last quarter of the steps, by seed.
pub fn last_quarter(steps: &[StepRow], learner: &str) -> Vec<(u64, f64)> {
    let last = |losses: Vec<f64>| mean(losses[losses.len() - losses.len().div_ceil(4)..].iter().copied());
    losses(steps, learner).into_iter().map(|(seed, losses)| (seed, last(losses))).collect()
}

fn training(study: &Study) -> Table {
    let steps = study.all.steps;
    let row = |learner: &Learner| {
        let id = learner.row.learner.as_str();
        let last = steps.iter().filter(|step| step.learner == id).map(|step| step.step).max();
        let losses: Vec<f64> = last_quarter(steps, id).into_iter().map(|(_, loss)| loss).collect();
        let Spread { mean, deviation } = spread(&losses);
        let deviation = if deviation.is_nan() { "nan".into() } else { format!("{deviation:.3}") };
        let cells = last.map_or(vec![Cell::Absent, Cell::Absent], |last| {
            let loss = Cell::Spread(Number::Plain(format!("{mean:.3}")), Number::Plain(deviation));
            vec![Cell::text(last.to_string()), loss]
        });
        (learner.row.label.clone(), cells)
    };
    Table::new(["steps per run", "loss, last quarter"], study.learners.iter().map(row))
}

/// How long training took, from the times of its steps: a fact of runs, so that only the page has it, among those.
pub fn speed(study: &Study, timings: &[TimingRow]) -> Option<Captioned> {
    let row = |learner: &Learner| {
        let id = learner.row.learner.as_str();
        let trained = |row: &&TimingRow| row.stage == "train" && row.arm == id;
        let seconds: f64 = timings.iter().filter(trained).map(|row| row.seconds).sum();
        let tokens: u64 = study.all.steps.iter().filter(|step| step.learner == id).map(|step| step.tokens).sum();
        let rate = tokens as f64 / seconds;
        let cells = [format!("{seconds:.0}"), count(rate.round() as u64)];
        (seconds > 0.0).then(|| (learner.row.label.clone(), cells.map(Cell::Text).to_vec()))
    };
    let rows: Vec<_> = study.learners.iter().filter_map(row).collect();
    let note = "All runs with the chosen learning rate, timed when they were computed.";
    let table = |rows| Table::new(["seconds", "tokens per second"], rows);
    (!rows.is_empty()).then(|| Captioned::new("Speed of training", note, table(rows)))
}
