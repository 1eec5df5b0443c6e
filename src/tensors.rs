//! Safetensors files, one array at a time: an array is read through a memory map of its own, and no two are held to write a
//! file. So a model larger than memory, or a cache of covariances, takes memory only while one of its arrays is converted.
//! What the arrays mean is not known here.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::Path;

use memmap2::{Mmap, MmapOptions};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde_json::{Map, Value, json};

use crate::atomic::{WriteError, write_atomically};

/// What the header says about an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Type of its elements.
    pub dtype: Dtype,
    /// Its dimensions.
    pub dims: Vec<usize>,
    /// Where its bytes start in the file.
    start: u64,
    /// How many bytes it has.
    bytes: usize,
}

/// An opened file: its header, and the means to read the rest.
#[derive(Debug)]
pub struct TensorFile {
    file: File,
    places: BTreeMap<String, Place>,
    metadata: HashMap<String, String>,
}

impl TensorFile {
    /// Reads and checks the header. The error says what is wrong with the file, not which it is.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len() as usize;
        // Of the whole file only the header is touched here; the library checks that the rest has the length it says.
        let (after, found) = SafeTensors::read_metadata(&map(&file, 0, size)?)
            .map_err(|e| std::io::Error::new(std::io::ErrorKind::InvalidData, e.to_string()))?;
        let mut places = BTreeMap::new();
        for (name, info) in found.tensors() {
            let (start, end) = info.data_offsets;
            let (dtype, dims) = (info.dtype, info.shape.clone());
            places.insert(name, Place { dtype, dims, start: (8 + after + start) as u64, bytes: end - start });
        }
        Ok(Self { file, places, metadata: found.metadata().clone().unwrap_or_default() })
    }

    /// The strings kept beside the arrays.
    pub fn metadata(&self) -> &HashMap<String, String> {
        &self.metadata
    }

    /// Names of all arrays.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// What the header says about an array; `None` if there is none of that name.
    pub fn place(&self, name: &str) -> Option<&Place> {
        self.places.get(name)
    }

    /// An array and its bytes, mapped until they are dropped; `None` if there is none of that name.
    pub fn array(&self, name: &str) -> std::io::Result<Option<(&Place, Mmap)>> {
        let Some(place) = self.places.get(name) else { return Ok(None) };
        Ok(Some((place, map(&self.file, place.start, place.bytes)?)))
    }
}

/// Maps a part of a file.
pub fn map(file: &File, start: u64, bytes: usize) -> std::io::Result<Mmap> {
    // SAFETY: sound as long as nobody truncates the file meanwhile, the usual condition of memory maps; files of ours are
    // replaced by renaming and never written in place.
    unsafe { MmapOptions::new().offset(start).len(bytes).map(file) }
}

/// An array of a file to write.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Type of its elements.
    pub dtype: Dtype,
    /// Its dimensions.
    pub dims: Vec<usize>,
}

/// Writes a file atomically. `data` gives the little-endian bytes of an array by its index; each array is written before the
/// next is asked for. The inner error is that of `data`.
pub fn write<E>(
    path: &Path,
    metadata: &BTreeMap<String, String>,
    entries: &[Entry],
    mut data: impl FnMut(usize) -> Result<Vec<u8>, E>,
) -> Result<Result<(), E>, WriteError> {
    let mut header = Map::new();
    if !metadata.is_empty() {
        header.insert("__metadata__".into(), json!(metadata));
    }
    let mut end = 0;
    for Entry { name, dtype, dims } in entries {
        let start = end;
        end += dtype.bitsize() / 8 * dims.iter().product::<usize>();
        header.insert(name.clone(), json!({"dtype": dtype, "shape": dims, "data_offsets": [start, end]}));
    }
    let mut header = Value::Object(header).to_string();
    // Data are aligned to 8 bytes.
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    let mut failed = None;
    let written = write_atomically(path, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        for (i, entry) in entries.iter().enumerate() {
            let bytes = data(i).map_err(|e| {
                failed = Some(e);
                std::io::Error::other("no data")
            })?;
            debug_assert_eq!(bytes.len(), entry.dtype.bitsize() / 8 * entry.dims.iter().product::<usize>());
            file.write_all(&bytes)?;
        }
        Ok(())
    });
    match failed {
        Some(e) => Ok(Err(e)),
        None => written.map(Ok),
    }
}

#[cfg(test)]
mod tests;
