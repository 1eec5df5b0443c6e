//! `--set PATH=VALUE`: one key of the tree, set from the command line.
//!
//! A path is keys with dots between, an element of a list by its number from 0: `arms[2].alpha` or `arms.2.alpha`. A
//! key that is not there is added, so that a misspelt one ends as an unknown key which points into the override.

use std::path::Path;
use std::sync::Arc;

use super::parse::{DEEPEST, parse_from};
use super::{Error, File, Key, Node, Scalar, Span, Value};

/// Sets one key. `folder` is where relative paths in the value start from. VALUE is YAML; `null` removes the key.
///
/// # Errors
/// An override that is not `PATH=VALUE`, a value that is not YAML, a path through something that has no such parts;
/// the position is one in the text of the override, in a file called `--set`.
pub fn override_with(root: Node, text: &str, folder: &Path) -> Result<Node, Error> {
    let file = Arc::new(File { name: "--set".into(), folder: folder.to_owned(), text: text.to_owned() });
    let whole = Span::new(&file, 0, text.len());
    let (path, _) = text
        .split_once('=')
        .ok_or_else(|| Error::at(&whole, "an override is PATH=VALUE, e.g. `evaluate.wiki.windows=4`"))?;
    let steps = steps(&file, path, 0)?;
    if let [first, ..] = steps.as_slice()
        && first.text().trim() == "extends"
    {
        return Err(Error::at(first, "`extends` is followed before overrides apply: write it in a file"));
    }
    let value_at = path.len() + 1;
    let value = parse_from(&file, value_at)?
        .unwrap_or_else(|| Node { value: Value::Scalar(Scalar::Null), span: Span::new(&file, value_at, text.len()) });
    set(root, &steps, value)
}

/// Sets the key whose path is written as a key of a file, as those of a `sweep` are.
///
/// # Errors
/// As [`override_with`]; the position is one in the file.
pub fn set_path(root: Node, path: &Key, value: Node) -> Result<Node, Error> {
    let written = path.span.text();
    let quote = usize::from(written.starts_with(['"', '\'']));
    // Steps are stretches of the file, so the path must stand there as it is.
    if !written[quote..].starts_with(&path.name) {
        return Err(Error::at(&path.span, "write this path plainly, without escapes"));
    }
    let steps = steps(path.span.file(), &path.name, path.span.start() + quote)?;
    set(root, &steps, value)
}

/// The parts of a path that starts at byte `start` of a file, each with where it is.
fn steps(file: &Arc<File>, path: &str, mut start: usize) -> Result<Vec<Span>, Error> {
    let mut steps = Vec::new();
    for dotted in path.split('.') {
        let (name, mut indices) = dotted.split_at(dotted.find('[').unwrap_or(dotted.len()));
        let part = Span::new(file, start, start + dotted.len());
        if name.trim().is_empty() {
            return Err(Error::at(&part, "a key is missing here: a path is keys with dots between"));
        }
        steps.push(Span::new(file, start, start + name.len()));
        while !indices.is_empty() {
            let at = start + dotted.len() - indices.len() + 1;
            let inside = indices.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let (number, rest) = inside.ok_or_else(|| Error::at(&part, "an element is written `list[0]`"))?;
            steps.push(Span::new(file, at, at + number.len()));
            indices = rest;
        }
        start += dotted.len() + 1;
    }
    match steps.get(DEEPEST / 2) {
        Some(too_deep) => Err(Error::at(too_deep, "a path this long leads nowhere in an experiment")),
        None => Ok(steps),
    }
}

fn set(node: Node, steps: &[Span], value: Node) -> Result<Node, Error> {
    let Some((step, rest)) = steps.split_first() else { return Ok(value) };
    let name = step.text().trim();
    let span = node.span;
    let value = match node.value {
        Value::Mapping(pairs) => set_key(pairs, name, step, rest, value)?,
        Value::Scalar(Scalar::Null) => set_key(Vec::new(), name, step, rest, value)?,
        Value::Sequence(elements) => set_element(elements, name, step, rest, value)?,
        Value::Scalar(_) => {
            let message = format!("there is no `{name}` here: what comes before it is a single value, at {span}");
            return Err(Error::at(step, message));
        }
    };
    Ok(Node { value, span })
}

fn set_key(mut pairs: Vec<(Key, Node)>, name: &str, step: &Span, rest: &[Span], value: Node) -> Result<Value, Error> {
    match pairs.iter().position(|(known, _)| known.name == name) {
        Some(at) if rest.is_empty() && value.is_null() => {
            pairs.remove(at);
        }
        Some(at) => {
            let (known, old) = pairs.remove(at);
            pairs.insert(at, (known, set(old, rest, value)?));
        }
        None => {
            let key = Key { name: name.to_owned(), span: step.clone() };
            let empty = Node { value: Value::Scalar(Scalar::Null), span: step.clone() };
            pairs.push((key, set(empty, rest, value)?));
        }
    }
    Ok(Value::Mapping(pairs))
}

fn set_element(mut elements: Vec<Node>, name: &str, step: &Span, rest: &[Span], value: Node) -> Result<Value, Error> {
    let count = elements.len();
    let index = name.parse().ok().filter(|index| *index < count).ok_or_else(|| {
        let has = count.checked_sub(1).map_or("it is empty".into(), |last| format!("they are 0 to {last}"));
        Error::at(step, format!("`{name}` is no element of this list: {has}"))
    })?;
    let old = elements.remove(index);
    elements.insert(index, set(old, rest, value)?);
    Ok(Value::Sequence(elements))
}
