//! Dimensions of a Llama-family model, and the linears that follow from them. No weights here.

use serde::{Deserialize, Serialize};

/// The dimensions of a Llama-family decoder.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
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

impl Shape {
    /// Every linear of the model in the order of computation, `lm_head` last.
    pub fn linears(&self) -> Vec<Linear> {
        let (d, q, kv) = (self.hidden, self.heads * self.head_dim, self.kv_heads * self.head_dim);
        let mut all = Vec::new();
        for layer in 0..self.layers {
            for (part, d_out, d_in) in [
                ("self_attn.q_proj", q, d),
                ("self_attn.k_proj", kv, d),
                ("self_attn.v_proj", kv, d),
                ("self_attn.o_proj", d, q),
                ("mlp.gate_proj", self.intermediate, d),
                ("mlp.up_proj", self.intermediate, d),
                ("mlp.down_proj", d, self.intermediate),
            ] {
                all.push(Linear { name: format!("model.layers.{layer}.{part}"), d_out, d_in });
            }
        }
        all.push(Linear { name: "lm_head".into(), d_out: self.vocabulary, d_in: d });
        all
    }
}
