//! A configuration as `config.json`: what a model that was read from GGUF is exported with.

use serde_json::{Map, Value, json};

use super::{Activation, Config};
use crate::model::arch::Role;
use crate::model::rope::{Rope, Scaling};

impl Config {
    /// The keys of a `config.json` that this configuration is read from again. Tokens are not among them.
    ///
    /// # Errors
    /// What the family's `config.json` cannot say, for people.
    pub fn to_json(&self) -> Result<Map<String, Value>, String> {
        let (shape, family) = (&self.shape, self.shape.family);
        let reads = |key: &str| family.keys.contains(&key);
        let mut out = Map::new();
        let mut put = |key: &str, value: Value| {
            out.insert(key.into(), value);
        };
        put("architectures", json!([family.class]));
        put("model_type", json!(family.name));
        put("hidden_size", json!(shape.hidden));
        put(family.intermediate, json!(shape.intermediate));
        put("num_hidden_layers", json!(shape.layers));
        put("num_attention_heads", json!(shape.heads));
        put("num_key_value_heads", json!(shape.kv_heads));
        put("vocab_size", json!(shape.vocabulary));
        put("max_position_embeddings", json!(shape.context));
        put("tie_word_embeddings", json!(shape.tied));
        // By way of text: the nearest f64 of 1e-5 as f32 has a long tail.
        put("rms_norm_eps", json!(shortest(self.eps)));
        if reads("head_dim") {
            put("head_dim", json!(shape.head_dim));
        }
        let activation = match self.activation {
            Activation::Silu => "silu",
            Activation::GeluTanh => "gelu_pytorch_tanh",
            Activation::Relu => "relu",
        };
        put(if reads("hidden_activation") { "hidden_activation" } else { "hidden_act" }, json!(activation));
        self.put_biases(&mut put)?;
        self.put_layers(&mut put)?;
        if reads("query_pre_attn_scalar") {
            // A whole number, for which transformers insists on an integer.
            put("query_pre_attn_scalar", json!(self.score_scale.powi(-2).round() as u64));
        }
        for (key, cap) in [("attn_logit_softcapping", self.score_cap), ("final_logit_softcapping", self.logit_cap)] {
            if reads(key) {
                put(key, cap.map_or(Value::Null, |cap| json!(shortest(cap))));
            }
        }
        self.put_ropes(&mut put)?;
        Ok(out)
    }

    fn put_biases(&self, put: &mut impl FnMut(&str, Value)) -> Result<(), String> {
        let family = self.shape.family;
        let attention = [Role::Query, Role::Key, Role::Value, Role::Output];
        for (key, roles) in
            [("attention_bias", attention.as_slice()), ("mlp_bias", &[Role::Gate, Role::Up, Role::Down])]
        {
            let Some(biased) = self.all_biased(roles) else {
                // Those of Qwen 2 are always there and have no key.
                if family.keys.contains(&key) {
                    return Err(format!("some linears of `{key}` have a bias and others have none"));
                }
                continue;
            };
            if family.keys.contains(&key) {
                put(key, json!(biased));
            } else if biased && !roles.iter().all(|role| family.biased.contains(role)) {
                return Err(format!("a model of `{family}` has no biases"));
            }
        }
        Ok(())
    }

    fn put_layers(&self, put: &mut impl FnMut(&str, Value)) -> Result<(), String> {
        let family = self.shape.family;
        let reads = |key: &str| family.keys.contains(&key);
        let window = self.layers.iter().find_map(|layer| layer.window);
        if reads("layer_types") {
            let kind = |sliding: bool| if sliding { "sliding_attention" } else { "full_attention" };
            // Where rotary embeddings differ by kind, so do the kinds of blocks, with or without a window.
            let sliding = |at: usize| match self.ropes.len() {
                2 => self.layers[at].rope == Some(1),
                _ => self.layers[at].window.is_some(),
            };
            let kinds: Vec<&str> = (0..self.layers.len()).map(|at| kind(sliding(at))).collect();
            put("layer_types", json!(kinds));
        } else if window.is_some() && self.layers.iter().any(|layer| layer.window != window) {
            return Err(format!("a model of `{family}` has one window for all layers or none"));
        }
        // Where kinds of blocks are told apart by more than the window, one as long as the context has no effect.
        let without = if self.ropes.len() == 2 { json!(self.shape.context) } else { Value::Null };
        put("sliding_window", window.map_or(without, |window| json!(window)));
        if window.is_some() && !reads("sliding_window_pattern") {
            put("use_sliding_window", json!(true));
        }
        if reads("no_rope_layers") {
            let rotated: Vec<u8> = self.layers.iter().map(|layer| u8::from(layer.rope.is_some())).collect();
            put("no_rope_layers", json!(rotated));
        }
        Ok(())
    }

    fn put_ropes(&self, put: &mut impl FnMut(&str, Value)) -> Result<(), String> {
        match self.ropes.as_slice() {
            [] => Ok(()),
            [rope] => {
                put("rope_theta", json!(shortest(rope.theta as f32)));
                put("rope_scaling", scaling(rope)?);
                if self.shape.family.keys.contains(&"partial_rotary_factor") {
                    put("partial_rotary_factor", json!(rope.dims as f64 / self.shape.head_dim as f64));
                }
                if let Scaling::Long { original, .. } = rope.scaling {
                    put("original_max_position_embeddings", json!(original));
                }
                Ok(())
            }
            [full, local, ..] => {
                put("rope_theta", json!(shortest(full.theta as f32)));
                put("rope_local_base_freq", json!(shortest(local.theta as f32)));
                put("rope_scaling", scaling(full)?);
                if local.scaling == Scaling::None {
                    return Ok(());
                }
                Err("the rotary embedding of layers with a window is scaled".into())
            }
        }
    }
}

/// The object `rope_scaling`.
fn scaling(rope: &Rope) -> Result<Value, String> {
    Ok(match &rope.scaling {
        Scaling::None => Value::Null,
        Scaling::Linear { factor } => json!({"type": "linear", "rope_type": "linear", "factor": factor}),
        Scaling::Llama3 { factor, low, high, original } => json!({
            "rope_type": "llama3",
            "factor": factor,
            "low_freq_factor": low,
            "high_freq_factor": high,
            "original_max_position_embeddings": *original as u64,
        }),
        Scaling::Yarn { factor, original, fast, slow, truncate, attention } => json!({
            "type": "yarn",
            "rope_type": "yarn",
            "factor": factor,
            "original_max_position_embeddings": *original as u64,
            "beta_fast": fast,
            "beta_slow": slow,
            "truncate": truncate,
            "attention_factor": attention,
        }),
        Scaling::Long { short, long, original, attention } => json!({
            "type": "longrope",
            "rope_type": "longrope",
            "short_factor": short,
            "long_factor": long,
            "original_max_position_embeddings": original,
            "attention_factor": attention,
        }),
        Scaling::Divided(_) => {
            return Err("its rotary frequencies are a tensor; the parameters behind them are not in the file".into());
        }
    })
}

/// The f64 whose shortest text is that of the f32.
pub fn shortest(x: f32) -> f64 {
    x.to_string().parse().unwrap_or(f64::from(x))
}
