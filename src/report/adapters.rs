//! What adapters carry: a table over all linears, and the [`figure`] block by block.

pub mod figure;

use super::markdown::{self, Markdown, escape};
use super::spread::mean;
use super::study::distinct;
use super::table::{Cell, Markup, Table};
use super::{Meta, number};
use crate::results::{AdapterRow, Row};

/// An arm at a rank.
struct Group<'a> {
    components: u32,
    /// At least one; all of one arm.
    rows: Vec<&'a AdapterRow>,
}

fn groups(rows: &[AdapterRow]) -> Vec<Group<'_>> {
    let group = |(components, arm): (u32, &str)| {
        let rows = rows.iter().filter(|row| row.components == components && row.arm == arm);
        Group { components, rows: rows.collect() }
    };
    distinct(rows.iter().map(|row| (row.components, row.arm.as_str()))).into_iter().map(group).collect()
}

/// Names of the texts looked at, in the order of the rows.
fn texts(rows: &[AdapterRow]) -> Vec<&str> {
    distinct(rows.iter().filter_map(|row| row.text.as_deref()))
}

impl Group<'_> {
    /// Mean over linears; a linear has one row per text, all with the same energy.
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
    let mut columns = vec!["r".to_string(), "energy".into()];
    columns.extend(texts.iter().map(|text| format!("output on {text}")));
    columns.extend(tests.iter().map(|test| format!("perplexity without it on {test}")));
    let row = |group: Group| {
        let share = |value| Cell::text(number::scientific(value));
        let mut cells = vec![Cell::text(group.components.to_string()), share(group.energy())];
        cells.extend(texts.iter().map(|text| share(group.output(text))));
        let residual = |test: &&str| group.residual(rows, test).map(|row| Cell::perplexity(row.perplexity));
        cells.extend(tests.iter().map(|test| residual(test).unwrap_or(Cell::Absent)));
        (group.rows[0].label.clone(), cells)
    };
    let table = Table::new(columns, groups(adapters).into_iter().map(row)).labelled("adapter");
    let note = "Energy is ||BA||_F / ||W||_F; output is the share of ||W X^T||_F^2 that BA carries on a text; both are means over \
                linears. The perplexity without the adapter is that of the model left behind, W - BA.";
    markdown::document(&[
        format!("# Adapters: {}", escape(&meta.title)),
        format!("Model: {}. {note}", escape(&meta.model)),
        Markdown.table(&table),
        "By linear: `adapters.parquet`. By block: `adapters.svg`.".into(),
    ])
}

#[cfg(test)]
mod tests;
