//! Families of decoders as data: which linears, norms and biases a block has, by which names, and how a configuration is read.
//!
//! A [`Family`] is a file of this folder and a line in [`FAMILIES`]. The forward and backward pass (`decoder.rs`), the readers,
//! the accounts of memory and cost, training and adapters follow from it; none of them knows a family by name.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ModelError;
use config::{Config, Reading};
use shape::{Shape, Site};

pub mod config;
mod gemma2;
mod gemma3;
mod llama;
mod mistral;
mod olmo2;
mod opt;
mod phi3;
mod qwen2;
mod qwen3;
pub mod shape;
mod smollm3;

/// Every family that is computed, by `model_type`.
pub const FAMILIES: [&Family; 10] = [
    &llama::FAMILY,
    &mistral::FAMILY,
    &qwen2::FAMILY,
    &qwen3::FAMILY,
    &gemma2::FAMILY,
    &gemma3::FAMILY,
    &phi3::FAMILY,
    &olmo2::FAMILY,
    &smollm3::FAMILY,
    &opt::FAMILY,
];

/// What a linear of a block does. Fused linears are one linear of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Makes queries, [heads * head_dim, hidden].
    Query,
    /// Makes keys, [kv_heads * head_dim, hidden].
    Key,
    /// Makes values, of the keys' shape.
    Value,
    /// Queries, keys and values in one, their rows in this order.
    QueryKeyValue,
    /// From what attention found to the residual stream, [hidden, heads * head_dim].
    Output,
    /// The gate of the MLP, [intermediate, hidden].
    Gate,
    /// What the gate is multiplied with, [intermediate, hidden]; without a gate, what the activation is applied to.
    Up,
    /// Gate and up in one, their rows in this order.
    GateUp,
    /// From the MLP to the residual stream, [hidden, intermediate].
    Down,
}

impl Role {
    /// The input that the linear sees.
    pub fn site(self) -> Site {
        match self {
            Role::Query | Role::Key | Role::Value | Role::QueryKeyValue => Site::Attention,
            Role::Output => Site::Output,
            Role::Gate | Role::Up | Role::GateUp => Site::Mlp,
            Role::Down => Site::Down,
        }
    }

    /// d_out of the linear.
    pub fn d_out(self, shape: &Shape) -> usize {
        let (q, kv) = (shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim);
        match self {
            Role::Query => q,
            Role::Key | Role::Value => kv,
            Role::QueryKeyValue => q + 2 * kv,
            Role::Gate | Role::Up => shape.intermediate,
            Role::GateUp => 2 * shape.intermediate,
            Role::Output | Role::Down => shape.hidden,
        }
    }
}

/// A linear of every block.
#[derive(Debug)]
pub struct LinearKind {
    /// Hugging Face's name inside the block, e.g. `self_attn.q_proj`.
    pub name: &'static str,
    /// llama.cpp's name inside the block, e.g. `attn_q`.
    pub gguf: &'static str,
    /// What it does.
    pub role: Role,
}

/// Where a norm is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Of the residual stream, before attention.
    BeforeAttention,
    /// Of what attention adds to the residual stream.
    AfterAttention,
    /// Of the residual stream, before the MLP.
    BeforeMlp,
    /// Of what the MLP adds to the residual stream.
    AfterMlp,
    /// Of queries, before the rotary embedding.
    Query,
    /// Of keys, before the rotary embedding.
    Key,
}

impl Place {
    /// The number of places.
    pub const COUNT: usize = 6;
}

/// A norm of every block.
#[derive(Debug)]
pub struct NormKind {
    /// Where it is.
    pub place: Place,
    /// Hugging Face's name inside the block, e.g. `input_layernorm`.
    pub name: &'static str,
    /// llama.cpp's name inside the block, e.g. `attn_norm`.
    pub gguf: &'static str,
}

/// What queries and keys are normalised over, where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadNorm {
    /// Each head by itself, with one gain for all.
    Each,
    /// All heads as one vector.
    Together,
}

/// Formula of the norms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormFormula {
    /// x / sqrt(mean(x^2) + eps) * gain.
    RootMeanSquare,
    /// (x - mean(x)) / sqrt(variance(x) + eps) * gain + shift.
    Layer,
}

/// Names of the tensors that are not in blocks, without `.weight`.
#[derive(Debug)]
pub struct Names {
    /// What blocks are numbered under, e.g. `model.layers`.
    pub blocks: &'static str,
    /// Token embedding.
    pub embedding: &'static str,
    /// Final norm.
    pub norm: &'static str,
    /// Embedding of positions, where they are learned.
    pub positions: Option<&'static str>,
}

/// Learned positions: rows of the table before that of position 0.
pub const POSITION_OFFSET: usize = 2;

/// A GGUF architecture.
#[derive(Debug)]
pub struct GgufFamily {
    /// `general.architecture`, and the start of its keys.
    pub architecture: &'static str,
    /// Whether rows of q and k are stored in pairs, as llama.cpp's rotary embedding for this architecture takes them, and not in
    /// halves as Hugging Face has them.
    pub pairs: bool,
    /// Keys of the metadata, without the architecture, that the family reads beyond those that all read.
    pub keys: &'static [&'static str],
    /// Completes a configuration that has its shape, norms and plain rotary embedding.
    pub read: fn(&dyn Metadata, &mut Config) -> Result<(), ModelError>,
}

