//! The report's tables as Markdown.

use std::fmt::Write;

use super::beside::Beside;
use super::document::{COUNTED, Cell, Document, PARAMETERS, PublishedTable, Table};

/// `table.md`.
pub fn write(document: &Document, beside: Option<&Beside>) -> String {
    let meta = document.meta;
    let mut out = String::new();
    // Writing to a String cannot fail.
    let mut line = |text: &str| {
        let _ = writeln!(out, "{text}");
    };
    line(&format!("# {}\n", escape(&meta.title)));
    line(&format!("Model: {}. Columns: {}.\n", escape(&meta.model), document.columns_are));
    line(&format!("Regenerate with {}.", code(&meta.command)));
    for section in &document.sections {
        line(&format!("\n## Perplexity on {}\n", escape(&section.heading)));
        line(&table(&section.perplexity));
        line("### 95% interval of the perplexity, over windows\n");
        line(&table(&section.interval));
        line("### Difference to the undamaged model\n");
        line("Loss minus that of the undamaged model, in nats a token, paired by window, with its 95% interval.\n");
        line(table(&section.difference).trim_end());
        if let Some(published) = &section.published {
            line(&published_table(published));
        }
    }
    if !document.rest.is_empty() {
        line("\n## Published, without a test set of ours");
    }
    document.rest.iter().for_each(|published| line(&published_table(published)));
    if let Some(parameters) = &document.parameters {
        line(&format!("\n## {PARAMETERS}\n\n{COUNTED}\n\n{}", table(parameters).trim_end()));
    }
    if let Some(beside) = beside {
        line(&side_by_side(beside));
    }
    list(&mut line, "Settings", &meta.settings);
    list(&mut line, "Warnings", &meta.warnings);
    out
}

/// Text as code, whatever backticks it has.
pub(super) fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

pub(super) fn list(line: &mut impl FnMut(&str), heading: &str, items: &[String]) {
    line(&format!("\n## {heading}\n"));
    if items.is_empty() {
        line("None.");
    }
    items.iter().for_each(|item| line(&format!("- {}", escape(item))));
}

fn published_table(published: &PublishedTable) -> String {
    let heading = escape(&published.heading);
    let citation = escape(&published.citation);
    format!("\n### {heading}\n\nPerplexity by r. {citation}.\n\n{}", table(&published.table).trim_end())
}

fn side_by_side(beside: &Beside) -> String {
    let mut out = format!("\n## Side by side with the paper\n\n{}\n", escape(&beside.introduction));
    for test in &beside.tests {
        let _ = writeln!(out, "\n### {}\n\n| ordering | in the paper | here |\n|---|---|---|", escape(&test.heading));
        for ordering in &test.orderings {
            let [paper, here] = [&ordering.paper, &ordering.here].map(|side| side.verdict());
            let _ = writeln!(out, "| {} | {} | {} |", escape(ordering.text), escape(&paper), escape(&here));
        }
        if let Some(note) = &test.note {
            let _ = writeln!(out, "\n{}", escape(note));
        }
        for ordering in &test.orderings {
            let _ = writeln!(out, "\n#### {}", escape(ordering.text));
            for (caption, evidence) in ordering.evidence() {
                let _ = write!(out, "\n{}\n\n{}", escape(&caption), table(evidence));
            }
        }
    }
    out.trim_end().to_string()
}

pub(super) fn table(table: &Table) -> String {
    let mut out = format!("| | {} |\n|---|{}\n", table.columns.join(" | "), "---:|".repeat(table.columns.len()));
    for (label, cells) in &table.rows {
        let marked = |cell: &Cell| match cell {
            Cell::Best(_) => format!("**{}**", text(cell)),
            _ => text(cell),
        };
        let cells: Vec<String> = cells.iter().map(marked).collect();
        let _ = writeln!(out, "| {} | {} |", escape(label), cells.join(" | "));
    }
    out
}

pub(super) fn text(cell: &Cell) -> String {
    match cell {
        Cell::Absent => String::new(),
        Cell::Perplexity(value) => value.text(),
        Cell::Interval(low, high) => format!("{}–{}", low.text(), high.text()),
        Cell::Difference(value, low, high) => format!("{value} [{low}, {high}]"),
        Cell::Spread(mean, deviation) if deviation.is_nan() => mean.text(),
        Cell::Spread(mean, deviation) => format!("{} ± {}", mean.text(), deviation.text()),
        Cell::Text(text) => text.clone(),
        Cell::Best(cell) => text(cell),
    }
}

/// Text that Markdown shows as it is, on one line.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            // Between letters and digits an underscore is literal already.
            '|' | '*' | '`' | '<' | '[' | ']' | '\\' | '#' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}
