//! Specs that load, resolved in full, and what is warned about.

use super::*;
use crate::model::shape::Linear;
use crate::yaml::tests::rendered;

fn as_json(bench: &Bench, loaded: &Loaded) -> String {
    let json = serde_json::to_string_pretty(&loaded.experiment).expect("an experiment is data");
    let warnings: Vec<String> = loaded.warnings.iter().map(Warning::to_string).collect();
    bench.redact(&format!("{json}\n{}", warnings.join("\n")))
}

#[test]
fn a_good_spec_is_resolved_in_full() {
    let bench = Bench::new();
    let loaded = bench.load(GOOD, &["evaluate.wiki.windows=4", "title=Changed"]).expect("a good spec");
    insta::assert_snapshot!(as_json(&bench, &loaded));
}

#[test]
fn every_spelling_is_understood() {
    let bench = Bench::new();
    let text = "\
name: spelled-out
title: Everything that can be said
description: |
  Two lines
  of text.
model: {path: models/tiny}
targets: ['*.self_attn.?_proj', model.layers.0.mlp.down_proj]
seed: 7
calibrations:
  own: {corpus: {file: notes.txt, format: jsonl, fields: [question, answer]}, samples: 3, length: 16, sampling: documents, seed: 1}
  two: {corpus: {file: notes.txt, format: jsonl, field: question}, samples: 300, length: 512, sampling: contiguous}
arms:
  - {method: asvd, calibration: two, samples: 1, alpha: 0.25, evaluate: [lines]}
  - {method: asvd, calibration: two, samples: 1, alpha: 0.75, label: Second, evaluate: [text, lines, text]}
  - {method: corda, calibration: own}
discard: {share: [0.5, 0, 0.25, 0.5]}
evaluate:
  text: {corpus: {file: notes.txt, format: text, sha256: 'SHA'}, windows: 1, length: 2}
  lines: {corpus: {file: notes.txt, format: lines}, windows: all, length: 512}
  columns: {corpus: {file: notes.txt, format: parquet, column: body}, windows: 3, length: 100}
published: corda-table6
"
    .replace("SHA", SHA);
    let loaded = bench.load(&text, &[]).expect("a good spec");
    insta::assert_snapshot!(as_json(&bench, &loaded));
    assert_eq!(loaded.experiment.targets.describe(), "*.self_attn.?_proj model.layers.0.mlp.down_proj");
    let names: Vec<String> = loaded.experiment.linears().into_iter().map(|linear| linear.name).collect();
    let part = |name: &str| format!("model.layers.0.{name}_proj");
    let expected = ["self_attn.q", "self_attn.k", "self_attn.v", "self_attn.o", "mlp.down"].map(part);
    assert_eq!(names, expected);
}

#[test]
fn windows_begin_with_the_token_where_the_family_needs_it_or_the_spec_says_so() {
    let bench = Bench::new();
    let bos = |family: &str, key: &str| {
        let shape = format!(
            "{{family: {family}, hidden: 64, layers: 1, heads: 4, kv_heads: 2, head_dim: 16, intermediate: 128, vocabulary: 256, \
             context: 512, tied: false}}"
        );
        let text = with("smollm2-135m-instruct", &format!("{{path: models/tiny, shape: {shape}}}"));
        let text = text.replace(", 16, 8, 16", ", 8");
        let overrides: Vec<String> =
            (!key.is_empty()).then(|| format!("evaluate.wiki.bos={key}")).into_iter().collect();
        let overrides: Vec<&str> = overrides.iter().map(String::as_str).collect();
        let loaded = bench.load(&text, &overrides).expect("a good spec");
        loaded.experiment.evaluations.iter().find(|one| one.name == "wiki").expect("wiki").bos
    };
    use crate::corpus::Bos;
    assert_eq!((bos("llama", ""), bos("qwen3", ""), bos("gemma3_text", "")), (Bos::Stream, Bos::Stream, Bos::Window));
    assert_eq!(
        (bos("gemma2", "stream"), bos("llama", "window"), bos("opt", "none")),
        (Bos::Stream, Bos::Window, Bos::None)
    );
    let wrong = bench.errors(GOOD, &["evaluate.wiki.bos=always"]);
    assert!(wrong.contains("always") && wrong.contains("stream"), "{wrong}");
}

