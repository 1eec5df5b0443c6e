//! Names that become something else: a rule of a workflow engine, a file. Two names never become the same.

use std::collections::HashSet;

/// Words that Snakemake (and Python, which it extends) will not take as the name of a rule, and the rules of ours that are
/// no stage. All in lower case: capitals never stand in an identifier of ours.
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

/// Longest identifier that is written out: file names end at 255 bytes.
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The name that an identifier was made of: there is only one.
    fn decoded(identifier: &str) -> Option<String> {
        let mut out = String::new();
        if identifier == "_" {
            return Some(out);
        }
        let mut rest = identifier;
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("__") {
                out.push(' ');
                rest = after;
            } else if let Some(after) = rest.strip_prefix("_x") {
                let (hex, after) = after.split_once('_')?;
                out.push(char::from_u32(u32::from_str_radix(hex, 16).ok()?)?);
                rest = after;
            } else {
                out.push(c);
                rest = &rest[1..];
            }
        }
        Some(out)
    }

    fn is_identifier(text: &str) -> bool {
        text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && text.len() <= 255
            && !RESERVED.contains(&text)
    }

    #[test]
    fn names_that_look_alike_are_told_apart() {
        let alike = [
            "ptb-a",
            "ptb_a",
            "ptb a",
            "ptb.a",
            "ptb__a",
            "ptb_x2d_a",
            "ptbxa",
            "PTB-a",
            "ptb-A",
            "ptb-a ",
            " ptb-a",
            "",
            "_",
            "__",
            " ",
            "  ",
            "all",
            "_x61_ll",
            "\u{e9}",
            "e\u{301}",
            "E\u{301}",
            "1",
            "_x31_",
            "a\nb",
            "a\tb",
            "a b",
        ];
        let made: HashSet<String> = alike.iter().map(|name| identifier(name)).collect();
        assert_eq!(made.len(), alike.len(), "{made:?}");
        assert!(made.iter().all(|one| is_identifier(one)), "{made:?}");
        assert_eq!(identifier("decompose corda-wiki-32"), "decompose__corda_x2d_wiki_x2d_32");
        for word in RESERVED {
            assert!(is_identifier(&identifier(word)) && decoded(&identifier(word)).as_deref() == Some(word));
        }
    }

    #[test]
    fn long_names_fit_a_file_and_stay_apart() {
        let names = [format!("{}a", "\u{e9}".repeat(300)), format!("{}b", "\u{e9}".repeat(300)), "x".repeat(300)];
        let made: HashSet<String> = names.iter().map(|name| identifier(name)).collect();
        assert!(made.len() == 3 && made.iter().all(|one| is_identifier(one)), "{made:?}");
    }

    #[test]
    fn names_unfit_for_files_are_known() {
        for name in ["con", "NUL", "aux.yaml", "com1", "LPT9.txt", "a.", "index.html", "INDEX.html"] {
            assert!(unfit(name).is_some(), "{name}");
        }
        for name in ["console", "com", "com10", "nulls", "a.b", "wiki", "auxiliary", "index"] {
            assert!(unfit(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_taken_name_gets_a_number_whatever_its_case() {
        let mut taken = HashSet::new();
        let names: Vec<String> = ["a", "A", "a-2", "a", "b"].iter().map(|stem| free(stem, &mut taken)).collect();
        assert_eq!(names, ["a", "A-2", "a-2-2", "a-3", "b"]);
    }

    proptest! {
        #[test]
        fn identifiers_are_valid_and_have_one_name(name in ".{0,40}") {
            let made = identifier(&name);
            prop_assert!(is_identifier(&made), "{}", made);
            if made.len() <= LONGEST {
                prop_assert_eq!(decoded(&made), Some(name));
            }
        }

        #[test]
        fn names_of_few_signs_are_told_apart(a in "[a_xA \\-2d]{0,8}", b in "[a_xA \\-2d]{0,8}") {
            prop_assert_eq!(identifier(&a) == identifier(&b), a == b);
        }

        #[test]
        fn free_names_never_collide(stems in proptest::collection::vec("[aA](-[23])?", 0..12)) {
            let mut taken = HashSet::new();
            let names: HashSet<String> = stems.iter().map(|stem| free(stem, &mut taken).to_lowercase()).collect();
            prop_assert_eq!(names.len(), stems.len());
        }
    }
}
