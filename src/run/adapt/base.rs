//! Which model an adapter is merged into: the base that its configuration names, or the command stops.
//!
//! PEFT looks for `base_model_name_or_path` from the current folder, then on the hub. Here a path may also start from the
//! adapter's folder, from the folder that holds it, or from the spec's, and nothing is fetched that the spec does not name.

use std::path::{Path, PathBuf};

use crate::adapt::peft::{AdapterError, Loaded, Named};
use crate::assets::Source;
use crate::model::read_shape;
use crate::spec::{Catalog, Model};

use crate::run::RunError;

/// A model to merge into, and what the user should know of the choice.
#[derive(Debug)]
pub(super) struct Base {
    pub model: Model,
    pub notes: Vec<String>,
}

/// What the search for a base rests on.
pub(super) struct Search<'a> {
    /// The spec's model.
    pub model: &'a Model,
    /// The spec's file.
    pub spec: &'a Path,
    /// Models by name, where the catalog can be read.
    pub catalog: Option<&'a Catalog>,
    /// The adapter's folder.
    pub folder: &'a Path,
}

impl Search<'_> {
    /// The base of an adapter: the one `given` by the user, else the one it names.
    pub fn base(&self, adapter: &Loaded, given: Option<&Path>) -> Result<Base, RunError> {
        match (given, &adapter.base) {
            (Some(given), named) => self.given(given, named.as_ref()),
            (None, Some(named)) => self.named(named),
            (None, None) => Ok(Base {
                model: self.model.clone(),
                notes: vec![format!(
                    "{} does not name its base; it is merged into {}",
                    self.folder.display(),
                    self.model.name
                )],
            }),
        }
    }

    /// What the user gave is taken; where the adapter names another, that is said.
    fn given(&self, given: &Path, named: Option<&Named>) -> Result<Base, RunError> {
        let text = given.to_string_lossy();
        let by_name = || {
            let known = std::iter::once(self.model)
                .chain(self.catalog.into_iter().flat_map(|c| c.models.iter().map(|e| &e.model)));
            known.into_iter().find(|model| is_called(model, &text)).cloned()
        };
        let model = match (!given.exists()).then(by_name).flatten() {
            Some(model) => model,
            None => self.at(given)?,
        };
        let mut notes = Vec::new();
        if let Some(named) = named
            && !self.is_same(&model, named)
        {
            self.same_family(&model, named)?;
            notes.push(format!(
                "{} names the base {}; it is merged into {text}, as --base says",
                self.folder.display(),
                named.name
            ));
        }
        Ok(Base { model, notes })
    }

    /// Refuses a base of another family than the one that the adapter names, where that is at hand.
    fn same_family(&self, model: &Model, named: &Named) -> Result<(), RunError> {
        let of_path = || self.paths(&named.name).first().and_then(|path| Some(read_shape(path).ok()?.family));
        let of_catalog = || {
            let known = self.catalog.into_iter().flat_map(|catalog| &catalog.models).map(|entry| &entry.model);
            known.chain([self.model]).find(|one| is_called(one, &named.name)).map(|one| one.shape.family)
        };
        match of_path().or_else(of_catalog).filter(|family| *family != model.shape.family) {
            None => Ok(()),
            Some(family) => {
                let why = format!("a model of `{family}`, and {} is one of `{}`", model.name, model.shape.family);
                Err(self.error(named, why).into())
            }
        }
    }

    fn named(&self, named: &Named) -> Result<Base, RunError> {
        let paths = self.paths(&named.name);
        let own = canonical(self.model);
        // A name of the hub or the catalog may be the name of a folder here, too.
        let called = own.is_none() && is_called(self.model, &named.name);
        match (&paths[..], called) {
            ([], true) => self.revised(named),
            ([], false) => Err(self.missing(named).into()),
            ([path], false) if own.as_ref() == Some(path) => Ok(Base { model: self.model.clone(), notes: Vec::new() }),
            ([path], false) => {
                let note = format!(
                    "{} is merged into {}, the base that it names, not into the spec's {}",
                    self.folder.display(),
                    path.display(),
                    self.model.name
                );
                Ok(Base { model: self.at(path)?, notes: vec![note] })
            }
            _ => {
                let mut all: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
                all.extend(called.then(|| format!("the spec's {}", self.model.name)));
                Err(self.error(named, format!("which may be any of {}", all.join(", "))).into())
            }
        }
    }

    /// The spec's model, which the adapter names, unless it is another revision of it.
    fn revised(&self, named: &Named) -> Result<Base, RunError> {
        let mut notes = Vec::new();
        if let (Source::Hub { revision: own, .. }, Some(wanted)) = (&self.model.source, &named.revision)
            && own != wanted
        {
            let commit = |revision: &str| revision.len() == 40 && revision.bytes().all(|b| b.is_ascii_hexdigit());
            if commit(own) && commit(wanted) {
                let why = format!("and the spec's model is that repository at {own}");
                let wanted = Named { name: format!("{} at revision {wanted}", named.name), revision: None };
                return Err(self.error(&wanted, why).into());
            }
            notes.push(format!(
                "{} names revision {wanted} of {}; the spec's is {own}, and whether they are the same is not known",
                self.folder.display(),
                named.name
            ));
        }
        Ok(Base { model: self.model.clone(), notes })
    }

    /// Models on disk that a name may mean, each once.
    fn paths(&self, name: &str) -> Vec<PathBuf> {
        let mut places: Vec<PathBuf> = vec![self.folder.into()];
        // Where the adapter's folder is given as `.`, only its full path says what holds it.
        let full = std::fs::canonicalize(self.folder).ok();
        places.extend(full.as_deref().and_then(Path::parent).map(PathBuf::from));
        places.push(PathBuf::new());
        places.extend(self.spec.parent().map(PathBuf::from));
        let mut found: Vec<PathBuf> = Vec::new();
        for path in places.into_iter().map(|place| place.join(name)).filter(|path| is_model(path)) {
            if let Ok(path) = std::fs::canonicalize(path)
                && !found.contains(&path)
            {
                found.push(path);
            }
        }
        found
    }

    fn is_same(&self, model: &Model, named: &Named) -> bool {
        match canonical(model) {
            Some(path) => self.paths(&named.name).contains(&path),
            None => is_called(model, &named.name),
        }
    }

    /// The model in a folder or file.
    fn at(&self, path: &Path) -> Result<Model, RunError> {
        Ok(Model {
            name: path.display().to_string(),
            source: Source::Path { path: path.into(), sha256: None },
            shape: read_shape(path)?,
            ..self.model.clone()
        })
    }

    fn missing(&self, named: &Named) -> AdapterError {
        let catalog = self.catalog.and_then(|catalog| catalog.models.iter().find(|e| is_called(&e.model, &named.name)));
        let last = Path::new(&named.name).file_name();
        let beside = self.folder.join("..");
        let sibling = last.map(|last| beside.join(last)).filter(|path| is_model(path));
        let own = format!("which is not the spec's model ({}) and was not found on disk", self.model.name);
        let why = match (catalog, sibling) {
            (Some(entry), _) => format!("{own}; it is {} of the catalog", entry.model.name),
            (None, Some(path)) => format!("{own}; {} may be it, moved", path.display()),
            (None, None) => own,
        };
        self.error(named, why)
    }

    fn error(&self, named: &Named, why: String) -> AdapterError {
        AdapterError::Base { adapter: self.folder.into(), wanted: named.name.clone(), why }
    }
}

