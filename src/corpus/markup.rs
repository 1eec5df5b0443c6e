//! MediaWiki markup to plain prose, laid out as Wikitext is.
//!
//! Two passes, both linear in the length of the text. [`scan`] finds what is not prose (templates, tables, references,
//! comments, media, the brackets of links) as a set of ranges to cut; [`blocks`] turns the rest, line by line, into titles,
//! paragraphs and list items, and drops sections with nothing left in them. What the markup *means* is not modelled: nothing
//! is fetched, and of templates only those that stand for words of a sentence leave these ([`template`]).
//!
//! Real articles contain broken markup. An opener without a closer costs its own characters, never the rest of the article.

mod apparatus;
mod blocks;
mod clean;
mod cut;
mod holes;
mod link;
mod scan;
mod switches;
mod tag;
mod template;
mod variant;

#[cfg(test)]
mod tests;

use super::site::Site;

/// Placed before a label or argument that begins like markup of a line (`!Kung`, `*NSYNC`): the kind of a line is decided by its
/// markup, not by what is left of it. Private use, and taken out by [`clean::line`].
const TEXT: &str = "\u{f8f2}";

/// Placed where a table or template was opened that is never closed: up to the next title, lines with a bar are its cells.
const UNCLOSED: &str = "\u{f8f3}";

/// Whether a text begins like markup of a line.
fn begins_like_markup(text: &str) -> bool {
    text.trim_start_matches([' ', '\t']).starts_with(['|', '!', '*', '#', ':', ';', '='])
}

/// An article as plain text.
#[derive(Debug, PartialEq)]
pub struct Article {
    /// Title, section titles, paragraphs and list items: ` = Title = `, ` = = Section = = `, an empty line between blocks.
    pub text: String,
    /// Characters in paragraphs: titles and list items not counted.
    pub prose: usize,
}

/// What the prose of a page depends on besides its markup.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// The wiki it is from.
    pub site: &'a Site,
    /// Its title.
    pub title: &'a str,
    /// Year, month and day of its revision: what "today" means in it.
    pub date: Option<(i32, u32, u32)>,
}

/// The prose of a page.
pub fn article(page: &Page, markup: &str) -> Article {
    let stripped = cut::apply(markup, scan::cuts(page, markup, false));
    blocks::article(page, &stripped)
}

/// A template in a sentence that was removed without leaving a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Title of the page.
    pub title: String,
    /// Name of the template, in lower case.
    pub template: String,
    /// The text around it, with `_` in its place.
    pub around: String,
}

/// The templates of a page that left a hole in its prose: those that stood as a word of their own, between words of a
/// paragraph or list item, and not between parentheses or at the end of a sentence.
pub fn lost(page: &Page, markup: &str) -> Vec<Lost> {
    let marked = cut::apply(markup, scan::cuts(page, markup, true));
    let text = blocks::article(page, &marked).text;
    holes::find(page.title, &text)
}
