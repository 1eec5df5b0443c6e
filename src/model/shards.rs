//! The weights of a Hugging Face folder: which file each tensor is read from, by the rule of transformers.
//!
//! `model.safetensors` comes before an index; with an index its `weight_map` decides for every tensor. Other safetensors
//! files are not read, and that is noted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use safetensors::tensor::Dtype;

use super::ModelError;
use super::format::{FileKind, read_text};
use super::shape::is_table;
use crate::tensors::{Place, TensorFile};

const WHOLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// Tensors of a folder, each in one opened file.
pub struct Shards {
    files: Vec<(PathBuf, TensorFile)>,
    /// Which of `files` a tensor is read from.
    owner: BTreeMap<String, usize>,
    /// Names in the files of tensors that go by another one here.
    stored: BTreeMap<String, String>,
    /// Notes for the user on files of the folder that are not read.
    pub notes: Vec<String>,
}

impl Shards {
    /// Opens the safetensors files that hold the model, of all files of the folder by name.
    pub fn open(by_name: &BTreeMap<String, PathBuf>, folder: &Path) -> Result<Self, ModelError> {
        if let Some(path) = by_name.get(WHOLE) {
            let file = open(path)?;
            let owner = file.names().map(|name| (name.to_string(), 0)).collect();
            return Ok(Self {
                notes: ignored(by_name, folder, &[WHOLE]),
                files: vec![(path.clone(), file)],
                owner,
                stored: BTreeMap::new(),
            });
        }
        match by_name.get(INDEX) {
            Some(index) => Self::by_index(by_name, folder, index),
            None => Self::without_index(by_name, folder),
        }
    }