/// Whether a model goes by this name: the catalog's, the hub's, or that of its source.
fn is_called(model: &Model, name: &str) -> bool {
    let repo = matches!(&model.source, Source::Hub { repo, .. } if repo == name);
    repo || model.name == name || model.source.origin() == name
}

/// Where a model of the user's is.
fn canonical(model: &Model) -> Option<PathBuf> {
    let Source::Path { path, .. } = &model.source else { return None };
    Some(std::fs::canonicalize(path).unwrap_or_else(|_| path.clone()))
}

/// Whether there is something at a path that can be a model: a file, or a folder with config.json or a GGUF file.
fn is_model(path: &Path) -> bool {
    let gguf = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.path().extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf")))
    };
    let holds_gguf = || std::fs::read_dir(path).is_ok_and(|mut entries| entries.any(gguf));
    path.is_file() || path.join("config.json").is_file() || holds_gguf()
}

/// What a configuration calls a model, so that PEFT and transformers find it, or at least do not take it for another: the
/// hub's repository and commit; a full path; of other sources a name that no repository can have.
pub(super) fn name_of(model: &Model) -> Named {
    match &model.source {
        Source::Hub { repo, revision, .. } => Named { name: repo.clone(), revision: Some(revision.clone()) },
        Source::Path { path, .. } => full(path),
        Source::Pypi { .. } | Source::Joined { .. } => model.source.origin().as_str().into(),
    }
}

/// Whether the base that an adapter names is the model at `path`: by a full path, or one that starts from the adapter's folder,
/// the folder that holds it, or here.
pub(super) fn is_at(named: &Named, adapter: &Path, path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    let full = adapter.canonicalize().ok();
    let places = [Some(adapter), full.as_deref().and_then(Path::parent), Some(Path::new(""))];
    places.into_iter().flatten().any(|place| place.join(&named.name).canonicalize().is_ok_and(|found| found == path))
}

/// The full path of a model folder or file, there or about to be.
pub(super) fn full(path: &Path) -> Named {
    let full = std::fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.into());
    full.to_string_lossy().as_ref().into()
}

#[cfg(test)]
mod tests;
