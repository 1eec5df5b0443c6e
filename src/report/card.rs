//! The model card of a trained adapter or model: the README.md that the Hugging Face hub shows.

use askama::Template;

use super::finetune::{Measure, signed, value, within};
use super::markdown::{Markdown, escape};
use super::number;
use super::table::{Cell, Markup, Table};
use crate::results::TrainedRow;

#[derive(Debug, Clone, Template)]
#[template(path = "card.md")]
pub struct Card<'a> {
    pub experiment: &'a str,
    /// The base model, as the hub calls it.
    pub base: &'a str,
    /// The base model's licence, which holds for what was trained from it too.
    pub licence: &'a str,
    /// What to cite, one line each.
    pub citations: &'a [String],
    pub label: &'a str,
    /// As in [`TrainedRow::method`].
    pub method: &'a str,
    /// As in [`TrainedRow::end`].
    pub end: Option<&'a str>,
    /// Of the adapter as trained.
    pub rank: Option<u32>,
    /// The calibration behind the decomposition, in words.
    pub calibration: Option<&'a str>,
    pub data: &'a [Data<'a>],
    /// Of the training, one line each.
    pub settings: &'a [String],
    pub seed: u64,
    /// The learning rate at its peak.
    pub rate: f64,
    /// This learner's measures from this seed.
    pub measures: &'a [TrainedRow],
    /// The command that made it.
    pub command: &'a str,
    pub form: Form,
}

/// Text that a model was trained on or decomposed with.
#[derive(Debug, Clone, Copy)]
pub struct Data<'a> {
    pub name: &'a str,
    /// Its name on the hub, if it is there.
    pub hub: Option<&'a str>,
    pub licence: &'a str,
}

/// What the files are, and so how they are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An adapter for the base model as it is.
    Adapter,
    /// An adapter for the base model less what the adapter started from, in the folder `base` beside this one.
    Residual,
    /// A whole model.
    Whole,
}

/// README.md of the folder. The same facts give the same text.
pub fn card(facts: &Card) -> String {
    facts.to_string()
}

impl Card<'_> {
    fn hub(&self) -> Vec<&str> {
        self.data.iter().filter_map(|data| data.hub).collect()
    }

    fn tags(&self) -> Vec<&str> {
        let lora = (self.form != Form::Whole && self.method != "lora").then_some("lora");
        let pissa = (self.method == "plain-svd" && self.end == Some("largest")).then_some("pissa");
        std::iter::once(self.method).chain(lora).chain(pissa).collect()
    }

    /// What was trained, and from what start.
    fn origin(&self) -> String {
        let rank = self.rank.map_or(String::new(), |rank| format!(" of rank {rank}"));
        let of = self.calibration.map_or(String::new(), |text| format!(", calibrated on {}", escape(text)));
        let end = self.end.unwrap_or("chosen");
        let mode = if end == "smallest" { "knowledge-preserved" } else { "instruction-previewed" };
        let start = match self.method {
            "full" => return "All parameters were trained.".to_string(),
            "lora" => "(LoRA: at the start A is random and B is zero)".into(),
            "dora" => "(DoRA: at the start A is random and B is zero; magnitudes are trained apart)".into(),
            "plain-svd" if end == "largest" => {
                "that started from the largest components of the plain SVD of each linear (PiSSA)".into()
            }
            "corda" => {
                format!("that started from the {end} components of CO-SVD{of} (CorDA, {mode} mode), of each linear")
            }
            method => format!("that started from the {end} components of `{method}`{of}, of each linear"),
        };
        format!("An adapter{rank} {start}.")
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The hub's identifier of a licence, of those that it knows and our catalog names.
fn identifier(licence: &str) -> Option<String> {
    let licence = licence.to_lowercase();
    match licence.as_str() {
        "llama 2 community license" => Some("llama2".into()),
        "meta llama 3 community license" => Some("llama3".into()),
        "apache-2.0" | "mit" | "cc-by-4.0" | "cc-by-sa-3.0" | "cc-by-sa-4.0" | "gemma" => Some(licence),
        _ => None,
    }
}

fn results(rows: &[TrainedRow]) -> String {
    let row = |row: &TrainedRow| {
        let measure = Measure::of(row).ok()?;
        let [mean, low, high] = [row.value, row.low, row.high].map(|it| value(measure, within(measure, it)));
        let difference = [row.delta, row.delta_low, row.delta_high].map(|it| signed(measure, it));
        let count = number::separated(&row.count.to_string());
        let label = format!("{} ({count} {})", measure.heading(), measure.items());
        Some((label, vec![Cell::Number(mean), Cell::Interval(low, high), Cell::Difference(difference)]))
    };
    let columns = ["value", "95% interval", "difference to the base model"];
    Markdown.table(&Table::new(columns, rows.iter().filter_map(row)).labelled("measure"))
}

#[cfg(test)]
mod tests;
