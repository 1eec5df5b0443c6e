//! Weights on disk: a GGUF file or a Hugging Face folder, read one tensor at a time and dequantised to f32.
//!
//! Names are Hugging Face's whatever the format. Tensors are memory-mapped while they are read, and none is kept:
//! the caller decides what stays in memory. Opening reads headers only (and compares a stored head with the embedding that it
//! should equal), and checks that no tensor is missing and none is unused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};

use super::ModelError;
use super::arch::Family;
use super::config::Config;
use super::format::{FileKind, read_text};
use super::generation;
use super::gguf::Gguf;
use super::shape::{HEAD, Shape, is_table};
use super::shards::Shards;
use super::tokenizer::{Beside, Tokenizer};

/// An opened checkpoint.
pub struct Checkpoint {
    origin: PathBuf,
    config: Config,
    weights: Weights,
    /// The files that came with it, by name.
    files: BTreeMap<String, PathBuf>,
    notes: Vec<String>,
}

enum Weights {
    Gguf(Box<Gguf>),
    Safetensors(Shards),
}

/// The other files of a Hugging Face folder that are copied when a model is exported.
const ALONG: [&str; 5] = [
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "generation_config.json",
    "chat_template.jinja",
];

impl Checkpoint {
    /// Opens a GGUF file or a folder in Hugging Face format.
    pub fn open_path(path: &Path) -> Result<Self, ModelError> {
        let read = |source| ModelError::Read { path: path.into(), source };
        if !std::fs::metadata(path).map_err(read)?.is_dir() {
            return match FileKind::of(path)? {
                FileKind::Gguf => Self::open(&[path.to_path_buf()]),
                kind => Err(kind.is_not(path, "a model")),
            };
        }
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).map_err(read)? {
            let file = entry.map_err(read)?.path();
            // As the store lists them: no folders, nothing hidden.
            let hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if !hidden && file.is_file() {
                files.push(file);
            }
        }
        if files.is_empty() {
            return Err(ModelError::Incomplete { folder: path.into(), file: "config.json".into() });
        }
        files.sort();
        Self::open(&files)
    }

    /// Opens the files of a model: one GGUF (or all parts of a split one), or config.json, tokenizer.json and safetensors
    /// among others.
    pub fn open(files: &[PathBuf]) -> Result<Self, ModelError> {
        let by_name: BTreeMap<String, PathBuf> =
            files.iter().filter_map(|f| Some((f.file_name()?.to_str()?.to_string(), f.clone()))).collect();
        let folder = files.first().and_then(|f| f.parent()).unwrap_or(Path::new(".")).to_path_buf();
        let safetensors = by_name.keys().any(|name| name.ends_with(".safetensors") || name.ends_with(".index.json"));
        if !safetensors || !by_name.contains_key("config.json") {
            let mut gguf = Vec::new();
            for file in files {
                match FileKind::of(file)? {
                    FileKind::Gguf => gguf.push(file.as_path()),
                    kind if file.extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf")) => {
                        return Err(kind.is_not(file, "a GGUF file"));
                    }
                    _ => {}
                }
            }
            if !gguf.is_empty() {
                let origin = if let [file] = files { file.clone() } else { folder };
                return Self::of_gguf(&gguf, origin, by_name);
            }
        }
        if by_name.contains_key("adapter_config.json") && !by_name.contains_key("config.json") {
            return Err(ModelError::Config(format!(
                "{} is an adapter (it has adapter_config.json and no config.json): give its base model, or merge the adapter into it first",
                folder.display()
            )));
        }
        let need = |file: &str| {
            by_name.get(file).ok_or_else(|| ModelError::Incomplete { folder: folder.clone(), file: file.into() })
        };
        let config = need("config.json")?;
        let config = Config::read(&config.display().to_string(), &read_text(config)?)?;
        need("tokenizer.json")?;
        let mut shards = Shards::open(&by_name, &folder)?;
        by_family(&mut shards, &config);
        let notes = std::mem::take(&mut shards.notes);
        let weights = Weights::Safetensors(shards);
        Self { origin: folder, config, weights, files: by_name, notes }.checked()
    }

    fn of_gguf(parts: &[&Path], origin: PathBuf, files: BTreeMap<String, PathBuf>) -> Result<Self, ModelError> {
        let gguf = Gguf::open(parts)?;
        let mut notes = Vec::new();
        if files.contains_key("config.json") {
            notes.push(format!("{}: config.json and other files beside the GGUF are not read", origin.display()));
        }
        Self { origin, config: gguf.config()?, weights: Weights::Gguf(Box::new(gguf)), files, notes }.checked()
    }

    /// Unties a head that is stored and differs, then checks the tensors.
    fn checked(mut self) -> Result<Self, ModelError> {
        let head = format!("{HEAD}.weight");
        let embedding = format!("{}.weight", self.config.shape.family.names.embedding);
        if let Weights::Safetensors(shards) = &self.weights
            && self.config.shape.tied
            && shards.path_of(&head).is_some()
            && shards.path_of(&embedding).is_some()
            && !shards.same(&head, &embedding)?
        {
            self.config.shape.tied = false;
            self.notes.push(format!(
                "warning: {}: `tie_word_embeddings` is true, but {head:?} is stored and differs from the embedding; \
                 it is used, untied, as transformers does",
                self.origin.display()
            ));
        }
        self.check_tensors()?;
        Ok(self)
    }

    /// Checks that every tensor that the model needs is there in the right shape, and that no other is.
    fn check_tensors(&self) -> Result<(), ModelError> {
        let family = self.config.shape.family;
        let mut needed = BTreeSet::new();
        let mut need = |name: String, dims: &[usize]| -> Result<(), ModelError> {
            let (stored, found) = match &self.weights {
                Weights::Gguf(gguf) => (gguf.stored_name(family, &name), gguf.dims(family, &name)),
                Weights::Safetensors(shards) => (name.clone(), shards.dims(&name)?.map(<[usize]>::to_vec)),
            };
            match found {
                None => Err(ModelError::Missing { origin: self.origin.clone(), name: stored }),
                Some(found) if found != dims => Err(self.wrong_shape(&stored, found, dims)),
                Some(_) => {
                    needed.insert(stored);
                    Ok(())
                }
            }
        };
        for slot in self.config.frame_slots() {
            need(slot.name, &slot.dims)?;
        }
        // Block by block: a configuration that claims a billion blocks fails at the first missing one.
        for layer in 0..self.config.shape.layers {
            for slot in self.config.slots(layer) {
                need(slot.name, &slot.dims)?;
            }
        }
        let there: Box<dyn Iterator<Item = &str>> = match &self.weights {
            Weights::Gguf(gguf) => Box::new(gguf.tensor_names()),
            Weights::Safetensors(shards) => Box::new(shards.names()),
        };
        // A stored head that equals the embedding is redundant; one that differs was untied above.
        let redundant = |name: &str| self.config.shape.tied && name.strip_suffix(".weight") == Some(HEAD);
        let known = |name: &str| needed.contains(name) || is_table(name) || redundant(name);
        match there.into_iter().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => {
                let origin = match &self.weights {
                    Weights::Safetensors(shards) => shards.path_of(name).unwrap_or(&self.origin).into(),
                    Weights::Gguf(_) => self.origin.clone(),
                };
                Err(ModelError::Unread { origin, name: name.into(), hint: hint(name, &self.config.shape) })
            }
        }
    }

    fn wrong_shape(&self, name: &str, found: Vec<usize>, expected: &[usize]) -> ModelError {
        let (origin, expected) = (self.origin.clone(), expected.to_vec());
        ModelError::WrongShape { origin, name: name.into(), found, expected }
    }

    /// Shape, normalisation and rotary frequencies.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Notes for the user on how the files were read, one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// A file of that name that came with the model, and its text.
    fn text(&self, name: &str) -> Result<Option<(String, String)>, ModelError> {
        let Some(path) = self.files.get(name) else { return Ok(None) };
        Ok(Some((path.display().to_string(), read_text(path)?)))
    }

    fn need(&self, name: &str) -> Result<&PathBuf, ModelError> {
        let lacks = || ModelError::Incomplete { folder: self.origin.clone(), file: name.into() };
        self.files.get(name).ok_or_else(lacks)
    }

    /// The tokenizer that came with the weights.
    pub fn tokenizer(&self) -> Result<Tokenizer, ModelError> {
        match &self.weights {
            Weights::Gguf(gguf) => gguf.tokenizer(),
            Weights::Safetensors(_) => {
                let [config, special, added] =
                    ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"]
                        .map(|name| self.text(name));
                let (config, special, added) = (config?, special?, added?);
                let [config, special, added] = [&config, &special, &added]
                    .map(|file| file.as_ref().map(|(file, text)| (file.as_str(), text.as_str())));
                let of_llama = self.config.shape.family == Family::llama();
                let beside = Beside { config, special, added, of_llama };
                let path = self.need("tokenizer.json")?;
                let mut tokenizer = Tokenizer::from_files(path, beside)?;
                tokenizer.check_rows(&path.display().to_string(), self.config.shape.vocabulary)?;
                Ok(tokenizer)
            }
        }
    }

    /// Tokens that end an answer; the first also ends training examples. There may be none.
    pub fn eos(&self) -> Result<Vec<u32>, ModelError> {
        match &self.weights {
            Weights::Gguf(gguf) => gguf.eos(),
            Weights::Safetensors(_) => {
                let path = self.need("config.json")?;
                let (file, text) = (path.display().to_string(), read_text(path)?);
                let generation = self.text("generation_config.json")?;
                generation::eos(
                    (&file, &text),
                    generation.as_ref().map(|(file, text)| (file.as_str(), text.as_str())),
                    self.config.shape.vocabulary,
                )
            }
        }
    }

    /// Refuses settings of generation that change greedy answers, since they are not implemented here.
    pub fn check_greedy(&self) -> Result<(), ModelError> {
        match (&self.weights, self.text("generation_config.json")?) {
            (Weights::Safetensors(_), Some((file, text))) => generation::check_greedy((&file, &text)),
            _ => Ok(()),
        }
    }

    /// The files of a Hugging Face folder except its weights, names and contents: `config.json` (saying f32, and untied if
    /// `untied`), the tokenizer, and what goes along with it.
    pub fn side_files(&self, untied: bool) -> Result<Vec<(String, Vec<u8>)>, ModelError> {
        let (mut config, mut files) = match &self.weights {
            Weights::Gguf(gguf) => (gguf.hugging_face_config()?, gguf.tokenizer_files()?),
            Weights::Safetensors(_) => {
                // Without a byte order mark, which other programs do not expect.
                let read = |path: &Path| match std::fs::read(path) {
                    Ok(bytes) => Ok(bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(bytes)),
                    Err(source) => Err(ModelError::Read { path: path.into(), source }),
                };
                let path = self.need("config.json")?;
                let config = serde_json::from_str(&read_text(path)?)
                    .map_err(|e| ModelError::Config(format!("{}: {e}", path.display())))?;
                let mut files = vec![("tokenizer.json".to_string(), read(self.need("tokenizer.json")?)?)];
                for name in ALONG {
                    if let Some(path) = self.files.get(name) {
                        files.push((name.to_string(), read(path)?));
                    }
                }
                (config, files)
            }
        };
        config["tie_word_embeddings"] = (!untied).into();
        // The old key and the new one, since readers differ in which they use.
        config["torch_dtype"] = "float32".into();
        config["dtype"] = "float32".into();
        files.push(("config.json".into(), format!("{config:#}\n").into_bytes()));
        Ok(files)
    }

    /// The tensor of that Hugging Face name as f32 of shape `dims`.
    pub fn tensor(&self, name: &str, dims: &[usize], device: &Device) -> Result<Tensor, ModelError> {
        let tensor = match &self.weights {
            Weights::Gguf(gguf) => gguf.tensor(name, &self.config.shape)?,
            Weights::Safetensors(shards) => shards
                .tensor(name)?
                .ok_or_else(|| ModelError::Missing { origin: self.origin.clone(), name: name.into() })?,
        };
        if tensor.dims() != dims {
            return Err(self.wrong_shape(name, tensor.dims().to_vec(), dims));
        }
        Ok(tensor.to_device(device)?)
    }

    /// The gain of a norm: the tensor of that name, and what the family adds to it. llama.cpp has added it when it converted.
    pub fn gain(&self, name: &str, dims: &[usize], device: &Device) -> Result<Tensor, ModelError> {
        let tensor = self.tensor(name, dims, device)?;
        match (&self.weights, self.config.shape.family.gain_offset) {
            (Weights::Safetensors(_), offset) if offset != 0.0 => Ok((tensor + f64::from(offset))?),
            _ => Ok(tensor),
        }
    }
}

