//! Weights on disk: a GGUF file or a Hugging Face folder, read a tensor at a time, dequantised to f32.
//!
//! Names are Hugging Face's whatever the format. Tensors are memory-mapped while they are read and nothing is kept: the
//! caller decides what stays in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use safetensors::tensor::Dtype;

use super::ModelError;
use super::config::{Config, eos_from_json};
use super::gguf::Gguf;
use super::tokenizer::Tokenizer;
use crate::tensors::TensorFile;

/// An opened checkpoint.
pub struct Checkpoint {
    origin: PathBuf,
    config: Config,
    weights: Weights,
    tokenizer: TokenizerSource,
}

enum Weights {
    Gguf(Gguf),
    Safetensors(Vec<(PathBuf, TensorFile)>),
}

enum TokenizerSource {
    Gguf,
    Json(PathBuf),
}

/// What else of a Hugging Face folder goes along when a model is exported.
const ALONG: [&str; 4] =
    ["tokenizer_config.json", "special_tokens_map.json", "generation_config.json", "chat_template.jinja"];

impl Checkpoint {
    /// Opens a `.gguf` file or a folder in Hugging Face format.
    pub fn open_path(path: &Path) -> Result<Self, ModelError> {
        let read = |source| ModelError::Read { path: path.into(), source };
        if !std::fs::metadata(path).map_err(read)?.is_dir() {
            return Self::open(&[path.to_path_buf()]);
        }
        let entries = std::fs::read_dir(path).map_err(read)?;
        let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        if files.is_empty() {
            return Err(ModelError::Incomplete { folder: path.into(), file: "config.json".into() });
        }
        files.sort();
        Self::open(&files)
    }

    /// Opens the files of a model: one `.gguf`, or config.json, tokenizer.json and safetensors among others.
    pub fn open(files: &[PathBuf]) -> Result<Self, ModelError> {
        if let [file] = files
            && file.extension().is_some_and(|e| e == "gguf")
        {
            let gguf = Gguf::open(file)?;
            return Ok(Self {
                origin: file.clone(),
                config: gguf.config()?,
                weights: Weights::Gguf(gguf),
                tokenizer: TokenizerSource::Gguf,
            });
        }
        let by_name: BTreeMap<&str, &PathBuf> =
            files.iter().filter_map(|f| Some((f.file_name()?.to_str()?, f))).collect();
        let folder = files.first().and_then(|f| f.parent()).unwrap_or(Path::new("."));
        let need = |file: &str| {
            by_name
                .get(file)
                .copied()
                .ok_or_else(|| ModelError::Incomplete { folder: folder.into(), file: file.into() })
        };
        let config_path = need("config.json")?;
        let text = std::fs::read_to_string(config_path)
            .map_err(|source| ModelError::Read { path: config_path.clone(), source })?;
        let shards = shards(&by_name, folder)?;
        Ok(Self {
            origin: folder.into(),
            config: Config::from_json(&text)?,
            weights: Weights::Safetensors(open_all(shards)?),
            tokenizer: TokenizerSource::Json(need("tokenizer.json")?.clone()),
        })
    }

    /// Shape, normalisation and rotary frequencies.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The tokenizer that came with the weights.
    pub fn tokenizer(&self) -> Result<Tokenizer, ModelError> {
        match (&self.tokenizer, &self.weights) {
            (TokenizerSource::Json(path), _) => Tokenizer::from_json(path),
            (TokenizerSource::Gguf, Weights::Gguf(gguf)) => gguf.tokenizer(),
            (TokenizerSource::Gguf, Weights::Safetensors(_)) => {
                Err(ModelError::Tokenizer("a safetensors folder without tokenizer.json".into()))
            }
        }
    }

    /// Tokens that end an answer; the first ends a training example. None where the files name none.
    pub fn eos(&self) -> Result<Vec<u32>, ModelError> {
        match (&self.tokenizer, &self.weights) {
            (TokenizerSource::Gguf, Weights::Gguf(gguf)) => gguf.eos(),
            (TokenizerSource::Json(path), _) => {
                let read = |name: &str| {
                    let path = path.with_file_name(name);
                    std::fs::read_to_string(&path).map_err(|source| ModelError::Read { path, source })
                };
                let generation = "generation_config.json";
                let generation = path.with_file_name(generation).exists().then(|| read(generation)).transpose()?;
                eos_from_json(&read("config.json")?, generation.as_deref())
            }
            (TokenizerSource::Gguf, Weights::Safetensors(_)) => Ok(Vec::new()),
        }
    }

