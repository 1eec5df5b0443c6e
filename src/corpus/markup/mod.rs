//! MediaWiki markup to plain prose, laid out as Wikitext is.
//!
//! Two passes, both linear in the length of the text. [`scan`] finds what is no prose (templates, tables, references,
//! comments, media, the brackets of links) as a set of ranges to cut; [`blocks`] turns the rest, line by line, into titles,
//! paragraphs and list items, and drops sections with nothing left in them. What the markup *means* is not modelled: nothing
//! is fetched, and no template is expanded beyond the few whose arguments are words of the sentence.
//!
//! Real articles contain broken markup. An opener without a closer costs its own characters, never the rest of the article.

mod blocks;
mod clean;
mod cut;
mod link;
mod scan;
mod tag;
mod template;

#[cfg(test)]
mod tests;

/// An article as plain text.
#[derive(Debug, PartialEq)]
pub struct Article {
    /// Title, section titles, paragraphs and list items: ` = Title = `, ` = = Section = = `, an empty line between blocks.
    pub text: String,
    /// Characters in paragraphs: titles and list items not counted.
    pub prose: usize,
}

/// The prose of a page.
pub fn article(title: &str, markup: &str) -> Article {
    let stripped = cut::apply(markup, scan::cuts(markup));
    blocks::article(title, &stripped)
}
