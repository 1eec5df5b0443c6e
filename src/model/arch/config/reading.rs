//! What families read of a `config.json`, each key checked where it is read.

use serde_json::Value;

use super::{Activation, Config};
use crate::model::ModelError;
use crate::model::arch::Role;
use crate::model::arch::shape::Shape;
use crate::model::keys::{Fields, refused};
use crate::model::rope::{self, Rope, Written};

/// A `config.json` whose dimensions are known.
#[derive(Debug, Clone)]
pub struct Reading<'a> {
    /// Its keys.
    pub fields: Fields<'a>,
    /// Family and dimensions.
    pub shape: Shape,
}

impl Reading<'_> {
    /// The error of what a key holds; `why` goes on after "which", or after "but".
    pub fn contradicts(&self, key: &str, why: &str) -> ModelError {
        refused(self.fields.file, key, self.fields.get(key).unwrap_or(&Value::Null), why)
    }

    /// A number greater than 0, which must be there.
    pub fn positive(&self, key: &str) -> Result<f64, ModelError> {
        let number = self.fields.number(key)?;
        let fits = number.is_finite() && number > 0.0 && (number as f32) > 0.0 && (number as f32).is_finite();
        if fits { Ok(number) } else { Err(self.contradicts(key, "must be a number greater than 0")) }
    }

    /// The function of the MLP by a key; without it, what the configuration has already.
    pub fn activation(&self, config: &mut Config, key: &str) -> Result<(), ModelError> {
        config.activation = match self.fields.text(key)? {
            None => config.activation,
            Some("silu" | "swish") => Activation::Silu,
            Some("gelu_pytorch_tanh" | "gelu_new") => Activation::GeluTanh,
            Some("relu") => Activation::Relu,
            Some(_) => {
                let why = "is not supported; \"silu\", \"gelu_pytorch_tanh\" and \"relu\" are";
                return Err(self.contradicts(key, why));
            }
        };
        Ok(())
    }

    /// Refuses a key that transformers ignores and that names another function than the one read.
    pub fn same_activation(&self, config: &Config, key: &str) -> Result<(), ModelError> {
        let mut other = config.clone();
        self.activation(&mut other, key)?;
        if other.activation == config.activation {
            return Ok(());
        }
        Err(self.contradicts(key, "but `hidden_activation` (or its default) is another; both must agree"))
    }

    /// Biases of linears of these roles, by a flag; without it, they have none.
    pub fn biases(&self, config: &mut Config, key: &str, roles: &[Role]) -> Result<(), ModelError> {
        if let Some(flag) = self.fields.flag(key)? {
            let linears = config.shape.family.linears.iter().zip(&mut config.biased);
            linears.filter(|(linear, _)| roles.contains(&linear.role)).for_each(|(_, biased)| *biased = flag);
        }
        Ok(())
    }

    /// A cap; null is none, and without the key it is the default.
    pub fn cap(&self, key: &str, default: Option<f64>) -> Result<Option<f32>, ModelError> {
        match self.fields.object.get(key) {
            None => Ok(default.map(|cap| cap as f32)),
            Some(Value::Null) => Ok(None),
            Some(_) => self.positive(key).map(|cap| Some(cap as f32)),
        }
    }

    /// The length of a sliding window; null is none, and without the key it is the default.
    pub fn window(&self, key: &str, default: Option<usize>) -> Result<Option<usize>, ModelError> {
        match self.fields.object.get(key) {
            None => Ok(default),
            Some(Value::Null) => Ok(None),
            Some(_) => match self.fields.count(key)? {
                Some(0) => Err(self.contradicts(key, "must be at least 1, or null for none")),
                window => Ok(window),
            },
        }
    }

    /// Gives blocks a window where `sliding` says so.
    pub fn windows(&self, config: &mut Config, window: Option<usize>, sliding: impl Fn(usize) -> bool) {
        config.set_windows(window, sliding);
    }

    /// Refuses a sliding window shorter than the context.
    pub fn no_window(&self) -> Result<(), ModelError> {
        let window = self.fields.count("sliding_window")?.filter(|window| *window < self.shape.context);
        if window.is_some() && self.fields.flag("use_sliding_window")? != Some(false) {
            let why = "is not supported; only null is, or a window as long as the context";
            return Err(self.contradicts("sliding_window", why));
        }
        Ok(())
    }

    /// Which blocks have a sliding window, by `layer_types`; without it, by the family's rule.
    pub fn sliding_layers(&self, rule: impl Fn(usize) -> bool) -> Result<Vec<bool>, ModelError> {
        let key = "layer_types";
        let Some(value) = self.fields.get(key) else { return Ok((0..self.shape.layers).map(rule).collect()) };
        let kind = |value: &Value| match value.as_str() {
            Some("sliding_attention") => Some(true),
            Some("full_attention") => Some(false),
            _ => None,
        };
        let kinds: Option<Vec<bool>> = value.as_array().and_then(|all| all.iter().map(kind).collect());
        match kinds {
            Some(kinds) if kinds.len() == self.shape.layers => Ok(kinds),
            Some(kinds) => {
                let why = format!("has {} entries, but `num_hidden_layers` is {}", kinds.len(), self.shape.layers);
                Err(self.contradicts(key, &why))
            }
            None => {
                let why = "is not supported; only a list of \"full_attention\" and \"sliding_attention\" is";
                Err(self.contradicts(key, why))
            }
        }
    }

    fn written(&self, theta: f64) -> Written<'_> {
        Written {
            file: self.fields.file,
            config: self.fields.object,
            theta,
            head_dim: self.shape.head_dim,
            context: self.shape.context,
            partial: self.shape.family.keys.contains(&"partial_rotary_factor"),
        }
    }

    /// One rotary embedding for all blocks.
    pub fn rotary(&self, config: &mut Config) -> Result<(), ModelError> {
        config.ropes = vec![rope::from_config(self.written(self.shape.family.theta))?];
        Ok(())
    }

    /// The rotary embeddings of blocks without a window and of blocks with one, in this order. Scaling outside of an object by
    /// kind of layer is that of the former.
    pub fn ropes_by_kind(&self, local_theta: f64) -> Result<Vec<Rope>, ModelError> {
        let kinds = [("full_attention", self.shape.family.theta), ("sliding_attention", local_theta)];
        let local = match self.fields.get("rope_local_base_freq") {
            Some(_) => Some(self.positive("rope_local_base_freq")?),
            None => None,
        };
        let Some(ropes) = rope::by_kind(self.written(0.0), kinds)? else {
            let full = rope::from_config(self.written(self.shape.family.theta))?;
            return Ok(vec![full, Rope::plain(local.unwrap_or(local_theta), self.shape.head_dim)]);
        };
        for (key, rope) in [("rope_theta", &ropes[0]), ("rope_local_base_freq", &ropes[1])] {
            if self.fields.get(key).is_some() && self.positive(key)? != rope.theta {
                let why = format!("but `rope_parameters` says {}; both must agree", rope.theta);
                return Err(self.contradicts(key, &why));
            }
        }
        Ok(ropes)
    }
}
