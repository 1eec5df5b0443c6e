//! Texts: MediaWiki dumps, and files of every other format that a corpus may have.

use std::io::Write;
use std::path::PathBuf;

use bzip2::Compression;
use bzip2::write::BzEncoder;
use corda::corpus::{self, Format, records as of_records};

use super::{Scratch, names, parts};

/// XML, uncompressed and (unless it is compressed already) compressed.
pub fn mediawiki(scratch: &Scratch, data: &[u8]) {
    let plain = scratch.put("dump.xml", Some(data));
    let compressed = match data.starts_with(b"BZh") {
        true => data.to_vec(),
        false => {
            let mut encoder = BzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(data).and_then(|()| encoder.finish()).expect("compression in memory")
        }
    };
    let compressed = scratch.put("dump.xml.bz2", Some(&compressed));
    let read = |path: &PathBuf, split: &str| {
        let read = corpus::read(&Format::MediawikiXml, split, std::slice::from_ref(path));
        read.map_err(|error| names(&error, &["dump.xml"])).ok()
    };
    let texts = [read(&plain, "train"), read(&compressed, "train")];
    if let [Some(plain), Some(compressed)] = &texts
        && !data.starts_with(b"BZh")
    {
        assert_eq!(plain, compressed, "compression changes a text");
    }
    read(&compressed, "test");
}

/// A format as JSON, and a file in this format.
pub fn records(scratch: &Scratch, data: &[u8]) {
    let parts = parts(data);
    let Ok(format) = serde_json::from_slice::<Format>(parts[0]) else { return };
    let file = scratch.put("texts", Some(parts.get(1).copied().unwrap_or_default()));
    for split in ["train", "validation", "test", "all"] {
        let read = || corpus::read(&format, split, std::slice::from_ref(&file));
        match read() {
            Ok(text) => assert_eq!(read().expect("what reads once reads twice"), text),
            Err(error) => said(&error),
        }
        if let Format::Records(format) = &format {
            match of_records::examples(format, split, std::slice::from_ref(&file)) {
                Ok(examples) => assert!(examples.iter().all(|one| !one.answers.is_empty() && !one.prompt.is_empty())),
                Err(error) => said(&error),
            }
        }
    }
}

/// The error names the file, unless it is about a split that the format does not have.
fn said(error: &corpus::CorpusError) {
    if !matches!(error, corpus::CorpusError::Split { .. }) {
        names(error, &["/texts"]);
    }
}
