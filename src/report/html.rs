//! Tables as HTML, for the page's templates.

use askama::filters::{Escaper, Html as Escape};

use super::table::{Cell, Markup, Table};

/// HTML, with the class of the table.
pub struct Html<'a>(pub &'a str);

impl Table {
    pub fn html(&self, class: &str) -> String {
        Html(class).table(self)
    }
}

impl Markup for Html<'_> {
    fn table(&self, table: &Table) -> String {
        let class = if self.0.is_empty() { String::new() } else { format!(" class=\"{}\"", self.0) };
        let aligned = |cell: Option<&Cell>| if matches!(cell, Some(Cell::Name(_))) { " class=\"text\"" } else { "" };
        let first = table.rows.first().map_or(&[][..], |(_, cells)| cells);
        let head = |(at, head): (usize, &String)| format!("<th{}>{}</th>", aligned(first.get(at)), self.text(head));
        let heads: String = table.columns.iter().enumerate().map(head).collect();
        let row = |(label, cells): &(String, Vec<Cell>)| {
            let cells = cells.iter().map(|cell| format!("<td{}>{}</td>", aligned(Some(cell)), self.cell(cell)));
            format!("\n<tr><td>{}</td>{}</tr>\n", self.text(label), cells.collect::<String>())
        };
        let rows: String = table.rows.iter().map(row).collect();
        format!(
            "<div class=\"wide\"><table{class}>\n<thead><tr><th>{}</th>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>",
            self.text(&table.corner)
        )
    }

    fn text(&self, text: &str) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = Escape.write_escaped_str(&mut out, text);
        out
    }

    fn best(&self, cell: String) -> String {
        format!("<strong>{cell}</strong>")
    }

    fn verdict(&self, class: &str, text: &str) -> String {
        if class.is_empty() { self.text(text) } else { format!("<span class=\"{class}\">{}</span>", self.text(text)) }
    }
}
