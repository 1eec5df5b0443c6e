//! Names of stages and experiments as identifiers of a workflow engine, and as files and folders. Two different names never
//! become the same identifier or file.

use std::collections::HashSet;

/// Words that Snakemake (and Python, which it extends) does not accept as the name of a rule, and our rules that are not
/// stages. All are in lower case, as our identifiers have no capitals.
const RESERVED: [&str; 72] = [
    "all",
    "and",
    "as",
    "assert",
    "async",
    "await",
    "benchmark",
    "break",
    "cache",
    "case",
    "checkpoint",
    "class",
    "conda",
    "config",
    "configfile",
    "container",
    "containerized",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "expand",
    "finally",
    "for",
    "from",
    "global",
    "group",
    "handover",
    "if",
    "import",
    "in",
    "include",
    "input",
    "is",
    "lambda",
    "localrules",
    "log",
    "match",
    "message",
    "module",
    "name",
    "nonlocal",
    "not",
    "onerror",
    "onstart",
    "onsuccess",
    "or",
    "output",
    "params",
    "pass",
    "pathvars",
    "pepfile",
    "priority",
    "raise",
    "resources",
    "results",
    "return",
    "rule",
    "ruleorder",
    "run",
    "scattergather",
    "script",
    "shadow",
    "shell",
    "threads",
    "try",
    "type",
    "while",
    "with",
    "yield",
];

/// The longest identifier that is written in full: file names have at most 255 bytes.
const LONGEST: usize = 200;

/// An identifier for `name`, in every language: small letters, digits and `_`, no digit first, no reserved word. It is
/// injective, on file systems that ignore case too: letters and digits stay, a blank becomes `__`, anything else `_xHEX_`.
/// One that grows beyond what a file name may have ends in a hash.
pub fn identifier(name: &str) -> String {
    let escaped = |c: char| format!("_x{:x}_", u32::from(c));
    let mut out = String::new();
    for c in name.chars() {
        match c {
            'a'..='z' => out.push(c),
            '0'..='9' if !out.is_empty() => out.push(c),
            ' ' => out.push_str("__"),
            c => out.push_str(&escaped(c)),
        }
    }
    if out.is_empty() {
        // Nothing else becomes a lone `_`.
        return "_".into();
    }
    if RESERVED.contains(&out.as_str()) {
        let (first, rest) = out.split_at(1);
        out = first.chars().map(escaped).collect::<String>() + rest;
    }
    if out.len() > LONGEST {
        // Longer than any that is written out, so never equal to one.
        out.truncate(LONGEST);
        out = format!("{out}_h{}", &blake3::hash(name.as_bytes()).to_hex()[..32]);
    }
    out
}

/// The first of `stem`, `stem-2`, `stem-3`, ... that is not taken, by case either: they become folders. It is taken then.
pub fn free(stem: &str, taken: &mut HashSet<String>) -> String {
    let mut name = stem.to_string();
    let mut number = 2;
    while !taken.insert(name.to_lowercase()) {
        name = format!("{stem}-{number}");
        number += 1;
    }
    name
}

/// Why a name cannot be that of a file or folder on every system, or in our folders of results.
pub fn unfit(name: &str) -> Option<&'static str> {
    const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
    let stem = name.split('.').next().unwrap_or_default().to_lowercase();
    let numbered = stem.len() == 4 && (stem.starts_with("com") || stem.starts_with("lpt"));
    if DEVICES.contains(&stem.as_str()) || numbered && stem.ends_with(|c: char| c.is_ascii_digit()) {
        return Some("that is the name of a device on Windows");
    }
    if name.ends_with('.') {
        return Some("Windows drops a `.` at the end");
    }
    (name.eq_ignore_ascii_case("index.html")).then_some("`results/index.html` is the page over all experiments")
}

#[cfg(test)]
mod tests;
