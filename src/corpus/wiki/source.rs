//! A dump as a stream of UTF-8: plain or in bz2 (of several streams too), in UTF-8 or UTF-16, by the first bytes of the
//! file and not by its name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use bzip2::read::MultiBzDecoder;

use crate::corpus::{CorpusError, text};

/// Bytes that the kind of a file shows in.
const HEAD: u64 = 16;

/// Opens a dump.
///
/// # Errors
/// A file that cannot be read, and one that by its first bytes is neither XML nor bz2 (the message says what it is).
pub fn open(path: &Path) -> Result<Box<dyn BufRead>, CorpusError> {
    let read = |source| CorpusError::Read { path: path.to_owned(), source };
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(read)?);
    let head = head(&mut file).map_err(read)?;
    let bzip2 = head.starts_with(b"BZh");
    let whole = Cursor::new(head).chain(file);
    match bzip2 {
        false => utf8(path, whole),
        true => utf8(path, MultiBzDecoder::new(BufReader::new(whole))),
    }
}

/// The first bytes.
fn head(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    source.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

/// The XML in UTF-8, without a byte order mark.
fn utf8(path: &Path, mut content: impl Read + 'static) -> Result<Box<dyn BufRead>, CorpusError> {
    let damaged = |what: &str| CorpusError::Damaged {
        path: path.to_owned(),
        what: format!("MediaWiki XML, plain or in bz2 ({what})"),
    };
    let head = head(&mut content).map_err(|error| damaged(&error.to_string()))?;
    let (mark, big) = match *head {
        [] => return Err(damaged("it is empty")),
        [0xff, 0xfe, 0, 0, ..] => (0, None),
        [0xff, 0xfe, ..] => (2, Some(false)),
        [0xfe, 0xff, ..] => (2, Some(true)),
        [b'<', 0, next, ..] if next != 0 => (0, Some(false)),
        [0, b'<', ..] => (0, Some(true)),
        [0xef, 0xbb, 0xbf, ..] => (3, None),
        _ => (0, None),
    };
    if big.is_none() && !head[mark..].trim_ascii_start().starts_with(b"<") && !head.trim_ascii_start().is_empty() {
        let expected = "MediaWiki XML, plain or in bz2";
        let kind = text::other_kind(&head).ok_or_else(|| damaged("it does not start with `<`"))?;
        return Err(CorpusError::Encoding { path: path.to_owned(), kind, expected });
    }
    let content = Cursor::new(head[mark..].to_vec()).chain(content);
    Ok(match big {
        None => Box::new(BufReader::with_capacity(1 << 16, content)),
        Some(big) => Box::new(BufReader::new(Utf16 { content, big, rest: Vec::new(), made: Cursor::default() })),
    })
}

/// UTF-16 as UTF-8.
struct Utf16<R> {
    content: R,
    /// Whether the upper byte of a unit comes first.
    big: bool,
    /// Bytes read that are not a whole character yet.
    rest: Vec<u8>,
    made: Cursor<Vec<u8>>,
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let given = self.made.read(into)?;
            if given > 0 || into.is_empty() {
                return Ok(given);
            }
            if !self.more()? {
                return Ok(0);
            }
        }
    }
}

impl<R: Read> Utf16<R> {
    /// Decodes what comes next; `false` at the end.
    fn more(&mut self) -> io::Result<bool> {
        let broken = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        let before = self.rest.len();
        self.content.by_ref().take(1 << 14).read_to_end(&mut self.rest)?;
        if self.rest.len() == before {
            return if before == 0 { Ok(false) } else { Err(broken("UTF-16 that ends inside a character")) };
        }
        let unit = |pair: &[u8]| {
            let pair = [pair[0], pair[1]];
            if self.big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
        };
        let mut units: Vec<u16> = self.rest.chunks_exact(2).map(unit).collect();
        // The first half of a character beyond U+FFFF waits for the second.
        units.pop_if(|last| (0xd800..0xdc00).contains(last));
        self.rest.drain(..2 * units.len());
        let text: Result<String, _> = char::decode_utf16(units).collect();
        self.made = Cursor::new(text.map_err(|_| broken("UTF-16 with half a character"))?.into_bytes());
        Ok(true)
    }
}
