//! The configuration in a GGUF's metadata, as llama.cpp reads it.

use std::collections::BTreeSet;

use candle_core::quantized::gguf_file::Value;

use super::{Gguf, ROPE_FREQS, ROPE_LONG, ROPE_SHORT, keys, unsigned};
use crate::model::ModelError;
use crate::model::arch::{FAMILIES, Family, GgufFamily, Metadata};
use crate::model::config::{Config, Part, shortest};
use crate::model::keys::refused;
use crate::model::rope::{Rope, Scaling, long_attention, yarn_attention};
use crate::model::shape::Shape;

/// What [`Shape::check`] calls the dimensions, by the keys of the metadata.
const NAMES: [&str; 8] = [
    "embedding_length",
    "block_count",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "feed_forward_length",
    "tokenizer.ggml.tokens",
    "context_length",
];

impl Gguf {
    /// Family, dimensions, and what blocks compute. Keys by which the model would be computed otherwise are refused.
    pub fn config(&self) -> Result<Config, ModelError> {
        let (family, gguf) = self.family()?;
        keys::check(&self.name(), gguf.architecture, gguf.keys, &self.metadata)?;
        let shape = self.shape(family)?;
        let eps = self.own("attention.layer_norm_rms_epsilon");
        self.meta(&eps)?;
        let mut config = Config::plain(shape, self.number_of(&eps, false)?.unwrap_or_default());
        // As llama.cpp, which takes biases where they are.
        let slots = Config { biased: vec![true; config.biased.len()], ..config.clone() }.slots(0);
        for slot in slots {
            if let Part::Bias(at) = slot.part {
                config.biased[at] |= self.tensors.contains_key(&self.stored_name(family, &slot.name));
            }
        }
        (gguf.read)(self, &mut config)?;
        Ok(config)
    }

    fn family(&self) -> Result<(&'static Family, &'static GgufFamily), ModelError> {
        let architecture = self.architecture()?;
        let stored = || FAMILIES.into_iter().filter_map(|family| Some((family, family.gguf.as_ref()?)));
        stored().find(|(_, gguf)| gguf.architecture == architecture).ok_or_else(|| {
            let known: BTreeSet<&str> = stored().map(|(_, gguf)| gguf.architecture).collect();
            let nearest = known.iter().max_by(|a, b| {
                let likeness = |one: &str| strsim::jaro_winkler(one, architecture);
                likeness(a).total_cmp(&likeness(b))
            });
            let meant = match nearest {
                Some(one) if strsim::jaro_winkler(one, architecture) > 0.8 => format!(" (is `{one}` meant?)"),
                _ => String::new(),
            };
            let known: Vec<&str> = known.into_iter().collect();
            let why = format!("is not an architecture that is computed here{meant}; these are: {}", known.join(", "));
            refused(&self.name(), "general.architecture", &architecture.into(), why)
        })
    }

    fn shape(&self, family: &'static Family) -> Result<Shape, ModelError> {
        let own = |key: &str| self.own(key);
        let heads = self.per_layer(&own("attention.head_count"))?;
        let hidden = self.number(&own("embedding_length"))?;
        let kv = own("attention.head_count_kv");
        let tokens = self.list("tokenizer.ggml.tokens")?.len();
        // The embedding may have more rows than there are tokens.
        let rows = self.tensors.get("token_embd.weight").and_then(|(_, info)| info.dims.first().copied());
        let shape = Shape {
            family,
            hidden,
            layers: self.number(&own("block_count"))?,
            heads,
            kv_heads: if self.optional(&kv).is_some() { self.per_layer(&kv)? } else { heads },
            head_dim: self.head_dim(family, hidden, heads)?,
            intermediate: self.per_layer(&own("feed_forward_length"))?,
            vocabulary: rows.unwrap_or(tokens),
            context: self.number(&own("context_length"))?,
            tied: !self.tensors.contains_key("output.weight"),
        };
        let names = NAMES.map(|name| if name.starts_with("tokenizer.") { name.into() } else { own(name) });
        let wrong = |e| ModelError::Config(format!("{}: {e}", self.name()));
        shape.check(&names.each_ref().map(String::as_str)).map_err(wrong)?;
        if tokens > shape.vocabulary {
            return Err(wrong(format!(
                "`tokenizer.ggml.tokens` has {tokens} tokens, but \"token_embd.weight\" has {} rows: vocabulary and weights do \
                 not belong together",
                shape.vocabulary
            )));
        }
        let size = own("vocab_size");
        if let Some(found) = self.optional_number(&size)?.filter(|found| ![shape.vocabulary, tokens].contains(found)) {
            let why = format!("but `tokenizer.ggml.tokens` has {tokens}; both must agree");
            return Err(refused(&self.name(), &size, &found.into(), why));
        }
        Ok(shape)
    }

