//! The tables: values over seeds, their intervals, differences to the untrained model, how training went.

use super::compare;
use super::values::{count, over_seeds, rate, signed, value, within};
use super::{Kind, Learner, Measure, Study};
use crate::report::Meta;
use crate::report::claims::Says;
use crate::report::document::Captioned;
use crate::report::number::Number;
use crate::report::spread::mean;
use crate::report::table::{Cell, Table};
use crate::results::{StepRow, TimingRow};
use crate::spec::Scores;

/// All tables of what was measured, in the order of the report.
pub fn all(study: &Study) -> Vec<Captioned> {
    let seeds = study.seeds();
    let plural = if seeds == 1 { "seed" } else { "seeds" };
    let failures = study.all.failures.iter().map(|failed| format!(" {} failed: {}.", failed.label, failed.why));
    let note = format!(
        "Mean over {seeds} {plural} ± standard deviation over seeds; {}. Bold: the best fine-tuned model, if its lead over the \
         next one is significant (the claims say how this is judged). Answer loss is in nats per token of the reference \
         answers. Lower is better, except for exact match.{}",
        study.counts(),
        failures.collect::<String>()
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
    if !study.all.steps.is_empty() {
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

fn results(study: &Study) -> Table {
    let mut columns = vec!["trained parameters".to_string(), "learning rate".into()];
    columns.extend(study.measures.iter().map(Measure::heading));
    let best: Vec<Option<&str>> = study.measures.iter().map(|measure| best(study, *measure)).collect();
    let row = |learner: &Learner| {
        let of = learner.row;
        let values = study.measures.iter().zip(&best).map(|(measure, best)| {
            let cell = over_seeds(*measure, &learner.values(*measure));
            if *best == Some(of.learner.as_str()) { Cell::Best(Box::new(cell)) } else { cell }
        });
        let parameters = if of.method == "none" { Cell::Absent } else { Cell::text(count(of.parameters)) };
        let rate = of.rate.map_or(Cell::Absent, |value| Cell::text(rate(value)));
        (of.label.clone(), [parameters, rate].into_iter().chain(values).collect())
    };
    // A learner that failed has its place, not numbers.
    let mut nothing = vec![Cell::Absent; columns.len()];
    nothing[0] = Cell::text("failed");
    let failed = study.all.failures.iter().map(|failed| (failed.label.clone(), nothing.clone()));
    Table::new(columns, study.everyone().map(row).chain(failed))
}

/// The learner whose value is best, if the data say so of the difference to the next.
fn best<'a>(study: &Study<'a>, measure: Measure) -> Option<&'a str> {
    let goodness = |learner: &Learner| measure.goodness(mean(learner.values(measure)));
    let mut order: Vec<(&Learner, f64)> = study.learners.iter().map(|learner| (learner, goodness(learner))).collect();
    order.retain(|(_, goodness)| goodness.is_finite());
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let [(first, _), (next, _), ..] = order[..] else { return None };
    let (says, _) = compare::difference(first, next, measure)?;
    (says == Says::Holds).then_some(first.row.learner.as_str())
}

/// A row a learner, a cell a measure.
fn by_measure<'a>(
    study: &Study,
    learners: impl Iterator<Item = &'a Learner<'a>>,
    cell: impl Fn(&Learner, Measure) -> Option<Cell>,
) -> Vec<(String, Vec<Cell>)> {
    let cells = |of: &Learner| study.measures.iter().map(|it| cell(of, *it).unwrap_or(Cell::Absent)).collect();
    learners.map(|learner| (learner.row.label.clone(), cells(learner))).collect()
}

fn intervals(study: &Study) -> Table {
    let cell = |learner: &Learner, measure: Measure| {
        let [low, high] = compare::interval(learner, measure)?.map(|end| value(measure, within(measure, end)));
        Some(Cell::Interval(low, high))
    };
    Table::new(study.measures.iter().map(Measure::heading), by_measure(study, study.everyone(), cell))
}

fn differences(study: &Study) -> Table {
    let cell = |learner: &Learner, measure: Measure| {
        let parts = compare::from_untrained(learner, &study.untrained, measure)?;
        Some(Cell::Difference(parts.map(|part| signed(measure, part))))
    };
    let unit = |measure: &Measure| match measure.kind {
        Kind::ExactMatch => format!("{}: exact match, percentage points", measure.name),
        Kind::AnswerLoss => format!("{}: answer loss, nats", measure.name),
        Kind::Loss => format!("{}: loss, nats", measure.name),
    };
    Table::new(study.measures.iter().map(unit), by_measure(study, study.learners.iter(), cell))
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
        let loss = Cell::spread(&losses, |value| Number::Plain(format!("{value:.3}").to_lowercase()));
        (learner.row.label.clone(), vec![last.map_or(Cell::Absent, |last| Cell::text(last.to_string())), loss])
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
    let table = Table::new(["seconds", "tokens per second"], study.learners.iter().filter_map(row));
    let note = "All runs with the chosen learning rate, timed when they were computed.";
    (!table.rows.is_empty()).then(|| Captioned::new("Speed of training", note, table))
}
