//! Sources as the catalog and inline models write them: the first key says which kind it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::assets::Source;
use crate::terminal;
use crate::yaml::{self, Error, Errors, Node, Span, Spanned};

/// Files inside a wheel of the Python Package Index: `{pypi: PACKAGE, version: X.Y.Z, files: {PATH: SHA256}}`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pypi {
    /// Name of the package.
    pypi: String,
    /// Exact version.
    version: String,
    /// The files: path inside the wheel -> sha256 checksum.
    #[schemars(with = "BTreeMap<String, String>")]
    files: Node,
}

/// Files on the Hugging Face hub: `{hub: OWNER/NAME, dataset: BOOL, revision: COMMIT or refs/..., files: {PATH: SHA256 or null}}`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Hub {
    /// The repository, `OWNER/NAME`.
    hub: Spanned<String>,
    /// Whether the repository is one of datasets, not of a model.
    #[serde(default)]
    dataset: bool,
    /// The commit, 40 hexadecimal digits, or a full `refs/...`.
    revision: Spanned<String>,
    /// The files: path -> sha256 checksum, or `null` if none is known.
    #[schemars(with = "BTreeMap<String, Option<String>>")]
    files: Node,
}

/// One file in several parts: `{join: FILE, sha256: SHA256, parts: [SOURCE, ...]}`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Join {
    /// The name of the whole file.
    join: Spanned<String>,
    /// The sha256 checksum of the whole.
    sha256: Spanned<String>,
    /// The sources of the parts in order; each lists one file.
    #[schemars(with = "Vec<Part>")]
    parts: Node,
}

/// A local file or folder: `{path: PATH, sha256: SHA256}`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Local {
    /// A file or folder, relative to this file.
    #[schemars(with = "String")]
    path: Node,
    /// The sha256 checksum that the file must have.
    sha256: Option<Spanned<String>>,
}

/// Where a part is fetched from.
// For the schema only.
#[derive(JsonSchema)]
#[schemars(untagged, inline)]
#[allow(dead_code)]
enum Part {
    Pypi(Pypi),
    Hub(Hub),
    Local(Local),
}

/// Where files are fetched from.
// For the schema only: `read` distinguishes the kinds itself.
#[derive(JsonSchema)]
#[schemars(untagged, rename = "Source")]
#[allow(dead_code)]
pub(super) enum Written {
    Pypi(Pypi),
    Hub(Hub),
    Join(Join),
    Local(Local),
}

/// Reads a source.
pub(super) fn read(node: &Node) -> Result<Source, Errors> {
    const EXPECTED: &str =
        "a source: {pypi: ..., version, files}, {hub: ..., revision, files}, {join: ..., sha256, parts} or {path: ...}";
    const KINDS: [&str; 4] = ["pypi", "hub", "join", "path"];
    let pairs = node.pairs(EXPECTED)?;
    match KINDS.into_iter().find(|kind| node.get(kind).is_some()) {
        Some("pypi") => pypi(yaml::from_node(node)?),
        Some("hub") => hub(yaml::from_node(node)?),
        Some("join") => join(yaml::from_node(node)?),
        Some(_) => {
            let Local { path, sha256 } = yaml::from_node(node)?;
            Ok(local(&path, sha256.as_ref())?)
        }
        None => Err(match pairs.first() {
            Some((key, _)) => Error::unknown(&key.span, "kind of source", &key.name, KINDS),
            None => node.unexpected(EXPECTED),
        }
        .into()),
    }
}

fn pypi(Pypi { pypi, version, files }: Pypi) -> Result<Source, Errors> {
    let mut errors = Errors::default();
    let mut checked = BTreeMap::new();
    for (path, sha256) in listed(&files)? {
        checked.extend(errors.keep(checksum(&sha256).map(|sha256| (path, sha256))));
    }
    errors.into_result(Source::Pypi { package: pypi, version, files: checked })
}

