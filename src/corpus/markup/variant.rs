//! Variants of a language side by side: `-{zh-hans:计算机;zh-hant:電腦}-`, `-{unchanged}-`, with flags `-{A|..}-`.

use super::cut::Cut;

/// Languages whose wikis convert between scripts or countries. In others, `-{` is text.
const LANGUAGES: [&str; 16] =
    ["zh", "sr", "kk", "ku", "uz", "iu", "tg", "gan", "shi", "crh", "sh", "wuu", "ban", "tly", "zgh", "mni"];

/// Whether the wikis of a language have variants.
pub fn has(language: &str) -> bool {
    LANGUAGES.contains(&language)
}

/// Bytes up to which the text between the braces is looked at; it is a word or a sentence.
const LONGEST: usize = 1000;

/// Cuts all of the markup `start..end` but its text, or the first variant of it. `bar` is the place of its first `|`.
pub fn cuts(text: &str, start: usize, bar: Option<usize>, end: usize, cuts: &mut Vec<Cut>) {
    let mut cut = |from: usize, to: usize| cuts.push(Cut { range: from..to, with: "".into() });
    let (inside, close) = (start + 2, end - 2);
    let flags = bar.map_or("", |bar| if bar - inside < 64 { &text[inside..bar] } else { "" });
    // Hidden, removed, and the title of the page: nothing is shown here.
    if flags.split(';').any(|flag| matches!(flag.trim(), "H" | "T" | "-")) {
        return cut(start, end);
    }
    let from = bar.map_or(inside, |bar| bar + 1);
    let body = &text[from..close];
    let code = if body.len() <= LONGEST { code(body) } else { 0 };
    cut(start, from + code);
    let shown = &body[code..];
    let rest = shown.match_indices(';').map(|(at, _)| at).find(|at| {
        let next = shown[at + 1..].trim();
        code > 0 && (next.is_empty() || self::code(next) > 0)
    });
    cut(from + code + rest.unwrap_or(shown.len()), end);
}

/// Bytes of the `zh-hans:` a text starts with; 0 if there is none.
fn code(text: &str) -> usize {
    // `original=>zh-hans:` is a rule in one direction.
    let rule = text.find("=>").filter(|at| !text[..*at].contains([':', ';'])).map_or(0, |at| at + 2);
    let name = text[rule..].trim_start();
    let letters = name.bytes().take(16).take_while(|b| b.is_ascii_lowercase() || *b == b'-').count();
    let width = text.len() - name.len() + letters;
    let blanks = name[letters..].len() - name[letters..].trim_start().len();
    if letters >= 2 && name[letters + blanks..].starts_with(':') { width + blanks + 1 } else { 0 }
}
