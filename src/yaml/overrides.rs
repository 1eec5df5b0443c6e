//! `--set PATH=VALUE`: one key of the tree, set from the command line.
//!
//! A path consists of keys separated by dots; an element of a list is given by its number from 0: `arms[2].alpha` or
//! `arms.2.alpha`. If the caller has names for the elements, a name (or its beginning) can be used: `arms.asvd-wiki-32.alpha`.
//! A name that contains dots may be written in brackets. A key that does not exist is added, so that a misspelt one is later
//! reported as an unknown key inside the override; [`added`] finds such keys.

use std::path::Path;
use std::sync::Arc;

use super::parse::{DEEPEST, parse_from};
use super::{Error, File, Key, Node, Scalar, Span, Value};

/// Names for the elements of a top-level list, besides their numbers.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The list's key.
    pub list: &'a str,
    /// What messages call an element.
    pub what: &'a str,
    /// The names in the order of the list, none empty but where an element has no name. The list may have changed since the
    /// first of these were made: a name that stands for different elements then is refused.
    pub of: &'a [Vec<String>],
}

/// Sets one key. `folder` is where relative paths in the value start from. VALUE is YAML; `null` removes the key.
///
/// # Errors
/// An override that is not `PATH=VALUE`, a value that is not YAML, a path through something that has no such parts;
/// the position is one in the text of the override, in a file called `--set`.
pub fn override_with(root: Node, text: &str, folder: &Path, names: Names) -> Result<Node, Error> {
    let file = Arc::new(File { name: "--set".into(), folder: folder.to_owned(), text: text.to_owned() });
    let whole = Span::new(&file, 0, text.len());
    let (path, _) = text
        .split_once('=')
        .ok_or_else(|| Error::at(&whole, "an override is PATH=VALUE, e.g. `evaluate.wiki.windows=4`"))?;
    let steps = steps(&file, path, 0)?;
    if let [first, ..] = steps.as_slice()
        && first.text().trim() == "extends"
    {
        return Err(Error::at(first, "`extends` is resolved before overrides are applied: write it in the file"));
    }
    let value_at = path.len() + 1;
    let value = parse_from(&file, value_at)?
        .unwrap_or_else(|| Node { value: Value::Scalar(Scalar::Null), span: Span::new(&file, value_at, text.len()) });
    set(root, &steps, value, Some(names))
}

/// Sets the key whose path is written as a key of a file, as those of a `sweep` are.
///
/// # Errors
/// As [`override_with`]; the position is one in the file.
pub fn set_path(root: Node, path: &Key, value: Node, names: Names) -> Result<Node, Error> {
    set(root, &path_steps(path)?, value, Some(names))
}

/// The path of a swept key in the one way to write it, so that two that mean the same are equal.
///
/// # Errors
/// An invalid path; an element that does not exist.
pub fn canonical(root: &Node, path: &Key, names: Names) -> Result<Vec<String>, Error> {
    let steps = path_steps(path)?;
    let mut all: Vec<String> = steps.iter().map(|step| step.text().trim().to_owned()).collect();
    if let [first, element, ..] = steps.as_slice()
        && first.text().trim() == names.list
        && let Some(Value::Sequence(elements)) = root.get(names.list).map(|list| &list.value)
    {
        let (index, taken) =
            element_at(elements.len(), &steps[1..], Some(names)).map_err(|error| error.or_at(element))?;
        all.splice(1..1 + taken, [index.to_string()]);
    }
    Ok(all)
}

fn path_steps(path: &Key) -> Result<Vec<Span>, Error> {
    let written = path.span.text();
    let quote = usize::from(written.starts_with(['"', '\'']));
    // Steps are stretches of the file, so the path must be written there literally.
    if !written[quote..].starts_with(&path.name) {
        return Err(Error::at(&path.span, "write this path plainly, without escapes"));
    }
    steps(path.span.file(), &path.name, path.span.start() + quote)
}

