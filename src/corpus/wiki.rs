//! MediaWiki dumps (bz2-compressed XML) to prose, one document an article.
//!
//! Articles of the main namespace only; redirects and stubs are dropped. Stubs are pages with less than [`STUB`]
//! characters in paragraphs: disambiguation pages and bare lists go with them.
//!
//! An article belongs to one split for good: to `test` if the first byte of the sha256 of its page id (as decimal digits)
//! is below [`TEST_BYTES`], else to `train`. So the split does not depend on which other articles a dump holds.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use bzip2::read::MultiBzDecoder;
use quick_xml::events::Event;
use quick_xml::{Reader, escape};
use sha2::{Digest, Sha256};

use super::{CorpusError, markup};

/// Pages with fewer characters of running text (lists and titles not counted) are dropped.
const STUB: usize = 2000;

/// Of the 256 values of a byte, those that mean `test`: a fifth.
const TEST_BYTES: u8 = 51;

/// The articles of a split (`train` or `test`), in the order of the dump.
pub fn read(path: &Path, split: &str) -> Result<Vec<String>, CorpusError> {
    if !matches!(split, "train" | "test") {
        let known = "train, test";
        return Err(CorpusError::Split { split: split.to_owned(), format: "mediawiki-xml", known });
    }
    let file = File::open(path).map_err(|source| CorpusError::Read { path: path.to_owned(), source })?;
    let decoder = BufReader::new(MultiBzDecoder::new(BufReader::new(file)));
    let mut documents = Vec::new();
    each_page(decoder, |page| {
        let wanted = page.is_article() && split_of(page.id) == split;
        if let Some(article) = wanted.then(|| markup::article(&page.title, &page.text)).filter(|a| a.prose >= STUB) {
            documents.push(article.text);
        }
    })
    .map_err(|what| CorpusError::Damaged { path: path.to_owned(), what: format!("bz2 with MediaWiki XML ({what})") })?;
    Ok(documents)
}

fn split_of(id: u64) -> &'static str {
    let digest = Sha256::digest(id.to_string());
    if digest[0] < TEST_BYTES { "test" } else { "train" }
}

/// A page of the dump, as far as it matters here.
#[derive(Debug, Default, PartialEq)]
struct Page {
    id: u64,
    namespace: String,
    redirect: bool,
    title: String,
    text: String,
}

impl Page {
    fn is_article(&self) -> bool {
        self.namespace == "0" && !self.redirect
    }
}

/// Calls `visit` with every page, one in memory at a time.
fn each_page(source: impl BufRead, mut visit: impl FnMut(Page)) -> Result<(), String> {
    let mut reader = Reader::from_reader(source);
    reader.config_mut().check_end_names = true;
    let mut buffer = Vec::new();
    // Names of the open elements: a page's id is the one directly below it, not its revision's.
    let mut open: Vec<String> = Vec::new();
    let mut page = Page::default();
    loop {
        let at = reader.buffer_position();
        let fault = |error: &dyn std::fmt::Display| format!("byte {at} of the XML: {error}");
        match reader.read_event_into(&mut buffer).map_err(|error| fault(&error))? {
            Event::Start(start) => {
                let name = name(start.local_name().as_ref());
                if name == "page" {
                    page = Page::default();
                }
                page.redirect |= name == "redirect";
                open.push(name);
            }
            Event::Empty(start) => page.redirect |= name(start.local_name().as_ref()) == "redirect",
            Event::End(_) => {
                let closed = open.pop();
                if closed.as_deref() == Some("page") {
                    visit(std::mem::take(&mut page));
                }
            }
            Event::Text(text) => page.add(&open, &text.xml10_content()).map_err(|error| fault(&error))?,
            Event::CData(text) => page.add(&open, &text.xml10_content()).map_err(|error| fault(&error))?,
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|error| fault(&error))?;
                let text = match escape::resolve_predefined_entity(&reference) {
                    Some(text) => text.to_owned(),
                    None => character.ok_or_else(|| fault(&format!("unknown entity &{};", &*reference)))?.to_string(),
                };
                page.add(&open, &text).map_err(|error| fault(&error))?;
            }
            Event::Eof => break,
            _ => {}
        }
        buffer.clear();
    }
    match open.last() {
        Some(name) => Err(format!("it ends inside <{name}>")),
        None => Ok(()),
    }
}

fn name(bytes: impl AsRef<[u8]>) -> String {
    String::from_utf8_lossy(bytes.as_ref()).into_owned()
}

