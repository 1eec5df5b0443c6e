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
    assert_eq!(
        pages[0].article(&site).map(|revision| (revision.id, revision.text.as_str())),
        Some((Some(7), "x <ref>é"))
    );
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

/// An id of the split `train`.
fn train_id() -> u64 {
    (1..).find(|&id| split_of(id) == "train").unwrap_or(0)
}

/// The articles of `train` of a file with these bytes.
fn train(bytes: impl AsRef<[u8]>) -> Vec<String> {
    read_bytes(bytes.as_ref(), "train").unwrap()
}

#[test]
fn namespaces_are_those_of_the_dump() {
    let dump = |language: &str, names: &str, text: &str| {
        let xml = format!(
            "<mediawiki xml:lang=\"{language}\"><siteinfo><dbname>{language}wiki</dbname><namespaces>\
             <namespace key=\"0\" case=\"first-letter\" />{names}</namespaces></siteinfo>{}</mediawiki>",
            page(train_id(), 0, "T", &format!("{text}\n\n{}", prose("w")))
        );
        train(xml).concat()
    };
    let listed = |file: &str, category: &str| {
        format!(
            "<namespace key=\"6\" case=\"first-letter\">{file}</namespace>\
             <namespace key=\"14\" case=\"case-sensitive\">{category}</namespace>"
        )
    };
    for (language, file, alias, category) in [
        ("de", "Datei", "Bild", "Kategorie"),
        ("fr", "Fichier", "Image", "Catégorie"),
        ("ru", "Файл", "Изображение", "Категория"),
        ("ja", "ファイル", "画像", "カテゴリ"),
        ("xx", "Own_name", "File", "Own category"),
    ] {
        let text = format!(
            "A[[{file}:a.jpg|mini|300px|Gone [[b]]]] word[[{}:a.jpg|thumb|gone]][[Image:x|gone]][[{alias}:y|gone]] and \
             [[c|d]].[[{category}:Gone]][[category: gone| ]]",
            file.to_lowercase()
        );
        let made = dump(language, &listed(file, category), &text);
        assert!(made.starts_with(" = T = \n\nA word and d.\n\n"), "{language}: {}", &made[..60]);
    }
    // Another namespace is text only with a label; a colon in a title is no namespace.
    let names = "<namespace key=\"4\" case=\"first-letter\">Уикипедия</namespace>";
    let made = dump("bg", names, "a [[Уикипедия:X]][[уикипедия:X|b]] [[Роман: Част 1]] [[Re:Zero]] c");
    assert!(made.starts_with(" = T = \n\na b Роман: Част 1 Re:Zero c\n\n"), "{}", &made[..80]);
}

#[test]
fn old_dumps_say_the_namespace_in_the_title() {
    let pages: Vec<String> = ["Talk:A", "user talk:B", "Wikipedia:C", "Alien: Covenant", "Datei:D"]
        .into_iter()
        .zip((1..).filter(|&id| split_of(id) == "train"))
        .map(|(title, id)| page(id, 0, title, &prose("w")).replace("<ns>0</ns>", ""))
        .collect();
    let xml = |names: &str| {
        format!("<mediawiki><siteinfo><namespaces>{names}</namespaces></siteinfo>{}</mediawiki>", pages.concat())
    };
    let titles = |xml: String| -> Vec<String> {
        train(xml).iter().map(|text| text.lines().next().unwrap_or("").to_owned()).collect()
    };
    assert_eq!(
        titles(format!("<mediawiki>{}</mediawiki>", pages.concat())),
        [" = Alien: Covenant = ", " = Datei:D = "]
    );
    let german = "<namespace key=\"4\">Wikipedia</namespace><namespace key=\"6\">Datei</namespace>";
    assert_eq!(titles(xml(german)), [" = Alien: Covenant = "]);
}

#[test]
fn the_newest_revision_counts() {
    let revision = |id: u64, time: &str, word: &str| {
        format!("<revision><id>{id}</id><timestamp>{time}</timestamp><text>{}</text></revision>", prose(word))
    };
    let made = |revisions: &[String]| {
        let whole = page(train_id(), 0, "T", "x");
        let start = whole.find("<revision>").unwrap();
        train(dump(&[format!("{}{}</page>", &whole[..start], revisions.concat())])).concat()
    };
    let (old, new) = (revision(1, "2015-01-02T03:04:05Z", "old"), revision(2, "2016-01-02T03:04:05Z", "new"));
    let hidden =
        "<revision><id>3</id><timestamp>2017-01-02T03:04:05Z</timestamp><text deleted=\"deleted\" /></revision>";
    let blank = "<revision><id>4</id><timestamp>2018-01-02T03:04:05Z</timestamp><text /></revision>";
    assert!(made(&[old.clone(), new.clone()]).contains("new is a word"));
    assert!(made(&[new.clone(), old.clone()]).contains("new is a word"));
    assert!(!made(&[old.clone(), new.clone()]).contains("old"));
    // An imported revision has a later id and an earlier time; without times ids decide, without ids the order.
    assert!(made(&[revision(9, "2014-01-02T03:04:05Z", "old"), new.clone()]).contains("new"));
    assert!(made(&[revision(2, "", "new"), revision(1, "", "old")]).contains("new"));
    let bare = |word: &str| format!("<revision><text>{}</text></revision>", prose(word));
    assert!(made(&[bare("old"), bare("new")]).contains("new"));
    // A hidden text is not there; a page that was emptied is empty.
    assert!(made(&[old, new.clone(), hidden.to_owned()]).contains("new is a word"));
    assert_eq!(made(&[hidden.to_owned()]), "");
    assert_eq!(made(&[new, blank.to_owned()]), "");
}

