//! A byte-level BPE from the vocabulary and merges of a GGUF file.

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, PreTokenizerWrapper, SplitDelimiterBehavior};

use super::{Tokenizer, error, guarded};
use crate::model::ModelError;
use crate::model::keys::refused;

/// A byte-level BPE as GGUF files carry it.
pub struct ByteLevelBpe {
    /// The file, for messages.
    pub origin: String,
    /// Token of each id, in the byte-level alphabet.
    pub tokens: Vec<String>,
    /// `left right`, best first.
    pub merges: Vec<String>,
    /// Ids matched in the text as a whole, and left out of answers.
    pub control: Vec<u32>,
    /// Ids matched in the text as a whole.
    pub user_defined: Vec<u32>,
    /// llama.cpp's name of the pre-tokenizer; empty where the file has none, which is its default.
    pub pre_tokenizer: String,
    /// The token that a text begins with.
    pub bos: Option<u32>,
    /// Whether it is added to every text; `None` where the file does not say.
    pub adds_bos: Option<bool>,
}

/// How texts are cut before merges, by llama.cpp's names.
struct Splitting {
    names: &'static [&'static str],
    /// Regular expressions that each find pieces inside the pieces before.
    patterns: &'static [&'static str],
    /// Whether characters are composed first.
    composes: bool,
    /// Whether a piece that is a token stays whole, although merges would not lead to it.
    keeps_tokens: bool,
    /// Whether texts begin with the beginning-of-text token where the file does not say.
    adds_bos: bool,
}

const PLAIN: Splitting = Splitting { names: &[], patterns: &[], composes: false, keeps_tokens: false, adds_bos: false };

/// GPT-4's, which Llama 3 has too.
const GPT_4: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

const SPLITTINGS: &[Splitting] = &[
    // Llama 3, SmolLM3.
    Splitting {
        names: &["llama-bpe", "llama3", "llama-v3"],
        patterns: &[GPT_4],
        keeps_tokens: true,
        adds_bos: true,
        ..PLAIN
    },
    Splitting { names: &["smaug-bpe"], patterns: &[GPT_4], keeps_tokens: true, ..PLAIN },
    // OLMo 2.
    Splitting { names: &["dbrx", "olmo2"], patterns: &[GPT_4], ..PLAIN },
    // Qwen 2, 2.5 and 3.
    Splitting {
        names: &["qwen2", "deepseek-r1-qwen"],
        patterns: &[
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
        composes: true,
        ..PLAIN
    },
    // Phi 4 mini.
    Splitting {
        names: &["gpt-4o"],
        patterns: &[
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
        ..PLAIN
    },
    // Mistral since Nemo.
    Splitting {
        names: &["tekken"],
        patterns: &[
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
        keeps_tokens: true,
        adds_bos: true,
        ..PLAIN
    },
    // llama.cpp's own: punctuation first, then as GPT-2 without its last alternative, then numbers, then digits in threes.
    Splitting {
        names: &["default", ""],
        patterns: &[
            r"[\p{P}\$\+<=>\^~\|]+",
            r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)",
            r"\p{N}+",
            r"[0-9][0-9][0-9]",
        ],
        ..PLAIN
    },
    Splitting { names: &["gpt-2"], ..PLAIN },
    Splitting { names: &["smollm"], ..PLAIN },
];

impl Splitting {
    fn named(bpe: &ByteLevelBpe) -> Result<&'static Self, ModelError> {
        let name = bpe.pre_tokenizer.as_str();
        SPLITTINGS.iter().find(|one| one.names.contains(&name)).ok_or_else(|| {
            let known: Vec<&str> =
                SPLITTINGS.iter().flat_map(|one| one.names).copied().filter(|n| !n.is_empty()).collect();
            let why = format!(
                "is not supported; these are: {}. Use the model in Hugging Face format (tokenizer.json)",
                known.join(", ")
            );
            refused(&bpe.origin, "tokenizer.ggml.pre", &name.into(), why)
        })
    }

    fn pre_tokenizer(&self) -> Result<PreTokenizerWrapper, ModelError> {
        // Without a pattern of its own, GPT-2's splitting, which is the byte-level step's.
        let bytes = ByteLevel::new(false, true, self.patterns.is_empty());
        if self.names == ["gpt-2"] {
            return Ok(bytes.into());
        }
        let mut steps: Vec<PreTokenizerWrapper> = Vec::new();
        if self.names == ["smollm"] {
            steps.push(Digits::new(true).into());
        }
        for pattern in self.patterns {
            let pattern = SplitPattern::Regex((*pattern).into());
            steps.push(Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(error)?.into());
        }
        steps.push(bytes.into());
        Ok(Sequence::new(steps).into())
    }
}

impl Tokenizer {
    /// Builds a byte-level BPE. Only pre-tokenizers whose splitting is known are accepted.
    pub fn from_byte_level_bpe(bpe: ByteLevelBpe) -> Result<Self, ModelError> {
        let splitting = Splitting::named(&bpe)?;
        let vocabulary: Vocab = bpe.tokens.iter().enumerate().map(|(id, token)| (token.clone(), id as u32)).collect();
        let merges = bpe
            .merges
            .iter()
            .map(|merge| match merge.split_once(' ') {
                Some((left, right)) => Ok((left.to_string(), right.to_string())),
                None => {
                    Err(error(format!("{}: merge {merge:?} in `tokenizer.ggml.merges` is not two tokens", bpe.origin)))
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        let builder = BPE::builder().vocab_and_merges(vocabulary, merges).ignore_merges(splitting.keeps_tokens);
        let model = guarded(|| builder.build());
        let model = model.map_err(|e| error(format!("{}: `tokenizer.ggml.merges`: {e}", bpe.origin)))?;
        let mut inner = tokenizers::Tokenizer::new(model);
        if splitting.composes {
            inner.with_normalizer(Some(NFC)).map_err(error)?;
        }
        inner.with_pre_tokenizer(Some(splitting.pre_tokenizer()?));
        inner.with_decoder(Some(ByteLevel::new(false, true, true)));
        add_whole(&mut inner, &bpe.tokens, &bpe.control, &bpe.user_defined)?;
        Self::built(inner, bpe.bos, bpe.adds_bos.unwrap_or(splitting.adds_bos))
    }
}

/// Adds tokens that are matched in a text as a whole.
pub(super) fn add_whole(
    inner: &mut tokenizers::Tokenizer,
    tokens: &[String],
    control: &[u32],
    user_defined: &[u32],
) -> Result<(), ModelError> {
    let token = |id: &u32, special: bool| {
        let content =
            tokens.get(*id as usize).ok_or_else(|| error(format!("special id {id} beyond the vocabulary")))?;
        Ok(AddedToken::from(content.clone(), special).normalized(false))
    };
    let control = control.iter().map(|id| token(id, true)).collect::<Result<Vec<_>, ModelError>>()?;
    inner.add_special_tokens(control).map_err(error)?;
    let user_defined = user_defined.iter().map(|id| token(id, false)).collect::<Result<Vec<_>, ModelError>>()?;
    inner.add_tokens(user_defined).map_err(error)?;
    Ok(())
}
