//! Learning rates tried, and whether the choice can be trusted.

use super::values::rate;
use crate::report::document::Captioned;
use crate::report::spread::mean;
use crate::report::study::{ascending, distinct};
use crate::report::table::{Cell, Table};
use crate::results::RateRow;

/// One row per learner, one column per rate, the chosen one marked; `None` without any.
pub fn table(rates: &[RateRow]) -> Option<Captioned> {
    let tried = ascending(rates.iter().map(|row| row.rate));
    let row = |learner: &str| {
        let own: Vec<&RateRow> = rates.iter().filter(|row| row.learner == learner).collect();
        let cell = |rate: &f64| cell(&own.iter().copied().filter(|row| row.rate == *rate).collect::<Vec<_>>());
        (own[0].label.clone(), tried.iter().map(cell).collect())
    };
    let learners = distinct(rates.iter().map(|row| row.learner.as_str()));
    let table = Table::new(tried.iter().map(|value| rate(*value)), learners.into_iter().map(row));
    (!tried.is_empty()).then(|| Captioned::new("Learning rates tried", note(rates), table))
}

fn cell(rows: &[&RateRow]) -> Cell {
    let loss = mean(rows.iter().map(|row| row.loss));
    let cell = Cell::text(if loss.is_finite() { format!("{loss:.4}") } else { "diverged".into() });
    let cell = if rows.iter().any(|row| row.chosen == 1) { Cell::Best(Box::new(cell)) } else { cell };
    if rows.is_empty() { Cell::Absent } else { cell }
}

/// What the table is of.
fn note(rates: &[RateRow]) -> String {
    let examples = rates.iter().map(|row| row.examples).max().unwrap_or(0);
    let seeds = ascending(rates.iter().map(|row| row.seed));
    let of = match seeds[..] {
        [seed] => format!("seed {seed}"),
        _ => format!("means over {} seeds", seeds.len()),
    };
    format!(
        "Loss over {examples} validation examples after training, in nats per response token ({of}). The rate with the lowest \
         loss is chosen for each learner and shown in bold. The held-out questions play no part in the choice."
    )
}

/// A line for each choice at the edge of what was tried.
pub fn warnings(rates: &[RateRow]) -> Vec<String> {
    let line = |learner: &str| {
        let own = || rates.iter().filter(move |row| row.learner == learner);
        let chosen = own().find(|row| row.chosen == 1)?;
        let tried = ascending(own().map(|row| row.rate));
        let (value, label) = (rate(chosen.rate), &chosen.label);
        let end = match tried[..] {
            [_] => return Some(format!("{label}: {value} is the only learning rate tried, so a better one may exist")),
            [lowest, ..] if chosen.rate == lowest => "lowest",
            [.., highest] if chosen.rate == highest => "highest",
            _ => return None,
        };
        let tried: Vec<String> = tried.into_iter().map(rate).collect();
        Some(format!(
            "{label}: the chosen learning rate {value} is the {end} of those tried ({}), so a better one may lie outside this \
             range",
            tried.join(", ")
        ))
    };
    distinct(rates.iter().map(|row| row.learner.as_str())).into_iter().filter_map(line).collect()
}
