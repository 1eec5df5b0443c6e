//! The catalog: models and corpora by name, each with source, pinned version, checksums, licence and citation.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Corpus, Model, model, safe_name, source};
use crate::assets::Source;
use crate::corpus::Format;
use crate::yaml::{self, Error, Errors, Node, Spanned};

/// What specs can name.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// Models, in the order of the file.
    pub models: Vec<ModelEntry>,
    /// Corpora, in the order of the file.
    pub corpora: Vec<CorpusEntry>,
    /// The folder of the catalog's file; `published/` is beside it.
    pub folder: PathBuf,
}

/// A model of the catalog.
#[derive(Debug, Clone)]
pub struct ModelEntry {
    /// The model; its name is the catalog's.
    pub model: Model,
    /// A short description.
    pub description: Option<String>,
}

/// A corpus of the catalog.
#[derive(Debug, Clone)]
pub struct CorpusEntry {
    /// Its name.
    pub name: String,
    /// How its files are read.
    pub format: Format,
    /// Its splits, in the order of the file, and where the file of each comes from.
    pub splits: Vec<(String, Source)>,
    /// Licence as an SPDX identifier or a name.
    pub licence: String,
    /// How to cite it.
    pub citation: String,
    /// A short description.
    pub description: Option<String>,
}

impl CorpusEntry {
    /// Whether it has prompts with answers, not plain text only.
    pub fn is_records(&self) -> bool {
        matches!(self.format, Format::Records(_))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a catalog: {models: {...}, corpora: {...}}")]
struct RawCatalog {
    /// Name -> [`RawModel`].
    models: Node,
    /// Name -> [`RawCorpus`].
    corpora: Node,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a model: {source: {...}, shape: {...}, licence: ..., citation: ...}")]
struct RawModel {
    source: Node,
    shape: Node,
    licence: String,
    terms: Option<String>,
    citation: String,
    description: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a corpus: {source: {...}, format: ..., splits: [...], licence, citation}")]
struct RawCorpus {
    /// Where all splits come from; absent if each has its own.
    source: Option<Node>,
    format: Spanned<Format>,
    /// List of names, or name -> source.
    splits: Node,
    licence: String,
    citation: String,
    description: Option<String>,
}

impl Catalog {
    /// Reads the catalog's file.
    ///
    /// # Errors
    /// Everything that is wrong with it, each error at its position.
    pub fn load(path: &Path) -> Result<Self, Errors> {
        let raw: RawCatalog = yaml::from_node(&yaml::load(path)?)?;
        let mut errors = Errors::default();
        let mut models = Vec::new();
        for (key, node) in raw.models.pairs("models by name")? {
            errors.keep(safe_name("model", &key.name, &key.span));
            models.extend(errors.keep_all(read_model(&key.name, node)));
        }
        let mut corpora = Vec::new();
        for (key, node) in raw.corpora.pairs("corpora by name")? {
            errors.keep(safe_name("corpus", &key.name, &key.span));
            corpora.extend(errors.keep_all(read_corpus(&key.name, node)));
        }
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        errors.into_result(Self { models, corpora, folder })
    }

    /// A model by name.
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().map(|entry| &entry.model).find(|model| model.name == name)
    }

    /// The file of published results that a spec calls `name`.
    pub fn published(&self, name: &str) -> PathBuf {
        self.folder.join("published").join(format!("{name}.yaml"))
    }

    /// A text by the names of its corpus and split.
    pub fn corpus(&self, name: &str, split: &str) -> Option<Corpus> {
        let entry = self.corpora.iter().find(|entry| entry.name == name)?;
        let (split, source) = entry.splits.iter().find(|(known, _)| known == split)?;
        Some(Corpus {
            name: entry.name.clone(),
            split: split.clone(),
            source: source.clone(),
            format: entry.format.clone(),
            licence: entry.licence.clone(),
            citation: entry.citation.clone(),
        })
    }
}

fn read_model(name: &str, node: &Node) -> Result<ModelEntry, Errors> {
    let raw: RawModel = yaml::from_node(node)?;
    let mut errors = Errors::default();
    let (source, shape) = (errors.keep_all(source::read(&raw.source)), errors.keep(model::shape(&raw.shape)));
    let (Some(source), Some(shape)) = (source, shape) else { return Err(errors) };
    let RawModel { licence, terms, citation, description, .. } = raw;
    let model = Model { name: name.to_owned(), source, shape, licence, terms, citation };
    Ok(ModelEntry { model, description })
}

fn read_corpus(name: &str, node: &Node) -> Result<CorpusEntry, Errors> {
    let raw: RawCorpus = yaml::from_node(node)?;
    let splits = read_splits(raw.source.as_ref(), &raw.splits)?;
    let RawCorpus { format, licence, citation, description, .. } = raw;
    parts_are_splits(&format, &splits)?;
    Ok(CorpusEntry { name: name.to_owned(), format: format.value, splits, licence, citation, description })
}

/// A split that is not a part stands for the whole file, so a misspelt one would hold examples that must be kept apart.
fn parts_are_splits(format: &Spanned<Format>, splits: &[(String, Source)]) -> Result<(), Error> {
    let Format::Records(records) = &format.value else { return Ok(()) };
    match records.parts.names().find(|part| !splits.iter().any(|(split, _)| split == part)) {
        None => Ok(()),
        Some(part) => Err(Error::at(&format.span, format!("the part `{part}` is not a split: list it among `splits`"))),
    }
}

fn read_splits(source: Option<&Node>, splits: &Node) -> Result<Vec<(String, Source)>, Errors> {
    const EXPECTED: &str = "splits: a list of names with one `source`, or {NAME: {source...}} without";
    let mut errors = Errors::default();
    let mut all = Vec::new();
    match source {
        Some(source) => {
            let source = source::read(source)?;
            for node in splits.elements(EXPECTED)? {
                let Some(split) = errors.keep(yaml::from_node::<String>(node)) else { continue };
                errors.keep(safe_name("split", &split, &node.span));
                if all.iter().any(|(known, _)| *known == split) {
                    errors.at(&node.span, format!("split `{split}` is listed twice"));
                }
                all.push((split, source.clone()));
            }
        }
        None => {
            for (key, node) in splits.pairs(EXPECTED)? {
                errors.keep(safe_name("split", &key.name, &key.span));
                all.extend(errors.keep_all(source::read(node)).map(|source| (key.name.clone(), source)));
            }
        }
    }
    if all.is_empty() && errors.is_empty() {
        errors.push(Error::at(&splits.span, "a corpus needs at least one split"));
    }
    errors.into_result(all)
}
