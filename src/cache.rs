//! The cache folder: intermediate results by content key. Safe to delete, safe to share between runs.
//!
//! A key is a hash of everything that a value depends on, so a file is either right or absent; files appear whole or not at
//! all. Losses of windows are kept in a journal that grows line by line. What the values mean is not known here.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use memmap2::Mmap;
use safetensors::tensor::Dtype;

use crate::atomic::WriteError;
use crate::tensors::{self, Entry, TensorFile};
use crate::terminal;

/// What can go wrong with the cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A value could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A file could not be read.
    #[error("cannot read {path} in the cache: {why}; delete it and run again")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A journal could not be appended to.
    #[error(
        "cannot append to {path}: {}; is the disk full? Set CORDA_CACHE to a folder with room",
        terminal::reason(source)
    )]
    Append {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The cache folder.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

/// Number of hexadecimal digits of a key.
const KEY_DIGITS: usize = 24;

/// The content key of a stage: a hash of its kind, the version of the code behind it and all inputs.
pub fn key(kind: &str, version: u32, inputs: &serde_json::Value) -> String {
    let text = serde_json::json!([kind, version, inputs]).to_string();
    blake3::hash(text.as_bytes()).to_hex()[..KEY_DIGITS].to_string()
}

impl Cache {
    /// The cache under `root`.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    /// The file of one part (`layer-003`, `head`) of a stage's value.
    pub fn part(&self, kind: &str, key: &str, part: &str) -> PathBuf {
        self.root.join(kind).join(key).join(format!("{part}.safetensors"))
    }

    /// The journal of an evaluation.
    pub fn journal(&self, key: &str) -> Journal {
        Journal { path: self.root.join("evaluate").join(format!("{key}.tsv")) }
    }
}

/// How often unfinished work is saved, which is the most that an interrupted run loses: `CORDA_SAVE_SECONDS` if it is set, else
/// `usual`.
/// No value depends on it.
pub fn save_every(usual: Duration) -> Duration {
    let set = std::env::var("CORDA_SAVE_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    set.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(usual)
}

/// Makes the bytes of an array.
type Make<'a> = Box<dyn Fn() -> Vec<u8> + 'a>;

/// A file of the cache to write: named numeric arrays, and a few strings beside them. Each array is made when it is its turn to
/// be written.
#[derive(Default)]
pub struct Arrays<'a> {
    arrays: Vec<(Entry, Make<'a>)>,
    /// Strings kept beside the arrays.
    pub metadata: BTreeMap<String, String>,
}

impl<'a> Arrays<'a> {
    /// Adds f64 values of that shape.
    pub fn push_f64<I: Iterator<Item = f64> + Clone + 'a>(&mut self, name: String, dims: &[usize], values: I) {
        self.push(name, Dtype::F64, dims, move || bytes(values.clone().map(f64::to_le_bytes)));
    }

    /// Adds f32 values of that shape.
    pub fn push_f32<I: Iterator<Item = f32> + Clone + 'a>(&mut self, name: String, dims: &[usize], values: I) {
        self.push(name, Dtype::F32, dims, move || bytes(values.clone().map(f32::to_le_bytes)));
    }

    /// Adds u32 values of that shape.
    pub fn push_u32<I: Iterator<Item = u32> + Clone + 'a>(&mut self, name: String, dims: &[usize], values: I) {
        self.push(name, Dtype::U32, dims, move || bytes(values.clone().map(u32::to_le_bytes)));
    }

    fn push(&mut self, name: String, dtype: Dtype, dims: &[usize], bytes: impl Fn() -> Vec<u8> + 'a) {
        self.arrays.push((Entry { name, dtype, dims: dims.to_vec() }, Box::new(bytes)));
    }

    /// Writes the file, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), CacheError> {
        let entries: Vec<Entry> = self.arrays.iter().map(|(entry, _)| entry.clone()).collect();
        let Ok(()) = tensors::write(path, &self.metadata, &entries, |i| Ok::<_, Infallible>(self.arrays[i].1()))?;
        Ok(())
    }
}

