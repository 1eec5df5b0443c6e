//! HTML and MediaWiki tags: which there are, and what becomes of their content.

/// A tag at the start of some text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// Its name in lower case.
    pub name: &'static str,
    pub kind: Effect,
    /// Width of the tag itself, in bytes.
    pub width: usize,
    /// `<name>`: neither `</name>` nor `<name/>`.
    pub opens: bool,
    /// `</name>`.
    pub closes: bool,
}

/// What becomes of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The tag goes, its content stays.
    Inline,
    /// The tag becomes a blank.
    Break,
    /// The tag becomes the end of a paragraph, its content stays.
    Block,
    /// Content that is text, with no markup in it.
    Verbatim,
    /// The whole element goes, and markup inside it is not looked at.
    Hidden,
}

/// Names as MediaWiki knows them; `<unk>` is none. `code` stays with its content: its words belong to the sentence.
const TAGS: &[(Effect, &[&str])] = &[
    (
        Effect::Inline,
        &[
            "abbr",
            "b",
            "bdi",
            "bdo",
            "big",
            "cite",
            "code",
            "data",
            "del",
            "dfn",
            "em",
            "font",
            "i",
            "ins",
            "kbd",
            "mark",
            "noinclude",
            "onlyinclude",
            "nobr",
            "q",
            "rb",
            "rp",
            "rt",
            "ruby",
            "s",
            "samp",
            "small",
            "span",
            "strike",
            "strong",
            "sub",
            "sup",
            "time",
            "tt",
            "u",
            "var",
            "wbr",
            "noscript",
            "section",
            "references",
        ],
    ),
    (Effect::Break, &["br"]),
    (
        Effect::Block,
        &[
            "blockquote",
            "center",
            "dd",
            "div",
            "dl",
            "dt",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "li",
            "ol",
            "p",
            "poem",
            "ul",
            "tr",
            "td",
            "th",
            "tbody",
            "thead",
            "caption",
        ],
    ),
    (Effect::Verbatim, &["nowiki", "chem", "ce"]),
    (
        Effect::Hidden,
        &[
            "ref",
            "math",
            "includeonly",
            "gallery",
            "source",
            "syntaxhighlight",
            "pre",
            "timeline",
            "score",
            "hiero",
            "imagemap",
            "graph",
            "mapframe",
            "maplink",
            "inputbox",
            "templatedata",
            "templatestyles",
            "indicator",
            "table",
            "categorytree",
            "style",
            "script",
        ],
    ),
];

/// The tag `text` starts with, if its name is known and it is closed by a `>` before the next `<`.
pub fn at(text: &str) -> Option<Tag> {
    let after = text.strip_prefix('<')?;
    let closes = after.starts_with('/');
    let after = after.strip_prefix('/').unwrap_or(after);
    // Names are longer than this only if they are none: `<` followed by text is not searched to its end.
    let letters = after.bytes().take(20).take_while(u8::is_ascii_alphanumeric).count();
    let (kind, name) = known(&after[..letters])?;
    let attributes = &after[letters..];
    let end = attributes.find(['<', '>']).filter(|&end| attributes.as_bytes()[end] == b'>')?;
    if !attributes.starts_with(['>', '/']) && !attributes.starts_with(char::is_whitespace) {
        return None;
    }
    // Code within a sentence, as of `<code>`. The older `<source inline>` goes, as the results of texts so far say.
    let inline = name == "syntaxhighlight" && attributes[..end].split([' ', '/', '\n']).any(is_inline);
    let kind = if inline { Effect::Verbatim } else { kind };
    let empty = attributes[..end].trim_end().ends_with('/');
    let width = text.len() - attributes.len() + end + 1;
    Some(Tag { name, kind, width, opens: !closes && !empty, closes })
}

/// Whether an attribute says that code is shown within a line.
fn is_inline(attribute: &str) -> bool {
    attribute.eq_ignore_ascii_case("inline") || attribute.starts_with("inline=")
}

fn known(name: &str) -> Option<(Effect, &'static str)> {
    TAGS.iter().find_map(|(kind, names)| {
        let found = names.iter().find(|known| known.eq_ignore_ascii_case(name))?;
        Some((*kind, *found))
    })
}

#[cfg(test)]
mod tests;
