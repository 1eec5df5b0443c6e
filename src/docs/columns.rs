//! The reference of columns: a section per results file.

use super::table;
use crate::results::{Described, Table, tables};

/// Sections with a table each.
pub fn reference() -> String {
    tables().iter().map(section).collect::<String>() + "\n"
}

fn section(Table { file, about, columns }: &Table) -> String {
    let row = |column: &Described| {
        let (text, unit) = column.parts();
        vec![format!("`{}`", column.name), column.holds.into(), unit.unwrap_or_default().into(), text.into()]
    };
    let rows: Vec<_> = columns.iter().map(row).collect();
    format!("\n### {file}\n\n{about}\n\n{}", table(&["column", "type", "unit", "what it holds"], &rows))
}
