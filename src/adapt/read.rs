//! Reads an adapter folder as `PeftModel.from_pretrained` does, with one exception: an unused tensor is an error that names it,
//! where PEFT warns or is silent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors};

use super::config::Config;
use super::error::AdapterError;
use super::folder::Loaded;
use super::{Adapter, CONFIG, PREFIX, WEIGHTS};
use crate::model::format::FileKind;

/// Reads an adapter folder.
pub fn read(folder: &Path) -> Result<Loaded, AdapterError> {
    let (config_path, path) = (folder.join(CONFIG), folder.join(WEIGHTS));
    let config = open(&config_path)?;
    let config = Config::parse(&config_path, config.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&config))?;
    if !path.exists() && folder.join("adapter_model.bin").exists() {
        return Err(AdapterError::OnlyPickled { folder: folder.into() });
    }
    let bytes = open(&path)?;
    let tensors = SafeTensors::deserialize(&bytes)
        .map_err(|e| AdapterError::Corrupt { path: path.clone(), why: e.to_string() })?;
    Weights { path, config, tensors }.load()
}

/// The bytes of a file. If it is of another kind, the error says of which.
fn open(path: &Path) -> Result<Vec<u8>, AdapterError> {
    let bytes = std::fs::read(path).map_err(|source| AdapterError::Read { path: path.into(), source })?;
    match FileKind::of_bytes(&bytes[..bytes.len().min(256)]) {
        FileKind::Other | FileKind::Safetensors => Ok(bytes),
        kind => Err(AdapterError::Format { path: path.into(), found: kind.to_string(), advice: kind.advice() }),
    }
}

/// What a tensor is by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Role {
    A(String),
    B(String),
    Magnitude(String),
    /// A tensor of the base itself, by its Hugging Face name.
    Copy(String),
}

/// A folder's files, open.
struct Weights<'a> {
    path: PathBuf,
    config: Config,
    tensors: SafeTensors<'a>,
}

/// A tensor's dimensions and values.
type Values = (Vec<usize>, Vec<f32>);