impl Page {
    /// Text found below the elements `open`.
    fn add(&mut self, open: &[String], text: &str) -> Result<(), String> {
        let path: Vec<&str> = open.iter().skip_while(|name| *name != "page").map(String::as_str).collect();
        match path[..] {
            ["page", "title"] => self.title.push_str(text),
            ["page", "ns"] => self.namespace.push_str(text.trim()),
            ["page", "id"] => {
                self.id = text.trim().parse().map_err(|_| format!("the page id `{text}` is no number"))?
            }
            ["page", "revision", "text"] => self.text.push_str(text),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use bzip2::write::BzEncoder;

    use super::*;

    fn page(id: u64, namespace: u32, title: &str, text: &str) -> String {
        format!(
            "<page><title>{title}</title><ns>{namespace}</ns><id>{id}</id><revision><id>7</id>\
             <contributor><username>x</username><id>9</id></contributor>\
             <text xml:space=\"preserve\">{text}</text></revision></page>\n"
        )
    }

    fn dump(pages: &[String]) -> String {
        format!(
            "<mediawiki><siteinfo><namespaces><namespace key=\"0\" /></namespaces></siteinfo>\n{}</mediawiki>\n",
            pages.concat()
        )
    }

    /// Compressed as two streams one behind the other, as dumps are.
    fn compressed(xml: &str) -> Vec<u8> {
        let (first, second) = xml.as_bytes().split_at(xml.len() / 2);
        [first, second]
            .into_iter()
            .flat_map(|part| {
                let mut encoder = BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                encoder.write_all(part).unwrap();
                encoder.finish().unwrap()
            })
            .collect()
    }

    fn read_bytes(bytes: &[u8], split: &str) -> Result<Vec<String>, CorpusError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dump.xml.bz2");
        std::fs::write(&path, bytes).unwrap();
        read(&path, split)
    }

    fn prose(word: &str) -> String {
        format!("'''{word}''' is a &lt;b&gt;word&lt;/b&gt; &amp;amp; more. ").repeat(200)
    }

    #[test]
    fn pages_are_read_with_their_own_id() {
        let xml = dump(&[
            page(12, 0, "A &amp; B", "x &lt;ref&gt;&#233;"),
            page(13, 1, "Talk:A", "y").replace("<revision>", "<redirect title=\"A\" /><revision>"),
        ]);
        let mut pages = Vec::new();
        each_page(xml.as_bytes(), |page| pages.push(page)).unwrap();
        let text = "x <ref>é".to_owned();
        assert_eq!(pages[0], Page { id: 12, namespace: "0".into(), redirect: false, title: "A & B".into(), text });
        assert!(pages[1].redirect && pages[1].namespace == "1" && pages[1].id == 13);
    }

    #[test]
    fn articles_are_split_by_their_id_alone() -> Result<(), CorpusError> {
        let pages: Vec<String> = (1..=40).map(|id| page(id, 0, &format!("T{id}"), &prose("W"))).collect();
        let bytes = compressed(&dump(&pages));
        let (train, test) = (read_bytes(&bytes, "train")?, read_bytes(&bytes, "test")?);
        assert_eq!(train.len() + test.len(), 40);
        for (split, documents) in [("train", &train), ("test", &test)] {
            let expected: Vec<u64> = (1..=40).filter(|&id| split_of(id) == split).collect();
            let titles: Vec<String> = documents.iter().map(|d| d.lines().next().unwrap_or("").to_owned()).collect();
            assert_eq!(titles, expected.iter().map(|id| format!(" = T{id} = ")).collect::<Vec<_>>());
        }
        assert!(train[0].contains("W is a word & more."));
        let alone = read_bytes(&compressed(&dump(&pages[10..11])), split_of(11))?;
        assert_eq!(alone.len(), 1);
        Ok(())
    }

    /// sha256 of "12", "25" and "39" begin with 6b, b7 and 0b (coreutils).
    #[test]
    fn the_split_rule_is_fixed() {
        assert_eq!([12, 25, 39].map(split_of), ["train", "train", "test"]);
    }

    #[test]
    fn redirects_stubs_and_other_namespaces_are_dropped() -> Result<(), CorpusError> {
        let id = (1..).find(|&id| split_of(id) == "train").unwrap_or(0);
        let list = format!("short.\n{}", "* item item item item\n".repeat(500));
        let pages = [
            page(id, 0, "Moved", &prose("a")).replace("<revision>", "<redirect title=\"A\" /><revision>"),
            page(id, 0, "Stub", "short"),
            page(id, 0, "List", &list),
            page(id, 4, "Wikipedia:Project", &prose("b")),
            page(id, 0, "Kept", &prose("c")),
        ];
        let documents = read_bytes(&compressed(&dump(&pages)), "train")?;
        assert_eq!(documents.len(), 1);
        assert!(documents[0].starts_with(" = Kept = "));
        Ok(())
    }

    #[test]
    fn damaged_dumps_are_errors() {
        let whole = compressed(&dump(&[page(1, 0, "A", &prose("a")), page(2, 0, "B", &prose("b"))]));
        let message = |bytes: &[u8]| read_bytes(bytes, "train").unwrap_err().to_string();
        for length in [0, 3, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
            if length > 0 {
                assert!(message(&whole[..length]).contains("dump.xml.bz2"), "cut at {length}");
            }
        }
        let mut broken = whole.clone();
        broken[whole.len() / 3] ^= 0x55;
        assert!(message(&broken).contains("bz2"));
        let ends = dump(&[page(1, 0, "A", "x")]).replace("</mediawiki>", "");
        assert!(message(&compressed(&ends)).contains("ends inside <mediawiki>"));
        assert!(message(&compressed("<mediawiki><page><id>x</id></page></mediawiki>")).contains("no number"));
        assert!(message(b"<mediawiki></mediawiki>").contains("bz2"));
        assert!(read_bytes(&whole, "validation").unwrap_err().to_string().contains("train, test"));
    }
}