    /// Width of a head.
    fn head_dim(&self, family: &Family, hidden: usize, heads: usize) -> Result<usize, ModelError> {
        let head_dim = match self.optional_number(&self.own("attention.key_length"))? {
            Some(width) => width,
            // Nothing else says it where a width of its own is usual.
            None if family.head_dim.is_some() => self.number(&self.own("attention.key_length"))?,
            None if heads > 0 && hidden.is_multiple_of(heads) => hidden / heads,
            None => {
                let why = format!("{}: embedding_length {hidden} is not a multiple of head_count {heads}", self.name());
                return Err(ModelError::Config(why));
            }
        };
        let whole = "rope.dimension_count";
        for key in ["attention.head_dim", "attention.value_length", whole] {
            // Some families rotate a part of a head.
            if key == whole && family.keys.contains(&"partial_rotary_factor") {
                continue;
            }
            let key = self.own(key);
            if let Some(value) = self.optional(&key).filter(|value| unsigned(value) != Some(head_dim)) {
                let why = format!("is not supported; only the width of a head, {head_dim}, is");
                return Err(self.bad(&key, value, &why));
            }
        }
        Ok(head_dim)
    }

    /// Scaling of the rotary frequencies, as in llama.cpp: the default type is linear, the factor may have its name of 2023, and a
    /// factor that is 0 or missing is 1.
    fn scaling(&self, config: &Config, dims: usize) -> Result<Scaling, ModelError> {
        let kind = self.own("rope.scaling.type");
        let factor = match self.real("rope.scaling.factor", true)? {
            Some(factor) => factor,
            None => self.real("rope.scale_linear", true)?.unwrap_or(0.0),
        };
        let name = self.optional(&kind).map(|_| self.text(&kind)).transpose()?;
        if self.tensors.contains_key(ROPE_LONG) || self.tensors.contains_key(ROPE_SHORT) {
            return match name {
                None | Some("longrope" | "none") => self.long(config, dims),
                Some(other) => {
                    Err(self.bad(&kind, &Value::String(other.into()), "has the tensors of \"longrope\" beside it"))
                }
            };
        }
        let scaling = match name {
            None | Some("linear") if factor == 0.0 || factor == 1.0 => Scaling::None,
            None | Some("linear") => Scaling::Linear { factor: shortest(factor) },
            Some("none") => Scaling::None,
            Some("yarn") => self.yarn(factor)?,
            Some(other) => {
                let why = "is not supported; \"none\", \"linear\", \"yarn\" and \"longrope\" (with its tensors) are";
                return Err(self.bad(&kind, &Value::String(other.into()), why));
            }
        };
        if !matches!(scaling, Scaling::Yarn { .. }) {
            self.neutral(&["rope.scaling.yarn_attn_factor", "rope.scaling.attn_factor"], 1.0)?;
            self.neutral(&["rope.scaling.yarn_ext_factor"], 0.0)?;
        }
        if !self.tensors.contains_key(ROPE_FREQS) {
            return Ok(scaling);
        }
        let divisors = self.divisors(ROPE_FREQS, dims)?;
        match scaling {
            Scaling::None => Ok(Scaling::Divided(divisors)),
            Scaling::Linear { factor } => Ok(Scaling::Divided(divisors.iter().map(|d| d * factor as f32).collect())),
            _ => Err(self.bad(&kind, self.meta(&kind)?, &format!("is there beside the tensor {ROPE_FREQS:?}"))),
        }
    }

    /// Refuses numbers that have no effect at one value, and are not read.
    fn neutral(&self, keys: &[&str], neutral: f32) -> Result<(), ModelError> {
        for key in keys {
            let key = self.own(key);
            if self.number_of(&key, true)?.is_some_and(|found| found != neutral) {
                return Err(self.bad(&key, self.meta(&key)?, &format!("is not supported; only {neutral} is")));
            }
        }
        Ok(())
    }

