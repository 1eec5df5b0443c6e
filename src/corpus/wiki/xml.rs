//! The pages of MediaWiki's export format, versions 0.3 to 0.11: one in memory at a time, each with its newest revision.
//!
//! A dump with history holds the revisions of a page in the order of their ids (Special:Export also newest first). The
//! newest is the one with the latest timestamp; ids and the order in the file decide where timestamps do not.

use std::io::BufRead;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion, escape};

use crate::corpus::site::{self, Site};
use crate::corpus::text;

/// A page of the dump, as far as it matters here.
#[derive(Debug, Default, PartialEq)]
pub struct Page {
    pub id: Option<u64>,
    pub title: String,
    /// Number of its namespace; old dumps lack it.
    namespace: Option<i32>,
    redirect: bool,
    /// The newest so far whose text is there.
    newest: Option<Revision>,
    /// The one being read.
    revision: Revision,
}

/// When a revision was made, as a number, and its id: what sorts revisions.
pub type Age = (Option<u64>, Option<u64>);

/// One state of a page.
#[derive(Debug, Default, PartialEq)]
pub struct Revision {
    pub id: Option<u64>,
    /// ISO 8601 in UTC, as the format prescribes: later is greater.
    pub timestamp: String,
    /// `wikitext`, or nothing in old dumps.
    model: String,
    pub text: String,
    /// Hidden by an administrator: `<text deleted="deleted" />`.
    deleted: bool,
    /// Bytes the text should have.
    bytes: Option<u64>,
}

impl Revision {
    fn age(&self) -> Age {
        let digits: String = self.timestamp.chars().filter(char::is_ascii_digit).collect();
        (digits.parse().ok(), self.id)
    }
}

/// Whether a revision of age `a`, which comes later in the file, replaces one of age `b`.
pub fn replaces(a: Age, b: Age) -> bool {
    let known = |a: Option<u64>, b: Option<u64>| a.zip(b).map(|(a, b)| a.cmp(&b)).filter(|order| order.is_ne());
    known(a.0, b.0).or_else(|| known(a.1, b.1)).is_none_or(|order| order.is_gt())
}

impl Page {
    /// Whether it is in the namespace of articles.
    pub fn is_main(&self, site: &Site) -> bool {
        self.namespace.unwrap_or_else(|| site.of_title(&self.title)) == site::MAIN
    }

    /// Its newest revision, if the page is an article: a text in wiki markup in the main namespace, not a redirect.
    pub fn article(&self, site: &Site) -> Option<&Revision> {
        let newest = self.newest.as_ref()?;
        let wikitext = matches!(newest.model.as_str(), "" | "wikitext");
        (self.is_main(site) && wikitext && !self.redirect && !site::is_redirect(&newest.text)).then_some(newest)
    }

    /// The age of its newest revision.
    pub fn age(&self) -> Age {
        self.newest.as_ref().map_or((None, None), Revision::age)
    }

    /// Ends the revision being read.
    fn end_revision(&mut self) -> Result<(), String> {
        let mut read = std::mem::take(&mut self.revision);
        if read.text.is_empty() && !read.deleted && read.bytes.is_some_and(|bytes| bytes > 0) {
            return Err(format!(
                "the page `{}` has a text of {} bytes that is not in this file, a stub dump: use a dump of articles \
                 (pages-articles, pages-meta-current)",
                self.title,
                read.bytes.unwrap_or(0)
            ));
        }
        read.text = text::universal_newlines(read.text);
        let newer = |newest: &Revision| replaces(read.age(), newest.age());
        if !read.deleted && self.newest.as_ref().is_none_or(newer) {
            self.newest = Some(read);
        }
        Ok(())
    }

    /// Text found below the elements `path`, from the page on.
    fn add(&mut self, path: &[&str], text: &str) {
        match path {
            ["page", "title"] => self.title.push_str(text),
            ["page", "revision", "timestamp"] => self.revision.timestamp.push_str(text.trim()),
            ["page", "revision", "model"] => self.revision.model.push_str(text.trim()),
            ["page", "revision", "text"] => self.revision.text.push_str(text),
            _ => {}
        }
    }

    /// Number found below the elements `path`.
    fn number(&mut self, path: &[&str], text: &str) -> Result<(), String> {
        let whole = |what: &str| format!("the {what} `{text}` of the page `{}` is not a whole number", self.title);
        match path {
            ["page", "ns"] => self.namespace = Some(text.trim().parse().map_err(|_| whole("namespace"))?),
            ["page", "id"] => self.id = Some(text.trim().parse().map_err(|_| whole("id"))?),
            ["page", "revision", "id"] => {
                self.revision.id = Some(text.trim().parse().map_err(|_| whole("revision id"))?)
            }
            _ => {}
        }
        Ok(())
    }
}

