//! The model card of a trained adapter or model: the README.md that the Hugging Face hub shows.

use std::fmt::Write;

use super::finetune::{Measure, signed, value, within};
use super::markdown::escape;
use super::number;
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
    /// What to cite, a line each.
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
    /// Settings of the training, a line each.
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

/// README.md of the folder. The same facts give the same text.
pub fn card(facts: &Card) -> String {
    let mut out = front_matter(facts);
    let base = escape(facts.base);
    // Writing to a String cannot fail.
    let _ = writeln!(out, "\n# {}, fine-tuned from {base}\n\n{}", escape(facts.label), origin(facts));
    let _ = write!(out, "\n## How to load\n\n```python\n{}\n```\n", loading(facts));
    let _ = write!(out, "\n## Results\n\n{}", results(facts.measures));
    let _ = writeln!(out, "\n## Training\n");
    for data in facts.data {
        let hub = data.hub.map_or(String::new(), |hub| format!(" (`{hub}` on the hub)"));
        let _ = writeln!(out, "- data: {}{hub}, licence {}", escape(data.name), escape(data.licence));
    }
    let _ = writeln!(out, "- learning rate {:e} at its peak, seed {}", facts.rate, facts.seed);
    facts.settings.iter().for_each(|line| out += &format!("- {}\n", escape(line)));
    let _ = write!(
        out,
        "- command: `{}`\n\n## Limits\n\nMade to compare ways of fine-tuning in the experiment `{}`, not for use: trained once, on \
         little data, for one task, from a base model whose own limits and biases it keeps. What it says may be wrong. Nothing \
         was done to make it safe. One seed of several: the experiment's report has the spread over seeds, by which alone \
         learners should be compared.\n\n## Licence\n\nThat of the base model: {}. The data's licences are above.\n",
        facts.command.replace('`', "'"),
        facts.experiment,
        escape(facts.licence)
    );
    if !facts.citations.is_empty() {
        let _ = writeln!(out, "\n## How to cite\n");
        facts.citations.iter().for_each(|line| out += &format!("- {}\n", escape(line)));
    }
    out
}

fn front_matter(facts: &Card) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut out = format!("---\nbase_model: {}\n", quoted(facts.base));
    if facts.form == Form::Whole {
        out += "library_name: transformers\n";
    } else {
        out += "library_name: peft\n";
    }
    match identifier(facts.licence) {
        Some(id) => out += &format!("license: {id}\n"),
        None => out += &format!("license: other\nlicense_name: {}\n", quoted(facts.licence)),
    }
    let hub: Vec<&str> = facts.data.iter().filter_map(|data| data.hub).collect();
    if !hub.is_empty() {
        out += "datasets:\n";
        hub.iter().for_each(|name| out += &format!("- {}\n", quoted(name)));
    }
    out += "pipeline_tag: text-generation\ntags:\n";
    let mut tags = vec![facts.method];
    if facts.form != Form::Whole && !tags.contains(&"lora") {
        tags.push("lora");
    }
    if facts.method == "plain-svd" && facts.end == Some("largest") {
        tags.push("pissa");
    }
    tags.iter().for_each(|tag| out += &format!("- {}\n", quoted(tag)));
    out + "---\n"
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
        "lora" => format!("An adapter{rank} (LoRA: A random, B nothing at the start)."),
        "dora" => format!("An adapter{rank} (DoRA: A random, B nothing at the start, magnitudes apart)."),
        "plain-svd" if end == "largest" => {
            format!(
                "An adapter{rank} that started from the largest components of the plain SVD of each linear (PiSSA)."
            )
        }
        "corda" => {
            let mode = if end == "smallest" { "knowledge-preserved" } else { "instruction-previewed" };
            format!(
                "An adapter{rank} that started from the {end} components of CO-SVD{of} (CorDA, {mode} mode), of each linear."
            )
        }
        method => format!("An adapter{rank} that started from the {end} components of `{method}`{of}, of each linear."),
    }
}

fn loading(facts: &Card) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let from = |class: &str, name: &str| format!("{class}.from_pretrained({name})");
    let base = match facts.form {
        Form::Whole => {
            let load = from("AutoModelForCausalLM", "\"this folder\"");
            return format!("from transformers import AutoModelForCausalLM\nmodel = {load}");
        }
        Form::Adapter => from("AutoModelForCausalLM", &quoted(facts.base)),
        Form::Residual => from("AutoModelForCausalLM", "\"this folder/../base\""),
    };
    format!(
        "from peft import PeftModel; from transformers import AutoModelForCausalLM\nmodel = {base}\nmodel = {}",
        from("PeftModel", "model, \"this folder\"")
    )
}

fn results(rows: &[TrainedRow]) -> String {
    let mut out =
        String::from("| measure | value | 95% interval | difference to the base model |\n|---|---:|---:|---:|\n");
    for row in rows {
        let Some(measure) = Measure::of(row) else { continue };
        let [mean, low, high] = [row.value, row.low, row.high].map(|it| value(measure, within(measure, it)).text());
        let [delta, least, most] = [row.delta, row.delta_low, row.delta_high].map(|it| signed(measure, it));
        let _ = writeln!(
            out,
            "| {} ({} {}) | {mean} | {low}–{high} | {delta} [{least}, {most}] |",
            escape(&measure.heading()),
            number::separated(&row.count.to_string()),
            measure.items(),
        );
    }
    out + "\nDifferences: exact match in points, losses (of a perplexity too) in nats a token, paired by question or window.\n"
}

#[cfg(test)]
mod tests;