    /// The files of a Hugging Face folder but its weights, names and contents: `config.json` (saying f32, and untied if
    /// `untied`), the tokenizer, and what goes along with it.
    pub fn side_files(&self, untied: bool) -> Result<Vec<(String, Vec<u8>)>, ModelError> {
        let (mut config, mut files) = match (&self.tokenizer, &self.weights) {
            (TokenizerSource::Json(path), _) => {
                let read =
                    |path: &Path| std::fs::read(path).map_err(|source| ModelError::Read { path: path.into(), source });
                let beside = |name: &str| path.with_file_name(name);
                let config = serde_json::from_slice(&read(&beside("config.json"))?)
                    .map_err(|e| ModelError::Config(format!("config.json: {e}")))?;
                let mut files = vec![("tokenizer.json".to_string(), read(path)?)];
                for name in ALONG.iter().filter(|name| beside(name).exists()) {
                    files.push(((*name).to_string(), read(&beside(name))?));
                }
                (config, files)
            }
            (TokenizerSource::Gguf, Weights::Gguf(gguf)) => (gguf.hugging_face_config()?, gguf.tokenizer_files()?),
            (TokenizerSource::Gguf, Weights::Safetensors(_)) => {
                return Err(ModelError::Tokenizer("a safetensors folder without tokenizer.json".into()));
            }
        };
        config["tie_word_embeddings"] = (!untied).into();
        // The old key and the new one: whichever a reader looks at.
        config["torch_dtype"] = "float32".into();
        config["dtype"] = "float32".into();
        files.push(("config.json".into(), format!("{config:#}\n").into_bytes()));
        Ok(files)
    }

    /// The tensor of that Hugging Face name as f32 of shape `dims`.
    pub fn tensor(&self, name: &str, dims: &[usize], device: &Device) -> Result<Tensor, ModelError> {
        let tensor = match &self.weights {
            Weights::Gguf(gguf) => gguf.tensor(name, self.config.shape.heads, self.config.shape.kv_heads)?,
            Weights::Safetensors(files) => find(files, name)?
                .ok_or_else(|| ModelError::Missing { origin: self.origin.clone(), name: name.into() })?,
        };
        if tensor.dims() != dims {
            return Err(ModelError::WrongShape {
                origin: self.origin.clone(),
                name: name.into(),
                found: tensor.dims().to_vec(),
                expected: dims.to_vec(),
            });
        }
        Ok(tensor.to_device(device)?)
    }
}

/// The safetensors files of a folder: those its index names, or all of them.
fn shards(by_name: &BTreeMap<&str, &PathBuf>, folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let Some(index) = by_name.get("model.safetensors.index.json") else {
        let shards: Vec<PathBuf> = by_name
            .iter()
            .filter(|(name, _)| name.ends_with(".safetensors"))
            .map(|(_, path)| (*path).clone())
            .collect();
        return if shards.is_empty() {
            Err(ModelError::Incomplete { folder: folder.into(), file: "model.safetensors".into() })
        } else {
            Ok(shards)
        };
    };
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let text =
        std::fs::read_to_string(index).map_err(|source| ModelError::Read { path: index.to_path_buf(), source })?;
    let index: Index =
        serde_json::from_str(&text).map_err(|e| ModelError::Config(format!("{}: {e}", index.display())))?;
    let mut names: Vec<&String> = index.weight_map.values().collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .map(|name| {
            by_name
                .get(name.as_str())
                .map(|path| (*path).clone())
                .ok_or_else(|| ModelError::Incomplete { folder: folder.into(), file: name.clone() })
        })
        .collect()
}

fn open_all(shards: Vec<PathBuf>) -> Result<Vec<(PathBuf, TensorFile)>, ModelError> {
    let open = |path: PathBuf| match TensorFile::open(&path) {
        Ok(file) => Ok((path, file)),
        Err(e) => Err(corrupt(&path, e)),
    };
    shards.into_iter().map(open).collect()
}

fn corrupt(path: &Path, why: impl std::fmt::Display) -> ModelError {
    ModelError::Corrupt { path: path.into(), format: "safetensors", why: why.to_string() }
}

/// The tensor of that name as f32, from whichever file has it.
fn find(files: &[(PathBuf, TensorFile)], name: &str) -> Result<Option<Tensor>, ModelError> {
    for (path, file) in files {
        let Some((place, bytes)) = file.array(name).map_err(|e| corrupt(path, e))? else { continue };
        let dtype = match place.dtype {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::F64 => DType::F64,
            other => {
                return Err(corrupt(path, format!("{name:?} is {other:?}; weights are F32, F16, BF16 or F64")));
            }
        };
        let tensor = Tensor::from_raw_buffer(&bytes, dtype, &place.dims, &Device::Cpu)?;
        return Ok(Some(tensor.to_dtype(DType::F32)?));
    }
    Ok(None)
}
