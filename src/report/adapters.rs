//! What adapters carry: a table over all linears, and the lines of a figure block by block.

use std::fmt::Write;

use super::figure::layers::{Measure, Series};
use super::markdown::escape;
use super::study::distinct;
use super::{Meta, number};
use crate::results::{AdapterRow, Row};

/// An arm at a rank.
struct Group<'a> {
    components: u32,
    /// At least one; all of one arm.
    rows: Vec<&'a AdapterRow>,
}

fn groups(rows: &[AdapterRow]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        let same = |group: &&mut Group| group.components == row.components && group.rows[0].arm == row.arm;
        match groups.iter_mut().find(same) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group { components: row.components, rows: vec![row] }),
        }
    }
    groups
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    sum / f64::from(count)
}

/// Names of the texts looked at, in the order of the rows.
fn texts(rows: &[AdapterRow]) -> Vec<&str> {
    distinct(rows.iter().filter_map(|row| row.text.as_deref()))
}

impl Group<'_> {
    /// Mean over linears; a linear has a row a text, all with the same energy.
    fn energy(&self) -> f64 {
        mean(self.rows.iter().map(|row| row.energy))
    }

    fn output(&self, text: &str) -> f64 {
        let of_text = self.rows.iter().filter(|row| row.text.as_deref() == Some(text));
        mean(of_text.filter_map(|row| row.output_share))
    }

    /// Perplexity of the model without these components; plain LoRA takes none.
    fn residual<'a>(&self, rows: &'a [Row], evaluation: &str) -> Option<&'a Row> {
        let arm = &self.rows[0].arm;
        let lora = self.rows.iter().all(|row| row.energy == 0.0);
        rows.iter().find(|row| {
            let same = row.arm == *arm && row.discarded == self.components;
            row.evaluation == evaluation && (same || (lora && row.method == "none"))
        })
    }
}

/// `adapters.md`.
pub fn table(adapters: &[AdapterRow], rows: &[Row], meta: &Meta) -> String {
    let texts = texts(adapters);
    let tests = distinct(rows.iter().map(|row| row.evaluation.as_str()));
    let mut head = vec!["adapter".to_string(), "r".into(), "energy".into()];
    head.extend(texts.iter().map(|text| format!("output on {}", escape(text))));
    head.extend(tests.iter().map(|test| format!("perplexity without it on {}", escape(test))));
    let mut out = format!(
        "# Adapters: {}\n\nModel: {}. Energy is ||BA||_F / ||W||_F; output the share of ||W X^T||_F^2 that BA carries on a \
         text; both are means over linears. Perplexity without it is that of the model left behind, W - BA.\n\n",
        escape(&meta.title),
        escape(&meta.model)
    );
    // Writing to a String cannot fail.
    let _ = writeln!(out, "| {} |\n|---|{}", head.join(" | "), "---:|".repeat(head.len() - 1));
    for group in groups(adapters) {
        let mut cells = vec![escape(&group.rows[0].label), group.components.to_string()];
        cells.push(number::scientific(group.energy()));
        cells.extend(texts.iter().map(|text| number::scientific(group.output(text))));
        cells.extend(tests.iter().map(|test| {
            let row = group.residual(rows, test);
            row.map_or(String::new(), |row| number::perplexity(row.perplexity).text())
        }));
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    let _ = writeln!(out, "\nBy linear: `adapters.parquet`. By block: `adapters.svg`.");
    out
}

/// The figure's rows of panels: energy, then the output share on each text; a panel a rank.
pub fn measures(adapters: &[AdapterRow]) -> Vec<Measure<'_>> {
    let groups = groups(adapters);
    let mut ranks: Vec<u32> = groups.iter().map(|group| group.components).collect();
    ranks.sort_unstable();
    ranks.dedup();
    let measure = |title: String, of: &dyn Fn(&AdapterRow) -> Option<f64>| {
        let panel = |&rank: &u32| {
            let lines = groups.iter().filter(|group| group.components == rank).map(|group| series(group, of));
            // Plain LoRA starts at nothing, which a logarithmic axis cannot show.
            let lines = lines.filter(|line| line.values.iter().any(|(_, value)| *value > 0.0)).collect();
            (format!("r = {rank}"), lines)
        };
        Measure { title, panels: ranks.iter().map(panel).collect() }
    };
    let mut all = vec![measure("‖BA‖ / ‖W‖".into(), &|row| Some(row.energy))];
    for text in texts(adapters) {
        let share = |row: &AdapterRow| if row.text.as_deref() == Some(text) { row.output_share } else { None };
        all.push(measure(format!("output share, {text}"), &share));
    }
    all
}

fn series<'a>(group: &Group<'a>, of: &dyn Fn(&AdapterRow) -> Option<f64>) -> Series<'a> {
    let mut layers: Vec<u32> = group.rows.iter().map(|row| row.layer).collect();
    layers.sort_unstable();
    layers.dedup();
    let at = |layer: u32| mean(group.rows.iter().filter(|row| row.layer == layer).filter_map(|row| of(row)));
    let first = group.rows[0];
    Series {
        arm: &first.arm,
        label: &first.label,
        method: &first.method,
        values: layers.into_iter().map(|layer| (layer, at(layer))).collect(),
    }
}

#[cfg(test)]
mod tests;
