//! Templates: gone, but for the few whose arguments are words of the sentence they stand in.
//!
//! Without these, "a depth of {{convert|3|km}}" would lose its number, and "(from {{lang|la|albus}})" its word. No template is
//! expanded: arguments are kept or not.

use super::cut::Cut;
use super::link;

/// What stays of a template.
enum Stays {
    /// A fixed text.
    Text(&'static str),
    /// The argument at this place, from 0, named ones not counted.
    Argument(usize),
    /// The last argument.
    Last,
    /// All arguments, with this between them.
    Joined(&'static str),
    /// `As of ` and the year.
    Date,
    /// Number and unit: the leading arguments up to the first that is no number or word between numbers.
    Quantity,
}

/// The templates with something that stays; names in lower case.
const STAYS: &[(Stays, &[&str])] = &[
    (Stays::Text(" "), &["nbsp", "space", "spaces", "thinsp", "hairsp", "sp"]),
    (Stays::Text("'"), &["'"]),
    (Stays::Text("'s"), &["'s"]),
    (Stays::Text("–"), &["ndash", "en dash"]),
    (Stays::Text(" – "), &["snd", "spnd", "spaced ndash"]),
    (Stays::Text("—"), &["mdash", "mdashb", "em dash", "emdash"]),
    (Stays::Text(" · "), &["·", "dot", "middot"]),
    (Stays::Text("="), &["="]),
    (
        Stays::Argument(0),
        &[
            "nowrap",
            "nobr",
            "small",
            "smaller",
            "big",
            "larger",
            "sc",
            "smallcaps",
            "quote",
            "quotation",
            "cquote",
            "blockquote",
            "bquote",
            "vanchor",
            "visible anchor",
            "nobold",
            "nihongo",
            "angbr",
            "poemquote",
            "allow wrap",
            "em",
            "strong",
            "lang-ar",
            "lang-az",
            "lang-de",
            "lang-el",
            "lang-es",
            "lang-fr",
            "lang-grc",
            "lang-he",
            "lang-it",
            "lang-la",
            "lang-pt",
            "lang-ru",
            "lang-sq",
            "lang-fa",
            "lang-tr",
            "lang-nl",
            "lang-hy",
            "lang-ka",
            "lang-zh",
            "lang-ja",
            "lang-pl",
            "lang-sr",
            "lang-hu",
            "lang-ca",
            "lang-mn",
            "lang-ps",
            "val",
            "num",
            "gaps",
            "ipa",
            "vr",
            "keypress",
            "key press",
            "mvar",
            "math",
            "sub",
            "sup",
        ],
    ),
    (Stays::Argument(1), &["lang", "rtl-lang", "tooltip", "abbr"]),
    (Stays::Last, &["transl", "transliteration", "color", "resize", "font"]),
    (Stays::Joined(""), &["chem"]),
    (Stays::Joined("/"), &["frac", "fraction", "sfrac"]),
    (Stays::Date, &["as of"]),
    (Stays::Quantity, &["convert", "cvt"]),
];

/// Cuts all of the template `start..end` but what stays. `pieces` are its name and arguments with their places.
pub fn cuts(start: usize, end: usize, pieces: &[(usize, &str)], cuts: &mut Vec<Cut>) {
    let mut cut = |from, to, with| cuts.push(Cut { range: from..to, with });
    let name = pieces.first().map_or("", |(_, name)| name.trim());
    let stays = STAYS.iter().find(|(_, names)| names.iter().any(|known| known.eq_ignore_ascii_case(name)));
    let Some((stays, _)) = stays else { return cut(start, end, "") };
    let arguments: Vec<(usize, &str)> = pieces.iter().skip(1).filter_map(|&piece| positional(piece)).collect();
    let year = if pieces.iter().any(|(_, text)| text.trim_start().starts_with("lc=")) { "as of " } else { "As of " };
    let (before, between, kept) = match stays {
        Stays::Text(text) => return cut(start, end, text),
        Stays::Argument(index) => ("", "", arguments.get(*index..index + 1).unwrap_or(&[])),
        Stays::Last => ("", "", arguments.last().map_or(&[][..], std::slice::from_ref)),
        Stays::Joined(between) => ("", *between, &arguments[..]),
        Stays::Date => (year, "", arguments.get(..1).unwrap_or(&[])),
        Stays::Quantity => ("", " ", quantity(&arguments)),
    };
    let mut done = start;
    for &(at, text) in kept {
        cut(done, at, if done == start { before } else { between });
        done = at + text.len();
    }
    cut(done, end, "");
}

/// An argument without a name, or with a number for one.
fn positional((at, text): (usize, &str)) -> Option<(usize, &str)> {
    // Names are short, as in links.
    match link::head(text, 24).split_once('=') {
        Some((name, _)) if name.trim().bytes().all(|b| b.is_ascii_digit()) => {
            Some((at + name.len() + 1, &text[name.len() + 1..]))
        }
        Some((name, _))
            if name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'_' | b'-' | b'\n')) =>
        {
            None
        }
        _ => Some((at, text)),
    }
}

/// `10|km|mi` is `10 km`, `3|to|5|ft|m` is `3 to 5 ft`.
fn quantity<'a, 'b>(arguments: &'a [(usize, &'b str)]) -> &'a [(usize, &'b str)] {
    let between = ["to", "and", "or", "-", "–", "x", "by", "to(-)", "+", "*", "×"];
    let number =
        |text: &str| between.contains(&text) || text.starts_with(|c: char| c.is_ascii_digit() || "-−+.".contains(c));
    let numbers = arguments.iter().take_while(|(_, text)| number(text.trim())).count();
    &arguments[..(numbers + 1).min(arguments.len())]
}
