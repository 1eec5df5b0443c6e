//! GGUF: metadata and tensors of a model of the Llama family, under Hugging Face names. A split model is read from all its parts.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use candle_core::quantized::ggml_file::qtensor_from_ggml;
use candle_core::quantized::gguf_file::Value;
use candle_core::{Device, Tensor};

use super::ModelError;
use super::config::Config;
use super::keys::refused;
use super::rope::{self, Scaling};
use super::shape::Shape;
use crate::tensors::map;
use header::{Header, Info, Problem};
use keys::{as_json, shortest, stored_as};

mod export;
pub mod header;
mod keys;
mod vocabulary;

/// An opened GGUF model; `path` is the file, or the first of its parts.
pub struct Gguf {
    path: PathBuf,
    files: Vec<File>,
    metadata: BTreeMap<String, Value>,
    /// Which of `files` a tensor is in, and where.
    tensors: BTreeMap<String, (usize, Info)>,
}

/// Llama 3's long-context scaling: a tensor of divisors of the frequencies.
const ROPE_FREQS: &str = "rope_freqs.weight";

/// What [`Shape::check`] calls the dimensions, by the keys of the metadata.
const NAMES: [&str; 8] = [
    "llama.embedding_length",
    "llama.block_count",
    "llama.attention.head_count",
    "llama.attention.head_count_kv",
    "llama.attention.key_length",
    "llama.feed_forward_length",
    "tokenizer.ggml.tokens",
    "llama.context_length",
];

impl Gguf {
    /// Opens a file, or all parts of a split one.
    pub fn open(parts: &[&Path]) -> Result<Self, ModelError> {
        let mut opened = Vec::new();
        for path in parts {
            let (file, header) = open(path)?;
            opened.push((*path, file, header));
        }
        let number = |header: &Header, key: &str| header.metadata.get(key).and_then(unsigned);
        let count = opened.first().and_then(|(_, _, header)| number(header, "split.count")).unwrap_or(1).max(1);
        if opened.len() != count {
            return Err(not_all_parts(parts, count));
        }
        opened.sort_by_key(|(_, _, header)| number(header, "split.no").unwrap_or(0));
        let (mut files, mut metadata, mut tensors) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let path = opened.first().map(|(path, _, _)| path.to_path_buf()).unwrap_or_default();
        let mut total = None;
        for (at, (part, file, header)) in opened.into_iter().enumerate() {
            if count > 1 && (number(&header, "split.no"), number(&header, "split.count")) != (Some(at), Some(count)) {
                return Err(ModelError::Config(format!(
                    "{}: `split.no` and `split.count` are not those of part {at} (from 0) of {count}; the files do not belong together",
                    part.display()
                )));
            }
            for (name, info) in header.tensors {
                if tensors.insert(name.clone(), (at, info)).is_some() {
                    return Err(ModelError::Config(format!(
                        "{}: tensor {name:?} is in another part too",
                        part.display()
                    )));
                }
            }
            if at == 0 {
                total = header.metadata.get("split.tensors.count").and_then(unsigned);
                metadata = header.metadata;
            }
            files.push(file);
        }
        if let Some(total) = total.filter(|total| count > 1 && *total != tensors.len()) {
            return Err(ModelError::Config(format!(
                "{}: `split.tensors.count` is {total}, but the parts have {} tensors",
                path.display(),
                tensors.len()
            )));
        }
        Ok(Self { path, files, metadata, tensors })
    }

    /// Its name in messages.
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn optional(&self, key: &str) -> Option<&Value> {
        self.metadata.get(key)
    }

    fn meta(&self, key: &str) -> Result<&Value, ModelError> {
        self.optional(key)
            .ok_or_else(|| ModelError::Config(format!("{}: the metadata lacks `{key}`", self.path.display())))
    }

    fn bad(&self, key: &str, value: &Value, why: &str) -> ModelError {
        refused(&self.name(), key, &as_json(value), why)
    }

    /// The error of a value of the wrong type or sign.
    fn badly_stored(&self, key: &str, value: &Value, right: &str) -> ModelError {
        self.bad(key, value, &format!("is stored as {}; it must be {right}", stored_as(value)))
    }

