//! Where the project is, and which files its experiments are.
//!
//! The folders `experiments`, `results` and `.cache` are in the project's folder. Started in a folder below it, the program
//! changes to the project's folder first, so that an experiment has the same provenance and results folder wherever it is
//! started. Paths on the command line are still relative to where the user is.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use corda::progress::Progress;
use corda::results::folder::PROVENANCE;
use corda::spec::{Catalog, SpecErrors};
use corda::yaml::{self, Error};

use crate::cli::{Cli, Command, Specs};

/// The file that makes a folder that of experiments.
const CATALOG: &str = "catalog.yaml";
/// Extensions of experiment files.
const ENDINGS: [&str; 2] = ["yaml", "yml"];

/// Changes to the project's folder and finds the experiment files. Call it before there are threads.
///
/// # Errors
/// If an experiment is not found, or could be one of several files.
pub fn enter(cli: &mut Cli, progress: &Progress) -> Result<(), SpecErrors> {
    let below = match (&cli.experiments, root()) {
        (None, Some((root, below))) if std::env::set_current_dir(&root).is_ok() => {
            if !cli.quiet {
                let root = root.display();
                progress.say(&format!("note: working in {root}, the project's folder; paths in messages start there"));
            }
            rebase(cli, &below);
            below
        }
        _ => PathBuf::new(),
    };
    let experiments = cli.experiments.clone().unwrap_or_else(|| "experiments".into());
    let mut errors = SpecErrors::default();
    for path in specs(&mut cli.command).into_iter().flat_map(|specs| &mut specs.specs) {
        if let Some(found) = errors.keep(find(path, &below, &experiments).map_err(Error::new)) {
            *path = found;
        }
    }
    errors.into_result(())
}

/// The nearest folder above that has experiments, if this one has none, and the path from there to here.
fn root() -> Option<(PathBuf, PathBuf)> {
    let here = std::env::current_dir().ok()?;
    let has_experiments = |folder: &&Path| folder.join("experiments").join(CATALOG).is_file();
    let root = here.ancestors().find(has_experiments)?;
    let below = here.strip_prefix(root).ok()?.to_path_buf();
    (!below.as_os_str().is_empty()).then(|| (root.to_path_buf(), below))
}

/// Makes paths of the command line and the environment start in the project's folder instead of in `below`.
fn rebase(cli: &mut Cli, below: &Path) {
    for path in [&mut cli.results, &mut cli.cache].into_iter().flatten().chain(paths(&mut cli.command)) {
        *path = joined(below, path);
    }
    for name in ["CORDA_CACHE", "CORDA_PYTHON", "HF_HOME"] {
        // `python3` alone is looked up in PATH.
        let is_path = |value: &OsString| {
            !value.is_empty() && (name != "CORDA_PYTHON" || Path::new(value).components().count() > 1)
        };
        if let Some(value) = std::env::var_os(name).filter(is_path) {
            // SAFETY: no other thread runs yet.
            unsafe { std::env::set_var(name, joined(below, Path::new(&value))) };
        }
    }
}

/// `path` as seen from the project's folder instead of from its folder `below`. Each `..` is resolved, so that a file has the same
/// path wherever it is named from.
fn joined(below: &Path, path: &Path) -> PathBuf {
    let mut base = below.to_path_buf();
    let mut parts = path.components();
    loop {
        let mut rest = parts.clone();
        match rest.next() {
            Some(Component::CurDir) => parts = rest,
            // Folders above the project's are left as they are.
            Some(Component::ParentDir) if base.pop() => parts = rest,
            _ => break,
        }
    }
    base.join(parts.as_path())
}

/// The experiments that a command is about.
fn specs(command: &mut Command) -> Option<&mut Specs> {
    match command {
        Command::Run { specs, .. }
        | Command::Check(specs)
        | Command::Plan { specs, .. }
        | Command::Fetch(specs)
        | Command::Report(specs)
        | Command::Adapt { specs, .. }
        | Command::Merge { specs, .. } => Some(specs),
        _ => None,
    }
}

