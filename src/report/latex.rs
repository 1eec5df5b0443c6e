//! The report's tables as LaTeX (booktabs), to `\input` into a paper.

use std::fmt::Write;

use super::document::{Cell, Document, PublishedTable, Table};
use super::number::Number;

/// `table.tex`: a table environment a test set and kind.
pub fn write(document: &Document) -> String {
    let meta = document.meta;
    let mut out = format!(
        "% {}\n% Regenerate with: {}\n% Needs \\usepackage{{booktabs,graphicx}}\n",
        meta.title.replace(['\n', '\r'], " "),
        meta.command
    );
    let columns = document.columns_are;
    for section in &document.sections {
        let heading = escape(&section.heading);
        let model = escape(&meta.model);
        let caption = format!("Perplexity of {model} on {heading}, by {columns}.");
        out += &environment(&section.perplexity, &caption);
        let caption = format!(
            "Loss of {model} minus that of the undamaged model on {heading}, in nats a token, paired by window, with its \
             95\\% interval, by {columns}."
        );
        out += &environment(&section.difference, &caption);
        if let Some(published) = &section.published {
            out += &published_environment(published);
        }
    }
    document.rest.iter().for_each(|published| out += &published_environment(published));
    out
}

fn published_environment(published: &PublishedTable) -> String {
    let caption = format!("Perplexity by $r$: {} ({}).", escape(&published.heading), escape(&published.citation));
    environment(&published.table, &caption)
}

pub(super) fn environment(table: &Table, caption: &str) -> String {
    let mut out = format!(
        "\n\\begin{{table}}\n  \\centering\n  \\caption{{{caption}}}\n  \\resizebox{{\\linewidth}}{{!}}{{%\n  \
         \\begin{{tabular}}{{l{}}}\n    \\toprule\n",
        "r".repeat(table.columns.len())
    );
    let heads: Vec<String> = table.columns.iter().map(|head| escape(head)).collect();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "    & {} \\\\\n    \\midrule", heads.join(" & "));
    for (label, cells) in &table.rows {
        let cells: Vec<String> = cells.iter().map(text).collect();
        let _ = writeln!(out, "    {} & {} \\\\", escape(label), cells.join(" & "));
    }
    out + "    \\bottomrule\n  \\end{tabular}}\n\\end{table}\n"
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Absent => String::new(),
        Cell::Text(text) => escape(text),
        Cell::Best(cell) => format!("\\textbf{{{}}}", text(cell)),
        Cell::Perplexity(value) => number(value),
        Cell::Interval(low, high) => format!("{}--{}", number(low), number(high)),
        Cell::Difference(value, low, high) => {
            let [value, low, high] = [value, low, high].map(|text| signed(text));
            format!("{value} {{\\scriptsize [{low}, {high}]}}")
        }
        Cell::Spread(mean, deviation) if deviation.is_nan() => number(mean),
        Cell::Spread(mean, deviation) => format!("{} $\\pm$ {}", number(mean), number(deviation)),
    }
}

fn number(value: &Number) -> String {
    match value {
        Number::Plain(text) if text == "inf" => "$\\infty$".to_string(),
        Number::Plain(text) if text.starts_with(['+', '-']) => signed(text),
        Number::Plain(text) => text.clone(),
        Number::Scientific(mantissa, exponent) => format!("${mantissa}\\times10^{{{exponent}}}$"),
    }
}

/// In mathematics, so that a minus is a minus.
fn signed(text: &str) -> String {
    format!("${}$", text.replace("inf", "\\infty").replace("nan", "\\mathrm{nan}"))
}

/// Text that LaTeX sets as it is, on one line.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '\\' => out.push_str("\\textbackslash{}"),
            _ => out.push(c),
        }
    }
    out
}