    fn number(&self, key: &str) -> Result<usize, ModelError> {
        let value = self.meta(key)?;
        unsigned(value).ok_or_else(|| self.badly_stored(key, value, "a whole number (UINT32)"))
    }

    fn optional_number(&self, key: &str) -> Result<Option<usize>, ModelError> {
        self.optional(key).map(|_| self.number(key)).transpose()
    }

    /// A number that all layers share: a single one, or a list of equal ones.
    fn per_layer(&self, key: &str) -> Result<usize, ModelError> {
        let value = self.meta(key)?;
        match value {
            Value::Array(all) => match all.first().and_then(unsigned) {
                Some(first) if all.iter().all(|one| unsigned(one) == Some(first)) => Ok(first),
                _ => Err(self.bad(key, value, "differs by layer, which is not supported")),
            },
            _ => self.number(key),
        }
    }

    fn text(&self, key: &str) -> Result<&str, ModelError> {
        match self.meta(key)? {
            Value::String(text) => Ok(text),
            other => Err(self.badly_stored(key, other, "a text (STRING)")),
        }
    }

    fn list(&self, key: &str) -> Result<&[Value], ModelError> {
        match self.meta(key)? {
            Value::Array(all) => Ok(all),
            other => Err(self.badly_stored(key, other, "a list (ARRAY)")),
        }
    }

    /// A finite number as f32, greater than 0, or 0 where `zero` allows it.
    fn real(&self, key: &str, zero: bool) -> Result<Option<f32>, ModelError> {
        let Some(value) = self.optional(key) else { return Ok(None) };
        let x = match value {
            Value::F32(x) => *x,
            Value::F64(x) => *x as f32,
            _ => return Err(self.badly_stored(key, value, "a number with a fraction (FLOAT32)")),
        };
        if x.is_finite() && (x > 0.0 || zero && x == 0.0) {
            Ok(Some(x))
        } else {
            Err(self.bad(key, value, "must be a number greater than 0"))
        }
    }

    /// Base of the rotary frequencies.
    fn theta(&self) -> Result<f32, ModelError> {
        Ok(self.real("llama.rope.freq_base", false)?.unwrap_or(10_000.0))
    }

    /// Scaling of the rotary frequencies, as in llama.cpp: the default type is linear, the factor may have its name of 2023, and a
    /// factor that is 0 or missing is 1.
    fn scaling(&self) -> Result<Scaling, ModelError> {
        const TYPE: &str = "llama.rope.scaling.type";
        let factor = match self.real("llama.rope.scaling.factor", true)? {
            Some(factor) => factor,
            None => self.real("llama.rope.scale_linear", true)?.unwrap_or(0.0),
        };
        match self.optional(TYPE).map(|_| self.text(TYPE)).transpose()? {
            None | Some("linear") if factor == 0.0 || factor == 1.0 => Ok(Scaling::None),
            None | Some("linear") => Ok(Scaling::Linear { factor: shortest(factor) }),
            Some("none") => Ok(Scaling::None),
            Some(other) => {
                Err(self.bad(TYPE, &Value::String(other.into()), "is not supported; \"none\" and \"linear\" are"))
            }
        }
    }

    /// Width of a head. llama.cpp rotates all of it.
    fn head_dim(&self, hidden: usize, heads: usize) -> Result<usize, ModelError> {
        let head_dim = match self.optional_number("llama.attention.key_length")? {
            Some(width) => width,
            None if heads > 0 && hidden.is_multiple_of(heads) => hidden / heads,
            None => {
                let why = format!("{}: embedding_length {hidden} is not a multiple of head_count {heads}", self.name());
                return Err(ModelError::Config(why));
            }
        };
        for key in ["llama.attention.head_dim", "llama.attention.value_length", "llama.rope.dimension_count"] {
            if let Some(value) = self.optional(key).filter(|value| unsigned(value) != Some(head_dim)) {
                let why = format!("is not supported; only the width of a head, {head_dim}, is");
                return Err(self.bad(key, value, &why));
            }
        }
        Ok(head_dim)
    }

