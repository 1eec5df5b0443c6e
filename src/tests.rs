//! The layers of the crate, read from its source: which module may use which, and that no two use each other.
//!
//! What counts are paths that begin with `crate::`, `super::` or `self::`. Tests and their fixtures may use anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Every module of the crate from the bottom to the top, with all that it uses. Those it uses stand above it here.
const LAYERS: &[(&str, &[&str])] = &[
    // Files, messages and what libraries get wrong: nothing of language models.
    ("guard", &[]),
    ("names", &[]),
    ("terminal", &[]),
    ("atomic", &["terminal"]),
    ("tensors", &["atomic"]),
    ("pages", &["guard"]),
    ("cache", &["atomic", "tensors", "terminal"]),
    ("yaml", &["terminal"]),
    ("progress", &["terminal", "yaml"]),
    // What experiments are about: each takes what the ones before it give.
    ("assets", &["progress", "terminal"]),
    ("corpus", &["guard", "pages", "tensors"]),
    ("model", &["atomic", "guard", "tensors"]),
    ("calibrate", &["cache", "model"]),
    ("decompose", &["cache", "calibrate", "model", "yaml"]),
    ("adapt", &["atomic", "decompose", "model"]),
    ("evaluate", &["corpus", "model"]),
    ("train", &["adapt", "cache", "model"]),
    // Experiments: as they are written, as work to do, as results, as pages.
    ("spec", &["adapt", "assets", "corpus", "decompose", "model", "names", "terminal", "yaml"]),
    ("plan", &["cache", "calibrate", "decompose", "model", "spec", "train"]),
    ("results", &["atomic", "guard", "pages", "progress"]),
    ("report", &["evaluate", "results", "spec"]),
    // Doing the work, and saying what there is to do.
    (
        "run",
        &[
            "adapt",
            "assets",
            "atomic",
            "cache",
            "calibrate",
            "corpus",
            "decompose",
            "evaluate",
            "model",
            "plan",
            "progress",
            "report",
            "results",
            "spec",
            "tensors",
            "train",
            "yaml",
        ],
    ),
    ("snakemake", &["names", "run", "spec"]),
    ("status", &["model", "plan", "run", "spec"]),
];

/// Folders whose modules still use each other in a circle. Take one off when its circle is gone; add none.
const CIRCULAR: [&str; 2] = ["report", "spec"];

#[test]
fn modules_use_what_the_table_says_and_nothing_else() {
    let used = edges(&sources(), &[]);
    let mut below = BTreeSet::new();
    for (module, uses) in LAYERS {
        let found: BTreeSet<&str> = used.get(*module).into_iter().flatten().map(String::as_str).collect();
        assert_eq!(found, uses.iter().copied().collect(), "what `{module}` uses, and what src/tests.rs says");
        assert!(found.is_subset(&below), "`{module}` uses {:?}, not below it", found.difference(&below));
        below.insert(*module);
    }
    let declared = Regex::new(r"(?m)^(?:pub )?mod (\w+);").unwrap();
    let library = read(&source_folder().join("lib.rs"));
    let declared: BTreeSet<&str> = declared.captures_iter(&library).map(|found| found.extract::<1>().1[0]).collect();
    let all: BTreeSet<&str> = below.into_iter().chain(["tests"]).collect();
    assert_eq!(declared, all, "modules of lib.rs, and of src/tests.rs");
}

#[test]
fn modules_of_a_folder_do_not_use_each_other_in_a_circle() {
    let sources = sources();
    let folders: BTreeSet<&[String]> =
        sources.iter().flat_map(|source| (0..source.module.len()).map(|depth| &source.module[..depth])).collect();
    for folder in folders {
        let name = folder.join("/");
        let circle = circle(edges(&sources, folder));
        match CIRCULAR.contains(&name.as_str()) {
            true => assert!(!circle.is_empty(), "no circle is left in `{name}`: take it off the list in src/tests.rs"),
            false => assert!(circle.is_empty(), "modules in `{name}` use each other in a circle: {circle:?}"),
        }
    }
}

#[test]
fn paths_are_found_in_groups_and_resolved() {
    let text = "use crate::{a::{self, b as c}, d}; // crate::no\n\
                pub(in crate::no) fn f() { super::g::<T>(); self::h!(); $crate::no::n() }";
    let source = Source::new(&["x", "y"], text);
    let found: Vec<String> = source.paths.iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["a::self", "a::b", "d", "x::g", "x::y::h"]);
}

/// A module of the crate, by the paths that its source names.
struct Source {
    /// Its own path, from the root of the crate.
    module: Vec<String>,
    /// What it names by `crate::`, `super::` or `self::`, from the root of the crate.
    paths: Vec<Vec<String>>,
    /// What it imports: the name here, and the path as it is written.
    imports: Vec<(String, Vec<String>)>,
}