#[test]
fn an_inline_source_needs_its_shape() {
    let bench = Bench::new();
    let source = format!("{{hub: me/mine, revision: {COMMIT}, files: {{model.safetensors: null}}}}");
    let shape = "{hidden: 64, layers: 1, heads: 4, kv_heads: 2, head_dim: 16, intermediate: 128, vocabulary: 256, context: 512, tied: false}";
    let model = format!("model: {{source: {source}, shape: {shape}}}");
    let loaded = bench.load(&with("model: smollm2-135m-instruct", &model), &[]).expect("a good spec");
    assert_eq!(loaded.experiment.model.name, "me/mine");
    assert!(matches!(&loaded.experiment.model.source, crate::assets::Source::Hub { dataset: false, .. }));

    let without = format!("model: {{source: {source}}}");
    assert!(
        bench
            .errors(&with("model: smollm2-135m-instruct", &without), &[])
            .contains("spec.yaml:2:8: missing key `shape`")
    );
}

#[test]
fn an_override_replaces_or_removes() {
    let bench = Bench::new();
    let loaded = bench.load(GOOD, &["discard={share: [0.5]}", "evaluate.ptb=null", "arms[1].samples=3"]);
    let experiment = loaded.expect("a good spec").experiment;
    assert_eq!(experiment.discard, Discard::Share { values: vec![0.5] });
    assert_eq!(experiment.evaluations.iter().map(|evaluation| evaluation.name.as_str()).collect::<Vec<_>>(), ["wiki"]);
    assert_eq!(experiment.arms[1].id, "corda-wiki-3");
    assert_eq!(experiment.overrides.len(), 3);
}

#[test]
fn a_relative_path_starts_from_the_file_that_says_it() {
    let bench = Bench::new();
    bench.write("deep/base.yaml", &with("enwiki/train", "{file: own.txt, format: text}"));
    bench.write("deep/own.txt", "text");
    let text = "extends: deep/base.yaml\nevaluate: {wiki: {corpus: {file: notes.txt, format: text}}}\n";
    let experiment = bench.load(text, &[]).expect("both files are there").experiment;
    let path = |corpus: &Corpus| match &corpus.source {
        Source::Path { path, .. } => bench.redact(&path.display().to_string()),
        other => format!("{other:?}"),
    };
    assert_eq!(path(&experiment.calibrations[0].corpus), "deep/own.txt");
    assert_eq!(experiment.calibrations[0].corpus.name, "own.txt");
    assert_eq!(path(&experiment.evaluations[0].corpus), "notes.txt");
}

#[test]
fn arms_get_distinct_ids() {
    let bench = Bench::new();
    let arm = "  - {method: corda, calibration: wiki, label: LABEL}\n";
    let arms: String = ["a", "b", "c"].iter().map(|label| arm.replace("LABEL", label)).collect();
    let experiment = bench.load(&with("  - {method: plain-svd}\n", &arms), &[]).expect("a good spec").experiment;
    let ids: Vec<&str> = experiment.arms.iter().map(|arm| arm.id.as_str()).collect();
    assert_eq!(ids, ["corda-wiki-64", "corda-wiki-64-2", "corda-wiki-64-3", "corda-wiki-64-4"]);
}

#[test]
fn cap_leaves_one_component_where_r_reaches_the_rank() {
    let bench = Bench::new();
    let text = with("[0, 16, 8, 16]}", "[8, 600], cap: true}");
    let experiment = bench.load(&text, &[]).expect("cap allows it").experiment;
    assert_eq!(experiment.discard, Discard::Components { values: vec![8, 600], cap: true, except: Vec::new() });
    let linear = |rank| Linear { name: "model.layers.0.self_attn.k_proj".into(), d_out: rank, d_in: 2 * rank };
    let at = |rank| (experiment.discard.components(0, &linear(rank)), experiment.discard.components(1, &linear(rank)));
    assert_eq!((at(192), at(576), at(1000)), ((8, 191), (8, 575), (8, 600)));

    let share = Discard::Share { values: vec![0.0, 0.25, 0.999] };
    let counts: Vec<usize> = (0..share.len()).map(|index| share.components(index, &linear(10))).collect();
    assert_eq!(counts, [0, 3, 9]);
}

