//! What the reports of all experiments are made of: captioned tables under headings, which the page, `*.md` and `*.tex` show
//! alike.

use super::table::{Markup, Table};
use super::{Meta, latex, markdown};
use latex::Latex;
use markdown::{Markdown, escape};

/// A table with its title and what to know to read it; either may be empty.
pub struct Captioned {
    pub title: String,
    pub note: String,
    pub table: Table,
    /// Whether it is in the LaTeX too, and if so whether the numbers are ours, not the paper's.
    pub latex: Option<bool>,
}

/// Tables under a heading, which is empty where they need none.
pub struct Section {
    pub heading: String,
    pub tables: Vec<Captioned>,
}

impl Captioned {
    /// A table for the page and Markdown.
    pub fn new(title: impl Into<String>, note: impl Into<String>, table: Table) -> Self {
        Self { title: title.into(), note: note.into(), table, latex: None }
    }

    /// The same for LaTeX too, of our numbers.
    pub fn ours(self) -> Self {
        Self { latex: Some(true), ..self }
    }

    /// The same for LaTeX too, of the paper's numbers.
    pub fn of_paper(self) -> Self {
        Self { latex: Some(false), ..self }
    }

    /// Its blocks in Markdown, below a heading of this level.
    pub fn blocks(&self, level: usize) -> Vec<String> {
        let heading = format!("{} {}", "#".repeat(level), escape(&self.title));
        let all = [(&self.title, heading), (&self.note, escape(&self.note))].into_iter();
        let texts = all.filter(|(text, _)| !text.is_empty()).map(|(_, block)| block);
        texts.chain([Markdown.table(&self.table)]).collect()
    }
}

impl Section {
    /// Its blocks in Markdown, below a heading of this level.
    pub fn blocks(&self, level: usize) -> Vec<String> {
        let heading = (!self.heading.is_empty()).then(|| format!("{} {}", "#".repeat(level), escape(&self.heading)));
        let below = level + usize::from(heading.is_some());
        heading.into_iter().chain(self.tables.iter().flat_map(|it| it.blocks(below))).collect()
    }
}

/// A file of tables in LaTeX; `about` ends the captions of our numbers.
pub fn latex(meta: &Meta, sections: &[Section], about: &str) -> String {
    let tables = sections.iter().flat_map(|section| section.tables.iter().map(move |it| (section, it)));
    tables.filter_map(|(section, it)| Some((section, it, it.latex?))).fold(
        latex::preamble(meta),
        |out, (section, it, ours)| {
            let on = [&meta.model, &section.heading].map(String::as_str).join(", ");
            let title = if ours { format!("{} ({})", it.title, on.trim_end_matches(", ")) } else { it.title.clone() };
            let parts = [title.as_str(), it.note.trim_end_matches('.'), if ours { about } else { "" }];
            let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).map(latex::escape).collect();
            out + &Latex(&format!("{}.", parts.join(". "))).table(&it.table)
        },
    )
}

/// A file in Markdown: `facts` below the title, `blocks`, then settings and warnings.
pub fn markdown(meta: &Meta, facts: &str, blocks: Vec<String>) -> String {
    let mut all = vec![
        format!("# {}", escape(&meta.title)),
        format!("Model: {}.{facts}", escape(&meta.model)),
        format!("Regenerate with {}.", markdown::code(&meta.command)),
    ];
    all.extend(blocks);
    all.extend(markdown::list("Settings", &meta.settings));
    all.extend(markdown::list("Warnings", &meta.warnings));
    markdown::document(&all)
}
