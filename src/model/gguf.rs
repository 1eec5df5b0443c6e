//! GGUF: metadata and tensors of a model, under Hugging Face names. A split model is read from all its parts.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use candle_core::quantized::ggml_file::qtensor_from_ggml;
use candle_core::quantized::gguf_file::Value;
use candle_core::{Device, Tensor};

use super::ModelError;
use super::arch::{Family, Role};
use super::shape::{HEAD, Shape};
use crate::tensors::map;
use header::{Header, Info, Problem};

mod config;
mod export;
pub mod header;
mod keys;
mod metadata;
mod vocabulary;

/// An opened GGUF model; `path` is the file, or the first of its parts.
pub struct Gguf {
    path: PathBuf,
    files: Vec<File>,
    metadata: BTreeMap<String, Value>,
    /// Which of `files` a tensor is in, and where.
    tensors: BTreeMap<String, (usize, Info)>,
}

/// Tensors of divisors of the rotary frequencies: Llama 3's scaling, and LongRoPE's two.
const ROPE_FREQS: &str = "rope_freqs.weight";
const ROPE_SHORT: &str = "rope_factors_short.weight";
const ROPE_LONG: &str = "rope_factors_long.weight";

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

    /// Names of all tensors except those that the configuration reads.
    pub fn tensor_names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str).filter(|name| ![ROPE_FREQS, ROPE_SHORT, ROPE_LONG].contains(name))
    }

    /// Name in the file of a tensor of that Hugging Face name.
    pub fn stored_name(&self, family: &Family, name: &str) -> String {
        gguf_name(family, name).unwrap_or_else(|| name.into())
    }

    /// Dimensions of the tensor of that Hugging Face name.
    pub fn dims(&self, family: &Family, name: &str) -> Option<Vec<usize>> {
        Some(self.tensors.get(&gguf_name(family, name)?)?.1.dims.clone())
    }

    /// The tensor of that Hugging Face name, dequantised to f32, q/k rows in Hugging Face's order.
    pub fn tensor(&self, name: &str, shape: &Shape) -> Result<Tensor, ModelError> {
        let tensor = self.read(&self.stored_name(shape.family, name))?;
        let pairs = shape.family.gguf.as_ref().is_some_and(|gguf| gguf.pairs);
        let part = name.rsplit_once('.').map_or(name, |(part, _)| part);
        let of = |role| shape.family.linears.iter().any(|one| one.role == role && part.ends_with(one.name));
        match (pairs, of(Role::Query), of(Role::Key)) {
            (true, true, _) => unpermute(&tensor, shape.heads),
            (true, _, true) => unpermute(&tensor, shape.kv_heads),
            _ => Ok(tensor),
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
fn gguf_name(family: &Family, name: &str) -> Option<String> {
    let (stem, end) = name.rsplit_once('.')?;
    let names = &family.names;
    for (ours, theirs) in [(names.embedding, "token_embd"), (names.norm, "output_norm"), (HEAD, "output")] {
        if stem == ours {
            return Some(format!("{theirs}.{end}"));
        }
    }
    let (layer, part) = stem.strip_prefix(names.blocks)?.strip_prefix('.')?.split_once('.')?;
    let linears = family.linears.iter().map(|linear| (linear.name, linear.gguf));
    let norms = family.norms.iter().map(|norm| (norm.name, norm.gguf));
    let (_, gguf) = linears.chain(norms).find(|(name, _)| *name == part)?;
    Some(format!("blk.{layer}.{gguf}.{end}"))
}

/// Undoes llama.cpp's reordering of q/k rows: it interleaves the two halves of a head (pairs), Hugging Face keeps halves.
fn unpermute(w: &Tensor, heads: usize) -> Result<Tensor, ModelError> {
    // A bias is a matrix of one column.
    let d_out = w.dim(0)?;
    let (half, d_in) = (d_out / heads / 2, w.elem_count() / d_out.max(1));
    Ok(w.reshape((heads, half, 2, d_in))?.transpose(1, 2)?.contiguous()?.reshape(w.dims())?)
}

#[cfg(test)]
mod tests;
