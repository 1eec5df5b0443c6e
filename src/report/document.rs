//! What the reports of all experiments are made of: captioned tables under headings, and the files of tables from them.

use super::table::{Markup, Table};
use super::{Meta, latex, markdown};
use latex::Latex;
use markdown::{Markdown, escape};

/// A table, and what stands around it in each format.
pub struct Captioned {
    /// Its heading in Markdown, hashes included.
    pub heading: String,
    /// What to know of it.
    pub note: String,
    /// Its heading on the page; may be empty.
    pub title: String,
    /// Its caption in LaTeX; without one it is not in that file.
    pub caption: String,
    pub table: Table,
}

/// Tables under a heading of the page.
pub struct Section {
    pub heading: String,
    pub tables: Vec<Captioned>,
}

impl Captioned {
    /// A table that has a heading and a note on the page as in Markdown, and is not in the LaTeX.
    pub fn new(level: usize, title: &str, note: impl Into<String>, table: Table) -> Self {
        let (heading, note) = (format!("{} {}", "#".repeat(level), escape(title)), note.into());
        Self { heading, note, title: title.into(), caption: String::new(), table }
    }

    /// The same with a caption in LaTeX.
    pub fn captioned(self, caption: String) -> Self {
        Self { caption, ..self }
    }

    /// The same with another heading on the page.
    pub fn titled(self, title: &str) -> Self {
        Self { title: title.into(), ..self }
    }

    /// Its blocks in Markdown.
    pub fn blocks(&self) -> Vec<String> {
        let all = [self.heading.clone(), escape(&self.note), Markdown.table(&self.table)];
        all.into_iter().filter(|block| !block.is_empty()).collect()
    }
}

/// A file of tables in LaTeX.
pub fn latex<'a>(meta: &Meta, tables: impl IntoIterator<Item = &'a Captioned>) -> String {
    let captioned = tables.into_iter().filter(|captioned| !captioned.caption.is_empty());
    captioned.fold(latex::preamble(meta), |out, captioned| out + &Latex(&captioned.caption).table(&captioned.table))
}

/// A file in Markdown: `facts` below the title, `blocks`, then settings and warnings.
pub fn markdown(meta: &Meta, facts: String, blocks: Vec<String>) -> String {
    let mut all = vec![format!("# {}", escape(&meta.title)), facts];
    all.extend(blocks);
    all.extend(markdown::list("Settings", &meta.settings));
    all.extend(markdown::list("Warnings", &meta.warnings));
    markdown::document(&all)
}