/// The other paths that a command is given.
fn paths(command: &mut Command) -> Vec<&mut PathBuf> {
    match command {
        Command::Adapt { out, .. } => vec![out],
        Command::Convert { trained, start, base, out } => vec![trained, start, base, out],
        Command::Merge { adapter, base, out, .. } => {
            [Some(adapter), base.as_mut(), out.as_mut()].into_iter().flatten().collect()
        }
        Command::Logits { model, adapter, text, out, .. } => {
            [Some(model), adapter.as_mut(), Some(text), Some(out)].into_iter().flatten().collect()
        }
        Command::Compare { first, second, .. } => vec![first, second],
        Command::Man { out } => out.as_mut().into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The file of an experiment: a path, or a name with or without `.yaml`, here or in the folder of experiments.
fn find(given: &Path, below: &Path, experiments: &Path) -> Result<PathBuf, String> {
    let here = joined(below, given);
    // A folder of results stands for the spec that wrote it.
    let is_results = |folder: &Path| folder.join(PROVENANCE).is_file();
    if given.is_absolute() || here.exists() && (!here.is_dir() || is_results(&here)) {
        return Ok(here);
    }
    let mut places = vec![below.to_path_buf()];
    if given.components().all(|part| matches!(part, Component::Normal(_))) {
        places.push(experiments.to_path_buf());
    }
    let spelt = || std::iter::once(given.to_path_buf()).chain(ENDINGS.map(|ending| with(given, ending)));
    let mut found: Vec<PathBuf> = Vec::new();
    for path in places.iter().flat_map(|place| spelt().map(|name| joined(place, &name))) {
        let same = |other: &PathBuf| std::fs::canonicalize(other).ok() == std::fs::canonicalize(&path).ok();
        if path.is_file() && !path.ends_with(CATALOG) && !found.iter().any(same) {
            found.push(path);
        }
    }
    let name = given.display();
    match found.as_slice() {
        [] => {
            let folder = experiments.display();
            let absent = match experiments.is_dir() {
                true => "",
                false => " (which is not there: start corda in the project's folder or below it, or use --experiments)",
            };
            let near = near(given, &here, experiments);
            Err(format!("there is no experiment `{name}`, here or in {folder}{absent}{near}"))
        }
        [path] => Ok(path.clone()),
        several => {
            let several: Vec<String> = several.iter().map(|path| path.display().to_string()).collect();
            Err(format!("`{name}` could be any of {}: write the one you mean in full", several.join(", ")))
        }
    }
}

fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// A hint for a name that was not found: the experiment whose name is nearest, or else all there are.
fn near(given: &Path, here: &Path, experiments: &Path) -> String {
    let mut all = files(experiments);
    let folder = here.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let plain = |path: PathBuf| path.strip_prefix(".").map(Path::to_path_buf).unwrap_or(path);
    all.extend(files(folder).into_iter().map(plain).filter(|path| !all.contains(path)).collect::<Vec<_>>());
    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let stems: Vec<String> = all.iter().map(|path| stem(path)).collect();
    let wanted = ENDINGS.iter().any(|ending| given.extension().is_some_and(|e| e == *ending));
    let wanted =
        if wanted { stem(given) } else { given.file_name().unwrap_or_default().to_string_lossy().into_owned() };
    let nearest = yaml::nearest(&wanted, stems.iter().map(String::as_str));
    if let Some(at) = nearest.and_then(|nearest| stems.iter().position(|stem| stem == nearest)) {
        return format!("; did you mean {}?", all[at].display());
    }
    let all: Vec<String> = all.iter().map(|path| path.display().to_string()).collect();
    if all.is_empty() { String::new() } else { format!("; there are: {}", all.join(", ")) }
}

/// The experiment files in a folder, by name.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let is_experiment = |path: &PathBuf| {
        ENDINGS.iter().any(|ending| path.extension().is_some_and(|e| e == *ending)) && !path.ends_with(CATALOG)
    };
    let mut all: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_experiment).collect();
    all.sort();
    all
}

/// The catalog in the folder of experiments.
///
/// # Errors
/// What is wrong with it, or what to do if there is none.
pub fn catalog(experiments: &Path) -> Result<Catalog, SpecErrors> {
    let path = experiments.join(CATALOG);
    if !path.exists() {
        let message = format!(
            "there is no {}: start corda in the project's folder or below it, or give the folder of catalog.yaml with \
             --experiments FOLDER",
            path.display()
        );
        return Err(Error::new(message).into());
    }
    Catalog::load(&path)
}

#[cfg(test)]
mod tests;
