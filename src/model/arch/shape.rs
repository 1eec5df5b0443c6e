//! Dimensions of a decoder, and the linears that follow from them and its family. No weights here.

use serde::{Deserialize, Serialize};

use super::{Family, HeadNorm, NormFormula, POSITION_OFFSET, Place};

/// The family and the dimensions of a decoder.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Its family, by `model_type`; `llama` if none is given.
    #[serde(default = "Family::llama", skip_serializing_if = "is_llama")]
    pub family: &'static Family,
    /// Width of the residual stream, d_model.
    pub hidden: usize,
    /// Number of decoder blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key/value heads (fewer than `heads` with grouped-query attention).
    pub kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Width inside the MLP.
    pub intermediate: usize,
    /// Number of token ids.
    pub vocabulary: usize,
    /// Longest window the model was made for, in tokens.
    pub context: usize,
    /// Whether `lm_head` shares the embedding's weights.
    pub tied: bool,
}

impl Shape {
    /// How the shape of files differs from the one that was expected, for people.
    pub fn against(&self, expected: &Self) -> String {
        let values = |shape: &Self| {
            let mut values = serde_json::json!(shape);
            values["family"] = serde_json::json!(shape.family);
            values
        };
        let (found, expected) = (values(self), values(expected));
        let differs = |key: &&String| found[key.as_str()] != expected[key.as_str()];
        let names = found.as_object().into_iter().flat_map(|map| map.keys()).filter(differs);
        let said = names.map(|key| format!("`{key}` is {}, not {}", found[key.as_str()], expected[key.as_str()]));
        said.collect::<Vec<_>>().join("; ")
    }
}

/// A distinct input of linears: those of queries, keys and values share one, those of gate and up share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// Input of what makes queries, keys and values, [n, hidden].
    Attention,
    /// Input of the attention's output, [n, heads * head_dim].
    Output,
    /// Input of the MLP, [n, hidden].
    Mlp,
    /// Input of the MLP's last linear, [n, intermediate].
    Down,
    /// Input of lm_head, [n, hidden].
    Head,
}

impl Site {
    /// The sites of a block.
    pub const BLOCK: [Site; 4] = [Site::Attention, Site::Output, Site::Mlp, Site::Down];

    /// Width of the input, d_in of the linears that see it.
    pub fn width(self, shape: &Shape) -> usize {
        match self {
            Site::Output => shape.heads * shape.head_dim,
            Site::Down => shape.intermediate,
            Site::Attention | Site::Mlp | Site::Head => shape.hidden,
        }
    }

    /// Hugging Face name of the first linear of block `layer` that sees this input.
    pub fn first_linear(self, family: &Family, layer: usize) -> String {
        match family.linears.iter().find(|linear| linear.role.site() == self) {
            Some(linear) => format!("{}.{layer}.{}", family.names.blocks, linear.name),
            None => HEAD.into(),
        }
    }

    /// Short name in files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Site::Attention => "attention",
            Site::Output => "output",
            Site::Mlp => "mlp",
            Site::Down => "down",
            Site::Head => "head",
        }
    }
}

/// Name of the output head, a linear that no block has.
pub const HEAD: &str = "lm_head";

/// One linear layer y = W x.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linear {
    /// Hugging Face name, e.g. `model.layers.0.self_attn.q_proj`.
    pub name: String,
    /// Rows of W.
    pub d_out: usize,
    /// Columns of W.
    pub d_in: usize,
}

impl Linear {
    /// Largest possible rank of W, R = min(d_out, d_in).
    pub fn rank(&self) -> usize {
        self.d_out.min(self.d_in)
    }
}

/// SmolLM2-135M's, for tests.
#[cfg(test)]
pub(crate) const SMOLLM2: Shape = Shape {
    family: Family::llama(),
    hidden: 576,
    layers: 30,
    heads: 9,
    kv_heads: 3,
    head_dim: 64,
    intermediate: 1536,
    vocabulary: 49152,
    context: 8192,
    tied: true,
};

fn is_llama(family: &&'static Family) -> bool {
    **family == *Family::llama()
}

impl Shape {
    /// The linears of block `layer`, in the order of computation.
    pub fn block_linears(&self, layer: usize) -> impl Iterator<Item = Linear> {
        self.family.linears.iter().map(move |linear| Linear {
            name: format!("{}.{layer}.{}", self.family.names.blocks, linear.name),
            d_out: linear.role.d_out(self),
            d_in: linear.role.site().width(self),
        })
    }

