//! One line of stripped markup to plain text: quotes, entities, blanks, and the holes that templates leave.

use std::borrow::Cow;

use quick_xml::escape::resolve_html5_entity;

use super::switches::switches;
use super::{TEXT, UNCLOSED};

/// The text of a line; `None` if it has no letter or digit.
pub fn line(markup: &str) -> Option<String> {
    let markup = match markup.contains(TEXT) || markup.contains(UNCLOSED) {
        true => Cow::Owned(markup.replace(TEXT, "").replace(UNCLOSED, "")),
        false => Cow::Borrowed(markup),
    };
    let text = tidy(&entities(&switches(&quotes(&markup))));
    text.chars().any(char::is_alphanumeric).then_some(text)
}

/// Takes out the quotes that mean italics (2), bold (3) and both (5).
fn quotes(line: &str) -> String {
    if !line.contains("''") {
        return line.to_owned();
    }
    let mut runs = runs(line);
    apostrophe_in_disguise(line, &mut runs);
    let mut text = String::with_capacity(line.len());
    let mut done = 0;
    for Run { start, length, apostrophes } in runs {
        text.push_str(&line[done..start]);
        text.extend(std::iter::repeat_n('\'', apostrophes));
        done = start + length;
    }
    text.push_str(&line[done..]);
    text
}

/// Two or more quotes in a row.
struct Run {
    start: usize,
    length: usize,
    /// How many of them are text: of 4 the first, of more than 5 all but 5.
    apostrophes: usize,
}

impl Run {
    fn markup(&self) -> usize {
        self.length - self.apostrophes
    }
}

fn runs(line: &str) -> Vec<Run> {
    let bytes = line.as_bytes();
    let mut runs = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|&&b| b == b'\'').count();
        if length >= 2 {
            let apostrophes = if length == 4 { 1 } else { length.saturating_sub(5) };
            runs.push(Run { start: at, length, apostrophes });
        }
        at += length.max(1);
    }
    runs
}

/// MediaWiki's own rule for `''Apollo'''s crew`: where neither bold nor italics come out even, one run of three is an
/// apostrophe and italics; the first behind a one-letter word, else behind a longer word, else any.
fn apostrophe_in_disguise(line: &str, runs: &mut [Run]) {
    let odd = |wanted: usize| runs.iter().filter(|run| [wanted, 5].contains(&run.markup())).count() % 2 == 1;
    if !(odd(2) && odd(3)) {
        return;
    }
    let rank = |run: &Run| {
        let mut before = line[..run.start].chars().rev();
        match (before.next(), before.next()) {
            (Some(' ') | None, _) => 2,
            (_, Some(' ') | None) => 0,
            _ => 1,
        }
    };
    let found = runs.iter_mut().filter(|run| run.markup() == 3).min_by_key(|run| rank(run));
    if let Some(run) = found {
        run.apostrophes += 1;
    }
}

/// Decodes `&nbsp;`, `&#160;` and `&#xA0;`; other text is unchanged.
fn entities(line: &str) -> String {
    /// `&CounterClockwiseContourIntegral;` is the longest.
    const LONGEST: usize = 32;
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find('&') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        let length = rest[1..].bytes().take(LONGEST).take_while(|b| b.is_ascii_alphanumeric() || *b == b'#').count();
        let name = &rest[1..1 + length];
        let decoded = if rest[1 + length..].starts_with(';') { entity(name) } else { None };
        match decoded {
            Some(decoded) => {
                text.push_str(&decoded);
                rest = &rest[length + 2..];
            }
            None => {
                text.push('&');
                rest = &rest[1..];
            }
        }
    }
    text.push_str(rest);
    text
}

fn entity(name: &str) -> Option<String> {
    let Some(number) = name.strip_prefix('#') else {
        return resolve_html5_entity(name).map(str::to_owned);
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    code.ok().and_then(char::from_u32).filter(|c| !c.is_control() || c.is_whitespace()).map(String::from)
}

/// One kind of blank, one at a time, none before a comma or inside a parenthesis; marks without width dropped. Where a
/// template is gone, `( ; born 1950)` becomes `(born 1950)` and ` ()` nothing.
fn tidy(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut blank = false;
    let mut next = line.chars().peekable();
    while let Some(c) = next.next() {
        let ends = next.peek().is_none_or(|c| c.is_whitespace());
        match c {
            '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}' | '\u{202a}'..='\u{202e}' | '\u{feff}' => {}
            _ if c.is_whitespace() || c.is_control() => blank = !text.is_empty(),
            ',' | ';' | ':' if ends && (text.is_empty() || text.ends_with(['(', ',', ';'])) => blank = false,
            ',' | ';' | ':' | '.' if ends => {
                text.push(c);
                blank = false;
            }
            '、' | '，' | '；' if text.ends_with('（') => blank = false,
            '）' | '」' => {
                let (open, full) = match c {
                    '）' => ('（', text.trim_end_matches(['、', '，', '；', ' ']).len()),
                    _ => ('「', text.len()),
                };
                text.truncate(full);
                match text.ends_with(open) {
                    true => text.truncate(full - open.len_utf8()),
                    false => text.push(c),
                }
                blank = false;
            }
            ')' => {
                let full = text.trim_end_matches([',', ';', ' ']).len();
                text.truncate(full);
                match text.ends_with(" (") {
                    true => text.truncate(full - 2),
                    false => text.push(')'),
                }
                blank = false;
            }
            _ => {
                if blank && !text.ends_with('(') {
                    text.push(' ');
                }
                blank = false;
                text.push(c);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests;