fn hub(Hub { hub, dataset, revision, files }: Hub) -> Result<Source, Errors> {
    let mut errors = Errors::default();
    if hub.split('/').filter(|part| !part.is_empty()).count() != 2 || hub.matches('/').count() != 1 {
        errors.at(&hub.span, format!("`{}` is not a repository: write OWNER/NAME", *hub));
    }
    // The hub's own conversions to parquet live on refs that cannot be pinned; a ref written in full is meant.
    if !(revision.len() == 40 && is_hexadecimal(&revision) || revision.starts_with("refs/")) {
        let message = format!(
            "`{}` is not a commit: pin a revision by its 40 hexadecimal digits (or, where it has to move, by a full \
             `refs/...`)",
            *revision
        );
        errors.at(&revision.span, message);
    }
    let mut checked = BTreeMap::new();
    for (path, node) in listed(&files)? {
        let sha256 = if node.is_null() { Ok(None) } else { checksum(&node).map(Some) };
        checked.extend(errors.keep(sha256.map(|sha256| (path, sha256))));
    }
    errors.into_result(Source::Hub { repo: hub.value, dataset, revision: revision.value, files: checked })
}

fn join(Join { join, sha256, parts }: Join) -> Result<Source, Errors> {
    let mut errors = Errors::default();
    let sum = errors.keep(is_checksum(&sha256, &sha256.span)).unwrap_or_default();
    if join.is_empty() || join.contains(['/', '\\']) || [".", ".."].contains(&join.as_str()) {
        errors.at(&join.span, format!("`{}` is not the name of a file: no folders in it", *join));
    }
    let nodes = parts.elements("parts: a list of sources")?;
    if nodes.is_empty() {
        errors.at(&parts.span, "no parts are listed");
    }
    let mut all = Vec::new();
    for node in nodes {
        let Some(part) = errors.keep_all(read(node)) else { continue };
        let files = match &part {
            Source::Pypi { files, .. } => files.len(),
            Source::Hub { files, .. } => files.len(),
            Source::Path { .. } => 1,
            Source::Joined { .. } => {
                errors.at(&node.span, "a part cannot be joined itself: list all parts here");
                continue;
            }
        };
        if files != 1 {
            errors.at(&node.span, format!("this part lists {files} files; a part is one file"));
        }
        all.push(part);
    }
    errors.into_result(Source::Joined { file: join.value, sha256: sum, parts: all })
}

/// A file or folder, relative to the folder of the file that names it.
pub(super) fn local(path: &Node, sha256: Option<&Spanned<String>>) -> Result<Source, Error> {
    let written: PathBuf = yaml::from_node(path)?;
    let sha256 = sha256.map(|sha256| is_checksum(sha256, &sha256.span)).transpose()?;
    Ok(Source::Path { path: existing(&written, &path.span)?, sha256 })
}

/// The path joined to the folder of the file that names it, if there is such a file or folder.
pub(super) fn existing(written: &Path, span: &Span) -> Result<PathBuf, Error> {
    let path = span.file().folder.join(written);
    match path.try_exists() {
        Ok(true) => Ok(path),
        Ok(false) if written.is_absolute() => Err(Error::at(span, format!("there is no {}", path.display()))),
        Ok(false) => {
            let message =
                format!("there is no {} (paths in a spec are relative to the folder of the spec)", path.display());
            Err(Error::at(span, message))
        }
        Err(why) => {
            let message =
                format!("cannot access {}: {}; check its permissions", path.display(), terminal::reason(&why));
            Err(Error::at(span, message))
        }
    }
}

/// The files of a source, at least one.
fn listed(files: &Node) -> Result<Vec<(String, Node)>, Error> {
    let pairs = files.pairs("files: {PATH: SHA256}")?;
    if pairs.is_empty() {
        return Err(Error::at(&files.span, "no files are listed"));
    }
    Ok(pairs.iter().map(|(key, node)| (key.name.clone(), node.clone())).collect())
}

fn checksum(node: &Node) -> Result<String, Error> {
    is_checksum(&yaml::from_node::<String>(node)?, &node.span)
}

/// The text, if it is a sha256 checksum.
pub(super) fn is_checksum(text: &str, span: &Span) -> Result<String, Error> {
    if text.len() == 64 && is_hexadecimal(text) {
        return Ok(text.to_owned());
    }
    Err(Error::at(span, "a sha256 checksum is 64 hexadecimal digits in lower case"))
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
