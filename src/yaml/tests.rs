//! Trees, positions, typed reading and `extends`; no text may make the parser panic.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

mod overrides;

/// A tree as one line, each key and value with its `line:column`.
fn outline(node: &Node) -> String {
    let at = |span: &Span| format!("@{}:{}", span.line(), span.column());
    let value = match &node.value {
        Value::Scalar(scalar) => format!("{scalar:?}"),
        Value::Sequence(elements) => format!("[{}]", elements.iter().map(outline).collect::<Vec<_>>().join(", ")),
        Value::Mapping(pairs) => {
            let pair = |(key, node): &(Key, Node)| format!("{}{}: {}", key.name, at(&key.span), outline(node));
            format!("{{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
    };
    value + &at(&node.span)
}

fn tree(text: &str) -> Node {
    parse(text, "t.yaml").expect("valid YAML")
}

fn error(text: &str) -> String {
    parse(text, "t.yaml").expect_err("invalid YAML").to_string()
}

#[test]
fn every_key_and_value_knows_its_place() {
    let text = "a: 1 # one\nbé: {c: 'x', d: [true, ~]}\ne:\n  - f: g\n    h:\n  - 2.5\n";
    insta::assert_snapshot!(outline(&tree(text)), @r#"{a@1:1: Integer(1)@1:4, bé@2:1: {c@2:6: String("x")@2:9, d@2:14: [Bool(true)@2:18, Null@2:24]@2:17}@2:5, e@3:1: [{f@4:5: String("g")@4:8, h@5:5: Null@5:5}@4:5, Float(2.5)@6:5]@4:3}@1:1"#);
}

#[test]
fn spans_cover_what_was_written() {
    let node = tree("a: one two   # comment\nb: {c: [1, 2]}  \nd:\n  - x\n  - y: 'z z'\n\ne: |\n  block\n");
    let text = |key: &str| node.get(key).expect("the key is there").span.text();
    assert_eq!(text("a"), "one two");
    assert_eq!(text("b"), "{c: [1, 2]}");
    assert_eq!(text("d"), "- x\n  - y: 'z z'");
    assert!(node.span.text().starts_with("a: one") && node.span.text().ends_with("block"));
}

#[test]
fn scalars_follow_the_core_schema() {
    use Scalar::*;
    let scalar = |text: &str| match tree(&format!("- {text}")).value {
        Value::Sequence(elements) => elements[0].value.clone(),
        other => panic!("{other:?} is not a list"),
    };
    for (text, expected) in [
        ("", Null),
        ("~", Null),
        ("Null", Null),
        ("yes", String("yes".into())),
        ("True", Bool(true)),
        ("-12", Integer(-12)),
        ("+3", Integer(3)),
        ("010", String("010".into())),
        ("0", Integer(0)),
        ("0.5", Float(0.5)),
        ("0o17", Integer(15)),
        ("0xfF", Integer(255)),
        ("0x+1", String("0x+1".into())),
        ("0.1.2", String("0.1.2".into())),
        ("1e3", Float(1000.0)),
        ("-.5", Float(-0.5)),
        ("2.", Float(2.0)),
        ("1e", String("1e".into())),
        ("inf", String("inf".into())),
        ("-.inf", Float(f64::NEG_INFINITY)),
        ("'1'", String("1".into())),
        ("\"null\"", String("null".into())),
        ("1_000", String("1_000".into())),
    ] {
        assert_eq!(scalar(text), Value::Scalar(expected), "{text:?}");
    }
    assert!(matches!(scalar(".nan"), Value::Scalar(Float(x)) if x.is_nan()));
    assert!(matches!(scalar(&"9".repeat(60)), Value::Scalar(Float(_))));
}

#[test]
fn what_is_not_one_plain_document_is_refused_where_it_is() {
    let messages: Vec<String> = [
        "",
        "# nothing\n",
        "a: 1\nb: 2\na: 3\n",
        "a: &x 1\n",
        "a: *x\n",
        "a: &x 1\nb: *x\n",
        "a: !!str 1\n",
        "a: 1\n---\nb: 2\n",
        "{[1]: 2}\n",
        ": 1\n",
        "a:\n\tb: 1\n",
        "a:\n  b: 1\n\t c: 1\n",
        "a: [1, 2\nb: 3\n",
        "a: 'x\n",
        "a: b: c\n",
        "a: {b: 1}}\n",
    ]
    .into_iter()
    .map(|text| format!("{text:?}\n    {}", error(text)))
    .chain([error(&"[".repeat(100)), error(&"[".repeat(1000))])
    .collect();
    insta::assert_snapshot!(messages.join("\n"));
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, expecting = "a mapping of sample")]
struct Sample {
    count: usize,
    #[serde(default)]
    share: Option<f64>,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    by: BTreeMap<u32, f64>,
    #[serde(default)]
    names: Vec<String>,
    place: Option<Spanned<u8>>,
    rest: Option<Node>,
    pair: Option<(u8, bool)>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    #[default]
    PlainText,
    Columns {
        column: String,
    },
    Wrapped(u8),
}

#[test]
fn typed_values_are_read() {
    let read = |text: &str| from_node::<Sample>(&tree(text)).expect("a sample");
    let sample = read(
        "count: 3\nshare: 1\nkind: {columns: {column: text}}\nby: {16: 6.32, 0: 5}\nnames: [a, '1']\nplace: 7\n\
         rest: {x: 1}\npair: [1, true]\n",
    );
    assert_eq!((sample.count, sample.share), (3, Some(1.0)));
    assert_eq!(sample.kind, Kind::Columns { column: "text".into() });
    assert_eq!(sample.by, BTreeMap::from([(0, 5.0), (16, 6.32)]));
    assert_eq!(sample.names, ["a", "1"]);
    let place = sample.place.expect("it is given");
    assert_eq!((*place, place.span.to_string()), (7, "t.yaml:6:8".into()));
    assert_eq!(outline(&sample.rest.expect("it is given")), "{x@7:8: Integer(1)@7:11}@7:7");
    assert_eq!(sample.pair, Some((1, true)));

    let sparse = read("{count: 1, share: null, kind: plain-text}");
    assert_eq!((sparse.share, sparse.kind, sparse.rest), (None, Kind::PlainText, None));
    assert_eq!(read("{count: 1, kind: {wrapped: 3}}").kind, Kind::Wrapped(3));
}

#[test]
fn wrong_values_are_refused_at_the_innermost_place() {
    let messages: Vec<String> = [
        "count: 3\nshar: 0.5\n",
        "count: 3\nnothing-like-it: 0.5\n",
        "share: 0.5\n",
        "count: -1\n",
        "count: 2.5\n",
        "count: many\n",
        "count: [1]\n",
        "count: 99999999999999999999999\n",
        "count: 1\nshare: true\n",
        "count: 1\nnames: a\n",
        "count: 1\nnames: [a, 1.5]\n",
        "count: 1\nnames: [a, ]\nkind: plain\n",
        "count: 1\nkind: columns\n",
        "count: 1\nkind: {columns: {colum: text}}\n",
        "count: 1\nkind: {columns: {}}\n",
        "count: 1\nkind: {colums: {}}\n",
        "count: 1\nkind: {plain-text: 1}\n",
        "count: 1\nkind: 3\n",
        "count: 1\nby: {x: 1}\n",
        "count: 1\nby: {1: x}\n",
        "count: 1\nby: {-1: 1}\n",
        "count: 1\nplace: 256\n",
        "count: 1\npair: [1]\n",
        "count: 1\npair: [1, true, 3]\n",
        "- count\n",
        "just text\n",
    ]
    .into_iter()
    .map(|text| format!("{text:?}\n    {}", from_node::<Sample>(&tree(text)).expect_err("no sample")))
    .collect();
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn an_error_shows_its_line_underlined() {
    let error = from_node::<Sample>(&tree("count: 3\nkind:\n  columns: {colunm: text}\n")).expect_err("a misspelt key");
    insta::assert_snapshot!(rendered(&error));
}

/// An error as the terminal shows it, without colours.
pub(crate) fn rendered(error: &dyn miette::Diagnostic) -> String {
    let theme = miette::GraphicalTheme::unicode_nocolor();
    let mut out = String::new();
    let handler = miette::GraphicalReportHandler::new_themed(theme).with_width(120);
    handler.render_report(&mut out, error).expect("writing to a string");
    out
}

#[test]
fn the_nearest_name_is_the_one_meant() {
    let methods = ["plain-svd", "asvd", "corda"];
    assert_eq!(nearest("cordaa", methods), Some("corda"));
    assert_eq!(nearest("CorDA", methods), Some("corda"));
    assert_eq!(nearest("svd", methods), Some("asvd"));
    assert_eq!(nearest("plain", methods), Some("plain-svd"));
    assert_eq!(nearest("pissa", methods), None);
    assert_eq!(nearest("gemma3", ["gemma2", "gemma3_text"]), Some("gemma3_text"));
    assert_eq!(nearest("x", ["y", "z"]), None);
    assert_eq!(nearest("", ["y", "z"]), None);
}

#[test]
fn also_known_keys_join_the_search() {
    let error = from_node::<Sample>(&tree("count: 1\nsampels: 2")).expect_err("unknown").also_known(&["samples"]);
    assert_eq!(error.message(), "unknown key `sampels`; did you mean `samples`?");
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("inside the folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

#[test]
fn a_file_lays_its_keys_over_the_one_it_extends() {
    let folder = folder(&[
        ("base.yaml", "name: base\nmap: {a: 1, b: {c: 2, d: 3}}\nlist: [1, 2]\ngone: 1\n"),
        ("sub/mid.yaml", "extends: ../base.yaml\nmap:\n  b: {c: 20}\n"),
        ("top.yaml", "extends: sub/mid.yaml\nname: top\nlist: [9]\nmap: {e: 5}\ngone: null\nnew: null\n"),
    ]);
    let node = load(&folder.path().join("top.yaml")).expect("three files");
    insta::assert_snapshot!(outline(&node), @r#"{name@2:1: String("top")@2:7, map@4:1: {a@2:7: Integer(1)@2:10, b@3:3: {c@3:7: Integer(20)@3:10, d@2:23: Integer(3)@2:26}@3:6, e@4:7: Integer(5)@4:10}@4:6, list@3:1: [Integer(9)@3:8]@3:7, new@6:1: Null@6:6}@1:1"#);
    let place = |key| {
        Path::new(&node.get("map").and_then(|map| map.get(key)).expect("it is there").span.file().name).to_owned()
    };
    assert!(place("a").ends_with("base.yaml"));
    assert!(place("b").ends_with("mid.yaml"));
    assert!(place("e").ends_with("top.yaml"));
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let folder = folder(&[
        ("self.yaml", "a: 1\nextends: self.yaml\n"),
        ("one.yaml", "extends: two.yaml\n"),
        ("two.yaml", "extends: one.yaml\n"),
        ("lost.yaml", "name: x\nextends: selv.yaml\n"),
        ("list.yaml", "extends: [self.yaml]\n"),
        ("empty.yaml", ""),
    ]);
    let path = |name: &str| folder.path().join(name);
    fs::write(path("latin.yaml"), b"title: caf\xe9\n").expect("a file");
    fs::write(path("huge.yaml"), vec![b' '; (1 << 20) + 1]).expect("a file");
    let names = ["self", "one", "lost", "list", "empty", "latin", "huge", "tow"];
    let messages: Vec<String> = names
        .into_iter()
        .map(|name| load(&path(&format!("{name}.yaml"))).expect_err(name).to_string())
        .map(|message| message.replace(&folder.path().display().to_string(), "DIR"))
        .collect();
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_harmless() {
    let node = tree("\u{feff}a: 1\r\nb:\r\n  c: x\r\n");
    assert_eq!(outline(&node), r#"{a@1:1: Integer(1)@1:4, b@2:1: {c@3:3: String("x")@3:6}@3:3}@1:1"#);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = parse(&text, "t.yaml");
    }

    #[test]
    fn no_text_of_yaml_signs_makes_anything_panic(
        text in "([a-c0-9.é]|[\\[\\]{}:,?&*!|>'\"%#@`~-]|[ \t\n\r]|---|\\.\\.\\.|: |- |\n  ){0,60}",
    ) {
        if let Ok(node) = parse(&text, "t.yaml") {
            spans_are_inside(&node)?;
            let _ = from_node::<Sample>(&node);
            let _ = from_node::<BTreeMap<String, Kind>>(&node);
            let _ = merge(node.clone(), node);
        }
        let _ = overrides::set(&text);
    }

    #[test]
    fn a_mapping_of_words_is_read_as_it_was_written(words in prop::collection::btree_map("[a-z]{1,8}x", "[a-z]{1,8}x", 1..8)) {
        let text: String = words.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
        let node = parse(&text, "t.yaml").expect("valid YAML");
        prop_assert_eq!(&from_node::<BTreeMap<String, String>>(&node).expect("words"), &words);
        for (line, (key, value)) in node.pairs("words").expect("words").iter().enumerate() {
            prop_assert_eq!((key.span.line(), key.span.column(), key.span.text()), (line + 1, 1, key.name.as_str()));
            prop_assert_eq!(Some(value.span.text()), value.as_str());
        }
    }
}

fn spans_are_inside(node: &Node) -> Result<(), TestCaseError> {
    let children: Vec<&Node> = match &node.value {
        Value::Scalar(_) => vec![],
        Value::Sequence(elements) => elements.iter().collect(),
        Value::Mapping(pairs) => pairs.iter().map(|(_, node)| node).collect(),
    };
    for child in children {
        prop_assert!(node.span.start() <= child.span.start() && child.span.end() <= node.span.end());
        spans_are_inside(child)?;
    }
    Ok(())
}
