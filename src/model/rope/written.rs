//! Rotary embeddings as a `config.json` has them: `rope_theta`, `rope_scaling`, and `rope_parameters`, where transformers 5 puts
//! both.

use serde_json::{Map, Value};

use super::{Rope, Scaling, long_attention, yarn_attention};
use crate::model::ModelError;
use crate::model::keys::{Keys, refused};

/// Keys of a scaling of any type; [`KEYS_BY_TYPE`] says which of them only some types use.
const KEYS: Keys = Keys {
    used: &[
        "rope_type",
        "type",
        "rope_theta",
        "factor",
        "low_freq_factor",
        "high_freq_factor",
        "original_max_position_embeddings",
        "partial_rotary_factor",
        "attention_factor",
        "mscale",
        "mscale_all_dim",
        "beta_fast",
        "beta_slow",
        "long_factor",
        "short_factor",
        "truncate",
    ],
    harmless: &["finetuned"],
    neutral: &[("long_mscale", &[]), ("short_mscale", &[]), ("alpha", &[]), ("mrope_section", &[])],
};

/// Parameters that some types of scaling use, with the value under which they say nothing.
const KEYS_BY_TYPE: &[(&str, Option<f64>)] = &[
    ("factor", None),
    ("low_freq_factor", None),
    ("high_freq_factor", None),
    ("attention_factor", Some(1.0)),
    ("mscale", None),
    ("mscale_all_dim", None),
    ("beta_fast", None),
    ("beta_slow", None),
    ("long_factor", None),
    ("short_factor", None),
    ("truncate", None),
];

/// What a configuration says beside its rotary keys, which some of them refer to.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// The file, for messages.
    pub file: &'a str,
    /// Its keys.
    pub config: &'a Map<String, Value>,
    /// `rope_theta` where it is missing.
    pub theta: f64,
    /// Width of a head.
    pub head_dim: usize,
    /// Longest window, in tokens.
    pub context: usize,
    /// Whether the family may rotate a part of a head only.
    pub partial: bool,
}

/// The rotary embedding of a `config.json`.
///
/// # Errors
/// Keys that contradict each other, a type of scaling that is not computed, and parameters that it lacks or does not use.
pub fn from_config(from: Written) -> Result<Rope, ModelError> {
    let Written { file, config, .. } = from;
    let mut all = Map::new();
    let mut name = "rope_scaling";
    for one in ["rope_scaling", "rope_parameters"] {
        if let Some(parameters) = object(file, config, one)? {
            name = one;
            collect(file, one, parameters, &mut all)?;
        }
    }
    Parameters { from, name: name.into(), all }.rope(config.get("rope_theta"))
}

/// The rotary embeddings of blocks of each of two kinds, by the keys of `rope_parameters` that name them; `None` if
/// `rope_parameters` has none of them.
///
/// # Errors
/// As [`from_config`].
pub fn by_kind(from: Written, kinds: [(&str, f64); 2]) -> Result<Option<Vec<Rope>>, ModelError> {
    let Some(both) = object(from.file, from.config, "rope_parameters")? else { return Ok(None) };
    if !kinds.iter().any(|(kind, _)| both.contains_key(*kind)) {
        return Ok(None);
    }
    if let Some((key, value)) = both.iter().find(|(key, _)| !kinds.iter().any(|(kind, _)| kind == key)) {
        let why = "is not known beside parameters by kind of layer";
        return Err(refused(from.file, &format!("rope_parameters.{key}"), value, why));
    }
    if let Some(value) = from.config.get("rope_scaling").filter(|value| !value.is_null()) {
        return Err(refused(from.file, "rope_scaling", value, "is there beside `rope_parameters` by kind of layer"));
    }
    let each = kinds.map(|(kind, theta)| {
        let name = format!("rope_parameters.{kind}");
        let mut all = Map::new();
        if let Some(parameters) = object(from.file, both, kind)? {
            collect(from.file, &name, parameters, &mut all)?;
        }
        Parameters { from: Written { theta, ..from }, name, all }.rope(None)
    });
    Ok(Some(each.into_iter().collect::<Result<_, _>>()?))
}

fn object<'a>(
    file: &str,
    config: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a Map<String, Value>>, ModelError> {
    match config.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(parameters)) => Ok(Some(parameters)),
        Some(other) => Err(refused(file, name, other, "must be an object or null")),
    }
}

