//! Names of the namespaces of a wiki: the English ones, which every wiki understands, those of a dump's `<siteinfo>`, and from a
//! table the aliases of files and categories that dumps leave out (`Bild:` in German).

use std::collections::HashMap;

mod words;

pub use words::is_language;

/// The namespace of articles.
pub const MAIN: i32 = 0;
/// Direct links to sounds and pictures.
pub const MEDIA: i32 = -2;
/// Pictures and sounds, with what is said about them.
pub const FILE: i32 = 6;
/// Categories.
pub const CATEGORY: i32 = 14;

/// MediaWiki's own namespaces, under the names that every wiki understands.
const CANONICAL: [(i32, &str); 22] = [
    (MEDIA, "media"),
    (-1, "special"),
    (1, "talk"),
    (2, "user"),
    (3, "user talk"),
    (4, "project"),
    (5, "project talk"),
    (4, "wp"),
    (5, "wt"),
    (FILE, "file"),
    (FILE, "image"),
    (7, "file talk"),
    (7, "image talk"),
    (8, "mediawiki"),
    (9, "mediawiki talk"),
    (10, "template"),
    (11, "template talk"),
    (12, "help"),
    (13, "help talk"),
    (CATEGORY, "category"),
    (15, "category talk"),
    (828, "module"),
];

/// More of English Wikipedia's, for dumps that do not list theirs.
const ENGLISH: [(i32, &str); 10] = [
    (4, "wikipedia"),
    (5, "wikipedia talk"),
    (100, "portal"),
    (101, "portal talk"),
    (108, "book"),
    (109, "book talk"),
    (118, "draft"),
    (119, "draft talk"),
    (710, "timedtext"),
    (829, "module talk"),
];

/// The properties of a wiki on which its texts depend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its name, `Wikipedia`.
    pub name: String,
    /// Its database, `enwiki`, which distinguishes its pages from another wiki's.
    pub database: String,
    /// Code of its language, `en`.
    pub language: String,
    /// Namespaces by their names as [`plain`] has them.
    names: HashMap<String, i32>,
    /// Whether it has names of its own.
    listed: bool,
}

impl Default for Site {
    fn default() -> Self {
        let mut site = Self {
            name: "Wikipedia".to_owned(),
            database: String::new(),
            language: String::new(),
            names: CANONICAL.iter().map(|(key, name)| ((*name).to_owned(), *key)).collect(),
            listed: false,
        };
        site.speak("en");
        site
    }
}

impl Site {
    /// Sets the language, with its names for files and categories. Of `sr-el` only `sr` matters.
    pub fn speak(&mut self, language: &str) {
        self.language = language.split(['-', '_']).next().unwrap_or(language).to_lowercase();
        let known = words::NAMES.iter().find(|(code, ..)| *code == self.language);
        if let Some((_, files, categories)) = known {
            let names = files.iter().map(|name| (name, FILE)).chain(categories.iter().map(|name| (name, CATEGORY)));
            for (name, key) in names {
                self.names.entry((*name).to_owned()).or_insert(key);
            }
        }
    }

    /// Sets the database, `dewiki`, which also gives the language if nothing else does.
    pub fn store(&mut self, database: &str) {
        self.database = database.to_owned();
        let code = database.split_once("wik").map_or("", |(code, _)| code).replace('_', "-");
        if self.language == "en" && is_language(&code) {
            self.speak(&code);
        }
    }

    /// A namespace as `<siteinfo>` lists it. Names are known in any case, whatever the case of titles means there.
    pub fn list(&mut self, key: i32, name: &str) {
        self.listed = true;
        let name = plain(name);
        if !name.is_empty() {
            self.names.insert(name, key);
        }
    }

    /// The namespace of this name, if there is one.
    pub fn namespace(&self, name: &str) -> Option<i32> {
        let name = plain(name);
        let english = || ENGLISH.iter().find(|(_, known)| *known == name).map(|(key, _)| *key);
        self.names.get(&name).copied().or_else(|| if self.listed { None } else { english() })
    }

    /// The namespace of a title by its prefix, or [`MAIN`] if no prefix is known.
    pub fn of_title(&self, title: &str) -> i32 {
        title.split_once(':').and_then(|(prefix, _)| self.namespace(prefix)).unwrap_or(MAIN)
    }
}

/// The form of a name for comparison: in lower case, with single blanks for blanks and underscores, without marks of direction.
pub fn plain(name: &str) -> String {
    let mut made = String::with_capacity(name.len());
    let marks = |c: &char| !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}');
    for c in name.chars().filter(marks).flat_map(char::to_lowercase) {
        match c {
            '_' | '\u{a0}' => made.push(' '),
            c if c.is_whitespace() => made.push(' '),
            c => made.push(c),
        }
        if made.ends_with("  ") || made == " " {
            made.pop();
        }
    }
    made.truncate(made.trim_end().len());
    made
}

/// Whether the text of a page sends its readers to another: `#REDIRECT [[...]]`, in any language.
pub fn is_redirect(text: &str) -> bool {
    let Some(rest) = text.trim_start().strip_prefix('#') else { return false };
    let head: String = rest.chars().take(80).flat_map(char::to_lowercase).collect();
    let head = head.trim_start();
    words::REDIRECT.iter().any(|word| {
        let link = |rest: &str| rest.trim_start().trim_start_matches(':').trim_start().starts_with("[[");
        head.strip_prefix(word).is_some_and(link)
    })
}

#[cfg(test)]
mod tests;
