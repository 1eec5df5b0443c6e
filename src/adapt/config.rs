//! Reads PEFT's `adapter_config.json`: each key is used, cannot change a number, or is refused.
//!
//! The keys are those of `LoraConfig` in PEFT 0.21.2. What they mean is what `PeftModel.from_pretrained` does with them.

use std::path::Path;

use regex::Regex;
use serde_json::{Map, Value};

use super::error::AdapterError;
use crate::model::keys::is_empty;

/// Keys that are read here.
const USED: [&str; 13] = [
    "peft_type",
    "base_model_name_or_path",
    "revision",
    "r",
    "lora_alpha",
    "rank_pattern",
    "alpha_pattern",
    "use_rslora",
    "use_dora",
    "init_lora_weights",
    "target_modules",
    "exclude_modules",
    "layers_to_transform",
];

/// Keys that change no number once A and B are trained and stored: they say how training went, how an initialisation that
/// is refused elsewhere is computed, or which classes load the model.
const WITHOUT_EFFECT: [&str; 14] = [
    // Biases of the linears, which have none here; the tensor of a bias is refused.
    "bias",
    // PEFT sets it to false for the linears of these models.
    "fan_in_fan_out",
    "auto_mapping",
    "inference_mode",
    "lora_dropout",
    "peft_version",
    "megatron_core",
    "runtime_config",
    "loftq_config",
    "eva_config",
    "corda_config",
    "lora_ga_config",
    "qalora_group_size",
    "layers_pattern",
];

/// Values that change nothing, besides null, false and what is empty.
const NEUTRAL: [(&str, &str); 1] = [("task_type", "CAUSAL_LM")];

/// Why a key is refused.
const REASONS: [(&str, &str); 12] = [
    ("task_type", "only causal language models are known here"),
    ("modules_to_save", "it replaces whole modules of the base"),
    ("trainable_token_indices", "it replaces rows of the embedding"),
    ("lora_bias", "biases that are trained beside the adapter are not supported"),
    ("target_parameters", "it adapts parameters that are not linears"),
    ("layer_replication", "it repeats blocks of the base"),
    ("alora_invocation_tokens", "it acts on some tokens only and cannot be merged"),
    ("use_qalora", "A acts on pooled inputs"),
    ("kasa_config", "a diagonal stands between B and A"),
    ("arrow_config", "a router chooses among several adapters"),
    ("ensure_weight_tying", "it ties the adapters of embedding and head"),
    ("monteclora_config", "B A is sampled"),
];

/// How the adapter was initialised, as far as its base depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Init {
    /// The adapter is for the base that it names.
    Plain,
    /// PiSSA: for the base without the r largest components of each linear, which PEFT computes when it loads.
    Pissa,
    /// OLoRA: for the base without scale Q_r R_r of each linear, likewise.
    Olora,
    /// For a base that cannot be computed from the files given.
    Other {
        /// What the configuration says.
        value: String,
        /// Why the base cannot be computed.
        why: &'static str,
    },
}

/// What a configuration calls a base model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// `base_model_name_or_path`: a repository of the hub, or a path.
    pub name: String,
    /// `revision`: the repository's commit, tag or branch.
    pub revision: Option<String>,
}

impl From<&str> for Named {
    fn from(name: &str) -> Self {
        Self { name: name.into(), revision: None }
    }
}

/// The configuration as far as B A needs it.
#[derive(Debug, Clone)]
pub(super) struct Config {
    /// The base that the adapter names.
    pub base: Option<Named>,
    /// See [`Init`].
    pub init: Init,
    /// Whether rows are brought to magnitudes.
    pub dora: bool,
    /// The class of the model that it was trained on, where the configuration says so.
    pub class: Option<String>,
    rank: usize,
    alpha: f64,
    ranks: Vec<(Pattern, usize)>,
    alphas: Vec<(Pattern, f64)>,
    rslora: bool,
    /// Linears with adapters; `None` where the configuration does not say.
    targets: Option<Modules>,
    /// Linears without adapters, whatever `targets` says.
    excluded: Option<Modules>,
    /// Blocks with adapters; `None` means all.
    layers: Option<Vec<usize>>,
}

