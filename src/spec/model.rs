//! The `model` key: a name in the catalog, or a source written out.

use std::path::Path;

use super::{Catalog, Model, raw, source};
use crate::assets::Source;
use crate::model::shape::Shape;
use crate::yaml::{self, Error, Errors, Node};

/// Reads the shape of the model in a folder or file; errors are messages for users.
pub type ShapeReader<'a> = &'a dyn Fn(&Path) -> Result<Shape, String>;

/// Resolves the `model` key.
pub(super) fn resolve(node: &Node, catalog: &Catalog, shape_reader: ShapeReader) -> Result<Model, Errors> {
    if let Some(name) = node.as_str() {
        let known = || catalog.models.iter().map(|entry| entry.model.name.as_str());
        return Ok(catalog.model(name).cloned().ok_or_else(|| Error::unknown(&node.span, "model", name, known()))?);
    }
    let raw: raw::InlineModel = yaml::from_node(node)?;
    let (name, source) = match (&raw.path, &raw.source) {
        (Some(path), None) => (yaml::from_node(path)?, source::local(path, None)?),
        (None, Some(node)) => {
            let source = source::read(node)?;
            (name_of(&source), source)
        }
        _ => return Err(Error::at(&node.span, "an inline model has either `path` or `source`").into()),
    };
    let shape = match (&raw.shape, &source) {
        (Some(node), _) => shape(node)?,
        (None, Source::Path { path, .. }) => {
            let read = shape_reader(path).map_err(|why| Error::at(&node.span, why))?;
            possible(&read).map_err(|why| Error::at(&node.span, why))?;
            read
        }
        (None, _) => {
            let message = "missing key `shape`: the shape of a model must be known before its files are fetched";
            return Err(Error::at(&node.span, message).into());
        }
    };
    Ok(Model { name, source, shape, licence: String::new(), terms: None, citation: String::new() })
}

/// Reads a shape and refuses one that no model can have.
pub(super) fn shape(node: &Node) -> Result<Shape, Error> {
    let shape: Shape = yaml::from_node(node)?;
    possible(&shape).map_err(|why| Error::at(&node.span, why))?;
    Ok(shape)
}

fn possible(shape: &Shape) -> Result<(), String> {
    // Bounds well above any model, so that products of dimensions fit and a typing error costs no memory.
    for (name, value, most) in [
        ("hidden", shape.hidden, 1 << 20),
        ("layers", shape.layers, 1 << 12),
        ("heads", shape.heads, 1 << 12),
        ("kv_heads", shape.kv_heads, 1 << 12),
        ("head_dim", shape.head_dim, 1 << 16),
        ("intermediate", shape.intermediate, 1 << 22),
        ("vocabulary", shape.vocabulary, 1 << 24),
        ("context", shape.context, 1 << 30),
    ] {
        if !(1..=most).contains(&value) {
            return Err(format!("`{name}` is {value}; it must be from 1 to {most}"));
        }
    }
    if !shape.heads.is_multiple_of(shape.kv_heads) {
        return Err(format!("heads ({}) must be a multiple of kv_heads ({})", shape.heads, shape.kv_heads));
    }
    Ok(())
}

fn name_of(source: &Source) -> String {
    match source {
        Source::Pypi { package, .. } => package.clone(),
        Source::Hub { repo, .. } => repo.clone(),
        Source::Joined { file, .. } => file.clone(),
        Source::Path { path, .. } => path.display().to_string(),
    }
}
