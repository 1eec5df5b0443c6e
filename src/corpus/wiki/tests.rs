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
    read(&[path], split)
}

fn prose(word: &str) -> String {
    format!("'''{word}''' is a &lt;b&gt;word&lt;/b&gt; &amp;amp; more. ").repeat(200)
}

/// The pages of some XML.
fn pages(xml: &str) -> Result<Vec<Page>, String> {
    let mut pages = Vec::new();
    xml::each_page(xml.as_bytes(), |_, page| {
        pages.push(page);
        Ok(())
    })?;
    Ok(pages)
}

#[test]
fn pages_are_read_with_their_own_id() -> Result<(), String> {
    let moved = page(13, 0, "B", "y").replace("<revision>", "<redirect title=\"A\" /><revision>");
    let pages = pages(&dump(&[page(12, 0, "A &amp; B", "x &lt;ref&gt;&#233;"), moved, page(14, 1, "Talk:A", "z")]))?;
    let site = Site::default();
    assert_eq!((pages[0].id, pages[0].title.as_str()), (Some(12), "A & B"));
    assert_eq!(pages[0].article(&site).map(|revision| (revision.id, revision.text.as_str())), Some((Some(7), "x <ref>é")));
    assert!(pages[1].article(&site).is_none() && pages[1].is_main(&site));
    assert!(pages[2].article(&site).is_none() && !pages[2].is_main(&site));
    Ok(())
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
    assert!(message(&compressed("<mediawiki><page><id>x</id></page></mediawiki>")).contains("not a whole number"));
    assert!(message(b"plain words").contains("does not start with `<`"));
    assert!(read_bytes(&whole, "validation").unwrap_err().to_string().contains("train, test"));
}
