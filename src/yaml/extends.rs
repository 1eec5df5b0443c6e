//! Files, and the files they extend.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::parse::parse_from;
use super::{Error, File, Node, Span, Value, nearest};
use crate::terminal;

/// Largest file that is read, in bytes: a larger one is a mistaken path rather than an experiment.
const LARGEST: u64 = 1 << 20;

/// Reads a file and, if it has a key `extends: OTHER.yaml` (relative to itself), lays it over that file.
///
/// # Errors
/// A file that is missing, larger than a megabyte, not UTF-8, empty or not valid YAML; files that extend in a circle.
pub fn load(path: &Path) -> Result<Node, Error> {
    follow(path, &mut Vec::new())
}

fn follow(path: &Path, chain: &mut Vec<PathBuf>) -> Result<Node, Error> {
    let file = Arc::new(read(path)?);
    chain.push(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()));
    let mut node = parse_from(&file, 0)?.ok_or_else(|| Error::at(&Span::new(&file, 0, 0), "the file is empty"))?;
    let Some(extends) = take(&mut node, "extends") else { return Ok(node) };
    let base = extends.as_str().ok_or_else(|| extends.unexpected("the path of another experiment file"))?;
    let base = file.folder.join(base);
    if let Ok(real) = fs::canonicalize(&base)
        && chain.contains(&real)
    {
        let message = format!("`extends` is circular: it leads back to {}", base.display());
        return Err(Error::at(&extends.span, message));
    }
    if !base.exists() {
        let hint = sibling(&base).map(|near| format!("; did you mean {}?", near.display())).unwrap_or_default();
        let message =
            format!("there is no {} (paths in a spec are relative to the folder of the spec){hint}", base.display());
        return Err(Error::at(&extends.span, message));
    }
    let base = follow(&base, chain).map_err(|error| error.or_at(&extends.span))?;
    Ok(merge(base, node))
}

/// Removes a key from a mapping and gives its value.
pub fn take(node: &mut Node, name: &str) -> Option<Node> {
    let Value::Mapping(pairs) = &mut node.value else { return None };
    let at = pairs.iter().position(|(key, _)| key.name == name)?;
    Some(pairs.remove(at).1)
}

/// Lays `over` over `base`: mappings merge key by key, anything else replaces, `null` removes. Keys keep base's order.
pub fn merge(base: Node, over: Node) -> Node {
    let (mut pairs, new) = match (base.value, over.value) {
        (Value::Mapping(pairs), Value::Mapping(new)) => (pairs, new),
        (_, value) => return Node { value, span: over.span },
    };
    for (key, value) in new {
        match pairs.iter().position(|(known, _)| known.name == key.name) {
            Some(at) if value.is_null() => {
                pairs.remove(at);
            }
            Some(at) => {
                let (_, old) = pairs.remove(at);
                pairs.insert(at, (key, merge(old, value)));
            }
            None => pairs.push((key, value)),
        }
    }
    Node { value: Value::Mapping(pairs), span: over.span }
}

fn read(path: &Path) -> Result<File, Error> {
    let name = path.display().to_string();
    let cannot = |why: std::io::Error| {
        let hint = sibling(path).map(|near| format!("; did you mean {}?", near.display())).unwrap_or_default();
        Error::new(format!("cannot read {name}: {}{hint}", terminal::reason(&why)))
    };
    let mut bytes = Vec::new();
    fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::new(format!("{name} is larger than a megabyte: is it the right file?")));
    }
    let file = |text: String| File { folder: path.parent().unwrap_or(Path::new("")).to_owned(), name, text };
    match String::from_utf8(bytes) {
        // A byte order mark is not part of the text.
        Ok(text) => Ok(file(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let file = Arc::new(file(String::from_utf8_lossy(error.as_bytes()).into_owned()));
            let span = Span::new(&file, at, at + '\u{fffd}'.len_utf8());
            Err(Error::at(&span, "this byte is not UTF-8: save the file as UTF-8"))
        }
    }
}

/// The YAML file in the same folder whose name is nearest.
fn sibling(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let wanted = path.file_stem()?.to_str()?;
    let mut stems: Vec<String> = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    stems.sort();
    let near = nearest(wanted, stems.iter().map(String::as_str))?;
    Some(path.with_file_name(format!("{near}.yaml")))
}
