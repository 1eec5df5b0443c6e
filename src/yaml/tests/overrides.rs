//! `--set`: keys of the tree set from the command line.

use super::*;

pub(super) fn set(text: &str) -> Result<Node, Error> {
    let root = tree("name: x\nevaluate: {wiki: {windows: 16}}\narms: [{method: a}, {method: b}]\nempty:\n");
    override_with(root, text, Path::new("here"), Names { list: "arms", what: "arm", of: &[] })
}

#[test]
fn an_override_sets_one_key() {
    let value = |text: &str, keys: &[&str]| {
        let node = set(text).expect("a good override");
        let found = keys.iter().try_fold(&node, |node, key| match &node.value {
            Value::Sequence(elements) => key.parse::<usize>().ok().and_then(|index| elements.get(index)),
            _ => node.get(key),
        });
        found.map(outline)
    };
    let windows = ["evaluate", "wiki", "windows"];
    assert_eq!(value("evaluate.wiki.windows=4", &windows), Some("Integer(4)@1:23".into()));
    assert_eq!(value("evaluate.wiki.windows='4'", &windows), Some("String(\"4\")@1:23".into()));
    assert_eq!(value("evaluate.wiki.windows=null", &windows), None);
    assert_eq!(value("evaluate.wiki.windows=", &windows), None);
    for path in ["arms[1].alpha", "arms.1.alpha"] {
        let alpha = value(&format!("{path}=0.3"), &["arms", "1", "alpha"]).expect("it was added");
        assert!(alpha.starts_with("Float(0.3)"), "{alpha}");
    }
    assert_eq!(value("arms[0]={method: c}", &["arms", "0", "method"]), Some("String(\"c\")@1:18".into()));
    assert_eq!(value("empty.new=[1]", &["empty", "new"]), Some("[Integer(1)@1:12]@1:11".into()));
    assert_eq!(value("title=a = b", &["title"]), Some("String(\"a = b\")@1:7".into()));
    // What is not set stays where it was written.
    assert_eq!(value("evaluate.wiki.windows=4", &["name"]), Some("String(\"x\")@1:7".into()));
}

#[test]
fn elements_have_names_and_names_may_have_dots() {
    let of = [["corda-wiki.v2-32", "corda-wiki.v2-4", "asvd-wiki.v2-32"].map(String::from).to_vec()];
    let set = |text: &str| {
        let root = tree("evaluate: {wiki.v2: {windows: 16}}\narms: [{a: 0}, {a: 1}, {a: 2}]\n");
        override_with(root, text, Path::new("here"), Names { list: "arms", what: "arm", of: &of })
    };
    let arm = |text: &str| {
        let node = set(text).expect(text);
        let arms = node.get("arms").expect("arms").elements("arms").expect("a list").to_vec();
        arms.iter().position(|arm| arm.get("new").is_some())
    };
    for (path, index) in [
        ("arms.corda-wiki.v2-4.new", 1),
        ("arms[corda-wiki.v2-4].new", 1),
        ("arms.asvd.new", 2),
        ("arms.asvd-wiki.v2.new", 2),
        ("arms.2.new", 2),
    ] {
        assert_eq!(arm(&format!("{path}=5")), Some(index), "{path}");
    }
    for path in ["evaluate.wiki.v2.windows", "evaluate[wiki.v2].windows"] {
        let node = set(&format!("{path}=4")).expect(path);
        assert_eq!(node.get("evaluate").expect("it is there").pairs("").expect("a mapping").len(), 1, "{path}");
    }
    let messages: Vec<String> =
        ["arms.corda-wiki.v2.new=1", "arms.asdv.new=1", "arms[3].new=1", "arms.-1.new=1", "arms.corda-wiki.v.new=1"]
            .map(|text| format!("{text}\n    {}", set(text).expect_err(text)))
            .to_vec();
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn what_only_a_path_added_is_told_apart_from_what_was_written() {
    let node = set("evaluate.other.windows=4").expect("a good override");
    let evaluate = node.get("evaluate").expect("it is there").pairs("").expect("a mapping").to_vec();
    let found = added(&node, &evaluate[1].0.span);
    let expected = Added { name: "other".into(), parent: Some("evaluate".into()), beside: vec!["wiki".into()] };
    assert_eq!(found, Some(expected));
    assert_eq!(added(&node, &evaluate[0].0.span), None);
    let node = set("evaluate.other={windows: 4}").expect("a good override");
    assert_eq!(added(&node, &node.get("evaluate").expect("it").get("other").expect("it").span), None);
}

#[test]
fn a_bad_override_is_refused_inside_its_own_text() {
    let long = format!("{}=1", ["a"; 100].join("."));
    let messages: Vec<String> = [
        "evaluate.wiki.windows",
        "=3",
        "a..b=3",
        "arms[2].alpha=3",
        "arms.x=3",
        "arms[=3",
        "arms[0=3",
        "name.x=3",
        "seed=[1",
        "extends=x.yaml",
        "seed={a: 1, a: 2}",
        long.as_str(),
    ]
    .into_iter()
    .map(|text| format!("{text}\n    {}", set(text).expect_err(text)))
    .collect();
    insta::assert_snapshot!(messages.join("\n"));
}
