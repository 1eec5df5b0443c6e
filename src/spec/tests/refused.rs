//! Specs that do not load, each with the place of what is wrong; no text makes loading panic.

use proptest::prelude::*;

use super::*;
use crate::yaml::tests::rendered;

/// What is broken, the spec, and where each error must be (`line:column`).
fn broken() -> Vec<(&'static str, String, Vec<&'static str>)> {
    let shape_zero = "model: {path: models/tiny, shape: {hidden: 64, layers: 0, heads: 4, kv_heads: 2, head_dim: 16, intermediate: 128, vocabulary: 256, context: 512, tied: false}}";
    let one = |what, from: &str, to: &str, at| (what, with(from, to), vec![at]);
    vec![
        one("unknown key", "targets:", "target:", "3:1"),
        one("misspelt extends", "targets: decoder", "extend: table6.yaml", "3:1"),
        one("missing key", "discard: {components: [0, 16, 8, 16]}\n", "", "1:1"),
        one("wrong type", "name: study", "name: [study]", "1:7"),
        one("number as text", "name: study", "name: 2024", "1:7"),
        one("unsafe name", "name: study", "name: ../study", "1:7"),
        one("seed that is no number", "targets: decoder", "seed: lucky", "3:7"),
        one("unknown model", "smollm2-135m-instruct", "smollm2-135m-instuct", "2:8"),
        one("unknown model, nothing near", "smollm2-135m-instruct", "gpt", "2:8"),
        one("model folder that is not there", "smollm2-135m-instruct", "{path: models/none}", "2:15"),
        one("model folder without a shape", "smollm2-135m-instruct", "{path: models}", "2:8"),
        one("impossible shape", "model: smollm2-135m-instruct", shape_zero, "2:35"),
        one("unknown targets", "targets: decoder", "targets: decoders", "3:10"),
        one("a glob without a list", "targets: decoder", "targets: '*.q_proj'", "3:10"),
        one("a glob that matches nothing", "targets: decoder", "targets: ['*.q_proj', '*.qq_proj']", "3:23"),
        one("a broken glob", "targets: decoder", "targets: ['*.[q_proj']", "3:11"),
        one("no globs", "targets: decoder", "targets: []", "3:10"),
        one("unknown corpus", "enwiki/train", "enwikki/train", "5:18"),
        one("unknown split", "ptb/validation", "ptb/valid", "12:17"),
        one("no split", "enwiki/train", "enwiki", "5:18"),
        one("text file that is not there", "enwiki/train", "{file: none.txt, format: text}", "5:25"),
        one("unknown format", "enwiki/train", "{file: notes.txt, format: json}", "5:44"),
        one("jsonl without fields", "enwiki/train", "{file: notes.txt, format: jsonl}", "5:44"),
        one("parquet without a column", "enwiki/train", "{file: notes.txt, format: parquet}", "5:44"),
        one("a column of a text", "enwiki/train", "{file: notes.txt, format: text, column: x}", "5:58"),
        one("a checksum that is none", "enwiki/train", "{file: notes.txt, format: text, sha256: abc}", "5:58"),
        one("no samples", "samples: 64, ", "samples: 0, ", "5:41"),
        one("no length", "samples: 64, length: 512", "samples: 64, length: 0", "5:53"),
        one("calibration beyond the context", "samples: 64, length: 512", "samples: 64, length: 8193", "5:53"),
        one("unknown sampling", "samples: 64, ", "samples: 64, sampling: contigous, ", "5:55"),
        one("calibration without samples", "samples: 64, ", "", "5:9"),
        ("calibration name", GOOD.replace(" wiki", " wi/ki").replace("[wiki", "[wi/ki"), vec!["5:3", "11:3"]),
        one("misspelt method", "method: corda", "method: cordaa", "8:14"),
        one("method nothing is near", "method: corda", "method: magic", "8:14"),
        one("arm without a method", "method: corda, ", "", "8:5"),
        one("arm that is a word", "{method: plain-svd}", "plain-svd", "7:5"),
        one("misspelt key of an arm", "calibration: wiki}", "calibration: wiki, sampels: 3}", "8:40"),
        one("key of another method", "{method: plain-svd}", "{method: plain-svd, alpha: 1}", "7:25"),
        one("wrong type in a method", "calibration: wiki}", "calibration: wiki, alpha: high}", "8:47"),
        one("method that needs a calibration", ", calibration: wiki}", "}", "8:14"),
        one("method that needs none", "{method: plain-svd}", "{method: plain-svd, calibration: wiki}", "7:38"),
        one("samples of no calibration", "{method: plain-svd}", "{method: plain-svd, samples: 3}", "7:34"),
        one("unknown calibration", "calibration: wiki}", "calibration: wikki}", "8:34"),
        one("samples beyond the calibration", "calibration: wiki}", "calibration: wiki, samples: 65}", "8:49"),
        one("an arm with no samples", "calibration: wiki}", "calibration: wiki, samples: 0}", "8:49"),
        one("unknown evaluation", "calibration: wiki}", "calibration: wiki, evaluate: [wiki, pbt]}", "8:57"),
        one("arm without evaluations", "calibration: wiki}", "calibration: wiki, evaluate: []}", "8:50"),
        one("label taken", "{method: plain-svd}", "{method: plain-svd, label: CO-SVD (64 wiki samples)}", "8:5"),
        one("label reserved", "{method: plain-svd}", "{method: plain-svd, label: Undamaged}", "7:32"),
        one("two arms alike", "{method: plain-svd}", "{method: corda, calibration: wiki, alpha: 3}", "8:5"),
        one("no arms", "\n  - {method: plain-svd}\n  - {method: corda, calibration: wiki}", " []", "6:7"),
        one("r at a rank", "[0, 16, 8, 16]", "[0, 192, 8]", "9:27"),
        one("negative r", "[0, 16, 8, 16]", "[0, -1]", "9:27"),
        one("r that is no whole number", "[0, 16, 8, 16]", "[0, 1.5]", "9:27"),
        one("nothing to discard", "[0, 16, 8, 16]", "[]", "9:23"),
        one("share of one", "{components: [0, 16, 8, 16]}", "{share: [0.5, 1.0]}", "9:24"),
        one("share that is no number", "{components: [0, 16, 8, 16]}", "{share: [.nan]}", "9:19"),
        one("share and components", "[0, 16, 8, 16]}", "[0], share: [0.5]}", "9:35"),
        one("share with cap", "{components: [0, 16, 8, 16]}", "{share: [0.5], cap: true}", "9:30"),
        one("neither share nor components", "{components: [0, 16, 8, 16]}", "{}", "9:10"),
        one("no windows", "windows: 16, ", "windows: 0, ", "11:40"),
        one("windows that are a word", "windows: 16, ", "windows: some, ", "11:40"),
        one("evaluation beyond the context", "windows: 16, length: 512", "windows: 16, length: 9000", "11:52"),
        one("a window of one token", "windows: 16, length: 512", "windows: 16, length: 1", "11:52"),
        one("unknown published results", "targets: decoder", "published: corda-table7", "3:12"),
        ("calibrations in a list", with("calibrations:\n  wiki: {", "calibrations:\n  - {"), vec!["5:3", "8:34"]),
        (
            "no evaluations",
            format!("{}evaluate: {{}}\n", &GOOD[..GOOD.find("evaluate").unwrap_or_default()]),
            vec!["10:11"],
        ),
        (
            "several at once",
            GOOD.replace("study", "a/b")
                .replace("enwiki/", "enwikki/")
                .replace("corda", "codra")
                .replace("8, 16]", "-8]"),
            vec!["1:7", "5:18", "11:18", "8:14", "9:31"],
        ),
        (
            "no error follows from another",
            GOOD.replace("smollm2-135m-instruct", "nothing")
                .replace("[0, 16", "[999")
                .replace("length: 512", "length: 99999"),
            vec!["2:8"],
        ),
    ]
}