/// What families read of a GGUF's metadata; keys are without the architecture.
pub trait Metadata {
    /// Refuses a file that lacks the key, for which nothing stands in.
    fn need(&self, key: &str) -> Result<(), ModelError>;

    /// A number greater than 0, or 0 where `zero` allows it.
    fn real(&self, key: &str, zero: bool) -> Result<Option<f32>, ModelError>;
    /// A whole number of at least 0.
    fn count(&self, key: &str) -> Result<Option<usize>, ModelError>;
    /// A cap; 0 is none, and without the key it is the default.
    fn cap(&self, key: &str, default: Option<f32>) -> Result<Option<f32>, ModelError>;
    /// The length of the sliding window; 0 is none, as is one as long as the context, and without the key it is the default.
    fn window(&self, config: &Config, default: Option<usize>) -> Result<Option<usize>, ModelError>;
    /// Refuses a sliding window shorter than the context.
    fn no_window(&self, config: &Config) -> Result<(), ModelError>;
    /// One rotary embedding for all blocks.
    fn rotary(&self, config: &mut Config) -> Result<(), ModelError>;
}

/// A family of decoders: what `model_type` of a `config.json` names.
#[derive(Debug)]
pub struct Family {
    /// `model_type`.
    pub name: &'static str,
    /// transformers' class of a causal language model of the family.
    pub class: &'static str,
    /// The linears of a block, in the order of computation.
    pub linears: &'static [LinearKind],
    /// The norms of a block, in the order in which they are listed in files.
    pub norms: &'static [NormKind],
    /// Formula of all norms.
    pub formula: NormFormula,
    /// What queries and keys are normalised over, if `norms` has them.
    pub head_norm: HeadNorm,
    /// What is added to a stored gain: 1 where a file of Hugging Face's has gain - 1. llama.cpp has added it when it converts.
    pub gain_offset: f32,
    /// Linears that have a bias whatever the configuration says.
    pub biased: &'static [Role],
    /// Names of the other tensors.
    pub names: Names,
    /// The key of `config.json` that holds the width of the MLP.
    pub intermediate: &'static str,
    /// `head_dim` where the configuration has none: hidden / heads if `None`.
    pub head_dim: Option<usize>,
    /// `tie_word_embeddings` where the configuration has none.
    pub tied: bool,
    /// Base of the rotary frequencies where the configuration has none.
    pub theta: f64,
    /// Whether losses of windows mean something only if each begins with the beginning-of-text token.
    pub bos_each_window: bool,
    /// Keys of `config.json` that the family reads beyond those that all read.
    pub keys: &'static [&'static str],
    /// Completes a configuration that has its shape and norms: what blocks compute.
    pub read: fn(&Reading, &mut Config) -> Result<(), ModelError>,
    /// How llama.cpp stores it, if it does.
    pub gguf: Option<GgufFamily>,
}

impl Family {
    /// The family of that `model_type`.
    pub fn named(name: &str) -> Option<&'static Family> {
        FAMILIES.into_iter().find(|family| family.name == name)
    }

    /// The family whose class transformers calls so.
    pub fn of_class(class: &str) -> Option<&'static Family> {
        FAMILIES.into_iter().find(|family| family.class == class)
    }

    /// Llama's, the default.
    pub const fn llama() -> &'static Family {
        &llama::FAMILY
    }

    /// What an unknown name is told: the nearest one, and all.
    pub fn unknown(name: &str) -> String {
        let known: Vec<&str> = FAMILIES.iter().map(|family| family.name).collect();
        // One that goes on after the name comes before one that is spelt alike.
        let goes_on = |one: &str| one.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'));
        let likeness = |one: &str| if goes_on(one) { 1.0 } else { strsim::jaro_winkler(one, name) };
        let nearest = known.iter().map(|one| (likeness(one), *one)).max_by(|a, b| a.0.total_cmp(&b.0));
        let meant = match nearest {
            Some((similarity, one)) if similarity > 0.8 => format!(" (is `{one}` meant?)"),
            _ => String::new(),
        };
        format!("is not a family that is computed here{meant}; these are: {}", known.join(", "))
    }

    /// Whether blocks have a norm there.
    pub fn has_norm(&self, place: Place) -> bool {
        self.norms.iter().any(|norm| norm.place == place)
    }

    /// Whether blocks have a linear of that role.
    pub fn has(&self, role: Role) -> bool {
        self.linears.iter().any(|linear| linear.role == role)
    }

    /// Index of the linear of that role in a block.
    pub fn position(&self, role: Role) -> Option<usize> {
        self.linears.iter().position(|linear| linear.role == role)
    }
}

impl PartialEq for Family {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Serialize for Family {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

impl<'de> Deserialize<'de> for &'static Family {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Family::named(&name).ok_or_else(|| D::Error::custom(format!("`{name}` {}", Family::unknown(&name))))
    }
}

impl schemars::JsonSchema for Family {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Family".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<&str> = FAMILIES.iter().map(|family| family.name).collect();
        schemars::json_schema!({"type": "string", "enum": names, "description": "`model_type` of the model's configuration."})
    }
}

#[cfg(test)]
mod tests;
