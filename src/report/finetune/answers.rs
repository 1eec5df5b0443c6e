//! A few answers, as they were given: the same questions, every learner, first seed.

use super::Study;
use crate::report::study::{ascending, distinct};

/// What to know of them.
pub const NOTE: &str = "The first questions of each set, as answered after training from the first seed, with the loss of the \
    reference answer in nats per token. They were not selected by their content.";

/// Questions shown of each set.
const SHOWN: usize = 4;
/// Characters of an answer shown.
const LENGTH: usize = 160;

/// A question and what was said.
pub struct Question {
    pub heading: String,
    pub expected: String,
    /// Label, answer, whether it is right, its reference's loss.
    pub given: Vec<(String, String, bool, String)>,
}

/// The first questions of each set.
pub fn examples(study: &Study) -> Vec<Question> {
    let sets = distinct(study.all.answers.iter().map(|row| row.questions.as_str()));
    sets.into_iter().flat_map(|set| of_set(study, set)).collect()
}

fn of_set(study: &Study, set: &str) -> Vec<Question> {
    let answers = || study.all.answers.iter().filter(move |row| row.questions == set);
    let records = ascending(answers().map(|row| row.record));
    let question = |record: u32| {
        let at = || answers().filter(move |row| row.record == record);
        let given = study.everyone().filter_map(|learner| {
            let row = at().filter(|row| row.learner == learner.row.learner).min_by_key(|row| row.seed)?;
            Some((learner.row.label.clone(), short(&row.given), row.exact == 1, format!("{:.2}", row.nll)))
        });
        Question {
            heading: format!("{set}, record {record}"),
            expected: at().next().map_or(String::new(), |row| short(&row.expected)),
            given: given.collect(),
        }
    };
    records.into_iter().take(SHOWN).map(question).collect()
}

/// On one line, not longer than a reader wants.
fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LENGTH) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
