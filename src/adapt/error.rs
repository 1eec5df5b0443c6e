//! What can be wrong with an adapter, and what to do about it.

use std::path::PathBuf;

use super::{CONFIG, WEIGHTS};

/// Why an adapter cannot be read or used.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// A file of another kind than its name says.
    #[error("{path} is {found}: {advice}")]
    Format {
        /// Which.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What to do.
        advice: &'static str,
    },
    /// A file that is not there or cannot be read.
    #[error("cannot read {path}: {source}; an adapter is a folder with {CONFIG} and {WEIGHTS}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An adapter without a file of safetensors.
    #[error("{folder} has adapter_model.bin and no {WEIGHTS}; save it with PEFT's `save_pretrained` (safetensors)")]
    OnlyPickled {
        /// The adapter's folder.
        folder: PathBuf,
    },
    /// Weights that are truncated, or not in safetensors format.
    #[error("{path} is not a usable safetensors file (truncated or corrupt?): {why}")]
    Corrupt {
        /// Which.
        path: PathBuf,
        /// What gave it away.
        why: String,
    },
    /// A configuration that is not a JSON object.
    #[error("{path} is not a JSON object: {why}")]
    Json {
        /// Which.
        path: PathBuf,
        /// What the parser said.
        why: String,
    },
    /// A value of the wrong type.
    #[error("{path}: `{key}` is {value}; expected {expected}")]
    Value {
        /// The configuration.
        path: PathBuf,
        /// Its key.
        key: String,
        /// What it says.
        value: String,
        /// What it may say.
        expected: &'static str,
    },
    /// An adapter that is more than B A on the base that it names.
    #[error("{path}: `{key}` is {value}, which cannot be used: {why}")]
    Unsupported {
        /// The configuration.
        path: PathBuf,
        /// Its key.
        key: String,
        /// What it says.
        value: String,
        /// Why not.
        why: &'static str,
    },
    /// An adapter whose base cannot be computed.
    #[error(
        "{path}: `init_lora_weights` is {value:?}, so the adapter belongs to a base that is not the one it names, and that \
         base cannot be computed: {why}. Convert the adapter first: PEFT's `save_pretrained` with \
         `path_initial_model_for_weight_conversion`, or `corda convert`; both need the adapter as it was before training"
    )]
    Init {
        /// The configuration.
        path: PathBuf,
        /// What it says.
        value: String,
        /// Why the base is not at hand.
        why: &'static str,
    },
    /// A tensor that cannot be used.
    #[error("{path}: tensor {name:?} {why}")]
    Tensor {
        /// The weights.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// Weights without an adapter of a linear.
    #[error("{path} has no tensor `*.lora_A.weight`, so there is no adapter in it")]
    Nothing {
        /// The weights.
        path: PathBuf,
    },
    /// A linear that cannot have this adapter.
    #[error("{path}: the adapter of {linear} {why}")]
    Linear {
        /// The weights.
        path: PathBuf,
        /// The linear.
        linear: String,
        /// What stands in the way.
        why: String,
    },
    /// The base that an adapter names is not at hand.
    #[error("{adapter} was trained on the base {wanted}, {why}; give the model that it belongs to with `--base`")]
    Base {
        /// The adapter's folder.
        adapter: PathBuf,
        /// The base's name.
        wanted: String,
        /// What was found instead.
        why: String,
    },
    /// An adapter made for another base model.
    #[error("{path} was made for another base model: {why}")]
    OtherModel {
        /// The weights.
        path: PathBuf,
        /// Which linear disagrees, and how.
        why: String,
    },
    /// Two adapters that do not belong together.
    #[error("{path} and {start} do not hold the same linears: {linear} is in one of them only")]
    OtherLinears {
        /// The trained adapter.
        path: PathBuf,
        /// The adapter it should have started from.
        start: PathBuf,
        /// The first that differs.
        linear: String,
    },
}
