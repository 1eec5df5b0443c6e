//! The configuration of a model: family, dimensions, and what its blocks compute. Read from config.json here, and from GGUF
//! metadata in `gguf/config.rs`.

use serde_json::Value;

use self::keys::KEYS;
use super::shape::{HEAD, Shape};
use super::{Family, NormFormula, POSITION_OFFSET, Place, Role};
use crate::model::ModelError;
use crate::model::keys::{Fields, refused};
use crate::model::rope::Rope;

pub use reading::Reading;
pub use write::shortest;

mod keys;
mod reading;
mod write;

/// The function of the MLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// x / (1 + e^-x).
    Silu,
    /// GELU with tanh in place of the error function.
    GeluTanh,
    /// max(x, 0).
    Relu,
}

/// What differs from block to block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// A token attends to itself and the `window` - 1 tokens before it; `None`: to all before it.
    pub window: Option<usize>,
    /// Which of [`Config::ropes`] rotates queries and keys; `None`: they are not rotated.
    pub rope: Option<usize>,
}

/// Everything about a model except its weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Family and dimensions.
    pub shape: Shape,
    /// Epsilon of the norms.
    pub eps: f32,
    /// The function of the MLP.
    pub activation: Activation,
    /// Factor of the token embedding.
    pub embedding_scale: f32,
    /// Factor of q k^T.
    pub score_scale: f32,
    /// Scores s become cap tanh(s / cap).
    pub score_cap: Option<f32>,
    /// Logits l become cap tanh(l / cap).
    pub logit_cap: Option<f32>,
    /// Which linears of a block have a bias.
    pub biased: Vec<bool>,
    /// The rotary embeddings of the model.
    pub ropes: Vec<Rope>,
    /// What differs from block to block, one for each.
    pub layers: Vec<Layer>,
}

/// What a tensor of a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The weight of the linear of that index.
    Weight(usize),
    /// The bias of the linear of that index.
    Bias(usize),
    /// The gain of a norm.
    Gain(Place),
    /// The shift of a norm.
    Shift(Place),
}

/// A tensor that a model has.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot<P> {
    /// What it is.
    pub part: P,
    /// Hugging Face's name.
    pub name: String,
    /// Its dimensions.
    pub dims: Vec<usize>,
}

/// What a tensor outside the blocks is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FramePart {
    /// Token embedding.
    Embedding,
    /// Embedding of positions.
    Positions,
    /// Gain of the final norm.
    Gain,
    /// Shift of the final norm.
    Shift,
    /// Output head.
    Head,
}

/// What [`Shape::check`] calls the dimensions, by the keys of `config.json`; the family names the width of the MLP.
const NAMES: [&str; 8] = [
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
];

impl Config {
    /// What a model of this shape computes if nothing more is said: no windows, no caps, and a rotary embedding without scaling.
    pub fn plain(shape: Shape, eps: f32) -> Self {
        let family = shape.family;
        let layer = Layer { window: None, rope: Some(0) };
        Self {
            eps,
            activation: Activation::Silu,
            embedding_scale: 1.0,
            score_scale: (shape.head_dim as f32).powf(-0.5),
            score_cap: None,
            logit_cap: None,
            biased: family.linears.iter().map(|linear| family.biased.contains(&linear.role)).collect(),
            ropes: vec![Rope::plain(family.theta, shape.head_dim)],
            layers: vec![layer; shape.layers],
            shape,
        }
    }

