//! MediaWiki dumps (XML, plain or in bz2) to prose, one document per article.
//!
//! Articles of the main namespace only, each in its newest revision; redirects and stubs are dropped. Stubs are pages with
//! less than [`STUB`] characters in paragraphs, which includes disambiguation pages and bare lists. A page that occurs twice
//! counts once, at its first place, with its newer text.
//!
//! The split of an article is fixed: it belongs to `test` if the first byte of the sha256 of its page id (as decimal digits)
//! is below [`TEST_BYTES`], else to `train`. So the split does not depend on which other articles a dump holds.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::site::Site;
use super::{CorpusError, Lost, markup};
use xml::{Age, Page};

mod source;
#[cfg(test)]
mod tests;
mod xml;

/// Pages with fewer characters of running text (lists and titles not counted) are dropped.
const STUB: usize = 2000;

/// Of the 256 values of a byte, those that mean `test`: a fifth.
const TEST_BYTES: u8 = 51;

/// The articles of a split (`train` or `test`), in the order of the dumps.
pub fn read(paths: &[PathBuf], split: &str) -> Result<Vec<String>, CorpusError> {
    if !matches!(split, "train" | "test") {
        let known = "train, test";
        return Err(CorpusError::Split { split: split.to_owned(), format: "mediawiki-xml", known });
    }
    if paths.is_empty() {
        return Err(CorpusError::NoFile);
    }
    let mut articles = Articles::default();
    for path in paths {
        each_page(path, |site, page| {
            if page.is_main(site) {
                let id = page.id.ok_or_else(|| format!("the page `{}` has no id", page.title))?;
                if split_of(id) == split {
                    articles.take(site, id, &page);
                }
            }
            Ok(())
        })?;
    }
    Ok(articles.documents.into_iter().flatten().collect())
}

/// Templates in sentences of the articles of a dump (in both splits) that were removed without leaving a word.
///
/// # Errors
/// As `read`.
pub fn lost(path: &Path) -> Result<Vec<Lost>, CorpusError> {
    let mut lost = Vec::new();
    each_page(path, |site, page| {
        if let Some(revision) = page.article(site) {
            let page = markup::Page { site, title: &page.title, date: date(&revision.timestamp) };
            lost.extend(markup::lost(&page, &revision.text));
        }
        Ok(())
    })?;
    Ok(lost)
}

fn each_page(path: &Path, visit: impl FnMut(&Site, Page) -> Result<(), String>) -> Result<(), CorpusError> {
    xml::each_page(source::open(path)?, visit).map_err(|what| CorpusError::Damaged {
        path: path.to_owned(),
        what: format!("MediaWiki XML, plain or in bz2 ({what})"),
    })
}

fn split_of(id: u64) -> &'static str {
    let digest = Sha256::digest(id.to_string());
    if digest[0] < TEST_BYTES { "test" } else { "train" }
}

/// Year, month and day of a timestamp.
fn date(timestamp: &str) -> Option<(i32, u32, u32)> {
    let mut parts = timestamp.get(..10)?.split('-');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The articles so far.
#[derive(Default)]
struct Articles {
    /// `None` for a page that turned out not to be an article.
    documents: Vec<Option<String>>,
    /// Names of the wikis: two wikis use the same ids.
    wikis: Vec<String>,
    /// Wiki and id of the pages seen: place among the documents, and age.
    seen: HashMap<(usize, u64), (usize, Age)>,
}

impl Articles {
    fn take(&mut self, site: &Site, id: u64, page: &Page) {
        let age = page.age();
        let wiki = self.wiki(site);
        let place = match self.seen.get(&(wiki, id)) {
            Some((_, known)) if !xml::replaces(age, *known) => return,
            Some((place, _)) => *place,
            None => self.documents.len(),
        };
        self.seen.insert((wiki, id), (place, age));
        let document = page.article(site).and_then(|revision| {
            let about = markup::Page { site, title: &page.title, date: date(&revision.timestamp) };
            let article = markup::article(&about, &revision.text);
            (article.prose >= STUB).then_some(article.text)
        });
        match self.documents.get_mut(place) {
            Some(known) => *known = document,
            None => self.documents.push(document),
        }
    }

    /// Index of a wiki by its database, or by name and language where a dump does not say.
    fn wiki(&mut self, site: &Site) -> usize {
        let name = match site.database.as_str() {
            "" => format!("{} {}", site.name, site.language),
            database => database.to_owned(),
        };
        self.wikis.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.wikis.push(name);
            self.wikis.len() - 1
        })
    }
}