/// Calls `visit` with every page, one in memory at a time.
pub fn each_page(source: impl BufRead, mut visit: impl FnMut(&Site, Page) -> Result<(), String>) -> Result<(), String> {
    let mut reader = Reader::from_reader(source);
    reader.config_mut().check_end_names = true;
    let mut buffer = Vec::new();
    let mut walk = Walk::default();
    loop {
        let at = reader.buffer_position();
        let fault = |what: String| format!("byte {at} of the XML: {what}");
        let event = reader.read_event_into(&mut buffer).map_err(|error| fault(error.to_string()))?;
        if matches!(event, Event::Eof) {
            break;
        }
        if let Some(page) = walk.step(&event).map_err(fault)? {
            visit(&walk.site, page).map_err(fault)?;
        }
        buffer.clear();
    }
    match (walk.open.last(), walk.rooted) {
        (Some(name), _) => Err(format!("it ends inside <{name}>")),
        (None, false) => Err("there is no <mediawiki> in it".to_owned()),
        (None, true) => Ok(()),
    }
}

/// A walk through the elements.
#[derive(Default)]
struct Walk {
    site: Site,
    page: Page,
    /// Names of the open elements: a page's id is the one directly below it, not its revision's.
    open: Vec<String>,
    /// Text directly below the innermost open element, where it is short: names and numbers.
    word: String,
    /// The key of the `<namespace>` that is open.
    key: Option<i32>,
    /// Whether `<mediawiki>` was there.
    rooted: bool,
}

impl Walk {
    /// Takes the next event; a page where it ends.
    fn step(&mut self, event: &Event) -> Result<Option<Page>, String> {
        match event {
            Event::Decl(declaration) => {
                self.declared(declaration.encoding().transpose().map_err(|e| e.to_string())?)?
            }
            Event::Start(start) => self.start(start)?,
            Event::Empty(start) => {
                self.start(start)?;
                return self.end();
            }
            Event::End(_) => return self.end(),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|error| error.to_string())?;
                let text = match escape::resolve_predefined_entity(reference) {
                    Some(text) => text.to_owned(),
                    None => character.ok_or_else(|| format!("unknown entity &{};", &**reference))?.to_string(),
                };
                self.text(&text);
            }
            _ => {}
        }
        Ok(None)
    }

    fn declared(&self, encoding: Option<impl AsRef<str>>) -> Result<(), String> {
        let Some(encoding) = encoding else { return Ok(()) };
        match encoding.as_ref().to_ascii_lowercase().as_str() {
            // UTF-16 has become UTF-8 on the way here.
            "utf-8" | "utf8" | "us-ascii" | "ascii" | "utf-16" | "utf-16le" | "utf-16be" => Ok(()),
            other => Err(format!("its encoding is {other}; convert it to UTF-8, e.g. with `iconv`")),
        }
    }

    fn start(&mut self, start: &BytesStart) -> Result<(), String> {
        let name = start.local_name().as_ref().to_owned();
        let attribute = |wanted: &str| -> Result<Option<String>, String> {
            match start.try_get_attribute(wanted).map_err(|error| error.to_string())? {
                Some(found) => found
                    .normalized_value(XmlVersion::Implicit1_0)
                    .map(|value| Some(value.into_owned()))
                    .map_err(|error| error.to_string()),
                None => Ok(None),
            }
        };
        self.word.clear();
        match (self.open.last().map(String::as_str), name.as_str()) {
            (None, "mediawiki") => {
                self.rooted = true;
                if let Some(language) = attribute("xml:lang")? {
                    self.site.speak(&language);
                }
            }
            (None, other) => return Err(format!("expected <mediawiki>, found <{other}>")),
            (Some("namespaces"), "namespace") => {
                let key = attribute("key")?.ok_or("a <namespace> without its key")?;
                self.key = Some(key.trim().parse().map_err(|_| format!("the key `{key}` of a <namespace>"))?);
            }
            (_, "page") => self.page = Page::default(),
            (Some("page"), "redirect") => self.page.redirect = true,
            (Some("revision"), "text") => {
                self.page.revision.deleted = attribute("deleted")?.is_some();
                self.page.revision.bytes = attribute("bytes")?.and_then(|bytes| bytes.trim().parse().ok());
            }
            _ => {}
        }
        self.open.push(name);
        Ok(())
    }

    /// The element names from the page on, or all where there is none.
    fn path(&self) -> Vec<&str> {
        let from = self.open.iter().position(|name| name == "page").unwrap_or(0);
        self.open[from..].iter().map(String::as_str).collect()
    }

    fn text(&mut self, text: &str) {
        let from = self.open.iter().position(|name| name == "page").unwrap_or(0);
        let path: Vec<&str> = self.open[from..].iter().map(String::as_str).collect();
        if path.last() != Some(&"text") {
            self.word.push_str(text);
        }
        self.page.add(&path, text);
    }

    fn end(&mut self) -> Result<Option<Page>, String> {
        let word = std::mem::take(&mut self.word);
        let path: Vec<String> = self.path().into_iter().map(str::to_owned).collect();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut page = None;
        match path[..] {
            ["mediawiki", "siteinfo", "sitename"] => self.site.name = word.trim().to_owned(),
            ["mediawiki", "siteinfo", "dbname"] => self.site.store(word.trim()),
            ["mediawiki", "siteinfo", "namespaces", "namespace"] => {
                if let Some(key) = self.key.take() {
                    self.site.list(key, &word);
                }
            }
            ["page", "revision"] => self.page.end_revision()?,
            ["page"] => page = Some(std::mem::take(&mut self.page)),
            _ => self.page.number(&path, &word)?,
        }
        self.open.pop();
        Ok(page)
    }
}
