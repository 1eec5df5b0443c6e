//! Texts and tokenizers that are at hand, each opened once, and counts of them that are kept in the cache.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

use crate::assets::Source;
use crate::cache::{Arrays, ReadArrays};
use crate::corpus::{self, Length, Text};
use crate::model::checkpoint::Checkpoint;
use crate::model::tokenizer::Tokenizer;
use crate::run::Context;
use crate::spec::Corpus;

/// A text, and all of it in one.
pub(super) struct Whole {
    pub text: Text,
    pub joined: String,
}

/// A model's tokenizer, and what ends a sequence.
pub(super) struct Reader {
    pub tokenizer: Tokenizer,
    pub end: Option<u32>,
}

/// Tokens of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// So many and more.
    AtLeast(usize),
    /// All of them.
    All(usize),
}

/// By corpus; `None` where the files are not there, and what is wrong with them where they cannot be read.
type Texts = HashMap<String, Result<Option<Rc<Whole>>, String>>;

/// How long counting may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Some seconds: what takes longer is not said.
    Check,
    /// What a run computes afterwards takes far longer.
    Run,
}

/// Bytes of text that are tokenised in some seconds (20 at most; the splitting of GPT-2 takes one for a third of a megabyte).
/// The training part of PTB has 5 MB.
const FEW: usize = 6 << 20;

/// What is at hand: nothing is fetched.
pub struct Library<'a> {
    context: &'a Context,
    patience: Patience,
    texts: RefCell<Texts>,
    readers: RefCell<HashMap<String, Option<Rc<Reader>>>>,
    counts: RefCell<HashMap<(String, usize), Count>>,
}

impl<'a> Library<'a> {
    /// Nothing opened yet.
    pub fn new(context: &'a Context, patience: Patience) -> Self {
        Self { context, patience, texts: RefCell::default(), readers: RefCell::default(), counts: RefCell::default() }
    }

    /// Whether it is asked before a run.
    pub(super) fn is_check(&self) -> bool {
        self.patience == Patience::Check
    }

    /// Whether so many bytes of text may be tokenised.
    pub(super) fn affords(&self, bytes: usize) -> bool {
        self.patience == Patience::Run || bytes <= FEW
    }

    /// The files of a source, if they are there.
    pub(super) fn files(&self, source: &Source) -> Option<Vec<PathBuf>> {
        Some(self.context.store.cached(source)?.files.into_values().map(|file| file.path).collect())
    }

    /// A text, if it is there.
    ///
    /// # Errors
    /// Files that are no such text.
    pub(super) fn text(&self, corpus: &Corpus) -> Result<Option<Rc<Whole>>, String> {
        let id = corpus.id();
        if let Some(text) = self.texts.borrow().get(&id) {
            return text.clone();
        }
        let files = self.files(&corpus.source);
        let read = files.map(|files| corpus::read(&corpus.format, &corpus.split, &files)).transpose();
        let whole = read.map(|text| text.map(|text| Rc::new(Whole { joined: text.joined(), text })));
        let whole = whole.map_err(|why| why.to_string());
        self.texts.borrow_mut().insert(id, whole.clone());
        whole
    }

    /// A model's tokenizer, if it is there. What is wrong with a model's files is for the run to say.
    pub(super) fn reader(&self, source: &Source) -> Option<Rc<Reader>> {
        let id = serde_json::json!(source).to_string();
        if let Some(reader) = self.readers.borrow().get(&id) {
            return reader.clone();
        }
        let open = |files: Vec<PathBuf>| {
            let checkpoint = Checkpoint::open(&files).ok()?;
            let end = checkpoint.eos().ok().and_then(|ids| ids.first().copied());
            Some(Rc::new(Reader { tokenizer: checkpoint.tokenizer().ok()?, end }))
        };
        let reader = self.files(source).and_then(open);
        self.readers.borrow_mut().insert(id, reader.clone());
        reader
    }

    /// Numbers that were counted before.
    pub(super) fn kept(&self, key: &str, what: &str) -> Option<Vec<u32>> {
        let path = self.context.cache.part("lengths", key, what);
        // Mostly it is not there; one that cannot be read is counted again.
        path.exists().then(|| ReadArrays::open(&path).ok()?.u32("lengths").ok()).flatten()
    }

    /// Keeps what was counted. Where that cannot be written, it is counted again another time.
    pub(super) fn keep(&self, key: &str, what: &str, lengths: &[u32]) {
        let mut arrays = Arrays::default();
        arrays.push_u32("lengths".into(), &[lengths.len()], lengths.iter().copied());
        let _ = arrays.write(&self.context.cache.part("lengths", key, what));
    }

    /// How many tokens a text has that was counted before under this key, as far as `wanted` goes.
    pub(super) fn counted(&self, key: &str, wanted: usize) -> Option<Count> {
        if let Some(count) = self.counts.borrow().get(&(key.to_owned(), wanted)) {
            return Some(*count);
        }
        match self.kept(key, &format!("up-to-{wanted}"))?.as_slice() {
            [] => Some(Count::AtLeast(wanted)),
            [all] => Some(Count::All(*all as usize)),
            _ => None,
        }
    }

    /// How many tokens a text has, as far as `wanted` goes, with what is added to every text if `special`.
    ///
    /// # Errors
    /// What the tokenizer refuses.
    pub(super) fn count(
        &self,
        key: &str,
        wanted: usize,
        whole: &Whole,
        reader: &Reader,
        special: bool,
    ) -> Result<Count, String> {
        if let Some(count) = self.counted(key, wanted) {
            return Ok(count);
        }
        let encode = |text: &str| {
            let ids = if special { reader.tokenizer.encode(text) } else { reader.tokenizer.encode_plain(text) };
            ids.map_err(|e| e.to_string())
        };
        let (count, kept) = match corpus::length(&whole.joined, wanted, &encode)? {
            Length::Enough => (Count::AtLeast(wanted), Vec::new()),
            Length::Whole(tokens) => (Count::All(tokens.len()), vec![tokens.len() as u32]),
        };
        self.keep(key, &format!("up-to-{wanted}"), &kept);
        self.counts.borrow_mut().insert((key.to_owned(), wanted), count);
        Ok(count)
    }
}
