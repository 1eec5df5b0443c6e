//! Learning rates tried, and whether the choice can be trusted.

use super::super::document::{Cell, Table};
use super::super::number::Number;
use super::super::study::distinct;
use super::tables::rate;
use crate::results::RateRow;

/// A row a learner, a column a rate, the chosen one marked; `None` without any.
pub fn table(rates: &[RateRow]) -> Option<Table> {
    let tried = all(rates.iter());
    let row = |learner: &str| {
        let own: Vec<&RateRow> = rates.iter().filter(|row| row.learner == learner).collect();
        let cells = tried.iter().map(|rate| cell(own.iter().copied().filter(|row| row.rate == *rate))).collect();
        (own[0].label.clone(), cells)
    };
    let rows = distinct(rates.iter().map(|row| row.learner.as_str())).into_iter().map(row).collect();
    (!tried.is_empty()).then(|| Table { columns: tried.iter().map(|value| rate(*value)).collect(), rows })
}

fn cell<'a>(rows: impl Iterator<Item = &'a RateRow>) -> Cell {
    let rows: Vec<&RateRow> = rows.collect();
    if rows.is_empty() {
        return Cell::Absent;
    }
    let loss = rows.iter().map(|row| row.loss).sum::<f64>() / rows.len() as f64;
    let text = if loss.is_finite() { format!("{loss:.4}") } else { "broke down".into() };
    let cell = Cell::Spread(Number::Plain(text), Number::Plain("nan".into()));
    if rows.iter().any(|row| row.chosen == 1) { Cell::Best(Box::new(cell)) } else { cell }
}

/// Rates, ascending, each once.
fn all<'a>(rows: impl Iterator<Item = &'a RateRow>) -> Vec<f64> {
    let mut rates: Vec<f64> = rows.map(|row| row.rate).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    rates
}

/// What the table is of.
pub fn note(rates: &[RateRow]) -> String {
    let examples = rates.iter().map(|row| row.examples).max().unwrap_or(0);
    let mut seeds: Vec<u64> = rates.iter().map(|row| row.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let of = match seeds[..] {
        [seed] => format!("seed {seed}"),
        _ => format!("means over {} seeds", seeds.len()),
    };
    format!(
        "Loss over {examples} examples of the validation part after training, nats a response token ({of}); the rate with \
         the lowest is chosen, a learner each, and marked. The held-out questions have no part in it."
    )
}

/// A line for each choice at the edge of what was tried.
pub fn warnings(rates: &[RateRow]) -> Vec<String> {
    let line = |learner: &str| {
        let own = || rates.iter().filter(move |row| row.learner == learner);
        let chosen = own().find(|row| row.chosen == 1)?;
        let tried = all(own());
        let (value, label) = (rate(chosen.rate), &chosen.label);
        match tried[..] {
            [_] => Some(format!("{label}: {value} is the only learning rate tried, so a better one may exist")),
            [lowest, .., highest] if chosen.rate == lowest || chosen.rate == highest => {
                let end = if chosen.rate == lowest { "lowest" } else { "highest" };
                Some(format!(
                    "{label}: the chosen learning rate {value} is the {end} of those tried ({}), so a better one may lie \
                     beyond",
                    tried.iter().map(|value| rate(*value)).collect::<Vec<_>>().join(", ")
                ))
            }
            _ => None,
        }
    };
    distinct(rates.iter().map(|row| row.learner.as_str())).into_iter().filter_map(line).collect()
}
