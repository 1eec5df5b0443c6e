//! Internal and external links: what of them is text.

use super::cut::Cut;
use super::{TEXT, begins_like_markup};
use crate::corpus::site::{self, Site};

/// Prefixes of other wikis and resolvers: such a link is text only if it has a label.
const ELSEWHERE: &[&str] = &[
    "b",
    "c",
    "commons",
    "d",
    "doi",
    "hdl",
    "m",
    "meta",
    "metawikipedia",
    "mw",
    "n",
    "phab",
    "pmid",
    "q",
    "rfc",
    "s",
    "species",
    "v",
    "voy",
    "w",
    "wikibooks",
    "wikidata",
    "wikimedia",
    "wikinews",
    "wikipedia",
    "wikiquote",
    "wikisource",
    "wikispecies",
    "wikiversity",
    "wikivoyage",
    "wikt",
    "wiktionary",
];

/// Schemes an external link starts with.
const SCHEMES: [&str; 7] = ["http://", "https://", "//", "ftp://", "mailto:", "news:", "irc://"];

/// Bytes of the web address `text` starts with, and of the blanks behind it; 0 if there is none.
pub fn address(text: &str) -> usize {
    let head = |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    if !SCHEMES.into_iter().any(head) {
        return 0;
    }
    let end = text.find([' ', '\t', '\n', ']', '[', '<', '{', '|']).unwrap_or(text.len());
    let blanks = text[end..].len() - text[end..].trim_start_matches([' ', '\t']).len();
    end + blanks
}

/// Whether a link with this inside is a picture or a sound.
pub fn is_media(site: &Site, inside: &str) -> bool {
    let prefix = head(inside.trim_start(), 48).split_once(':').map(|(prefix, _)| site::plain(prefix));
    prefix.and_then(|prefix| site.namespace(&prefix)).is_some_and(|key| matches!(key, site::FILE | site::MEDIA))
}

/// Cuts all of the link `start..end` but its label. `pieces` are target and labels with their places.
pub fn cuts(site: &Site, start: usize, end: usize, pieces: &[(usize, &str)], cuts: &mut Vec<Cut>) {
    let mut replace = |from, to, with: &'static str| cuts.push(Cut { range: from..to, with: with.into() });
    let mut cut = |from, to| replace(from, to, "");
    let Some(&(inside, target)) = pieces.first() else { return };
    let label = pieces.get(1).filter(|_| pieces[1..].iter().any(|(_, text)| !text.trim().is_empty()));
    let name = target.trim_start();
    // Prefixes are short. Looking no further keeps links within links within links linear.
    let head = head(name, 48);
    let prefix = head.split_once(':').map(|(prefix, _)| site::plain(prefix));
    let namespace = prefix.as_deref().and_then(|prefix| site.namespace(prefix));
    match (prefix.as_deref(), label) {
        // Pictures, sounds and categories are not text, whatever their label.
        _ if matches!(namespace, Some(site::FILE | site::MEDIA | site::CATEGORY)) => cut(start, end),
        (Some(prefix), None) if namespace.is_some() || ELSEWHERE.contains(&prefix) => cut(start, end),
        (Some(prefix), _) if site::is_language(prefix) && !head.contains(": ") => cut(start, end),
        (_, Some(&(label, shown))) => {
            cut(end - 2, end);
            replace(start, label, if begins_like_markup(shown) { TEXT } else { "" });
        }
        _ => {
            // A leading colon or hash is markup; `[[http://... label]]` is an external link with a bracket too many.
            let markup = target.len() - name.trim_start_matches([':', '#']).len();
            cut(inside + target.len(), end);
            let from = address(name).max(markup);
            replace(start, inside + from, if begins_like_markup(&target[from..]) { TEXT } else { "" });
        }
    }
}

/// The first characters of a text.
pub fn head(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(end, _)| &text[..end])
}