impl Config {
    /// Reads the text of the file at `path`.
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, AdapterError> {
        let map: Map<String, Value> =
            serde_json::from_slice(text).map_err(|e| AdapterError::Json { path: path.into(), why: e.to_string() })?;
        let keys = Keys { path, map: &map };
        keys.refuse_unknown()?;
        let kind = keys.text("peft_type")?;
        if kind != Some("LORA") {
            return Err(keys.refused("peft_type", &kind.into(), "only LoRA is known here"));
        }
        let layers = match map.get("layers_to_transform") {
            Some(value @ Value::Number(_)) => {
                let layer = value.as_u64().ok_or_else(|| keys.wrong("layers_to_transform", "an index of a block"))?;
                Some(vec![layer as usize])
            }
            None | Some(Value::Null) => None,
            Some(_) => {
                Some(keys.list("layers_to_transform", |v| v.as_u64().map(|n| n as usize), "indices of blocks")?)
            }
        };
        let whole = |value: &Value| value.as_u64().filter(|r| *r > 0).map(|r| r as usize);
        let finite = |value: &Value| value.as_f64().filter(|alpha| alpha.is_finite());
        let name = keys.text("base_model_name_or_path")?.map(str::trim).filter(|name| !name.is_empty());
        let revision = keys.text("revision")?.map(String::from);
        Ok(Self {
            base: name.map(|name| Named { name: name.into(), revision }),
            init: keys.init()?,
            dora: keys.flag("use_dora")?,
            // PEFT's own defaults.
            rank: keys.value("r", whole, "a whole number above 0")?.unwrap_or(8),
            alpha: keys.value("lora_alpha", finite, "a number")?.unwrap_or(8.0),
            ranks: keys.patterns("rank_pattern", whole, "whole numbers above 0")?,
            alphas: keys.patterns("alpha_pattern", finite, "numbers")?,
            rslora: keys.flag("use_rslora")?,
            targets: keys.modules("target_modules")?,
            excluded: keys.modules("exclude_modules")?,
            layers,
            class: map.get("auto_mapping").and_then(|of| of.get("base_model_class")?.as_str()).map(String::from),
        })
    }

    /// The rank of a linear's adapter.
    pub fn rank(&self, linear: &str) -> usize {
        of_first(&self.ranks, linear).unwrap_or(self.rank)
    }

    /// alpha / r, or alpha / sqrt(r) where the configuration says so.
    pub fn scale(&self, linear: &str) -> f32 {
        let (alpha, rank) = (of_first(&self.alphas, linear).unwrap_or(self.alpha), self.rank(linear) as f64);
        (alpha / if self.rslora { rank.sqrt() } else { rank }) as f32
    }

    /// Whether PEFT would put an adapter on this linear.
    pub fn is_target(&self, linear: &str) -> bool {
        let layer = || linear.split_once(".layers.")?.1.split('.').next()?.parse::<usize>().ok();
        self.targets.as_ref().is_none_or(|targets| targets.has(linear))
            && !self.excluded.as_ref().is_some_and(|excluded| excluded.has(linear))
            && self.layers.as_ref().is_none_or(|layers| layer().is_some_and(|layer| layers.contains(&layer)))
    }
}

/// The value of the first pattern that matches, in the order of the file, as PEFT's `get_pattern_key` has it.
fn of_first<T: Copy>(patterns: &[(Pattern, T)], linear: &str) -> Option<T> {
    patterns.iter().find(|(pattern, _)| pattern.matches(linear)).map(|(_, value)| *value)
}

/// Linears as `target_modules` names them.
#[derive(Debug, Clone)]
enum Modules {
    /// Names or their ends.
    Ends(Vec<String>),
    /// A regular expression for the whole name.
    Whole(Regex),
    /// `all-linear`: every linear but the head.
    All,
}

impl Modules {
    fn has(&self, linear: &str) -> bool {
        match self {
            Self::Ends(ends) => ends.iter().any(|end| linear == end || linear.ends_with(&format!(".{end}"))),
            Self::Whole(pattern) => pattern.is_match(linear),
            Self::All => linear != "lm_head",
        }
    }
}

/// A key of `rank_pattern` or `alpha_pattern`. PEFT matches `(.*\.)?(KEY)$` from the start of the linear's name; of regular
/// expressions those are known that are a name or its end, with `\.` or `.` between parts, and with `^` the whole name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    name: String,
    whole: bool,
}

impl Pattern {
    fn new(key: &str) -> Option<Self> {
        let (whole, rest) = key.strip_prefix('^').map_or((false, key), |rest| (true, rest));
        let name = rest.strip_suffix('$').unwrap_or(rest).replace("\\.", ".");
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        (!name.is_empty() && name.chars().all(plain)).then_some(Self { name, whole })
    }

    fn matches(&self, linear: &str) -> bool {
        linear == self.name || (!self.whole && linear.ends_with(&format!(".{}", self.name)))
    }
}

/// The keys of a file, with errors that name file, key and value.
struct Keys<'a> {
    path: &'a Path,
    map: &'a Map<String, Value>,
}

