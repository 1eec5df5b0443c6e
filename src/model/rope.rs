//! Rotary frequencies, and the scalings of them that are supported: none, linear and Llama 3's. Dynamic scaling has no effect
//! within the context.

use serde_json::{Map, Value};

use super::ModelError;
use super::keys::{Keys, Neutral, refused};

/// How the frequencies differ from theta^(-2j / head_dim).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scaling {
    /// Not at all.
    None,
    /// All divided by the factor (position interpolation).
    Linear {
        /// Greater than 0.
        factor: f64,
    },
    /// Long wavelengths divided by `factor`, short ones kept, a ramp between.
    Llama3 {
        /// Greater than 0.
        factor: f64,
        /// Turns in the original context below which a wave is long.
        low: f64,
        /// Turns above which it is short; greater than `low`.
        high: f64,
        /// Context of the original training, tokens.
        original: f64,
    },
}

/// theta^(-2j / head_dim) for j in 0..head_dim / 2.
pub fn base_frequencies(theta: f64, head_dim: usize) -> Vec<f32> {
    (0..head_dim / 2).map(|j| theta.powf(-2.0 * j as f64 / head_dim as f64) as f32).collect()
}

/// Rotary angle per position, [head_dim / 2], in radians.
pub fn frequencies(theta: f64, head_dim: usize, scaling: Scaling) -> Vec<f32> {
    let base = base_frequencies(theta, head_dim);
    match scaling {
        Scaling::None => base,
        Scaling::Linear { factor } => base.into_iter().map(|f| (f64::from(f) / factor) as f32).collect(),
        Scaling::Llama3 { factor, low, high, original } => base
            .into_iter()
            .map(|f| {
                let f = f64::from(f);
                let turns = original * f / std::f64::consts::TAU;
                let smooth = ((turns - low) / (high - low)).clamp(0.0, 1.0);
                ((1.0 - smooth) * f / factor + smooth * f) as f32
            })
            .collect(),
    }
}

/// Keys of a scaling of any type. Keys that only other types use must be neutral, since transformers would ignore them.
const KEYS: Keys = Keys {
    used: &[
        "rope_type",
        "type",
        "rope_theta",
        "factor",
        "low_freq_factor",
        "high_freq_factor",
        "original_max_position_embeddings",
    ],
    harmless: &["finetuned"],
    neutral: &[
        ("partial_rotary_factor", &[Neutral::Number(1.0)]),
        ("attention_factor", &[Neutral::Number(1.0)]),
        ("mscale", &[]),
        ("mscale_all_dim", &[]),
        ("beta_fast", &[]),
        ("beta_slow", &[]),
        ("long_factor", &[]),
        ("short_factor", &[]),
        ("long_mscale", &[]),
        ("short_mscale", &[]),
        ("alpha", &[]),
        ("truncate", &[]),
        ("mrope_section", &[]),
    ],
};

/// Theta and scaling of a `config.json`: `rope_theta`, `rope_scaling`, and `rope_parameters`, where transformers 5 puts both.
pub fn from_config(file: &str, config: &Map<String, Value>) -> Result<(f64, Scaling), ModelError> {
    let mut all = Map::new();
    let mut from = "rope_scaling";
    for name in ["rope_scaling", "rope_parameters"] {
        let parameters = match config.get(name) {
            None | Some(Value::Null) => continue,
            Some(Value::Object(parameters)) => parameters,
            Some(other) => return Err(refused(file, name, other, "must be an object or null")),
        };
        from = name;
        let full = |key: &str| format!("{name}.{key}");
        for (key, value) in parameters.iter().filter(|(_, value)| !value.is_null()) {
            if value.is_object() {
                return Err(refused(file, &full(key), value, "differs by kind of layer, which is not supported"));
            }
            KEYS.check(file, [(key.as_str(), value)]).map_err(|e| prefixed(e, name))?;
            // Both names of the type at once are what transformers itself wrote for a while.
            let key = if key == "type" { "rope_type" } else { key.as_str() };
            match all.get(key) {
                Some(before) if !same(before, value) => {
                    let why = format!(
                        "but also {before} (by `type`, `rope_type`, `rope_scaling` or `rope_parameters`); both must agree"
                    );
                    return Err(refused(file, &full(key), value, why));
                }
                _ => {
                    all.insert(key.into(), value.clone());
                }
            }
        }
        // A type left out is the default one, and so is one that the other object leaves out.
        if !parameters.is_empty() && !all.contains_key("rope_type") {
            all.insert("rope_type".into(), "default".into());
        }
    }
    let read = Parameters { file, from, all: &all };
    let theta = match (read.number("rope_theta")?, config.get("rope_theta").filter(|value| !value.is_null())) {
        (Some(inner), Some(outer)) if outer.as_f64() != Some(inner) => {
            return Err(refused(
                file,
                "rope_theta",
                outer,
                format!("but `{from}.rope_theta` is {inner}; both must agree"),
            ));
        }
        (Some(inner), _) => inner,
        (None, Some(outer)) => positive(file, "rope_theta", outer)?,
        (None, None) => 10_000.0,
    };
    Ok((theta, read.scaling(config.get("original_max_position_embeddings").filter(|value| !value.is_null()))?))
}