#[test]
fn what_is_wrong_is_said_where_it_is() {
    let bench = Bench::new();
    let (mut said, mut misplaced) = (String::new(), String::new());
    for (what, text, places) in broken() {
        let errors = bench.load(&text, &[]).expect_err(what);
        let found: Vec<String> = errors
            .iter()
            .map(|error| error.span().map(|span| format!("{}:{}", span.line(), span.column())).unwrap_or_default())
            .collect();
        said += &format!("{what}\n    {}\n", bench.redact(&errors.to_string()).replace('\n', "\n    "));
        if found != places {
            misplaced += &format!("{what}: at {found:?}, not at {places:?}\n{errors}\n");
        }
    }
    assert!(misplaced.is_empty(), "{misplaced}");
    insta::assert_snapshot!(said);
}

#[test]
fn an_error_is_shown_with_its_line() {
    let bench = Bench::new();
    let show = |text: &str, overrides: &[&str]| {
        let errors = bench.load(text, overrides).expect_err("a bad spec");
        let shown: Vec<String> = errors.iter().map(|error| bench.redact(&rendered(error))).collect();
        shown.join("\n")
    };
    let shown = [
        show(&with("method: corda", "method: cordaa"), &[]),
        show(&with("[0, 16, 8, 16]", "[0, 16, 192]"), &[]),
        show(GOOD, &["evaluate.wiki.window=4"]),
        show(GOOD, &["evaluate.wiki.windows=zero"]),
    ];
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn arms_are_named_in_overrides_as_before_any_of_them() {
    let bench = Bench::new();
    let labels = |overrides: &[&str]| {
        let arms = bench.load(GOOD, overrides).expect("good overrides").experiment.arms;
        arms.into_iter().map(|arm| arm.label).collect::<Vec<_>>()
    };
    assert_eq!(labels(&["arms.corda-wiki-64.label=X"])[1], "X");
    assert_eq!(labels(&["arms.corda.label=X"])[1], "X");
    assert_eq!(labels(&["arms.plain-svd.label=X"])[0], "X");
    assert_eq!(labels(&["arms.corda-wiki-64.samples=2", "arms.corda-wiki-64.label=X"])[1], "X");
    assert_eq!(labels(&["arms.corda-wiki-64.samples=2", "arms.corda-wiki-2.label=X"])[1], "X");
    assert_eq!(labels(&["arms=[{method: plain-svd, end: largest}]", "arms.plain-svd-largest.label=X"]), ["X"]);
    // One id that has moved to another arm is refused.
    let set = ["arms[0]={method: corda, calibration: wiki}", "arms.corda-wiki-64.label=X"];
    assert!(bench.errors(GOOD, &set).contains("matches several arms: 1 (corda-wiki-64), 0 (corda-wiki-64)"));
}

#[test]
fn an_override_is_to_blame_for_what_it_says() {
    let bench = Bench::new();
    let said: Vec<String> = [
        "evaluate.wiki.window=4",
        "evaluate.wikki.windows=4",
        "evaluate.wikki.window=4",
        "calibrations.x.samples=4",
        "train.epochs=2",
        "arms.corda-wiki-46.label=x",
        "arms.corda-wiki-64.lable=x",
        "arms.corda-wiki-64.label=\"a\\nb\"",
        "title=\"a\\tb\"",
        "calibrations.wiki.samples=18446744073709551615",
        "evaluate.wiki.windows=18446744073709551615",
        "arms[1].method=plainsvd",
        "arms[1].sampels=4",
        "arms[2].samples=4",
        "evalute.wiki.windows=4",
        "calibrations.wiki.samples=many",
        "model=llama",
        "model.path=x",
        "discard.share=[0.5]",
        "calibrations.wiki=null",
        "extends=other.yaml",
    ]
    .into_iter()
    .map(|text| format!("{text}\n    {}", bench.errors(GOOD, &[text]).replace('\n', "\n    ")))
    .collect();
    insta::assert_snapshot!(said.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// One piece of a good spec is replaced by something that may be anything.
    #[test]
    fn no_spec_makes_loading_panic(
        start in 0..GOOD.len(),
        length in 0usize..12,
        noise in "([a-z0-9]|[\\[\\]{}:,?&*!|>'\"%#@`~. -]|\n|\n  |: |999999999999999999999|-1|null|.nan){0,8}",
        set in prop::option::of("(arms|discard|evaluate|calibrations|model|targets|seed)(\\[[0-9]\\]|\\.[a-z]{1,9}){0,3}=[a-z0-9{}\\[\\]:, ]{0,9}"),
    ) {
        let bench = Bench::new();
        let mut text = GOOD.to_owned();
        text.replace_range(start..(start + length).min(GOOD.len()), &noise);
        let overrides: Vec<&str> = set.iter().map(String::as_str).collect();
        match bench.load(&text, &overrides) {
            Ok(loaded) => prop_assert!(!loaded.experiment.arms.is_empty()),
            Err(errors) => prop_assert!(!errors.is_empty()),
        }
    }
}