    /// Shape, normalisation and rotary frequencies. Keys by which the model would be computed otherwise are refused.
    pub fn config(&self) -> Result<Config, ModelError> {
        let architecture = self.text("general.architecture")?;
        if architecture != "llama" {
            let why = "is not supported; only the Llama family (`llama`) is";
            return Err(self.bad("general.architecture", self.meta("general.architecture")?, why));
        }
        keys::check(&self.name(), &self.metadata)?;
        let heads = self.per_layer("llama.attention.head_count")?;
        let hidden = self.number("llama.embedding_length")?;
        let kv = "llama.attention.head_count_kv";
        let shape = Shape {
            hidden,
            layers: self.number("llama.block_count")?,
            heads,
            kv_heads: if self.optional(kv).is_some() { self.per_layer(kv)? } else { heads },
            head_dim: self.head_dim(hidden, heads)?,
            intermediate: self.per_layer("llama.feed_forward_length")?,
            vocabulary: self.list("tokenizer.ggml.tokens")?.len(),
            context: self.number("llama.context_length")?,
            tied: !self.tensors.contains_key("output.weight"),
        };
        shape.check(&NAMES).map_err(|e| ModelError::Config(format!("{}: {e}", self.name())))?;
        if let Some(size) = self.optional_number("llama.vocab_size")?.filter(|size| *size != shape.vocabulary) {
            let why = format!("but `tokenizer.ggml.tokens` has {}; both must agree", shape.vocabulary);
            return Err(refused(&self.name(), "llama.vocab_size", &size.into(), why));
        }
        let window = "llama.attention.sliding_window";
        if let Some(size) = self.optional_number(window)?.filter(|size| (1..shape.context).contains(size)) {
            return Err(refused(
                &self.name(),
                window,
                &size.into(),
                "is not supported; only 0 is, or one as long as the context",
            ));
        }
        let mut frequencies = rope::frequencies(f64::from(self.theta()?), shape.head_dim, self.scaling()?);
        if self.tensors.contains_key(ROPE_FREQS) {
            let divisors: Vec<f32> = self.read(ROPE_FREQS)?.flatten_all()?.to_vec1()?;
            if divisors.len() != frequencies.len() || divisors.iter().any(|d| !d.is_finite() || *d <= 0.0) {
                return Err(ModelError::Config(format!(
                    "{}: {ROPE_FREQS:?} must have {} numbers greater than 0, one for each two dimensions of a head",
                    self.name(),
                    frequencies.len()
                )));
            }
            frequencies.iter_mut().zip(divisors).for_each(|(f, divisor)| *f /= divisor);
        }
        let eps = "llama.attention.layer_norm_rms_epsilon";
        self.meta(eps)?;
        Ok(Config { shape, rms_eps: self.real(eps, false)?.unwrap_or_default(), frequencies })
    }

    /// Names of all tensors except the one that the configuration reads.
    pub fn tensor_names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str).filter(|name| *name != ROPE_FREQS)
    }

    /// Name in the file of a tensor of that Hugging Face name.
    pub fn stored_name(&self, name: &str) -> String {
        gguf_name(name).unwrap_or_else(|| name.into())
    }

    /// Dimensions of the tensor of that Hugging Face name.
    pub fn dims(&self, name: &str) -> Option<Vec<usize>> {
        Some(self.tensors.get(&gguf_name(name)?)?.1.dims.clone())
    }

    /// The tensor of that Hugging Face name, dequantised to f32, q/k rows in Hugging Face's order.
    pub fn tensor(&self, name: &str, heads: usize, kv_heads: usize) -> Result<Tensor, ModelError> {
        let tensor = self.read(&self.stored_name(name))?;
        if name.ends_with("q_proj.weight") {
            unpermute(&tensor, heads)
        } else if name.ends_with("k_proj.weight") {
            unpermute(&tensor, kv_heads)
        } else {
            Ok(tensor)
        }
    }

    fn read(&self, name: &str) -> Result<Tensor, ModelError> {
        let missing = || ModelError::Missing { origin: self.path.clone(), name: name.into() };
        let (at, info) = self.tensors.get(name).ok_or_else(missing)?;
        let file = self.files.get(*at).ok_or_else(missing)?;
        // Mapped only while it is read, so that a model on disk never counts as memory.
        let raw =
            map(file, info.start, info.bytes).map_err(|source| ModelError::Read { path: self.path.clone(), source })?;
        // candle casts the bytes in place; a file may be aligned to less than the cast needs.
        let copy = if info.start.is_multiple_of(8) { None } else { Some(raw.to_vec()) };
        let raw = copy.as_deref().unwrap_or(&raw);
        let tensor = qtensor_from_ggml(info.dtype, raw, info.dims.clone(), &Device::Cpu)?;
        Ok(tensor.dequantize(&Device::Cpu)?)
    }
}