/// Concatenated bytes. (Collecting a `flat_map` of arrays takes several times as long.)
fn bytes<const N: usize>(values: impl Iterator<Item = [u8; N]>) -> Vec<u8> {
    let mut all = Vec::with_capacity(N * values.size_hint().0);
    values.for_each(|value| all.extend_from_slice(&value));
    all
}

/// A file of the cache, from which only the arrays asked for are read.
#[derive(Debug)]
pub struct ReadArrays {
    path: PathBuf,
    file: TensorFile,
}

impl ReadArrays {
    /// Opens the file.
    pub fn open(path: &Path) -> Result<Self, CacheError> {
        let file = TensorFile::open(path).map_err(|e| CacheError::Read { path: path.into(), why: e.to_string() })?;
        Ok(Self { path: path.into(), file })
    }

    fn error(&self, why: impl std::fmt::Display) -> CacheError {
        CacheError::Read { path: self.path.clone(), why: why.to_string() }
    }

    /// A string kept beside the arrays.
    pub fn metadata(&self, name: &str) -> Result<String, CacheError> {
        self.file.metadata().get(name).cloned().ok_or_else(|| self.error(format!("no {name:?} in it")))
    }

    /// An f64 array, flat.
    pub fn f64(&self, name: &str) -> Result<Vec<f64>, CacheError> {
        let (_, bytes) = self.array(name, Dtype::F64)?;
        Ok(bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().expect("8 bytes"))).collect())
    }

    /// An f32 array and its shape.
    pub fn f32(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), CacheError> {
        let (dims, bytes) = self.array(name, Dtype::F32)?;
        Ok((dims, bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("4 bytes"))).collect()))
    }

    /// A u32 array, flat.
    pub fn u32(&self, name: &str) -> Result<Vec<u32>, CacheError> {
        let (_, bytes) = self.array(name, Dtype::U32)?;
        Ok(bytes.chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().expect("4 bytes"))).collect())
    }

    fn array(&self, name: &str, dtype: Dtype) -> Result<(Vec<usize>, Mmap), CacheError> {
        let found = self.file.array(name).map_err(|e| self.error(e))?;
        let (place, bytes) = found.ok_or_else(|| self.error(format!("no {name:?} in it")))?;
        if place.dtype != dtype {
            return Err(self.error(format!("{name} is {:?}, not {dtype:?}", place.dtype)));
        }
        Ok((place.dims.clone(), bytes))
    }
}

/// Losses of windows, one per line: index, loss in nats, seconds. Only complete lines count, so an interrupted run loses at most
/// the windows that it was working on.
#[derive(Debug, Clone)]
pub struct Journal {
    path: PathBuf,
}

/// One line of a journal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Mean loss of the window, in nats per token.
    pub nll: f64,
    /// Seconds it took.
    pub seconds: f64,
}

impl Journal {
    /// What is measured so far, by window.
    pub fn read(&self) -> Result<HashMap<usize, Measured>, CacheError> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(HashMap::new()),
            Err(e) => return Err(CacheError::Read { path: self.path.clone(), why: terminal::reason(&e) }),
        };
        // A line that a crash cut has no point at its end: its window is measured again.
        Ok(text.split('\n').filter_map(parse).collect())
    }

    /// Appends a line, by a single write so that lines of two processes do not mix.
    pub fn append(&self, window: usize, measured: Measured) -> Result<(), CacheError> {
        let append = |source| CacheError::Append { path: self.path.clone(), source };
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(append)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).map_err(append)?;
        // The leading newline ends a line that a crash may have cut.
        let line = format!("\n{window}\t{:?}\t{:?}\t.\n", measured.nll, measured.seconds);
        file.write_all(line.as_bytes()).map_err(append)
    }
}

fn parse(line: &str) -> Option<(usize, Measured)> {
    let mut fields = line.split('\t');
    let window = fields.next()?.parse().ok()?;
    let measured = Measured { nll: fields.next()?.parse().ok()?, seconds: fields.next()?.parse().ok()? };
    (fields.next() == Some(".") && fields.next().is_none()).then_some((window, measured))
}

#[cfg(test)]
mod tests;