#[test]
fn some_linears_have_an_r_of_their_own() {
    let bench = Bench::new();
    let text = with("[0, 16, 8, 16]}", "[0, 200], except: {'*.layers.0.*.k_proj': 5, '*.[kv]_proj': 100}}");
    let experiment = bench.load(&text, &[]).expect("no k or v is left to 200").experiment;
    let counts = |name: &str| {
        let linear = experiment.linears().into_iter().find(|l| l.name.ends_with(name)).expect("a linear");
        (experiment.discard.components(0, &linear), experiment.discard.components(1, &linear))
    };
    assert_eq!(counts("layers.0.self_attn.k_proj"), (0, 5));
    assert_eq!(counts("layers.1.self_attn.k_proj"), (0, 100));
    assert_eq!(counts("layers.1.self_attn.q_proj"), (0, 200));
    for (except, said) in [
        ("{'*.k_proj': 192, '*.v_proj': 1}", "not below the rank"),
        ("{'*.x_proj': 1, '*.[kv]_proj': 1}", "matches none of the targets"),
        ("{'*.k_proj': many}", "number"),
    ] {
        let text = with("[0, 16, 8, 16]}", &format!("[0, 200], except: {except}}}"));
        let errors = bench.load(&text, &[]).expect_err(except).to_string();
        assert!(errors.contains(said), "{except}: {errors}");
    }
}

#[test]
fn the_rank_of_lm_head_counts_when_it_is_a_target() {
    let bench = Bench::new();
    let narrow = with("model: smollm2-135m-instruct", "model: {path: models/tiny}");
    let text = narrow.replace("decoder", "['lm_head']").replace("[0, 16, 8, 16]", "[64]");
    assert!(bench.errors(&text, &[]).contains("r = 64 is not below the rank of lm_head (64): use r < 64"));
    let linears =
        |targets: Targets| targets.of(&read_tiny(&bench.folder.path().join("models/tiny")).expect("a shape")).len();
    assert_eq!((linears(Targets::Decoder), linears(Targets::All)), (7, 8));
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let bench = Bench::new();
    let text = with(
        "  wiki: {corpus: enwiki/train",
        "  spare: {corpus: ptb/test, samples: 9, length: 512}\n  wiki: {corpus: enwiki/test",
    )
    .replace("{method: corda, calibration: wiki}", "{method: corda, calibration: wiki, evaluate: [wiki], samples: 2}")
    .replace("{method: plain-svd}", "{method: plain-svd, evaluate: [wiki]}");
    let loaded = bench.load(&text, &[]).expect("only warnings");
    let said: Vec<String> = loaded.warnings.iter().map(|warning| bench.redact(&warning.to_string())).collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    spec.yaml:5:3: nothing uses calibration `spare`
    spec.yaml:13:3: no arm is measured on evaluation `ptb`
    spec.yaml:9:67: calibration `wiki` has at most 1024 tokens in 2 samples (arm corda-wiki-2): fewer than the 1536 inputs of model.layers.0.mlp.down_proj, so the covariance is singular before damping
    spec.yaml:6:3: calibration `wiki` and evaluation `wiki` both read enwiki/test: results will look better than they are
    "#);
    insta::assert_snapshot!(bench.redact(&rendered(&loaded.warnings[0])), @r#"
     ⚠ spec.yaml:5:3: nothing uses calibration `spare`
      ╭─[spec.yaml:5:3]
    4 │ calibrations:
    5 │   spare: {corpus: ptb/test, samples: 9, length: 512}
      ·   ─────
    6 │   wiki: {corpus: enwiki/test, samples: 64, length: 512}
      ╰────
    "#);
}