impl Source {
    fn new(module: &[&str], text: &str) -> Self {
        let comment = Regex::new("//[^\n]*").unwrap();
        let token = Regex::new(r"[A-Za-z_]\w*|::|\S").unwrap();
        let text = comment.replace_all(text, "");
        let tokens: Vec<&str> = token.find_iter(&text).map(|found| found.as_str()).collect();
        let module: Vec<String> = module.iter().map(|name| (*name).to_string()).collect();
        let (mut paths, mut imports) = (Vec::new(), Vec::new());
        for at in 0..tokens.len() {
            // `pub(in crate::x)` uses nothing, and `$crate::x` is for other crates.
            let passed = tokens[..at].last().is_some_and(|before| matches!(*before, "$" | "::"))
                || tokens[..at].ends_with(&["(", "in"]);
            match tokens[at] {
                "crate" | "super" | "self" if !passed && tokens.get(at + 1) == Some(&"::") => {
                    paths.extend(
                        tree(&tokens, &mut at.clone(), &[]).into_iter().map(|(_, path)| resolve(&module, &path)),
                    );
                }
                "use" => imports.extend(tree(&tokens, &mut (at + 1), &[])),
                _ => {}
            }
        }
        Self { module, paths, imports }
    }
}

/// The paths of a tree as `use` has it, from the token `at` on, each with the name that it gets; `at` moves behind it.
fn tree(tokens: &[&str], at: &mut usize, before: &[String]) -> Vec<(String, Vec<String>)> {
    let mut path = before.to_vec();
    while let Some(token) = tokens.get(*at) {
        *at += 1;
        match *token {
            "{" => {
                let mut all = Vec::new();
                while !matches!(tokens.get(*at), None | Some(&"}")) {
                    all.extend(tree(tokens, at, &path));
                    *at += usize::from(tokens.get(*at) == Some(&","));
                }
                *at += 1;
                return all;
            }
            word if word.starts_with(|c: char| c.is_alphabetic() || c == '_') => path.push(word.to_string()),
            // What a path of generics ends in, or a glob.
            _ => break,
        }
        match tokens.get(*at) {
            Some(&"::") => *at += 1,
            Some(&"as") => {
                *at += 2;
                return vec![(tokens[*at - 1].to_string(), path)];
            }
            _ => break,
        }
    }
    vec![(path.last().cloned().unwrap_or_default(), path)]
}

/// A path named in a module, from the root of the crate.
fn resolve(module: &[String], path: &[String]) -> Vec<String> {
    let mut from = module.to_vec();
    let mut rest = path;
    while let [first, after @ ..] = rest {
        match first.as_str() {
            "crate" => from.clear(),
            "super" => drop(from.pop()),
            "self" if !after.is_empty() => {}
            _ => break,
        }
        rest = after;
    }
    from.extend_from_slice(rest);
    from
}

/// Which modules of a folder use which others of it, in themselves or in modules below them. What the folder's own module
/// imports from one of them counts as that one's.
fn edges(sources: &[Source], folder: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let inside = |path: &[String]| path.strip_prefix(folder)?.first().cloned();
    let modules: BTreeSet<String> = sources.iter().filter_map(|source| inside(&source.module)).collect();
    let own = sources.iter().filter(|source| source.module == folder);
    let imported: BTreeMap<&String, &String> = own
        .flat_map(|source| &source.imports)
        .filter_map(|(name, path)| Some((name, path.first().filter(|first| modules.contains(*first))?)))
        .collect();
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources {
        let Some(from) = inside(&source.module) else { continue };
        for path in &source.paths {
            let named = inside(path).and_then(|name| modules.get(&name).or(imported.get(&name).copied()).cloned());
            if let Some(to) = named.filter(|to| *to != from) {
                edges.entry(from.clone()).or_default().insert(to);
            }
        }
    }
    edges
}

/// Those that are left when all have gone that use none, or that none uses.
fn circle(mut edges: BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    loop {
        let before = edges.clone();
        let used: BTreeSet<&String> = before.values().flatten().collect();
        edges.retain(|module, uses| {
            uses.retain(|name| before.contains_key(name));
            !uses.is_empty() && used.contains(module)
        });
        if edges == before {
            return edges;
        }
    }
}

/// All modules of the library and of the program, without tests and their fixtures.
fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    let mut folders = vec![source_folder()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let module = path.strip_prefix(source_folder()).unwrap().with_extension("");
            let module: Vec<&str> = module.iter().map(|name| name.to_str().unwrap()).collect();
            match module.last() {
                Some(&("tests" | "fixture")) => {}
                _ if path.is_dir() => folders.push(path),
                _ if path.extension().is_some_and(|end| end == "rs") => {
                    sources.push(Source::new(&module, &read(&path)))
                }
                _ => {}
            }
        }
    }
    sources
}

fn source_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}
