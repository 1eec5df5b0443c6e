//! Holes: places of a sentence where a template stood and left nothing. For whoever wants to know what a text lacks; the
//! text itself is made without marks.

use super::Lost;

/// Around the name of a template that left nothing. Private use: no text has them.
const MARKS: [char; 2] = ['\u{f8f0}', '\u{f8f1}'];

/// Characters of the sentence to each side that are shown.
const AROUND: usize = 40;

/// What stands for a template that leaves nothing.
pub fn mark(name: &str) -> String {
    let name: String = name.chars().take_while(|c| *c != '\n').take(40).flat_map(char::to_lowercase).collect();
    format!("{}{}{}", MARKS[0], name.replace(['=', ' '], "~"), MARKS[1])
}

/// The holes of a text with marks.
pub fn find(title: &str, text: &str) -> Vec<Lost> {
    let mut lost = Vec::new();
    for line in text.lines() {
        // A template alone in its line stood for no words of a sentence.
        if !without(line).chars().any(char::is_alphanumeric) {
            continue;
        }
        for (start, _) in line.match_indices(MARKS[0]) {
            let Some(length) = line[start..].find(MARKS[1]) else { continue };
            let name = line[start + MARKS[0].len_utf8()..start + length].replace('~', " ");
            let (before, after) = (without(&line[..start]), without(&line[start + length + MARKS[1].len_utf8()..]));
            if is_hole(&before, &after) {
                let mut left: Vec<char> = before.chars().rev().take(AROUND).collect();
                left.reverse();
                let right: String = after.chars().take(AROUND).collect();
                let around = format!("{}_{right}", left.into_iter().collect::<String>());
                lost.push(Lost { title: title.to_owned(), template: name, around });
            }
        }
    }
    lost
}

/// Whether a template between these left a hole: it stood as a word of its own (or right behind a sign, `$` or `−`), and
/// the sentence goes on. Alone in parentheses it takes them with it; at the start of a line a capital letter behind it
/// begins the sentence, and behind a full stop too.
fn is_hole(before: &str, after: &str) -> bool {
    let (left, right) = (before.trim_end(), after.trim_start());
    let apart = before.is_empty() || before.ends_with([' ', '(', '"', '“', '$', '£', '−', '-', '–', '—']);
    let next = right.chars().next();
    let goes_on = next.is_some_and(|c| c.is_alphanumeric() || ",.;:)(\'\"”–—-%/".contains(c));
    let alone = left.ends_with('(') && right.starts_with([')', ';', ',']);
    let begins = left.is_empty() || left.ends_with(['.', '!', '?', ':', '"', '”']);
    apart && goes_on && !alone && !(begins && next.is_some_and(char::is_uppercase))
}

/// A text without its marks and the names between them.
fn without(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        inside |= c == MARKS[0];
        if !inside {
            kept.push(c);
        }
        inside &= c != MARKS[1];
    }
    kept
}
