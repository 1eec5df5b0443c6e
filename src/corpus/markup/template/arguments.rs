//! The arguments of a short template as texts.

use super::{Call, Cut, Page, TEXT, bare, cut, named};

/// Whether wikis of a language are English ones.
pub fn is_english(language: &str) -> bool {
    matches!(language, "en" | "simple")
}

/// Name and arguments, with what is nested in them already replaced.
pub struct Arguments<'a> {
    pub page: &'a Page<'a>,
    /// As it is written.
    pub name: &'a str,
    /// What follows the colon of a function's name.
    pub first: String,
    /// The character before the template.
    pub before: Option<char>,
    positional: Vec<String>,
    named: Vec<(String, String)>,
}

impl<'a> Arguments<'a> {
    /// Reads them; `inner` are the cuts inside the template.
    pub fn of(page: &'a Page<'a>, name: &'a str, call: &Call, inner: &[Cut]) -> Self {
        let first = call.pieces.first().and_then(|&(at, text)| {
            let bare = bare(text);
            let colon = text.trim_end().len() - bare.len() + bare.find(':')? + 1;
            Some(cut::within(call.text, at + colon..at + text.len(), inner).trim().to_owned())
        });
        let (mut positional, mut by_name) = (Vec::new(), Vec::new());
        for &(at, text) in call.pieces.iter().skip(1) {
            let value = |from: usize| {
                let value = cut::within(call.text, at + from..at + text.len(), inner);
                value.trim().replace('\n', " ").replace(TEXT, "")
            };
            match named(text) {
                None => positional.push(value(0)),
                Some((name, width)) => match name.parse::<usize>() {
                    // `3=` may come before the others; a number that no template has is not a place to make room for.
                    Ok(place @ 1..=64) => {
                        let missing = place.saturating_sub(positional.len());
                        positional.extend(std::iter::repeat_n(String::new(), missing));
                        positional[place - 1] = value(width);
                    }
                    _ => by_name.push((name.to_lowercase(), value(width))),
                },
            }
        }
        let before = call.text[..call.range.start].chars().next_back();
        Self { page, name, first: first.unwrap_or_default(), before, positional, named: by_name }
    }

    /// Code of the language of the wiki.
    pub fn language(&self) -> &str {
        &self.page.site.language
    }

    /// Whether the wiki is an English one.
    pub fn is_english(&self) -> bool {
        is_english(self.language())
    }

    /// The argument at a place, from 0; an empty text where there is none.
    pub fn get(&self, place: usize) -> &str {
        self.positional.get(place).map_or("", String::as_str)
    }

    /// All arguments without names.
    pub fn all(&self) -> &[String] {
        &self.positional
    }

    /// Those that are not empty, from a place on.
    pub fn given(&self, from: usize) -> Vec<&str> {
        self.positional.iter().skip(from).map(String::as_str).filter(|text| !text.is_empty()).collect()
    }

    /// The first argument with one of these names that is not empty; an empty text where there is none.
    pub fn named(&self, names: &[&str]) -> &str {
        let found = names.iter().find_map(|wanted| {
            self.named.iter().rev().find(|(name, value)| name == wanted && !value.is_empty()).map(|(_, value)| value)
        });
        found.map_or("", String::as_str)
    }

    /// Whether an argument says yes.
    pub fn says(&self, name: &str) -> bool {
        matches!(self.named(&[name]).to_lowercase().as_str(), "y" | "yes" | "on" | "1" | "true")
    }
}