    fn by_index(by_name: &BTreeMap<String, PathBuf>, folder: &Path, index: &Path) -> Result<Self, ModelError> {
        let map = weight_map(index)?;
        let wrong = |why: String| ModelError::Config(format!("{}: {why}", index.display()));
        // Early conversions listed tables of the rotation in the index, and later savings did not write them.
        let counts = |tensor: &str, file: &str| !is_table(tensor) || by_name.contains_key(file);
        let names: BTreeSet<&str> =
            map.iter().filter(|(tensor, file)| counts(tensor, file)).map(|(_, file)| file.as_str()).collect();
        let mut files = Vec::new();
        for name in &names {
            let Some(path) = by_name.get(*name) else {
                let tensor = map.iter().find(|(_, file)| file == name).map_or("", |(tensor, _)| tensor);
                // Also what `..` or a folder in a name would lead to.
                return Err(wrong(format!(
                    "`weight_map` has tensor {tensor:?} in {name:?}, which is not in {}",
                    folder.display()
                )));
            };
            files.push((path.clone(), open(path)?));
        }
        let mut owner = BTreeMap::new();
        for (tensor, name) in &map {
            let at = names.iter().position(|one| one == name).unwrap_or(files.len());
            match files.get(at) {
                Some((_, file)) if file.place(tensor).is_some() => owner.insert(tensor.clone(), at),
                _ if is_table(tensor) => continue,
                _ => {
                    return Err(wrong(format!(
                        "`weight_map` has tensor {tensor:?} in {name:?}, which has no such tensor"
                    )));
                }
            };
        }
        let read: Vec<&str> = names.iter().copied().chain([INDEX]).collect();
        let mut notes = ignored(by_name, folder, &read);
        for (at, (path, file)) in files.iter().enumerate() {
            for tensor in file.names() {
                match owner.get(tensor) {
                    // A tensor that the index leaves out is still there: whether anything reads it is checked as for any.
                    None => _ = owner.insert(tensor.into(), at),
                    Some(&elsewhere) if elsewhere != at && map.contains_key(tensor) => notes.push(format!(
                        "{}: tensor {tensor:?} is ignored: {INDEX} has it in {}",
                        path.display(),
                        files[elsewhere].0.display()
                    )),
                    Some(&elsewhere) if elsewhere != at => {
                        return Err(twice(tensor, &files[elsewhere].0, path));
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(Self { files, owner, stored: BTreeMap::new(), notes })
    }

    /// A complete set `*-00001-of-0000N.safetensors`, which needs no index.
    fn without_index(by_name: &BTreeMap<String, PathBuf>, folder: &Path) -> Result<Self, ModelError> {
        let there: Vec<&str> = by_name.keys().map(String::as_str).filter(|n| n.ends_with(".safetensors")).collect();
        let parts: Vec<(&str, Part)> =
            there.iter().filter_map(|name| Some((*name, part(name, "safetensors")?))).collect();
        let complete = parts.first().is_some_and(|(_, first)| {
            parts.len() == there.len()
                && parts.len() == first.of
                && parts.iter().all(|(_, one)| one.stem == first.stem && one.of == first.of)
        });
        if !complete {
            return Err(lacking(by_name, folder, &there));
        }
        let (mut files, mut owner) = (Vec::new(), BTreeMap::new());
        for (at, name) in there.iter().enumerate() {
            let path = &by_name[*name];
            let file = open(path)?;
            for tensor in file.names() {
                if let Some(before) = owner.insert(tensor.to_string(), at) {
                    return Err(twice(tensor, &by_name[there[before]], path));
                }
            }
            files.push((path.clone(), file));
        }
        Ok(Self { files, owner, stored: BTreeMap::new(), notes: Vec::new() })
    }

    /// Names of all tensors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.owner.keys().map(String::as_str)
    }

    /// Calls tensors by the names that `named` gives to those in the files.
    pub fn rename(&mut self, named: impl Fn(&str) -> String) {
        for (stored, at) in std::mem::take(&mut self.owner) {
            let name = named(&stored);
            if name != stored {
                self.stored.insert(name.clone(), stored);
            }
            self.owner.insert(name, at);
        }
    }

    /// The file that has the tensor, and its name there.
    fn find<'a: 'b, 'b>(&'a self, name: &'b str) -> Option<(&'a PathBuf, &'a TensorFile, &'b str)> {
        let (path, file) = self.files.get(*self.owner.get(name)?)?;
        Some((path, file, self.stored.get(name).map_or(name, String::as_str)))
    }

    /// The file that the tensor is read from.
    pub fn path_of(&self, name: &str) -> Option<&Path> {
        self.find(name).map(|(path, ..)| path.as_path())
    }

    /// Dimensions of the tensor, if it is there and of a type that is read.
    pub fn dims(&self, name: &str) -> Result<Option<&[usize]>, ModelError> {
        let Some((path, file, name)) = self.find(name) else { return Ok(None) };
        let Some(place) = file.place(name) else { return Ok(None) };
        dtype(path, name, place)?;
        Ok(Some(&place.dims))
    }

    /// The tensor as f32.
    pub fn tensor(&self, name: &str) -> Result<Option<Tensor>, ModelError> {
        let Some((path, file, name)) = self.find(name) else { return Ok(None) };
        let Some((place, bytes)) = file.array(name).map_err(|e| corrupt(path, e))? else { return Ok(None) };
        let tensor = Tensor::from_raw_buffer(&bytes, dtype(path, name, place)?, &place.dims, &Device::Cpu)?;
        Ok(Some(tensor.to_dtype(DType::F32)?))
    }

    /// Whether two tensors hold the same values. Only bytes are compared where their types are the same.
    pub fn same(&self, a: &str, b: &str) -> Result<bool, ModelError> {
        let (Some((path_a, file_a, stored_a)), Some((path_b, file_b, stored_b))) = (self.find(a), self.find(b)) else {
            return Ok(false);
        };
        let read = |path: &Path, file: &'_ TensorFile, name: &str| {
            Ok::<_, ModelError>(
                file.array(name).map_err(|e| corrupt(path, e))?.map(|(place, bytes)| (place.clone(), bytes)),
            )
        };
        match (read(path_a, file_a, stored_a)?, read(path_b, file_b, stored_b)?) {
            (Some((place_a, _)), Some((place_b, _))) if place_a.dims != place_b.dims => Ok(false),
            (Some((place_a, bytes_a)), Some((place_b, bytes_b))) if place_a.dtype == place_b.dtype => {
                Ok(bytes_a[..] == bytes_b[..])
            }
            (Some(_), Some(_)) => match (self.tensor(a)?, self.tensor(b)?) {
                (Some(a), Some(b)) => Ok(a.flatten_all()?.to_vec1::<f32>()? == b.flatten_all()?.to_vec1::<f32>()?),
                _ => Ok(false),
            },
            _ => Ok(false),
        }
    }
}

/// The weight map of an index.
fn weight_map(index: &Path) -> Result<BTreeMap<String, String>, ModelError> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let wrong = |why: String| ModelError::Config(format!("{}: {why}", index.display()));
    let Index { weight_map } = serde_json::from_str(&read_text(index)?).map_err(|e| wrong(e.to_string()))?;
    if weight_map.is_empty() {
        return Err(wrong("its `weight_map` is empty".into()));
    }
    Ok(weight_map)
}

/// The position of a file in a set of several, by its name.
#[derive(Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// What comes before the numbers.
    pub stem: &'a str,
    /// From 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

/// Reads `STEM-00001-of-00003.EXTENSION`.
pub fn part<'a>(name: &'a str, extension: &str) -> Option<Part<'a>> {
    let (rest, found) = name.rsplit_once('.')?;
    let (rest, of) = rest.rsplit_once("-of-")?;
    let (stem, number) = rest.rsplit_once('-')?;
    let count = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?;
    let part = Part { stem, number: count(number)?, of: count(of)? };
    (found.eq_ignore_ascii_case(extension) && (1..=part.of).contains(&part.number)).then_some(part)
}