/// The parts of a path that starts at byte `start` of a file, each with where it is.
fn steps(file: &Arc<File>, path: &str, mut start: usize) -> Result<Vec<Span>, Error> {
    let mut steps = Vec::new();
    for dotted in dotted(path) {
        let (name, mut indices) = dotted.split_at(dotted.find('[').unwrap_or(dotted.len()));
        let part = Span::new(file, start, start + dotted.len());
        if name.trim().is_empty() {
            return Err(Error::at(&part, "a key is missing here: a path is made of keys separated by dots"));
        }
        steps.push(Span::new(file, start, start + name.len()));
        while !indices.is_empty() {
            let at = start + dotted.len() - indices.len() + 1;
            let inside = indices.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let (number, rest) = inside.ok_or_else(|| Error::at(&part, "an element of a list is written `list[0]`"))?;
            steps.push(Span::new(file, at, at + number.len()));
            indices = rest;
        }
        start += dotted.len() + 1;
    }
    match steps.get(DEEPEST / 2) {
        Some(too_deep) => Err(Error::at(too_deep, "this path is longer than any in an experiment")),
        None => Ok(steps),
    }
}

/// The parts between dots; dots in brackets do not separate.
fn dotted(path: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    path.split(move |c: char| {
        inside = (inside || c == '[') && c != ']';
        c == '.' && !inside
    })
}

/// The first steps taken as one name with dots, from one step on: `[a, b]` is `a`, then `a.b`.
fn joined(steps: &[Span]) -> impl Iterator<Item = (Span, usize)> + '_ {
    (1..=steps.len()).map(|taken| {
        let (first, last) = (&steps[0], &steps[taken - 1]);
        (Span::new(first.file(), first.start(), last.end()), taken)
    })
}

fn set(node: Node, steps: &[Span], value: Node, names: Option<Names>) -> Result<Node, Error> {
    let Some(step) = steps.first() else { return Ok(value) };
    let span = node.span;
    let value = match node.value {
        Value::Mapping(pairs) => set_key(pairs, steps, value, names)?,
        Value::Scalar(Scalar::Null) => set_key(Vec::new(), steps, value, names)?,
        Value::Sequence(elements) => set_element(elements, steps, value, names)?,
        Value::Scalar(_) => {
            let name = step.text().trim();
            let message = format!("there is no `{name}` here: what comes before it is a single value, at {span}");
            return Err(Error::at(step, message));
        }
    };
    Ok(Node { value, span })
}

fn set_key(mut pairs: Vec<(Key, Node)>, steps: &[Span], value: Node, names: Option<Names>) -> Result<Value, Error> {
    let there = joined(steps).find_map(|(name, taken)| {
        let at = pairs.iter().position(|(known, _)| known.name == name.text().trim())?;
        Some((at, &steps[taken..]))
    });
    match there {
        Some((at, [])) if value.is_null() => {
            pairs.remove(at);
        }
        Some((at, rest)) => {
            let (known, old) = pairs.remove(at);
            // Only a list at the top has names.
            let names = names.filter(|names| names.list == known.name);
            pairs.insert(at, (known, set(old, rest, value, names)?));
        }
        None => {
            let (step, rest) = (&steps[0], &steps[1..]);
            let key = Key { name: step.text().trim().to_owned(), span: step.clone() };
            let empty = Node { value: Value::Scalar(Scalar::Null), span: step.clone() };
            pairs.push((key, set(empty, rest, value, None)?));
        }
    }
    Ok(Value::Mapping(pairs))
}

fn set_element(mut elements: Vec<Node>, steps: &[Span], value: Node, names: Option<Names>) -> Result<Value, Error> {
    let (index, taken) = element_at(elements.len(), steps, names)?;
    let old = elements.remove(index);
    elements.insert(index, set(old, &steps[taken..], value, None)?);
    Ok(Value::Sequence(elements))
}