#[test]
fn redirects_are_known_by_their_text() {
    for word in ["#REDIRECT", "#redirect:", "#WEITERLEITUNG", "#перенаправление", "#転送"] {
        let text = format!("{word} [[A]]\n\n{}", prose("w"));
        assert_eq!(train(dump(&[page(train_id(), 0, "T", &text)])), Vec::<String>::new(), "{word}");
    }
}

#[test]
fn a_page_that_comes_twice_counts_once() -> Result<(), CorpusError> {
    let at = |year: u32, word: &str| {
        let time = format!("<timestamp>{year}-01-01T00:00:00Z</timestamp><text");
        page(train_id(), 0, "T", &prose(word)).replace("<text", &time)
    };
    let texts = train(dump(&[at(2016, "new"), at(2015, "old")]));
    assert!(texts.len() == 1 && texts[0].contains("new is"));
    let moved = at(2017, "x").replace("<revision>", "<redirect title=\"A\" /><revision>");
    assert_eq!(train(dump(&[at(2016, "new"), moved])), Vec::<String>::new());
    // The same id in two parts of one wiki is one page, in two wikis two.
    let folder = tempfile::tempdir().unwrap();
    let parts = [dump(&[at(2015, "old")]), dump(&[at(2016, "new")])];
    let wikis = [
        parts[0].replace("<namespaces>", "<dbname>dewiki</dbname><namespaces>"),
        parts[1].replace("<namespaces>", "<dbname>enwiki</dbname><namespaces>"),
    ];
    for (files, count) in [(parts, 1), (wikis, 2)] {
        let paths: Vec<PathBuf> = (0..2).map(|part| folder.path().join(format!("{part}.xml"))).collect();
        for (path, xml) in paths.iter().zip(files) {
            std::fs::write(path, xml).unwrap();
        }
        let texts = read(&paths, "train")?;
        assert!(texts.len() == count && texts.concat().contains("new is"));
    }
    Ok(())
}

#[test]
fn plain_and_compressed_and_utf16_are_one_text() {
    let xml = dump(&[page(train_id(), 0, "Ä 𝄞", &prose("Größe 𝄞\n"))]);
    let expected = train(&xml);
    assert!(expected.len() == 1 && expected[0].starts_with(" = Ä 𝄞 = "));
    let little: Vec<u8> = xml.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = xml.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let declared = |encoding: &str| format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>\n{xml}");
    let spellings = [
        compressed(&xml),
        format!("\u{feff}{xml}").into_bytes(),
        xml.replace('\n', "\r\n").into_bytes(),
        declared("utf-8").into_bytes(),
        compressed(&declared("UTF-8")),
        [b"\xff\xfe".as_slice(), &little].concat(),
        [b"\xfe\xff".as_slice(), &big].concat(),
        little.clone(),
        big,
    ];
    for (index, bytes) in spellings.iter().enumerate() {
        assert_eq!(train(bytes), expected, "spelling {index}");
    }
    let message = |bytes: &[u8]| read_bytes(bytes, "train").unwrap_err().to_string();
    assert!(message(declared("ISO-8859-1").as_bytes()).contains("iso-8859-1"));
    assert!(message(&little[..little.len() - 1]).contains("UTF-16"));
}

#[test]
fn what_is_not_a_dump_of_articles_is_named() {
    let message = |bytes: &[u8]| read_bytes(bytes, "train").unwrap_err().to_string();
    for (bytes, named) in [
        (b"\x1f\x8b\x08\0rest".as_slice(), "gunzip"),
        (b"\xfd7zXZ\0rest", "unxz"),
        (b"7z\xbc\xaf\x27\x1crest", "7z x"),
        (b"\xff\xfe\0\0<\0\0\0", "UTF-32"),
        (b"", "empty"),
        (b"<feed><doc/></feed>", "expected <mediawiki>, found <feed>"),
        (b"<mediawiki>caf\xe9</mediawiki>", "byte"),
    ] {
        assert!(message(bytes).contains(named), "{}", message(bytes));
    }
    let stub =
        dump(&[page(train_id(), 0, "A", "")
            .replace("<text xml:space=\"preserve\"></text>", "<text bytes=\"9\" id=\"3\" />")]);
    assert!(message(stub.as_bytes()).contains("stub dump"), "{}", message(stub.as_bytes()));
    let nameless = dump(&[page(1, 0, "A", "x").replace("<id>1</id>", "")]);
    assert!(message(nameless.as_bytes()).contains("the page `A` has no id"));
    // Data of Wikibase are no prose.
    let item = page(train_id(), 0, "Q1", &prose("w")).replace("<text", "<model>wikibase-item</model><text");
    assert_eq!(train(dump(&[item])), Vec::<String>::new());
}