    /// The context before it was extended, which frequencies depend on.
    fn original(&self) -> Result<usize, ModelError> {
        self.number(&self.own("rope.scaling.original_context_length"))
    }

    fn yarn(&self, factor: f32) -> Result<Scaling, ModelError> {
        self.neutral(&["rope.scaling.yarn_ext_factor"], 1.0)?;
        if factor <= 0.0 {
            let why = format!("but `{}` is missing", self.own("rope.scaling.factor"));
            let kind = self.own("rope.scaling.type");
            return Err(self.bad(&kind, self.meta(&kind)?, &why));
        }
        let factor = shortest(factor);
        let number = |key: &str, default: f64| Ok::<_, ModelError>(self.real(key, false)?.map_or(default, shortest));
        let more = number("rope.scaling.yarn_attn_factor", number("rope.scaling.attn_factor", 1.0)?)?;
        Ok(Scaling::Yarn {
            factor,
            original: self.original()? as f64,
            fast: number("rope.scaling.yarn_beta_fast", 32.0)?,
            slow: number("rope.scaling.yarn_beta_slow", 1.0)?,
            truncate: true,
            attention: more * yarn_attention(factor, 1.0),
        })
    }

    fn long(&self, config: &Config, dims: usize) -> Result<Scaling, ModelError> {
        let read = |name: &str| Ok::<_, ModelError>(self.divisors(name, dims)?.into_iter().map(f64::from).collect());
        let (short, long) = (read(ROPE_SHORT)?, read(ROPE_LONG)?);
        let original = self.original()?;
        let factor = config.shape.context as f64 / original as f64;
        let attention = match self.real("rope.scaling.attn_factor", false)? {
            Some(attention) => shortest(attention),
            None => long_attention(factor, original as f64),
        };
        Ok(Scaling::Long { short, long, original, attention })
    }

    /// A tensor of divisors of the frequencies.
    fn divisors(&self, name: &str, dims: usize) -> Result<Vec<f32>, ModelError> {
        let divisors: Vec<f32> = self.read(name)?.flatten_all()?.to_vec1()?;
        if divisors.len() == dims / 2 && divisors.iter().all(|d| d.is_finite() && *d > 0.0) {
            return Ok(divisors);
        }
        Err(ModelError::Config(format!(
            "{}: {name:?} must have {} numbers greater than 0, one for each two dimensions that are rotated",
            self.name(),
            dims / 2
        )))
    }
}

impl Metadata for Gguf {
    fn real(&self, key: &str, zero: bool) -> Result<Option<f32>, ModelError> {
        self.number_of(&self.own(key), zero)
    }

    fn need(&self, key: &str) -> Result<(), ModelError> {
        self.meta(&self.own(key)).map(drop)
    }

    fn cap(&self, key: &str, default: Option<f32>) -> Result<Option<f32>, ModelError> {
        Ok(self.real(key, true)?.or(default).filter(|cap| *cap > 0.0))
    }

    fn count(&self, key: &str) -> Result<Option<usize>, ModelError> {
        self.optional_number(&self.own(key))
    }

    fn window(&self, config: &Config, default: Option<usize>) -> Result<Option<usize>, ModelError> {
        let found = self.optional_number(&self.own("attention.sliding_window"))?.or(default);
        Ok(found.filter(|window| *window > 0 && *window < config.shape.context))
    }

    fn no_window(&self, config: &Config) -> Result<(), ModelError> {
        match self.window(config, None)? {
            None => Ok(()),
            Some(size) => {
                let why = "is not supported; only 0 is, or one as long as the context";
                Err(refused(&self.name(), &self.own("attention.sliding_window"), &size.into(), why))
            }
        }
    }

    fn rotary(&self, config: &mut Config) -> Result<(), ModelError> {
        let dims = match self.optional_number(&self.own("rope.dimension_count"))? {
            Some(dims) if dims >= 2 && dims.is_multiple_of(2) && dims <= config.shape.head_dim => dims,
            Some(dims) => {
                let why = format!("is not an even number up to the width of a head, {}", config.shape.head_dim);
                return Err(refused(&self.name(), &self.own("rope.dimension_count"), &dims.into(), why));
            }
            None => config.shape.head_dim,
        };
        let theta = self.real("rope.freq_base", false)?.map_or(10_000.0, f64::from);
        config.ropes = vec![Rope { theta, dims, scaling: self.scaling(config, dims)? }];
        Ok(())
    }
}