    /// Reads a `config.json`. Errors name what is missing or not supported.
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        Self::read("config.json", text)
    }

    /// Reads the text of a `config.json`; messages name `file`.
    pub fn read(file: &str, text: &str) -> Result<Self, ModelError> {
        let wrong = |why: String| ModelError::Config(format!("{file}: {why}"));
        let json: Value = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        let object = json.as_object().ok_or_else(|| wrong("is not a JSON object".into()))?;
        let fields = Fields { file, object };
        let family = family(&fields)?;
        let shape = shape(&fields, family)?;
        let own = object.iter().filter(|(key, _)| !family.keys.contains(&key.as_str()));
        KEYS.check(file, own.map(|(key, value)| (key.as_str(), value)))?;
        check_architectures(&fields, family)?;
        let from = Reading { fields, shape: shape.clone() };
        // PyTorch's LayerNorm has this epsilon, and such configurations do not say it.
        let eps = if family.formula == NormFormula::Layer { 1e-5 } else { from.positive("rms_norm_eps")? as f32 };
        let mut config = Self::plain(shape, eps);
        (family.read)(&from, &mut config)?;
        Ok(config)
    }

    /// Gives blocks a window where `sliding` says so. One at least as long as the context has no effect.
    pub fn set_windows(&mut self, window: Option<usize>, sliding: impl Fn(usize) -> bool) {
        let window = window.filter(|window| *window < self.shape.context);
        for (at, layer) in self.layers.iter_mut().enumerate() {
            layer.window = window.filter(|_| sliding(at));
        }
    }

    /// The tensors of block `layer`: norms, then each linear with its bias.
    pub fn slots(&self, layer: usize) -> Vec<Slot<Part>> {
        let family = self.shape.family;
        let name = |part: &str, end: &str| format!("{}.{layer}.{part}.{end}", family.names.blocks);
        let mut all = Vec::new();
        for norm in family.norms {
            let dims = vec![self.shape.norm_width(norm.place)];
            all.push(Slot { part: Part::Gain(norm.place), name: name(norm.name, "weight"), dims: dims.clone() });
            if family.formula == NormFormula::Layer {
                all.push(Slot { part: Part::Shift(norm.place), name: name(norm.name, "bias"), dims });
            }
        }
        for (i, kind) in family.linears.iter().enumerate() {
            let (d_out, d_in) = (kind.role.d_out(&self.shape), kind.role.site().width(&self.shape));
            all.push(Slot { part: Part::Weight(i), name: name(kind.name, "weight"), dims: vec![d_out, d_in] });
            if self.biased[i] {
                all.push(Slot { part: Part::Bias(i), name: name(kind.name, "bias"), dims: vec![d_out] });
            }
        }
        all
    }

    /// The tensors that are not of a block, the head last and only where it is not tied to the embedding.
    pub fn frame_slots(&self) -> Vec<Slot<FramePart>> {
        let (shape, names) = (&self.shape, &self.shape.family.names);
        let slot = |part, name: &str, end: &str, dims: &[usize]| {
            let name = format!("{name}.{end}");
            Slot { part, name, dims: dims.to_vec() }
        };
        let wide = [shape.vocabulary, shape.hidden];
        let mut all = vec![slot(FramePart::Embedding, names.embedding, "weight", &wide)];
        if let Some(positions) = names.positions {
            let rows = shape.context + POSITION_OFFSET;
            all.push(slot(FramePart::Positions, positions, "weight", &[rows, shape.hidden]));
        }
        all.push(slot(FramePart::Gain, names.norm, "weight", &[shape.hidden]));
        if shape.family.formula == NormFormula::Layer {
            all.push(slot(FramePart::Shift, names.norm, "bias", &[shape.hidden]));
        }
        if !shape.tied {
            all.push(slot(FramePart::Head, HEAD, "weight", &wide));
        }
        all
    }

    /// Whether linears of these roles have a bias; `None` if some have and others do not.
    pub fn all_biased(&self, roles: &[Role]) -> Option<bool> {
        let linears = self.shape.family.linears.iter().zip(&self.biased);
        let mut those = linears.filter(|(linear, _)| roles.contains(&linear.role)).map(|(_, biased)| *biased);
        let first = those.next().unwrap_or(false);
        those.all(|biased| biased == first).then_some(first)
    }
}

/// The family that `model_type` names.
fn family(fields: &Fields) -> Result<&'static Family, ModelError> {
    let kind = fields.need("model_type")?;
    let Some(name) = kind.as_str() else { return Err(refused(fields.file, "model_type", kind, "must be a text")) };
    if let (None, Some(_)) = (Family::named(name), fields.get("text_config")) {
        let why = "is of a model of text and more; only models of text are computed here";
        return Err(refused(fields.file, "model_type", kind, why));
    }
    Family::named(name).ok_or_else(|| refused(fields.file, "model_type", kind, Family::unknown(name)))
}

fn shape(fields: &Fields, family: &'static Family) -> Result<Shape, ModelError> {
    let need = |key: &str| fields.count(key)?.ok_or_else(|| fields.lacks(key));
    let wrong = |why: String| ModelError::Config(format!("{}: {why}", fields.file));
    let (hidden, heads) = (need("hidden_size")?, need("num_attention_heads")?);
    // Only families that read it have one of their own.
    let own = if family.keys.contains(&"head_dim") { fields.count("head_dim")?.or(family.head_dim) } else { None };
    let head_dim = match own {
        Some(width) => width,
        // Heads of 0 are named below.
        None if heads == 0 => 2,
        None if hidden.is_multiple_of(heads) => hidden / heads,
        None => return Err(wrong(format!("hidden_size {hidden} is not a multiple of num_attention_heads {heads}"))),
    };
    if fields.count("head_dim")?.is_some_and(|width| width != head_dim) {
        let why = format!("is not supported for `{family}`; only hidden_size / num_attention_heads, {head_dim}, is");
        return Err(refused(fields.file, "head_dim", fields.need("head_dim")?, why));
    }
    let context = "max_position_embeddings";
    let shape = Shape {
        family,
        hidden,
        layers: need("num_hidden_layers")?,
        heads,
        kv_heads: fields.count("num_key_value_heads")?.unwrap_or(heads),
        head_dim,
        intermediate: need(family.intermediate)?,
        vocabulary: need("vocab_size")?,
        // The first conversions of LLaMA wrote this instead.
        context: match (fields.count(context)?, fields.count("max_sequence_length")?) {
            (Some(context), _) | (None, Some(context)) => context,
            (None, None) => return Err(fields.lacks(context)),
        },
        tied: fields.flag("tie_word_embeddings")?.unwrap_or(family.tied),
    };
    let mut names = NAMES;
    names[5] = family.intermediate;
    shape.check(&names).map_err(wrong)?;
    Ok(shape)
}

fn check_architectures(fields: &Fields, family: &Family) -> Result<(), ModelError> {
    let no = |why: &str| Err(refused(fields.file, "architectures", fields.need("architectures")?, why));
    let start = family.class.trim_end_matches("ForCausalLM").to_lowercase();
    let own = |name: &Value| name.as_str().map(|name| name.to_lowercase().starts_with(&start));
    match fields.get("architectures") {
        None => Ok(()),
        Some(Value::Array(names)) if names.iter().all(|name| own(name) == Some(true)) => Ok(()),
        Some(Value::Array(names)) if names.iter().all(Value::is_string) => {
            no(&format!("is not the architecture {}, which `model_type` says", family.class))
        }
        Some(_) => no("must be a list of texts"),
    }
}

#[cfg(test)]
mod tests;
