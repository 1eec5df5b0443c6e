//! The model card of a trained adapter or model: the README.md that the Hugging Face hub shows.

use askama::Template;

use super::finetune::{Measure, signed, value, within};
use super::markdown::{Markdown, escape};
use super::number;
use super::table::{Cell, Markup, Table};
use crate::results::TrainedRow;

/// What a card says.
#[derive(Debug, Clone)]
pub struct Card<'a> {
    /// Experiment's name, as in `experiments/<name>.yaml`.
    pub experiment: &'a str,
    /// The base model, as the hub calls it.
    pub base: &'a str,
    /// The base model's licence, which holds for what was trained from it too.
    pub licence: &'a str,
    /// What to cite, one line each.
    pub citations: &'a [String],
    /// Learner's label.
    pub label: &'a str,
    /// As in [`TrainedRow::method`].
    pub method: &'a str,
    /// As in [`TrainedRow::end`].
    pub end: Option<&'a str>,
    /// Rank of the adapter as trained.
    pub rank: Option<u32>,
    /// The calibration behind the decomposition, in words.
    pub calibration: Option<&'a str>,
    /// What it was trained on.
    pub data: &'a [Data<'a>],
    /// Settings of the training, one line each.
    pub settings: &'a [String],
    /// Seed of the training.
    pub seed: u64,
    /// Learning rate at its peak.
    pub rate: f64,
    /// This learner's measures from this seed.
    pub measures: &'a [TrainedRow],
    /// The command that made it.
    pub command: &'a str,
    /// How its files are loaded.
    pub form: Form,
}

/// Text that a model was trained on or decomposed with.
#[derive(Debug, Clone, Copy)]
pub struct Data<'a> {
    /// What people call it.
    pub name: &'a str,
    /// Its name on the hub, if it is there.
    pub hub: Option<&'a str>,
    /// Its licence.
    pub licence: &'a str,
}

/// What the files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An adapter for the base model as it is.
    Adapter,
    /// An adapter for the base model less what the adapter started from, in the folder `base` beside this one.
    Residual,
    /// A whole model.
    Whole,
}

#[derive(Template)]
#[template(path = "card.md")]
struct Text<'a> {
    facts: &'a Card<'a>,
    hub: Vec<&'a str>,
    tags: Vec<&'a str>,
    results: String,
    rate: String,
    command: String,
}

/// README.md of the folder. The same facts give the same text.
pub fn card(facts: &Card) -> String {
    let mut tags = vec![facts.method];
    if facts.form != Form::Whole && facts.method != "lora" {
        tags.push("lora");
    }
    if facts.method == "plain-svd" && facts.end == Some("largest") {
        tags.push("pissa");
    }
    let text = Text {
        facts,
        hub: facts.data.iter().filter_map(|data| data.hub).collect(),
        tags,
        results: Markdown.table(&results(facts.measures)),
        rate: format!("{:e}", facts.rate),
        command: facts.command.replace('`', "'"),
    };
    text.to_string()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The hub's identifier of a licence, of those that it knows and our catalog names.
fn identifier(licence: &str) -> Option<&'static str> {
    const KNOWN: [(&str, &str); 8] = [
        ("apache-2.0", "apache-2.0"),
        ("mit", "mit"),
        ("cc-by-4.0", "cc-by-4.0"),
        ("cc-by-sa-3.0", "cc-by-sa-3.0"),
        ("cc-by-sa-4.0", "cc-by-sa-4.0"),
        ("llama 2 community license", "llama2"),
        ("meta llama 3 community license", "llama3"),
        ("gemma", "gemma"),
    ];
    let licence = licence.to_lowercase();
    KNOWN.iter().find(|(name, _)| *name == licence).map(|(_, id)| *id)
}

/// What was trained, and from what start.
fn origin(facts: &Card) -> String {
    let rank = facts.rank.map_or(String::new(), |rank| format!(" of rank {rank}"));
    let of = facts.calibration.map_or(String::new(), |text| format!(", calibrated on {}", escape(text)));
    let end = facts.end.unwrap_or("chosen");
    match facts.method {
        "full" => "All parameters were trained.".into(),
        "lora" => format!("An adapter{rank} (LoRA: at the start A is random and B is zero)."),
        "dora" => {
            format!("An adapter{rank} (DoRA: at the start A is random and B is zero; magnitudes are trained apart).")
        }
        "plain-svd" if end == "largest" => format!(
            "An adapter{rank} that started from the largest components of the plain SVD of each linear (PiSSA)."
        ),
        "corda" => format!(
            "An adapter{rank} that started from the {end} components of CO-SVD{of} (CorDA, {} mode), of each linear.",
            if end == "smallest" { "knowledge-preserved" } else { "instruction-previewed" }
        ),
        method => format!("An adapter{rank} that started from the {end} components of `{method}`{of}, of each linear."),
    }
}

fn results(rows: &[TrainedRow]) -> Table {
    let row = |row: &TrainedRow| {
        let measure = Measure::of(row).ok()?;
        let [mean, low, high] = [row.value, row.low, row.high].map(|it| value(measure, within(measure, it)));
        let difference = [row.delta, row.delta_low, row.delta_high].map(|it| signed(measure, it));
        let count = number::separated(&row.count.to_string());
        let label = format!("{} ({count} {})", measure.heading(), measure.items());
        Some((label, vec![Cell::Number(mean), Cell::Interval(low, high), Cell::Difference(difference)]))
    };
    let columns = ["value", "95% interval", "difference to the base model"];
    Table::new(columns, rows.iter().filter_map(row)).labelled("measure")
}

#[cfg(test)]
mod tests;
