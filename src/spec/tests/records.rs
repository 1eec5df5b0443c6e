//! Files of questions with answers: in the catalog and of one's own.

use super::*;
use crate::corpus::Format;

const RECORDS: &str = "{records: {file: jsonl, text: '{q}', prompt: 'Q: {q}', response: ' {a}', answers: a, score: text, parts: {one: [0, 50], two: [50, 100]}}}";

fn calibrating_on(corpus: &str) -> String {
    with("{corpus: enwiki/train, samples: 64, length: 512}", &format!("{{corpus: {corpus}, samples: 64, length: 512}}"))
}

#[test]
fn a_file_of_ones_own_has_parts() {
    let bench = Bench::new();
    let text = |rest: &str| calibrating_on(&format!("{{file: notes.txt, format: {RECORDS}{rest}}}"));
    for (rest, split) in [("", "all"), (", split: two", "two")] {
        let loaded = bench.load(&text(rest), &[]).expect("a good spec");
        let corpus = &loaded.experiment.calibrations[0].corpus;
        assert_eq!((corpus.name.as_str(), corpus.split.as_str()), ("notes.txt", split));
        assert!(matches!(&corpus.format, Format::Records(records) if records.parts.names().eq(["one", "two"])));
    }
    assert!(bench.errors(&text(", split: tow"), &[]).contains("unknown part `tow`; did you mean `two`?"));
    assert!(bench.errors(&text(", column: q"), &[]).contains("this key does not belong to this format"));
    let lines = calibrating_on("{file: notes.txt, format: lines, split: two}");
    assert!(bench.errors(&lines, &[]).contains("this format has no parts; `split` is for records"));
    let bare = calibrating_on("{file: notes.txt, format: records}");
    assert!(bench.errors(&bare, &[]).contains("`records` needs a value"), "{}", bench.errors(&bare, &[]));
}

#[test]
fn what_is_wrong_in_a_file_of_ones_own_is_said_where_it_is() {
    let bench = Bench::new();
    let said = |from: &str, to: &str| {
        let text = calibrating_on(&format!("{{file: notes.txt, format: {}}}", RECORDS.replace(from, to)));
        bench.errors(&text, &[])
    };
    assert!(
        said("'Q: {q}'", "'Q: {q'").contains("spec.yaml:5:89: a `{` without its `}`"),
        "{}",
        said("'Q: {q}'", "'Q: {q'")
    );
    assert!(said("[50, 100]", "[49, 100]").contains("the parts `one` and `two` overlap"));
    assert!(said("score: text", "scores: text").contains("did you mean `score`?"));
}

#[test]
fn every_part_in_the_catalog_is_a_split() {
    let bench = Bench::new();
    let entry = |splits: &str| {
        format!(
            "{}  mine:\n    source: {{path: notes.txt}}\n    format: {RECORDS}\n    splits: {splits}\n    licence: MIT\n    citation: me\n",
            catalog_text()
        )
    };
    let load = |text: String| Catalog::load(&bench.write("catalog.yaml", &text));
    let catalog = load(entry("[one, two, all]")).expect("a good catalog");
    assert_eq!(catalog.corpus("mine", "two").expect("it is there").split, "two");
    let error = load(entry("[one, tow]")).expect_err("a split of another name").to_string();
    assert!(error.contains("the part `two` is not a split: list it among `splits`"), "{error}");
}