/// Adds the parameters of the object `name` to `all`, with which they must agree.
fn collect(
    file: &str,
    name: &str,
    parameters: &Map<String, Value>,
    all: &mut Map<String, Value>,
) -> Result<(), ModelError> {
    let full = |key: &str| format!("{name}.{key}");
    for (key, value) in parameters.iter().filter(|(_, value)| !value.is_null()) {
        if value.is_object() {
            return Err(refused(file, &full(key), value, "differs by kind of layer, which is not supported"));
        }
        KEYS.check(file, [(key.as_str(), value)]).map_err(|e| e.under(name))?;
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
    Ok(())
}

fn same(a: &Value, b: &Value) -> bool {
    a == b || a.as_f64().is_some_and(|a| b.as_f64() == Some(a))
}

/// A finite number greater than 0.
pub fn positive(file: &str, key: &str, value: &Value) -> Result<f64, ModelError> {
    match value.as_f64() {
        Some(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err(refused(file, key, value, "must be a number greater than 0")),
    }
}

/// The parameters of one rotary embedding, from the object `name`.
struct Parameters<'a> {
    from: Written<'a>,
    name: String,
    all: Map<String, Value>,
}

impl Parameters<'_> {
    fn full(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }

    fn number(&self, key: &str) -> Result<Option<f64>, ModelError> {
        let value = self.all.get(key);
        value.map(|value| positive(self.from.file, &self.full(key), value)).transpose()
    }

    fn need(&self, key: &str) -> Result<f64, ModelError> {
        self.number(key)?.ok_or_else(|| self.lacks(key))
    }

    fn lacks(&self, key: &str) -> ModelError {
        ModelError::Config(format!("{}: `{}` has no `{key}`, which its type needs", self.from.file, self.name))
    }

    fn refused(&self, key: &str, why: impl Into<String>) -> ModelError {
        let value = self.all.get(key).cloned().unwrap_or(Value::Null);
        refused(self.from.file, &self.full(key), &value, why)
    }

    /// A number that may be in the configuration itself as well; both must agree.
    fn or_outer(&self, key: &str, outer: Option<&Value>) -> Result<Option<f64>, ModelError> {
        let (inner, outer) = (self.number(key)?, outer.filter(|value| !value.is_null()));
        match (inner, outer) {
            (Some(inner), Some(value)) if value.as_f64() != Some(inner) => {
                let why = format!("but `{}` is {inner}; both must agree", self.full(key));
                Err(refused(self.from.file, key, value, why))
            }
            (Some(inner), _) => Ok(Some(inner)),
            (None, Some(value)) => Ok(Some(positive(self.from.file, key, value)?)),
            (None, None) => Ok(None),
        }
    }

    fn rope(&self, outer_theta: Option<&Value>) -> Result<Rope, ModelError> {
        let theta = self.or_outer("rope_theta", outer_theta)?.unwrap_or(self.from.theta);
        let key = "partial_rotary_factor";
        let share = self.or_outer(key, self.from.config.get(key))?.unwrap_or(1.0);
        if share != 1.0 && !self.from.partial {
            return Err(self.refused(key, "is not supported; only 1 is"));
        }
        let dims = (self.from.head_dim as f64 * share) as usize;
        if share > 1.0 || dims < 2 || !dims.is_multiple_of(2) {
            let why =
                format!("is not a share of the {} dimensions of a head that leaves an even number", self.from.head_dim);
            return Err(refused(self.from.file, key, &share.into(), why));
        }
        Ok(Rope { theta, dims, scaling: self.scaling(dims)? })
    }

    fn scaling(&self, dims: usize) -> Result<Scaling, ModelError> {
        let kind = self.all.get("rope_type").cloned().unwrap_or(Value::Null);
        let only = |used: &[&str]| self.only(kind.as_str().unwrap_or_default(), used);
        match kind.as_str() {
            None if kind.is_null() => Ok(Scaling::None),
            Some("default") => match self.all.get("factor") {
                Some(factor) if factor.as_f64() != Some(1.0) => Err(self
                    .refused("factor", "but the type is \"default\" (or missing), which has no factor; give the type")),
                _ => only(&["factor"]).map(|()| Scaling::None),
            },
            Some("linear") => only(&["factor"]).and_then(|()| Ok(Scaling::Linear { factor: self.need("factor")? })),
            Some("llama3") => self.llama3(),
            Some("yarn") => self.yarn(),
            Some("longrope" | "su") => self.long(dims),
            // Scales only beyond `max_position_embeddings`, the longest window that is accepted.
            Some("dynamic") => only(&["factor"]).and_then(|()| self.need("factor").map(|_| Scaling::None)),
            _ => {
                let why =
                    "is not supported; \"default\", \"linear\", \"llama3\", \"yarn\", \"longrope\" and \"dynamic\" are";
                Err(self.refused("rope_type", why))
            }
        }
    }

    /// Refuses parameters of other types of scaling, which transformers would ignore.
    fn only(&self, kind: &str, used: &[&str]) -> Result<(), ModelError> {
        let neutral = |key: &str| KEYS_BY_TYPE.iter().find(|(name, _)| *name == key).map(|(_, neutral)| *neutral);
        for (key, value) in &self.all {
            let Some(neutral) = neutral(key).filter(|_| !used.contains(&key.as_str())) else { continue };
            if !(neutral.is_some() && value.as_f64() == neutral) {
                return Err(self.refused(key, format!("is not supported by the type {kind:?}")));
            }
        }
        Ok(())
    }

    fn original(&self) -> Result<Option<f64>, ModelError> {
        let key = "original_max_position_embeddings";
        self.or_outer(key, self.from.config.get(key))
    }

    fn llama3(&self) -> Result<Scaling, ModelError> {
        self.only("llama3", &["factor", "low_freq_factor", "high_freq_factor"])?;
        let original = self.original()?.ok_or_else(|| self.lacks("original_max_position_embeddings"))?;
        let (low, high) = (self.need("low_freq_factor")?, self.need("high_freq_factor")?);
        if low >= high {
            return Err(self.refused("low_freq_factor", format!("must be less than `high_freq_factor`, {high}")));
        }
        Ok(Scaling::Llama3 { factor: self.need("factor")?, low, high, original })
    }

    fn yarn(&self) -> Result<Scaling, ModelError> {
        let used = ["factor", "attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "truncate"];
        self.only("yarn", &used)?;
        let factor = self.need("factor")?;
        // As transformers has it, the context where nothing is said.
        let original = self.original()?.unwrap_or(self.from.context as f64);
        let attention = match (self.number("attention_factor")?, self.number("mscale")?, self.number("mscale_all_dim")?)
        {
            (Some(attention), ..) => attention,
            (None, Some(one), Some(all)) => yarn_attention(factor, one) / yarn_attention(factor, all),
            (None, ..) => yarn_attention(factor, 1.0),
        };
        let truncate = match self.all.get("truncate") {
            None => true,
            Some(Value::Bool(truncate)) => *truncate,
            Some(_) => return Err(self.refused("truncate", "must be true or false")),
        };
        let (fast, slow) = (self.number("beta_fast")?.unwrap_or(32.0), self.number("beta_slow")?.unwrap_or(1.0));
        Ok(Scaling::Yarn { factor, original, fast, slow, truncate, attention })
    }

    fn long(&self, dims: usize) -> Result<Scaling, ModelError> {
        self.only("longrope", &["factor", "attention_factor", "long_factor", "short_factor"])?;
        let original = self.original()?.unwrap_or(self.from.context as f64);
        let factor = self.number("factor")?.unwrap_or(self.from.context as f64 / original);
        let attention = self.number("attention_factor")?.unwrap_or_else(|| long_attention(factor, original));
        let divisors = |key: &str| {
            let all = self.all.get(key).ok_or_else(|| self.lacks(key))?;
            let all = all.as_array().map(Vec::as_slice).unwrap_or_default();
            let found: Vec<f64> = all.iter().filter_map(|one| positive("", "", one).ok()).collect();
            if found.len() == dims / 2 && all.len() == found.len() {
                return Ok(found);
            }
            Err(self.refused(key, format!("must be a list of {} numbers greater than 0", dims / 2)))
        };
        Ok(Scaling::Long {
            short: divisors("short_factor")?,
            long: divisors("long_factor")?,
            original: original as usize,
            attention,
        })
    }
}
