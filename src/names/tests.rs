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