/// Other weights of the folder, which transformers would not read either.
fn ignored(by_name: &BTreeMap<String, PathBuf>, folder: &Path, read: &[&str]) -> Vec<String> {
    let weights = |name: &&str| {
        !read.contains(name)
            && (name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json") || name.ends_with(".gguf"))
    };
    let others: Vec<&str> = by_name.keys().map(String::as_str).filter(weights).collect();
    if others.is_empty() {
        return Vec::new();
    }
    let by = if read.contains(&INDEX) { INDEX } else { WHOLE };
    vec![format!("{}: ignored beside {by}: {}", folder.display(), others.join(", "))]
}

/// The files of an incomplete set that are there, and those that are missing; `None` if no set is incomplete.
fn incomplete(there: &[&str]) -> Option<(String, String)> {
    let parts: Vec<(&str, Part)> = there.iter().filter_map(|name| Some((*name, part(name, "safetensors")?))).collect();
    let (name, first) = parts.first()?;
    let numbers: BTreeSet<usize> = parts
        .iter()
        .filter(|(_, one)| one.stem == first.stem && one.of == first.of)
        .map(|(_, one)| one.number)
        .collect();
    // As many digits as the names have that are there.
    let digits = name.len() - first.stem.len() - ".safetensors".len() - "--of-".len();
    let written =
        |number: usize| format!("{}-{number:0w$}-of-{:0w$}.safetensors", first.stem, first.of, w = digits / 2);
    // A name may claim a billion parts.
    const SHOWN: usize = 4;
    let mut missing = (1..=first.of).filter(|number| !numbers.contains(number));
    let mut names: Vec<String> = missing.by_ref().take(SHOWN).map(written).collect();
    if names.is_empty() {
        return None;
    }
    let more = first.of - numbers.len() - names.len();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    Some((there.join(", "), names.join(", ")))
}

/// The error of a folder whose weights cannot be identified, by what it has instead.
fn lacking(by_name: &BTreeMap<String, PathBuf>, folder: &Path, there: &[&str]) -> ModelError {
    let has = |test: &dyn Fn(&str) -> bool| by_name.keys().find(|name| test(name));
    let hint = if by_name.contains_key("adapter_config.json") {
        " It is an adapter: give the folder of its base model.".to_string()
    } else if let Some((some, missing)) = incomplete(there) {
        format!(" It has {some}, but not {missing}: fetch or copy the missing parts of the set.")
    } else if !there.is_empty() {
        format!(
            " It has {}, which transformers would not read: rename the right file, or add the index of the shards.",
            there.join(", ")
        )
    } else if let Some(name) = has(&|name| name.ends_with(".bin") || name.ends_with(".pth") || name.ends_with(".pt")) {
        format!(
            " It has {name}, but pickled weights are not read, since a pickle can run code: save the model as safetensors \
             (`model.save_pretrained(folder)`)."
        )
    } else if let Some(name) = has(&|name| name.ends_with(".onnx")) {
        format!(" It has {name}, but ONNX is not read.")
    } else {
        String::new()
    };
    ModelError::NoWeights { folder: folder.into(), hint }
}

fn twice(tensor: &str, one: &Path, other: &Path) -> ModelError {
    ModelError::Config(format!(
        "tensor {tensor:?} is in {} and in {}, and no index says which one to read",
        one.display(),
        other.display()
    ))
}

fn open(path: &Path) -> Result<TensorFile, ModelError> {
    match FileKind::of(path)? {
        // A truncated header, or one with a wrong length, is reported by the library.
        FileKind::Safetensors | FileKind::Other => TensorFile::open(path).map_err(|e| corrupt(path, e)),
        kind => Err(kind.is_not(path, "a safetensors file")),
    }
}

fn corrupt(path: &Path, why: impl std::fmt::Display) -> ModelError {
    ModelError::Corrupt { path: path.into(), format: "safetensors", why: why.to_string() }
}

fn dtype(path: &Path, name: &str, place: &Place) -> Result<DType, ModelError> {
    match place.dtype {
        Dtype::F32 => Ok(DType::F32),
        Dtype::F16 => Ok(DType::F16),
        Dtype::BF16 => Ok(DType::BF16),
        Dtype::F64 => Ok(DType::F64),
        other => Err(ModelError::ElementType {
            path: path.into(),
            name: name.into(),
            found: format!("{other:?}"),
            supported: "F32, F16, BF16 and F64",
        }),
    }
}

#[cfg(test)]
mod tests;
