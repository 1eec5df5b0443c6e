//! A SentencePiece BPE from the vocabulary and scores of a GGUF file, with bytes for characters that have no token.
//!
//! As in transformers, it is a BPE whose merges are recovered from the vocabulary: every way to cut a token into two others,
//! best score first.

use std::collections::HashMap;

use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence as Decoders;
use tokenizers::decoders::strip::Strip;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::prepend::Prepend;
use tokenizers::normalizers::replace::Replace;
use tokenizers::normalizers::utils::Sequence as Normalizers;
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::{DecoderWrapper, NormalizerWrapper};

use super::byte_level::add_whole;
use super::{Tokenizer, error, guarded};
use crate::model::ModelError;

/// Bytes of the longest token whose merges are looked for: far more than any has, so that a damaged file costs no time.
const LONGEST: usize = 4096;

/// What stands for a space.
const SPACE: &str = "\u{2581}";

/// How the spaces of a text become part of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// Llama's: a text gets a space before it, if it has none.
    First,
    /// As Llama's without that space.
    Never,
    /// Phi 3's: every piece of a text between special tokens gets a space before it.
    Each,
    /// Gemma's: a text stays as it is, and merges have the order of the vocabulary, not that of the scores.
    Plain,
}

/// A SentencePiece BPE as GGUF files carry it.
pub struct SentencePiece {
    /// The file, for messages.
    pub origin: String,
    /// Token of each id.
    pub tokens: Vec<String>,
    /// Score of each id.
    pub scores: Vec<f32>,
    /// `left right`, best first, where the file has them.
    pub merges: Option<Vec<String>>,
    /// Ids matched in the text as a whole, and left out of answers.
    pub control: Vec<u32>,
    /// Ids matched in the text as a whole.
    pub user_defined: Vec<u32>,
    /// How spaces become part of tokens.
    pub spelling: Spelling,
    /// The id of characters without a token, where bytes have none.
    pub unknown: Option<u32>,
    /// The token that a text begins with.
    pub bos: Option<u32>,
    /// Whether it is added to every text.
    pub adds_bos: bool,
}

impl Tokenizer {
    /// Builds a SentencePiece BPE.
    pub fn from_sentencepiece(mut from: SentencePiece) -> Result<Self, ModelError> {
        if from.spelling == Spelling::Plain {
            // Tokens of several spaces are stored as spaces.
            for token in &mut from.tokens {
                if token.contains(' ') && token.trim_matches(' ').is_empty() {
                    *token = SPACE.repeat(token.len());
                }
            }
        }
        let merges = from.merges()?;
        let vocabulary: Vocab = from.tokens.iter().enumerate().map(|(id, token)| (token.clone(), id as u32)).collect();
        let mut builder = BPE::builder().vocab_and_merges(vocabulary, merges).fuse_unk(true).byte_fallback(true);
        if let Some(unknown) = from.unknown.and_then(|id| from.tokens.get(id as usize)) {
            builder = builder.unk_token(unknown.clone());
        }
        let model = guarded(|| builder.build()).map_err(|e| error(format!("{}: {e}", from.origin)))?;
        let mut inner = tokenizers::Tokenizer::new(model);
        let replace = || Replace::new(" ", SPACE).map_err(error);
        match from.spelling {
            Spelling::First | Spelling::Never => {
                let first = from.spelling == Spelling::First;
                let scheme = if first { PrependScheme::First } else { PrependScheme::Never };
                inner.with_pre_tokenizer(Some(Metaspace::new('\u{2581}', scheme, false)));
            }
            Spelling::Each => {
                let steps: Vec<NormalizerWrapper> = vec![Prepend::new(SPACE.into()).into(), replace()?.into()];
                inner.with_normalizer(Some(Normalizers::new(steps))).map_err(error)?;
            }
            Spelling::Plain => {
                inner.with_normalizer(Some(replace()?)).map_err(error)?;
            }
        }
        let mut steps: Vec<DecoderWrapper> =
            vec![Replace::new(SPACE, " ").map_err(error)?.into(), ByteFallback::new().into(), Fuse::new().into()];
        if matches!(from.spelling, Spelling::First | Spelling::Each) {
            steps.push(Strip::new(' ', 1, 0).into());
        }
        inner.with_decoder(Some(Decoders::new(steps)));
        add_whole(&mut inner, &from.tokens, &from.control, &from.user_defined)?;
        Self::built(inner, from.bos, from.adds_bos)
    }
}

impl SentencePiece {
    /// The merges, best first.
    fn merges(&self) -> Result<Vec<(String, String)>, ModelError> {
        if let Some(merges) = &self.merges {
            let two = |merge: &String| {
                let (left, right) = merge.split_once(' ').ok_or_else(|| {
                    error(format!("{}: merge {merge:?} in `tokenizer.ggml.merges` is not two tokens", self.origin))
                })?;
                Ok((left.to_string(), right.to_string()))
            };
            return merges.iter().map(two).collect();
        }
        if let Some((id, token)) = self.tokens.iter().enumerate().find(|(_, token)| token.len() > LONGEST) {
            let bytes = token.len();
            return Err(error(format!(
                "{}: token {id} has {bytes} bytes; at most {LONGEST} are supported",
                self.origin
            )));
        }
        let ids: HashMap<&str, usize> =
            self.tokens.iter().enumerate().map(|(id, token)| (token.as_str(), id)).collect();
        let mut all: Vec<Merge> = Vec::new();
        for (id, token) in self.tokens.iter().enumerate().filter(|(id, token)| ids[token.as_str()] == *id) {
            let score = if self.spelling == Spelling::Plain { -(id as f64) } else { f64::from(self.scores[id]) };
            let from = all.len();
            for (characters, (at, _)) in token.char_indices().enumerate().skip(1) {
                let (left, right) = token.split_at(at);
                if let (Some(&l), Some(&r)) = (ids.get(left), ids.get(right)) {
                    let lengths = (characters, right.chars().count());
                    all.push(Merge { score, lengths, ids: (l, r), left, right });
                }
            }
            all[from..].sort_by_key(|merge| merge.ids);
        }
        // Best score first; of one token, the longest left part. The sort is stable: others stay in the vocabulary's order.
        all.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.lengths.cmp(&a.lengths)));
        Ok(all.into_iter().map(|merge| (merge.left.to_string(), merge.right.to_string())).collect())
    }
}

/// A way to cut a token into two.
struct Merge<'a> {
    score: f64,
    /// Characters of both parts.
    lengths: (usize, usize),
    ids: (usize, usize),
    left: &'a str,
    right: &'a str,
}