/// The element of a list of `count` that the first steps name, and how many steps that takes.
fn element_at(count: usize, steps: &[Span], names: Option<Names>) -> Result<(usize, usize), Error> {
    let step = &steps[0];
    let name = step.text().trim();
    if let Some(index) = name.parse().ok().filter(|index| *index < count) {
        return Ok((index, 1));
    }
    let Some(names) = names.filter(|names| names.of.iter().flatten().any(|name| !name.is_empty())) else {
        let has = count.checked_sub(1).map_or("it is empty".into(), |last| format!("they are numbered 0 to {last}"));
        return Err(Error::at(step, format!("`{name}` is not an element of this list: {has}")));
    };
    for exactly in [true, false] {
        for (span, taken) in joined(steps) {
            match names.find(span.text().trim(), count, exactly).as_slice() {
                [] => {}
                [(index, _)] => return Ok((*index, taken)),
                several => {
                    let all: Vec<String> = several.iter().map(|(i, known)| format!("{i} ({known})")).collect();
                    let message = format!(
                        "`{}` matches several {}s: {}; use a longer prefix or the number",
                        span.text().trim(),
                        names.what,
                        all.join(", ")
                    );
                    return Err(Error::at(&span, message));
                }
            }
        }
    }
    let known = names.of.last().map_or(&[][..], Vec::as_slice);
    if name.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        let all: Vec<String> = known.iter().enumerate().map(|(i, known)| format!("{i} ({known})")).collect();
        let message = format!("there is no {} {name}; there are: {}", names.what, all.join(", "));
        return Err(Error::at(step, message));
    }
    Err(Error::unknown(step, names.what, name, known.iter().filter(|known| !known.is_empty())))
}

impl Names<'_> {
    /// The elements of a name, or of the beginning of one, each once.
    fn find(&self, name: &str, count: usize, exactly: bool) -> Vec<(usize, String)> {
        let mut found: Vec<(usize, String)> = Vec::new();
        for (index, known) in self.of.iter().flat_map(|names| names.iter().enumerate()) {
            let begins = known.strip_prefix(name).is_some_and(|rest| !name.is_empty() && rest.starts_with('-'));
            let is_it = if exactly { known == name && !name.is_empty() } else { begins };
            if is_it && index < count && !found.iter().any(|(other, _)| *other == index) {
                found.push((index, known.clone()));
            }
        }
        found
    }
}

/// A mapping that is there only because the path of an override or of a swept key leads through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Its key.
    pub name: String,
    /// The key of the mapping that it is in, if that is not the whole file.
    pub parent: Option<String>,
    /// The keys in the same mapping that were there before.
    pub beside: Vec<String>,
}

/// The added mapping at `span`, or the one that has a key there.
pub fn added(root: &Node, span: &Span) -> Option<Added> {
    fn within(node: &Node, parent: Option<&str>, span: &Span) -> Option<Added> {
        let pairs = match &node.value {
            Value::Mapping(pairs) => pairs,
            Value::Sequence(elements) => return elements.iter().find_map(|element| within(element, None, span)),
            Value::Scalar(_) => return None,
        };
        // A key that was written and has a value never shares its place with the value.
        let is_added = |(key, node): &&(Key, Node)| key.span == node.span && matches!(node.value, Value::Mapping(_));
        let has = |node: &Node| node.pairs("").is_ok_and(|pairs| pairs.iter().any(|(key, _)| key.span == *span));
        let found = pairs.iter().filter(is_added).find(|(key, node)| key.span == *span || has(node));
        let here = found.map(|(key, _)| Added {
            name: key.name.clone(),
            parent: parent.map(str::to_owned),
            beside: pairs.iter().filter(|pair| !is_added(pair)).map(|(key, _)| key.name.clone()).collect(),
        });
        here.or_else(|| pairs.iter().find_map(|(key, node)| within(node, Some(&key.name), span)))
    }
    within(root, None, span)
}
