//! Tables and text as Markdown.

use super::table::{Cell, Markup, Table};

pub struct Markdown;

impl Markup for Markdown {
    fn table(&self, table: &Table) -> String {
        let row = |(label, cells): &(String, Vec<Cell>)| {
            format!("| {} | {} |\n", escape(label), self.cells(cells).join(" | "))
        };
        let corner = if table.corner.is_empty() { String::new() } else { format!("{} ", escape(&table.corner)) };
        let words = |at: usize| {
            let first = table.rows.first().and_then(|(_, cells)| cells.get(at));
            matches!(first, Some(Cell::Name(_) | Cell::Verdict(..)))
        };
        let align = (0..table.columns.len()).map(|at| if words(at) { "---|" } else { "---:|" });
        let heads: Vec<String> = table.columns.iter().map(|head| escape(head)).collect();
        let rows = table.rows.iter().map(row).collect::<String>();
        format!("| {corner}| {} |\n|---|{}\n{rows}", heads.join(" | "), align.collect::<String>())
    }

    /// The text of a cell is made by this program and has no mark-up in it.
    fn text(&self, text: &str) -> String {
        text.to_string()
    }

    fn best(&self, cell: String) -> String {
        format!("**{cell}**")
    }
}

/// Blocks of a document, with a blank line between them.
pub fn document(blocks: &[String]) -> String {
    let blocks: Vec<&str> = blocks.iter().map(|block| block.trim_end()).collect();
    blocks.join("\n\n") + "\n"
}

/// A heading and its list.
pub fn list(heading: &str, items: &[String]) -> [String; 2] {
    let lines: Vec<String> = items.iter().map(|item| format!("- {}", escape(item))).collect();
    [format!("## {heading}"), if lines.is_empty() { "None.".into() } else { lines.join("\n") }]
}

/// Text as code, whatever backticks it has.
pub fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Text that Markdown shows unchanged, on one line.
pub fn escape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\r' => out.push(' '),
            '<' if chars.peek() == Some(&' ') => out.push(c),
            // Between letters and digits an underscore is literal already.
            '|' | '*' | '`' | '<' | '[' | ']' | '\\' | '#' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}