fn same(a: &Value, b: &Value) -> bool {
    a == b || a.as_f64().is_some_and(|a| b.as_f64() == Some(a))
}

fn prefixed(error: ModelError, name: &str) -> ModelError {
    match error {
        ModelError::Key { file, key, value, why } => ModelError::Key { file, key: format!("{name}.{key}"), value, why },
        other => other,
    }
}

/// A finite number greater than 0.
pub fn positive(file: &str, key: &str, value: &Value) -> Result<f64, ModelError> {
    match value.as_f64() {
        Some(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err(refused(file, key, value, "must be a number greater than 0")),
    }
}

struct Parameters<'a> {
    file: &'a str,
    from: &'static str,
    all: &'a Map<String, Value>,
}

impl Parameters<'_> {
    fn number(&self, key: &str) -> Result<Option<f64>, ModelError> {
        let value = self.all.get(key);
        value.map(|value| positive(self.file, &format!("{}.{key}", self.from), value)).transpose()
    }

    fn need(&self, key: &str) -> Result<f64, ModelError> {
        self.number(key)?.ok_or_else(|| {
            ModelError::Config(format!("{}: `{}` has no `{key}`, which its type needs", self.file, self.from))
        })
    }

    fn scaling(&self, outer_original: Option<&Value>) -> Result<Scaling, ModelError> {
        let kind = self.all.get("rope_type").cloned().unwrap_or(Value::Null);
        match kind.as_str() {
            None if kind.is_null() => Ok(Scaling::None),
            Some("default") => match self.all.get("factor") {
                Some(factor) if factor.as_f64() != Some(1.0) => {
                    let why = "but the type is \"default\" (or missing), which has no factor; give the type";
                    Err(refused(self.file, &format!("{}.factor", self.from), factor, why))
                }
                _ => Ok(Scaling::None),
            },
            Some("linear") => Ok(Scaling::Linear { factor: self.need("factor")? }),
            Some("llama3") => self.llama3(outer_original),
            // Scales only beyond `max_position_embeddings`, the longest window that is accepted.
            Some("dynamic") => self.need("factor").map(|_| Scaling::None),
            _ => {
                let why = "is not supported; \"default\", \"linear\", \"llama3\" and \"dynamic\" are";
                Err(refused(self.file, &format!("{}.rope_type", self.from), &kind, why))
            }
        }
    }

    fn llama3(&self, outer_original: Option<&Value>) -> Result<Scaling, ModelError> {
        let key = "original_max_position_embeddings";
        let original = match (self.number(key)?, outer_original) {
            (Some(inner), Some(outer)) if outer.as_f64() != Some(inner) => {
                let why = format!("but `{}.{key}` is {inner}; both must agree", self.from);
                return Err(refused(self.file, key, outer, why));
            }
            (None, Some(outer)) => positive(self.file, key, outer)?,
            _ => self.need(key)?,
        };
        let (low, high) = (self.need("low_freq_factor")?, self.need("high_freq_factor")?);
        if low >= high {
            let why = format!("must be less than `high_freq_factor`, {high}");
            return Err(refused(self.file, &format!("{}.low_freq_factor", self.from), &Value::from(low), why));
        }
        Ok(Scaling::Llama3 { factor: self.need("factor")?, low, high, original })
    }
}

#[cfg(test)]
mod tests;
