//! How an experiment was requested, as results record it: the file, the overrides, the name.
//!
//! Nothing recorded depends on the place of the checkout on a machine: paths are relative to the folder that holds the
//! experiments' (so `experiments/table6.yaml`, wherever the program was started and wherever the results go).

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Experiment, Loaded, Warning, resolve};

/// How an experiment was requested.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The folder that holds the experiments', in full: what recorded paths are relative to.
    home: PathBuf,
    /// The spec file relative to `home`, with `/`; a file elsewhere is its name only.
    pub file: String,
    /// For a file outside that folder, a checksum of its full path, to distinguish it from others of the same name.
    pub elsewhere: Option<String>,
    /// `--set` overrides as given, without those of a sweep's variant.
    pub overrides: Vec<String>,
    /// Whether `--as` gave the name.
    pub renamed: bool,
}

impl Origin {
    /// Of the spec file at `path`; `experiments` is the folder of the catalog.
    pub(super) fn new(path: &Path, overrides: &[String], experiments: &Path) -> Self {
        let experiments = if experiments.as_os_str().is_empty() { Path::new(".") } else { experiments };
        let experiments = experiments.canonicalize().unwrap_or_else(|_| full(experiments));
        let home = experiments.parent().map(Path::to_path_buf).unwrap_or(experiments);
        let path = full(path);
        let (file, elsewhere) = match inside(&path, &home) {
            Some(file) => (file, None),
            None => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let place = blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex();
                (name, Some(place[..16].to_string()))
            }
        };
        Self { home, file, elsewhere, overrides: overrides.to_vec(), renamed: false }
    }

    /// A path as results record it: relative to `home` if it is below that folder, else unchanged.
    pub fn recorded(&self, path: &Path) -> String {
        inside(&full(path), &self.home).unwrap_or_else(|| path.display().to_string())
    }

    /// A warning as results record it.
    pub fn warning(&self, warning: &Warning) -> String {
        let text = warning.to_string();
        let file = warning.span.file().name.as_str();
        match text.strip_prefix(file) {
            // An override has no file.
            Some(rest) if Path::new(file).exists() => self.recorded(Path::new(file)) + rest,
            _ => text,
        }
    }
}

/// The full path without `..`. A link at its end stays: it is called by its own name.
fn full(path: &Path) -> PathBuf {
    let parent = path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    match (parent.and_then(|parent| parent.canonicalize().ok()), path.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => path.canonicalize().unwrap_or_else(|_| path.to_path_buf()),
    }
}

/// The path relative to a folder that it is below.
fn inside(path: &Path, folder: &Path) -> Option<String> {
    let parts = path.strip_prefix(folder).ok()?.iter().map(|part| part.to_string_lossy());
    Some(parts.collect::<Vec<_>>().join("/"))
}

impl Experiment {
    /// The experiment as results record it: resolved, with paths as [`Origin::recorded`] has them.
    ///
    /// # Errors
    /// If it cannot be put into JSON.
    pub fn recorded(&self) -> Result<Value, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        value["path"] = self.origin.file.clone().into();
        relative(&mut value, &self.origin);
        // What is left out means the default of the model's family.
        if self.model.shape.family.bos_each_window {
            for (evaluation, of) in
                self.evaluations.iter().zip(value["evaluations"].as_array_mut().into_iter().flatten())
            {
                of["bos"] = serde_json::to_value(evaluation.bos)?;
            }
        }
        Ok(value)
    }

    /// The command line that runs `command` (e.g. `report`) on the same results.
    pub fn command(&self, command: &str) -> String {
        let mut words = vec!["corda".to_string(), command.to_string(), quoted(&self.origin.file)];
        words.extend(self.origin.overrides.iter().flat_map(|text| ["--set".to_string(), quoted(text)]));
        if self.origin.renamed {
            words.extend(["--as".to_string(), quoted(&self.name)]);
        }
        // It is written into comments of one line.
        words.join(" ").replace(['\n', '\r'], " ")
    }
}

/// Makes the paths of local sources, `{"path": {"path": ..., "sha256": ...}}`, relative.
fn relative(value: &mut Value, origin: &Origin) {
    match value {
        Value::Object(map) => {
            if let Some(Value::Object(source)) = map.get_mut("path")
                && let Some(Value::String(path)) = source.get_mut("path")
            {
                *path = origin.recorded(Path::new(path.as_str()));
            }
            map.values_mut().for_each(|value| relative(value, origin));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| relative(value, origin)),
        _ => {}
    }
}

impl Loaded {
    /// Gives the experiment (and the variants of its sweep) another name: that of its results folder.
    ///
    /// # Errors
    /// If the name is not valid as the name of a folder.
    pub fn rename(&mut self, name: &str) -> Result<(), String> {
        resolve::check_name("experiment", name)?;
        let variants =
            self.sweep.iter_mut().flat_map(|sweep| &mut sweep.variants).map(|variant| &mut variant.experiment);
        for experiment in std::iter::once(&mut self.experiment).chain(variants) {
            experiment.origin.renamed |= experiment.name != name;
            experiment.name = name.to_string();
        }
        Ok(())
    }
}

/// A word quoted for the shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+%@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_string();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests;
