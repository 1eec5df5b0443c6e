//! Ranges of a text that are to go, and what stands in their place.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;

/// One range to cut. Ranges may overlap and nest: what any of them covers goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    pub range: Range<usize>,
    /// Put in place of the range, unless it lies within a larger one.
    pub with: Cow<'static, str>,
}

/// `text` without the ranges of `cuts`, which begin and end at character boundaries.
pub fn apply(text: &str, mut cuts: Vec<Cut>) -> String {
    cuts.sort_by_key(|cut| (cut.range.start, Reverse(cut.range.end)));
    let mut kept = String::with_capacity(text.len());
    let mut done = 0;
    for Cut { range, with } in cuts {
        if range.start >= done {
            kept.push_str(&text[done..range.start]);
            kept.push_str(&with);
        }
        done = done.max(range.end);
    }
    kept.push_str(&text[done..]);
    kept
}

/// `text[range]` without the cuts that lie in it.
pub fn within(text: &str, range: Range<usize>, cuts: &[Cut]) -> String {
    let inside = cuts.iter().filter(|cut| range.start <= cut.range.start && cut.range.end <= range.end);
    let moved = inside
        .map(|cut| Cut { range: cut.range.start - range.start..cut.range.end - range.start, with: cut.with.clone() });
    apply(&text[range.clone()], moved.collect())
}

#[cfg(test)]
mod tests;
