//! Decoders of several families: shapes, weights from GGUF and safetensors, tokenizers, forward and backward operations, generation.
//! Nothing here measures, decomposes or trains.

use std::path::{Path, PathBuf};

pub mod arch;
pub mod cached;
pub mod checkpoint;
pub mod decoder;
pub mod export;
pub mod format;
pub mod generate;
pub mod generation;
pub mod gguf;
pub mod kernel;
pub mod keys;
pub mod ops;
pub mod packed;
pub mod rope;
pub mod rotary;
pub mod shards;
pub mod tokenised;
pub mod tokenizer;
pub mod weights;

pub use arch::{config, shape};

/// What can be wrong with a model's files. Every message says which file.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file that cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is cut short or damaged.
    #[error("{path} is not a usable {format} file (truncated or corrupt?): {why}")]
    Corrupt {
        /// Which.
        path: PathBuf,
        /// `GGUF` or `safetensors`.
        format: &'static str,
        /// What the reader said.
        why: String,
    },
    /// A file of another kind than the one needed.
    #[error("{path} is {found}, not {expected}; {advice}")]
    Format {
        /// Which.
        path: PathBuf,
        /// What it is, by its first bytes.
        found: String,
        /// What it should be.
        expected: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A configuration that is not supported.
    #[error("{0}")]
    Config(String),
    /// A key by which the model would be computed otherwise than here.
    #[error("{file}: `{key}` is {value}, {why}")]
    Key {
        /// In which file.
        file: String,
        /// Which key.
        key: String,
        /// What it holds, as JSON.
        value: String,
        /// What is wrong with it: "which ...", or "but ...".
        why: String,
    },
    /// A tensor that nothing reads.
    #[error("{origin} has a tensor {name:?} that nothing reads, so part of the model would be left out: {hint}")]
    Unread {
        /// The file it is in.
        origin: PathBuf,
        /// Its name there.
        name: String,
        /// What the tensor suggests.
        hint: String,
    },
    /// A tensor whose elements are of a type that is not read.
    #[error("{path}: tensor {name:?} is of type {found}, which is not supported; {supported} are")]
    ElementType {
        /// The file it is in.
        path: PathBuf,
        /// Its name there.
        name: String,
        /// The type, as the format calls it.
        found: String,
        /// Types that are read.
        supported: &'static str,
    },
    /// A folder whose weights cannot be identified.
    #[error("{folder} has neither model.safetensors nor model.safetensors.index.json.{hint}")]
    NoWeights {
        /// The folder.
        folder: PathBuf,
        /// What it has instead: empty, or beginning with a blank.
        hint: String,
    },
    /// A missing weight.
    #[error("{origin} has no tensor {name:?}; is it a complete model?")]
    Missing {
        /// The model's file or folder.
        origin: PathBuf,
        /// Hugging Face name.
        name: String,
    },
    /// A weight of the wrong shape.
    #[error("{origin}: tensor {name:?} is {found:?}, but the configuration makes it {expected:?}")]
    WrongShape {
        /// The model's file or folder.
        origin: PathBuf,
        /// Hugging Face name.
        name: String,
        /// In the file.
        found: Vec<usize>,
        /// By the configuration.
        expected: Vec<usize>,
    },
    /// A folder that lacks a file.
    #[error(
        "{folder} has no {file}; a model folder needs config.json, tokenizer.json and *.safetensors, or is a .gguf file"
    )]
    Incomplete {
        /// The folder.
        folder: PathBuf,
        /// The missing file.
        file: String,
    },
    /// A tokenizer that cannot be built or used.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// A token for which the model has no row.
    #[error(
        "{place} has the token {token:?} with id {id}, but the model's embedding has {rows} rows (`vocab_size`): tokenizer and \
         weights do not belong together, or the embedding was not resized when the token was added"
    )]
    Beyond {
        /// A file or a text.
        place: String,
        /// The token.
        token: String,
        /// Its id.
        id: u32,
        /// Rows of the embedding.
        rows: usize,
    },
    /// The model is not the one that the catalog or spec describes.
    #[error("the files of the model `{model}` are not as its `shape` says: {}", found.against(expected))]
    OtherShape {
        /// The model's name.
        model: String,
        /// In the files.
        found: Box<shape::Shape>,
        /// In the catalog or spec.
        expected: Box<shape::Shape>,
    },
    /// A prompt or example that cannot be passed through the model.
    #[error("prompt {index} (from 0): {why}")]
    Prompt {
        /// Which, from 0.
        index: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Weights derived from a model's (with an adapter merged, or components discarded) could not be computed. They are derived
    /// in modules above this one, so this module does not know the type of the error.
    #[error(transparent)]
    Derived(Box<dyn std::error::Error + Send + Sync>),
    /// A file of an exported model could not be written.
    #[error(transparent)]
    Write(crate::atomic::WriteError),
    /// A GGUF file whose settings cannot be expressed in Hugging Face's format.
    #[error("{path} cannot be exported to Hugging Face format: {why}")]
    Export {
        /// Which.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The tensor library failed. Its error is boxed, being larger than any of ours.
    #[error(transparent)]
    Tensor(Box<candle_core::Error>),
}

impl From<candle_core::Error> for ModelError {
    fn from(error: candle_core::Error) -> Self {
        Self::Tensor(Box::new(error))
    }
}

impl ModelError {
    /// The same error of a key inside the object `name`.
    fn under(self, name: &str) -> Self {
        match self {
            Self::Key { file, key, value, why } => Self::Key { file, key: format!("{name}.{key}"), value, why },
            other => other,
        }
    }

    /// The error of [`Weights`](weights::Weights) that are derived from a model's.
    pub fn derived(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Derived(Box::new(error))
    }
}

/// Reads the shape of a local model file or folder, without its weights. A faulty tokenizer is an error too.
pub fn read_shape(path: &Path) -> Result<shape::Shape, ModelError> {
    let checkpoint = checkpoint::Checkpoint::open_path(path)?;
    checkpoint.tokenizer()?;
    Ok(checkpoint.config().shape.clone())
}
