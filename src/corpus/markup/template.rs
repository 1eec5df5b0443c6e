//! Templates: gone, except for those that stand for words of the sentence they are in.
//!
//! English Wikipedia's are known best, those of other languages in part ([`languages`]): there, an unknown template within a
//! sentence leaves one argument. Functions that compute (`{{#switch:}}`, `{{#expr:}}`, `{{#time:}}`) leave nothing.
//!
//! Without these, "a depth of {{convert|3|km}}" would lose its number, and "(from {{lang|la|albus}})" its word. No template is
//! expanded: [`names`] says which arguments stay, in which order and with what between them. Arguments that stay whole are
//! kept where they are, whatever is nested in them; where text is made of them, the template has to be short ([`LONGEST`]).

use std::borrow::Cow;
use std::ops::Range;

use super::cut::{self, Cut};
use super::{Page, TEXT, begins_like_markup, holes, link};
use crate::corpus::site;

use arguments::Arguments;
use stays::Stays;

mod arguments;
mod countries;
mod dates;
mod functions;
mod languages;
mod names;
mod numbers;
mod phrases;
mod stays;
#[cfg(test)]
mod tests;
mod words;

/// Bytes of a template of whose arguments text is made. The limit keeps templates within templates linear.
const LONGEST: usize = 1000;

/// A template, and where it is.
pub struct Call<'a> {
    pub text: &'a str,
    /// With its braces.
    pub range: Range<usize>,
    /// Name and arguments with their places.
    pub pieces: &'a [(usize, &'a str)],
    /// Index of the first cut that was made inside it.
    pub inner: usize,
}

/// Cuts all of a template but what stays. With `mark`, one that leaves nothing leaves its name between marks.
pub fn cuts(page: &Page, call: &Call, mark: bool, cuts: &mut Vec<Cut>) {
    let (start, end) = (call.range.start, call.range.end);
    let name = name(call, &cuts[call.inner..]);
    let stays = names::stays(&name, &page.site.language);
    let kept: Vec<(usize, &str)> = match &stays {
        Stays::Argument(index) => call.positional().nth(*index).or_else(|| call.by_name("text")).into_iter().collect(),
        Stays::Body => call.body().into_iter().collect(),
        Stays::Last => call.positional().last().into_iter().collect(),
        Stays::Joined(_) | Stays::Listed => call.positional().filter(|(_, text)| !text.trim().is_empty()).collect(),
        Stays::Unknown if languages::may_be_a_word(page, call) => call.word().into_iter().collect(),
        Stays::Text(_) | Stays::Made(_) | Stays::Nothing | Stays::Unknown => Vec::new(),
    };
    if kept.is_empty() {
        let made = match stays {
            Stays::Text(text) => Some(text.to_owned()),
            Stays::Made(make) if call.is_short(&cuts[call.inner..]) => {
                make(&Arguments::of(page, &name, call, &cuts[call.inner..]))
            }
            _ => None,
        };
        // What is inside goes with it.
        cuts.truncate(call.inner);
        let lost = mark && !matches!(stays, Stays::Nothing);
        let with = match made {
            Some(made) if made.starts_with(['|', '!']) => format!("{TEXT}{made}"),
            Some(made) => made,
            None if lost => holes::mark(&name),
            None => String::new(),
        };
        return cuts.push(Cut { range: start..end, with: with.into() });
    }
    let is_text = begins_like_markup(kept[0].1);
    let (before, between, after) = match stays {
        Stays::Joined(between) => ("", between, ""),
        Stays::Listed => ("\n* ", "\n* ", "\n"),
        Stays::Argument(_) | Stays::Last | Stays::Unknown if is_text => (TEXT, "", ""),
        _ => ("", "", ""),
    };
    let mut done = start;
    for (at, text) in kept {
        let with = if done == start { before } else { between };
        cuts.push(Cut { range: done..at, with: with.into() });
        done = at + text.len();
    }
    cuts.push(Cut { range: done..end, with: after.into() });
}

/// The name as it is written, without `Template:` and `subst:`, and without a comment in it.
fn name<'a>(call: &Call<'a>, inner: &[Cut]) -> Cow<'a, str> {
    let Some(&(at, written)) = call.pieces.first() else { return Cow::Borrowed("") };
    let comment = written.len() <= LONGEST && written.contains("<!--");
    let whole = match comment {
        true => Cow::Owned(cut::within(call.text, at..at + written.len(), inner)),
        false => Cow::Borrowed(written),
    };
    match whole {
        Cow::Borrowed(name) => Cow::Borrowed(bare(name)),
        Cow::Owned(name) => Cow::Owned(bare(&name).to_owned()),
    }
}

fn bare(written: &str) -> &str {
    let mut name = written.trim();
    for prefix in ["subst:", "safesubst:", "template:", "msg:"] {
        if name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
            name = name[prefix.len()..].trim_start();
        }
    }
    name
}

impl<'a> Call<'a> {
    /// Whether text may be made of it: short, what is nested in it (references) counted as what it becomes.
    fn is_short(&self, inner: &[Cut]) -> bool {
        let length = self.range.len();
        if length <= LONGEST || inner.len() > LONGEST {
            return length <= LONGEST;
        }
        let mut ranges: Vec<_> = inner.iter().map(|cut| (cut.range.start, cut.range.end, cut.with.len())).collect();
        ranges.sort_unstable();
        let (mut kept, mut done) = (0, self.range.start);
        for (from, to, with) in ranges {
            if from >= done {
                kept += from - done + with;
            }
            done = done.max(to);
        }
        kept + self.range.end.saturating_sub(done) <= LONGEST
    }

    /// The one argument without a name, or the first with a letter or digit.
    fn word(&self) -> Option<(usize, &'a str)> {
        self.positional().find(|(_, text)| text.chars().any(char::is_alphanumeric))
    }

    /// The arguments without a name, or with a number for one.
    fn positional(&self) -> impl Iterator<Item = (usize, &'a str)> {
        self.pieces.iter().skip(1).filter_map(|&(at, text)| match named(text) {
            Some((name, width)) => name.bytes().all(|b| b.is_ascii_digit()).then(|| (at + width, &text[width..])),
            None => Some((at, text)),
        })
    }

    /// The text of a quotation: the first argument without a name, or the one that is named as text.
    fn body(&self) -> Option<(usize, &'a str)> {
        let first = self.positional().find(|(_, text)| !text.trim().is_empty());
        first.or_else(|| ["text", "quote", "quotetext", "content"].into_iter().find_map(|name| self.by_name(name)))
    }

    fn by_name(&self, wanted: &str) -> Option<(usize, &'a str)> {
        self.pieces.iter().skip(1).find_map(|&(at, text)| {
            let (_, width) = named(text).filter(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
            Some((at + width, &text[width..]))
        })
    }
}

/// Name of an argument, and the bytes up to its value.
fn named(text: &str) -> Option<(&str, usize)> {
    // Names are short, as in links.
    let (name, _) = link::head(text, 32).split_once('=')?;
    let letter = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '\n' | '\t');
    name.chars().all(letter).then(|| (name.trim(), name.len() + 1))
}