/// Calls tensors by the names of the family where a file has those of a model without its head (`AutoModel`), of the text part of
/// a larger one, or the head in place of the embedding that it is tied to.
fn by_family(shards: &mut Shards, config: &Config) {
    let names = &config.shape.family.names;
    let (embedding, head) = (format!("{}.weight", names.embedding), format!("{HEAD}.weight"));
    let has = |shards: &Shards, name: &str| shards.names().any(|one| one == name);
    if has(shards, &embedding) {
        return;
    }
    let (model, bare) = embedding.split_once('.').unwrap_or(("", &embedding));
    if has(shards, bare) {
        shards.rename(|stored| if stored == head { stored.into() } else { format!("{model}.{stored}") });
    }
    for (outer, inner) in [("language_model.", ""), ("model.language_model.", "model.")] {
        if has(shards, &embedding.replacen(inner, outer, 1)) {
            shards.rename(|stored| match stored.strip_prefix(outer) {
                Some(rest) => format!("{inner}{rest}"),
                None => stored.into(),
            });
        }
    }
    if config.shape.tied && !has(shards, &embedding) && has(shards, &head) {
        shards.rename(|stored| if stored == head { embedding.clone() } else { stored.into() });
    }
}

/// What an unused tensor suggests about the model.
fn hint(name: &str, shape: &Shape) -> String {
    let (family, layers) = (shape.family, shape.layers);
    let rest = name.strip_prefix(family.names.blocks).and_then(|rest| rest.strip_prefix('.'));
    let layer = rest.or(name.strip_prefix("blk.")).and_then(|rest| rest.split('.').next());
    let beyond = layer.and_then(|layer| layer.parse::<usize>().ok()).is_some_and(|layer| layer >= layers);
    if beyond {
        format!("the configuration says {layers} layers")
    } else if name.ends_with(".bias") {
        format!("a model of `{family}` with this configuration has no such bias")
    } else if ["expert", "_exps", "_shexp", "gate_inp", "block_sparse_moe"].iter().any(|part| name.contains(part)) {
        "mixtures of experts are not supported".into()
    } else if ["q_norm", "k_norm"].iter().any(|part| name.contains(part)) {
        format!("queries and keys of `{family}` are not normalised; is `model_type` right?")
    } else if name.contains("lora_") {
        "merge the adapter into the model first".into()
    } else if ["scale", "qweight", "qzeros", "g_idx", "absmax", "quant_"].iter().any(|part| name.contains(part)) {
        "it belongs to weights quantised in a way that is not supported".into()
    } else {
        format!("the model is more than a `{family}`; remove the tensor if it has no part in the computation")
    }
}