fn open(path: &Path) -> Result<(File, Header), ModelError> {
    let read = |source| ModelError::Read { path: path.into(), source };
    let file = File::open(path).map_err(read)?;
    let size = file.metadata().map_err(read)?.len();
    let whole = map(&file, 0, size as usize).map_err(read)?;
    let header = header::read(&whole).map_err(|problem| match problem {
        Problem::Corrupt(why) => ModelError::Corrupt { path: path.into(), format: "GGUF", why },
        Problem::Unsupported(why) => ModelError::Config(format!("{}: {why}", path.display())),
        Problem::Type(name, found) => {
            ModelError::ElementType { path: path.into(), name, found, supported: header::SUPPORTED }
        }
    })?;
    Ok((file, header))
}

/// The error of files that are not exactly the parts of one model.
fn not_all_parts(parts: &[&Path], count: usize) -> ModelError {
    let first = parts.first().map(|path| path.display().to_string()).unwrap_or_default();
    let names: Vec<_> = parts.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy()).collect();
    ModelError::Config(match (parts.len(), count) {
        (1, _) => format!(
            "{first} is one part of a split GGUF of {count} parts: give a folder that has all of them, or join them with \
             `llama-gguf-split --merge`"
        ),
        (_, 1) => format!("there are several GGUF files; name one of them: {}", names.join(", ")),
        (there, _) => format!(
            "{first} is a part of a split GGUF of {count} parts, but there are {there} GGUF files: {}",
            names.join(", ")
        ),
    })
}

/// A whole number of at least 0, whatever integer type it is stored as.
fn unsigned(value: &Value) -> Option<usize> {
    match value {
        Value::U8(n) => Some(usize::from(*n)),
        Value::U16(n) => Some(usize::from(*n)),
        Value::U32(n) => usize::try_from(*n).ok(),
        Value::U64(n) => usize::try_from(*n).ok(),
        Value::I8(n) => usize::try_from(*n).ok(),
        Value::I16(n) => usize::try_from(*n).ok(),
        Value::I32(n) => usize::try_from(*n).ok(),
        Value::I64(n) => usize::try_from(*n).ok(),
        _ => None,
    }
}

/// GGUF's name of a Hugging Face tensor.
fn gguf_name(name: &str) -> Option<String> {
    match name {
        "model.embed_tokens.weight" => return Some("token_embd.weight".into()),
        "model.norm.weight" => return Some("output_norm.weight".into()),
        "lm_head.weight" => return Some("output.weight".into()),
        _ => {}
    }
    let (layer, part) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let part = match part.strip_suffix(".weight")? {
        "input_layernorm" => "attn_norm",
        "self_attn.q_proj" => "attn_q",
        "self_attn.k_proj" => "attn_k",
        "self_attn.v_proj" => "attn_v",
        "self_attn.o_proj" => "attn_output",
        "post_attention_layernorm" => "ffn_norm",
        "mlp.gate_proj" => "ffn_gate",
        "mlp.up_proj" => "ffn_up",
        "mlp.down_proj" => "ffn_down",
        _ => return None,
    };
    Some(format!("blk.{layer}.{part}.weight"))
}

/// Undoes llama.cpp's reordering of q/k rows: it interleaves the two halves of a head (pairs), Hugging Face keeps halves.
fn unpermute(w: &Tensor, heads: usize) -> Result<Tensor, ModelError> {
    let (d_out, d_in) = w.dims2()?;
    let half = d_out / heads / 2;
    Ok(w.reshape((heads, half, 2, d_in))?.transpose(1, 2)?.contiguous()?.reshape((d_out, d_in))?)
}

#[cfg(test)]
mod tests;