    /// Every linear of the model in the order of computation, `lm_head` last.
    pub fn linears(&self) -> Vec<Linear> {
        let mut all: Vec<Linear> = (0..self.layers).flat_map(|layer| self.block_linears(layer)).collect();
        all.push(Linear { name: HEAD.into(), d_out: self.vocabulary, d_in: self.hidden });
        all
    }

    /// Block and index in it of the linear of that name; none for the head and for other names.
    pub fn locate(&self, name: &str) -> Option<(usize, usize)> {
        let (layer, part) = name.strip_prefix(self.family.names.blocks)?.strip_prefix('.')?.split_once('.')?;
        let layer = layer.parse().ok().filter(|at: &usize| *at < self.layers && at.to_string() == layer)?;
        let at = self.family.linears.iter().position(|linear| linear.name == part)?;
        Some((layer, at))
    }

    /// Width of the norm at that place.
    pub fn norm_width(&self, place: Place) -> usize {
        match (place, self.family.head_norm) {
            (Place::Query | Place::Key, HeadNorm::Each) => self.head_dim,
            (Place::Query, HeadNorm::Together) => self.heads * self.head_dim,
            (Place::Key, HeadNorm::Together) => self.kv_heads * self.head_dim,
            _ => self.hidden,
        }
    }
}

impl Shape {
    /// Checks that the dimensions are those of a model. Errors use the `names` that they have in their file: of hidden, layers, heads, kv_heads, head_dim, intermediate, vocabulary and context.
    pub fn check(&self, names: &[&str; 8]) -> Result<(), String> {
        // Bounds well above any model, so that products of dimensions do not overflow and a damaged file costs no memory.
        let all = [
            (self.hidden, 1 << 20),
            (self.layers, 1 << 12),
            (self.heads, 1 << 12),
            (self.kv_heads, 1 << 12),
            (self.head_dim, 1 << 16),
            (self.intermediate, 1 << 22),
            (self.vocabulary, 1 << 24),
            (self.context, 1 << 30),
        ];
        for (name, (value, most)) in names.iter().zip(all) {
            if value == 0 {
                return Err(format!("`{name}` is 0, which must be at least 1"));
            }
            if value > most {
                return Err(format!("`{name}` is {value}; at most {most} is supported"));
            }
        }
        if !self.head_dim.is_multiple_of(2) {
            let (name, width) = (names[4], self.head_dim);
            return Err(format!("the width of a head, `{name}`, is {width}; rotary embedding needs it even"));
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            let ([_, _, heads, kv_heads, ..], n, kv) = (names, self.heads, self.kv_heads);
            return Err(format!(
                "`{heads}` is {n} and `{kv_heads}` is {kv}: {n} heads cannot share {kv} key/value heads evenly"
            ));
        }
        Ok(())
    }

    /// Number of weights: embedding, blocks with the norms and biases that the family always has, and the head unless tied.
    pub fn parameters(&self) -> u64 {
        let each = if self.family.formula == NormFormula::Layer { 2 } else { 1 };
        let norms: usize = self.family.norms.iter().map(|norm| each * self.norm_width(norm.place)).sum();
        let linears = || self.family.linears.iter().map(|linear| linear.role);
        let weights: usize = linears().map(|role| role.d_out(self) * role.site().width(self)).sum();
        let biases: usize =
            linears().filter(|role| self.family.biased.contains(role)).map(|role| role.d_out(self)).sum();
        let embedding = self.vocabulary * self.hidden;
        let positions = self.family.names.positions.map_or(0, |_| (self.context + POSITION_OFFSET) * self.hidden);
        let frame = embedding * if self.tied { 1 } else { 2 } + positions + each * self.hidden;
        (self.layers * (norms + weights + biases) + frame) as u64
    }
}

/// Whether a tensor is a table that follows from the configuration. Older programs stored some; transformers and llama.cpp do not
/// read them.
pub(in crate::model) fn is_table(name: &str) -> bool {
    [
        ".rotary_emb.inv_freq",
        ".rotary_emb.cos_cached",
        ".rotary_emb.sin_cached",
        ".position_ids",
        ".attn_rot_embd.weight",
    ]
    .iter()
    .any(|end| name.ends_with(end))
}
