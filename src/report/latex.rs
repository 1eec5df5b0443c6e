//! Tables as LaTeX (booktabs), to `\input` into a paper.

use super::Meta;
use super::number::Number;
use super::table::{Cell, Markup, Table};

/// LaTeX, with the table's caption, which is LaTeX already.
pub struct Latex<'a>(pub &'a str);

impl Markup for Latex<'_> {
    const TO: &'static str = "--";
    const SPREAD: &'static str = " $\\pm$ ";

    fn table(&self, table: &Table) -> String {
        let heads: Vec<String> = table.columns.iter().map(|head| escape(head)).collect();
        let row = |(label, cells): &(String, Vec<Cell>)| {
            format!("    {} & {} \\\\\n", escape(label), self.cells(cells).join(" & "))
        };
        format!(
            "\n\\begin{{table}}\n  \\centering\n  \\caption{{{}}}\n  \\resizebox{{\\linewidth}}{{!}}{{%\n  \
             \\begin{{tabular}}{{l{}}}\n    \\toprule\n    & {} \\\\\n    \\midrule\n{}    \\bottomrule\n  \\end{{tabular}}}}\n\\end{{table}}\n",
            self.0,
            "r".repeat(table.columns.len()),
            heads.join(" & "),
            table.rows.iter().map(row).collect::<String>(),
        )
    }

    fn text(&self, text: &str) -> String {
        escape(text)
    }

    fn best(&self, cell: String) -> String {
        format!("\\textbf{{{cell}}}")
    }

    fn number(&self, number: &Number) -> String {
        match number {
            Number::Plain(text) if text == "inf" => "$\\infty$".to_string(),
            Number::Plain(text) if text.starts_with(['+', '-']) => signed(text),
            Number::Plain(text) => text.clone(),
            Number::Scientific(mantissa, exponent) => format!("${mantissa}\\times10^{{{exponent}}}$"),
        }
    }

    fn difference(&self, parts: &[String; 3]) -> String {
        let [value, low, high] = parts.each_ref().map(|text| signed(text));
        format!("{value} {{\\scriptsize [{low}, {high}]}}")
    }
}

/// What every file of tables begins with.
pub fn preamble(meta: &Meta) -> String {
    let title = meta.title.replace(['\n', '\r'], " ");
    format!("% {title}\n% Regenerate with: {}\n% Needs \\usepackage{{booktabs,graphicx}}\n", meta.command)
}

/// In mathematics, so that a minus is a minus.
fn signed(text: &str) -> String {
    format!("${}$", text.replace("inf", "\\infty").replace("nan", "\\mathrm{nan}"))
}

/// Text that LaTeX sets unchanged, on one line.
pub fn escape(text: &str) -> String {
    let set = |c: char| match c {
        '\n' | '\r' => " ".to_string(),
        '&' | '%' | '$' | '#' | '_' | '{' | '}' => format!("\\{c}"),
        '±' => "$\\pm$".into(),
        '~' => "\\textasciitilde{}".into(),
        '^' => "\\textasciicircum{}".into(),
        '\\' => "\\textbackslash{}".into(),
        _ => c.into(),
    };
    text.chars().map(set).collect()
}
