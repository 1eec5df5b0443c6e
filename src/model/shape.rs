//! Dimensions of a Llama-family model, and the linears that follow from them. No weights here.

use serde::{Deserialize, Serialize};

/// The dimensions of a Llama-family decoder.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Shape {
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

/// The linears of a block by Hugging Face name, in the order of computation.
pub const LINEARS: [&str; 7] = [
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
];

/// A distinct input of linears: q/k/v share one, gate/up share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// Input of q_proj, k_proj and v_proj, [n, hidden].
    Attention,
    /// Input of o_proj, [n, heads * head_dim].
    Output,
    /// Input of gate_proj and up_proj, [n, hidden].
    Mlp,
    /// Input of down_proj, [n, intermediate].
    Down,
    /// Input of lm_head, [n, hidden].
    Head,
}

impl Site {
    /// The sites of a block.
    pub const BLOCK: [Site; 4] = [Site::Attention, Site::Output, Site::Mlp, Site::Down];

    /// The site that feeds entry `i` of [`LINEARS`].
    pub const OF_LINEAR: [Site; 7] =
        [Site::Attention, Site::Attention, Site::Attention, Site::Output, Site::Mlp, Site::Mlp, Site::Down];

    /// Hugging Face name of the first linear of block `layer` that sees this input.
    pub fn first_linear(self, layer: usize) -> String {
        match Site::OF_LINEAR.iter().position(|site| *site == self) {
            Some(i) => format!("model.layers.{layer}.{}", LINEARS[i]),
            None => "lm_head".into(),
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

impl Shape {
    /// Every linear of the model in the order of computation, `lm_head` last.
    pub fn linears(&self) -> Vec<Linear> {
        let (d, q, kv) = (self.hidden, self.heads * self.head_dim, self.kv_heads * self.head_dim);
        let mut all = Vec::new();
        for layer in 0..self.layers {
            let dims = [
                (q, d),
                (kv, d),
                (kv, d),
                (d, q),
                (self.intermediate, d),
                (self.intermediate, d),
                (d, self.intermediate),
            ];
            for (part, (d_out, d_in)) in LINEARS.into_iter().zip(dims) {
                all.push(Linear { name: format!("model.layers.{layer}.{part}"), d_out, d_in });
            }
        }
        all.push(Linear { name: "lm_head".into(), d_out: self.vocabulary, d_in: d });
        all
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

    /// Number of weights: embedding, blocks, norms, and the head unless tied.
    pub fn parameters(&self) -> u64 {
        let linears: usize = self.linears().iter().map(|l| l.d_out * l.d_in).sum();
        let embedding = self.vocabulary * self.hidden;
        let norms = self.hidden * (2 * self.layers + 1);
        (linears + norms + if self.tied { 0 } else { embedding }) as u64
    }
}

/// Hugging Face name of a block's tensor.
pub fn block_tensor(layer: usize, part: &str) -> String {
    format!("model.layers.{layer}.{part}.weight")
}

/// Whether a tensor is a table that follows from the configuration. Older programs stored some; transformers and llama.cpp do not
/// read them.
pub(super) fn is_table(name: &str) -> bool {
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