impl<'a> Keys<'a> {
    fn refuse_unknown(&self) -> Result<(), AdapterError> {
        for (key, value) in self.map {
            let known = USED.contains(&key.as_str()) || WITHOUT_EFFECT.contains(&key.as_str());
            let neutral = NEUTRAL.iter().any(|(name, neutral)| name == key && value == neutral);
            let nothing = value.is_null() || value.as_bool() == Some(false) || is_empty(value);
            if known || neutral || nothing {
                continue;
            }
            let reason = REASONS.iter().find(|(name, _)| name == key).map(|(_, why)| *why);
            return Err(self.refused(key, value, reason.unwrap_or("what it does to the numbers is not known here")));
        }
        Ok(())
    }

    fn refused(&self, key: &str, value: &Value, why: &'static str) -> AdapterError {
        AdapterError::Unsupported { path: self.path.into(), key: key.into(), value: value.to_string(), why }
    }

    fn wrong(&self, key: &str, expected: &'static str) -> AdapterError {
        let value = self.map.get(key).unwrap_or(&Value::Null).to_string();
        AdapterError::Value { path: self.path.into(), key: key.into(), value, expected }
    }

    /// A value as `read` has it; `None` where it is missing or null.
    fn value<T>(
        &self,
        key: &str,
        read: impl Fn(&'a Value) -> Option<T>,
        expected: &'static str,
    ) -> Result<Option<T>, AdapterError> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| self.wrong(key, expected)),
        }
    }

    fn text(&self, key: &str) -> Result<Option<&'a str>, AdapterError> {
        self.value(key, Value::as_str, "a text")
    }

    fn flag(&self, key: &str) -> Result<bool, AdapterError> {
        Ok(self.value(key, Value::as_bool, "true or false")?.unwrap_or(false))
    }

    fn list<T>(
        &self,
        key: &str,
        read: impl Fn(&Value) -> Option<T>,
        expected: &'static str,
    ) -> Result<Vec<T>, AdapterError> {
        let all = |value: &Value| value.as_array()?.iter().map(&read).collect::<Option<Vec<T>>>();
        Ok(self.value(key, all, expected)?.unwrap_or_default())
    }

    fn patterns<T>(
        &self,
        key: &str,
        read: impl Fn(&Value) -> Option<T>,
        expected: &'static str,
    ) -> Result<Vec<(Pattern, T)>, AdapterError> {
        let Some(map) = self.value(key, Value::as_object, "an object of names and numbers")? else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for (name, value) in map {
            let pattern = Pattern::new(name).ok_or_else(|| {
                self.refused(
                    key,
                    &name.as_str().into(),
                    "of regular expressions only names and their ends are known here",
                )
            })?;
            all.push((pattern, read(value).ok_or_else(|| self.wrong(key, expected))?));
        }
        Ok(all)
    }

    /// A list of names, a regular expression, or `all-linear`.
    fn modules(&self, key: &str) -> Result<Option<Modules>, AdapterError> {
        let text = match self.map.get(key) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.as_str(),
            Some(Value::Array(all)) if all.is_empty() => return Ok(None),
            Some(_) => {
                return Ok(Some(Modules::Ends(self.list(
                    key,
                    |v| v.as_str().map(String::from),
                    "a list of names or a text",
                )?)));
            }
        };
        if text.eq_ignore_ascii_case("all-linear") {
            return Ok(Some(Modules::All));
        }
        // PEFT takes `re.fullmatch`.
        let pattern = Regex::new(&format!("^(?:{text})$"));
        let refused = |_| self.refused(key, &text.into(), "this regular expression cannot be evaluated here");
        pattern.map(|pattern| Some(Modules::Whole(pattern))).map_err(refused)
    }

    fn init(&self) -> Result<Init, AdapterError> {
        const KEY: &str = "init_lora_weights";
        let text = match self.map.get(KEY) {
            None | Some(Value::Null | Value::Bool(_)) => return Ok(Init::Plain),
            Some(Value::String(text)) => text.as_str(),
            Some(_) => return Err(self.wrong(KEY, "true, false or the name of an initialisation")),
        };
        let other = |why| Ok(Init::Other { value: text.into(), why });
        // Upper and lower case count where they count in PEFT.
        match (text, text.to_lowercase().as_str()) {
            // These choose A and B only; the base does not change.
            (_, "gaussian" | "mica") | ("eva" | "orthogonal", _) => Ok(Init::Plain),
            ("pissa", _) => Ok(Init::Pissa),
            (_, "olora") => Ok(Init::Olora),
            _ if text.starts_with("pissa_niter_") => {
                other("a randomised SVD made it, which gives another base each time")
            }
            _ if text.starts_with("corda") => other("it depends on the covariances that the adapter was made with"),
            ("lora_ga", _) => other("it depends on the gradients that the adapter was made with"),
            ("loftq", _) => other("it is quantised"),
            _ => Err(self.refused(KEY, &text.into(), "this initialisation is not known here")),
        }
    }
}

#[cfg(test)]
mod tests;