impl Weights<'_> {
    fn load(self) -> Result<Loaded, AdapterError> {
        let (mut a, mut b, mut magnitudes, mut copies) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        // In order, so that of several faults the same one is reported each time.
        let mut names = self.tensors.names();
        names.sort_unstable();
        for name in names {
            let role = role(name).map_err(|why| self.error(name, why.into()))?;
            let values = self.values(name)?;
            let (place, key) = match role {
                Role::A(linear) => (&mut a, linear),
                Role::B(linear) => (&mut b, linear),
                Role::Magnitude(linear) if self.config.dora => (&mut magnitudes, linear),
                Role::Magnitude(_) => {
                    return Err(self.error(name, format!("is DoRA's, but `use_dora` in {CONFIG} is false")));
                }
                Role::Copy(tensor) => (&mut copies, tensor),
            };
            if place.insert(key, (name.to_string(), values)).is_some() {
                return Err(self.error(name, "is there twice, with and without the adapter's name in it".into()));
            }
        }
        self.assemble(a, b, magnitudes, copies)
    }

    fn assemble(
        self,
        a: BTreeMap<String, (String, Values)>,
        mut b: BTreeMap<String, (String, Values)>,
        mut magnitudes: BTreeMap<String, (String, Values)>,
        copies: BTreeMap<String, (String, Values)>,
    ) -> Result<Loaded, AdapterError> {
        if a.is_empty() && b.is_empty() {
            return Err(AdapterError::Nothing { path: self.path });
        }
        let mut linears = BTreeMap::new();
        let mut kept = BTreeMap::new();
        for (linear, (name, a)) in a {
            let (b_name, b) = b.remove(&linear).ok_or_else(|| self.error(&name, "has no lora_B beside it".into()))?;
            let adapter = self.adapter(&linear, (&name, a), (&b_name, b))?;
            if self.config.dora {
                let rows = adapter.b.len() / adapter.rank;
                let Some((name, (_, values))) = magnitudes.remove(&linear) else {
                    let why = format!("has no magnitude vector, but `use_dora` in {CONFIG} is true");
                    return Err(AdapterError::Linear { path: self.path, linear, why });
                };
                if values.len() != rows {
                    return Err(self.error(&name, format!("has {} values for {rows} rows", values.len())));
                }
                kept.insert(linear.clone(), values);
            }
            let scale = self.config.scale(&linear);
            linears.insert(linear, (adapter, scale));
        }
        if let Some((name, _)) = b.values().chain(magnitudes.values()).next() {
            return Err(self.error(name, "has no lora_A beside it".into()));
        }
        let copies = copies.into_iter().map(|(tensor, (_, values))| (tensor, values)).collect();
        let Config { base, init, class, .. } = self.config;
        Ok(Loaded { path: self.path, base, class, init, linears, magnitudes: kept, copies })
    }

    /// A linear's A and B, of the rank that the configuration says.
    fn adapter(&self, linear: &str, a: (&str, Values), b: (&str, Values)) -> Result<Adapter, AdapterError> {
        let ((a_name, (a_dims, a)), (b_name, (b_dims, b))) = (a, b);
        let [rank, columns] = a_dims[..] else {
            return Err(self.error(a_name, format!("has {} dimensions; a matrix has 2", a_dims.len())));
        };
        if rank == 0 || columns == 0 {
            return Err(self.error(a_name, format!("is {rank} x {columns}, so there is nothing in it")));
        }
        if b_dims.len() != 2 || b_dims[1] != rank || b_dims[0] == 0 {
            return Err(
                self.error(b_name, format!("is {b_dims:?}; with a lora_A of rank {rank} it must be [rows, {rank}]"))
            );
        }
        let expected = self.config.rank(linear);
        if rank != expected {
            let why = format!("has rank {rank}, but {CONFIG} says {expected} (`r`, `rank_pattern`)");
            return Err(self.error(a_name, why));
        }
        if !self.config.is_target(linear) {
            let why = format!(
                "adapts {linear}, which `target_modules`, `exclude_modules` or `layers_to_transform` in {CONFIG} leave out"
            );
            return Err(self.error(a_name, why));
        }
        Ok(Adapter { linear: linear.into(), rank, b, a })
    }

    /// A tensor's dimensions and values as f32, all of them finite.
    fn values(&self, name: &str) -> Result<Values, AdapterError> {
        let tensor = self.tensors.tensor(name).map_err(|e| self.error(name, e.to_string()))?;
        let bytes = tensor.data();
        let two = || bytes.chunks_exact(2).map(|b| [b[0], b[1]]);
        let values: Vec<f32> = match tensor.dtype() {
            Dtype::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            Dtype::BF16 => two().map(|b| half::bf16::from_le_bytes(b).to_f32()).collect(),
            Dtype::F16 => two().map(|b| half::f16::from_le_bytes(b).to_f32()).collect(),
            other => return Err(self.error(name, format!("is of type {other:?}; f32, bf16 and f16 can be read"))),
        };
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(self.error(name, format!("is not finite: value {at} (from 0) is {}", values[at]))),
            None => Ok((tensor.shape().to_vec(), values)),
        }
    }

    fn error(&self, name: &str, why: String) -> AdapterError {
        AdapterError::Tensor { path: self.path.clone(), name: name.into(), why }
    }
}

/// What a tensor is, or why it cannot be used.
fn role(name: &str) -> Result<Role, &'static str> {
    let Some(rest) = name.strip_prefix(PREFIX) else {
        return Err("does not begin with `base_model.model.`, so it belongs to no linear");
    };
    // PEFT takes `lora_A.default.weight` too: it is the name inside the model, of the adapter called `default`.
    let part = |part: &str| {
        let ends = [format!(".{part}.weight"), format!(".{part}.default.weight")];
        ends.iter().find_map(|end| rest.strip_suffix(end.as_str())).map(String::from)
    };
    if let Some(linear) = part("lora_A") {
        return Ok(Role::A(linear));
    }
    if let Some(linear) = part("lora_B") {
        return Ok(Role::B(linear));
    }
    // PEFT saves magnitudes without the `.weight` that its own tensors end in.
    let bare =
        rest.strip_suffix(".lora_magnitude_vector").or_else(|| rest.strip_suffix(".lora_magnitude_vector.default"));
    if let Some(linear) = bare.map(String::from).or_else(|| part("lora_magnitude_vector")) {
        return Ok(Role::Magnitude(linear));
    }
    if rest.contains(".lora_embedding_") {
        return Err("adapts the embedding; only linears can be adapted here");
    }
    if rest.ends_with(".bias") {
        return Err("is a bias that was trained beside the adapter, which is not supported");
    }
    if rest.contains(".modules_to_save.") {
        return Err("replaces a module of the base (`modules_to_save`)");
    }
    if rest.contains(".lora_") {
        return Err("is neither lora_A nor lora_B nor a magnitude of the adapter `default`");
    }
    match rest.strip_suffix(".weight") {
        // PEFT saves embedding and head beside an adapter of either, or of a model whose vocabulary was changed.
        Some(module) => Ok(Role::Copy(format!("{}.weight", module.strip_suffix(".base_layer").unwrap_or(module)))),
        None => Err("is neither lora_A nor lora_B of a linear"),
    }
}
