//! Sweeps: the variants they make, and what is refused where.

use super::*;

fn swept(sweep: &str) -> String {
    format!("{GOOD}sweep: {sweep}\n")
}

#[test]
fn every_combination_is_a_variant() {
    let bench = Bench::new();
    let text = swept("{seed: [1, 2], 'arms[1].alpha': [0.5, 2], targets: [decoder, ['*.q_proj', '*.k_proj']]}");
    let loaded = bench.load(&text, &["evaluate.wiki.windows=4"]).expect(&text);
    let sweep = loaded.sweep.as_ref().expect("a sweep");
    assert_eq!(sweep.keys, ["seed", "arms[1].alpha", "targets"]);
    assert!(!sweep.is_replicates() && !sweep.is_over_targets());
    let names: Vec<&str> = sweep.variants.iter().map(|variant| variant.name.as_str()).collect();
    assert_eq!(names.len(), 8);
    assert_eq!(names[0], "seed-1_arms-1-alpha-0.5_targets-decoder");
    let last = &sweep.variants[7];
    assert_eq!(last.label, "seed = 2, arms[1].alpha = 2, targets = *.q_proj *.k_proj");
    let experiment = &last.experiment;
    let set = ["evaluate.wiki.windows=4", "seed=2", "arms[1].alpha=2", "targets=[\"*.q_proj\",\"*.k_proj\"]"];
    assert_eq!(experiment.overrides, set);
    assert_eq!((experiment.seed, experiment.name.as_str()), (2, "study"));
    assert_eq!(experiment.arms[1].method.parameters()["alpha"], 2.0);
    assert!(experiment.folder().starts_with("study") && experiment.folder().ends_with(&last.name));
    // Each override reads back as what it says.
    let again = bench.load(GOOD, &set).expect("overrides").experiment;
    assert_eq!((again.seed, &again.targets), (experiment.seed, &experiment.targets));
    assert_eq!(loaded.experiments().len(), 8);
}

#[test]
fn seeds_are_replicates_and_null_is_no_sweep() {
    let bench = Bench::new();
    let sweep = |text: &str, overrides: &[&str]| bench.load(text, overrides).expect(text).sweep;
    assert!(sweep(&swept("{seed: [1, 2], calibrations.wiki.seed: [3]}"), &[]).expect("one").is_replicates());
    assert!(sweep(&swept("{targets: [decoder, all]}"), &[]).expect("one").is_over_targets());
    assert!(sweep(&swept("{seed: [1, 2]}"), &["sweep=null"]).is_none());
    assert_eq!(sweep(GOOD, &["sweep.seed=[1, 2, 3]"]).expect("one").variants.len(), 3);
    bench.write("base.yaml", &swept("{seed: [1, 2]}"));
    assert!(sweep("extends: base.yaml\nname: child\n", &[]).is_some());
    assert!(sweep("extends: base.yaml\nname: child\nsweep: null\n", &[]).is_none());
}

#[test]
fn arms_are_swept_by_name() {
    let bench = Bench::new();
    let loaded = bench.load(&swept("{arms.corda-wiki-64.alpha: [0.5, 2], arms.corda.samples: [4, 8]}"), &[]);
    let sweep = loaded.expect("a sweep").sweep.expect("a sweep");
    let found: Vec<_> =
        sweep.variants.iter().map(|v| (&v.experiment.arms[1].id, v.experiment.arms[1].method.parameters())).collect();
    assert_eq!(found.len(), 4);
    assert_eq!((found[3].0.as_str(), &found[3].1["alpha"]), ("corda-wiki-8", &serde_json::json!(2.0)));
    assert_eq!(sweep.variants[3].name, "arms.corda-wiki-64.alpha-2_arms.corda.samples-8");
    let set: Vec<&str> = sweep.variants[3].experiment.overrides.iter().map(String::as_str).collect();
    assert_eq!(bench.load(GOOD, &set).expect("overrides").experiment.arms[1].id, "corda-wiki-8");
    let twice = bench.errors(&swept("{arms.corda.alpha: [1, 2], 'arms[1].alpha': [3]}"), &[]);
    assert!(twice.contains("set the same key"), "{twice}");
}

#[test]
fn small_calibrations_of_all_variants_are_one_warning() {
    let bench = Bench::new();
    let text = swept("{targets: [decoder, ['*.q_proj'], ['*.down_proj']], arms.corda.samples: [1, 2]}");
    let warnings = bench.load(&text, &[]).expect("only warnings").warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let said = warnings[0].kind.to_string();
    assert!(
        said.contains("512 tokens in 1 sample (arm corda-wiki-1)") && said.contains("1024 tokens in 2 samples"),
        "{said}"
    );
    // ASVD scales channels: no covariance, no warning; and what one variant alone leaves unused is used.
    let text = swept("{arms.corda.method: [asvd]}").replace("samples: 64", "samples: 1");
    assert_eq!(bench.load(&text, &[]).expect("nothing to say").warnings, []);
    let text = swept("{arms.corda.calibration: [wiki, two]}")
        .replace("calibrations:\n", "calibrations:\n  two: {corpus: ptb/test, samples: 64, length: 512}\n");
    assert_eq!(bench.load(&text, &[]).expect("nothing to say").warnings, []);
}

#[test]
fn what_is_wrong_is_said_where_it_stands_in_the_sweep() {
    let bench = Bench::new();
    let many: Vec<String> = (0..300).map(|seed| seed.to_string()).collect();
    let cases = [
        "[seed]".to_string(),
        "{}".into(),
        "{sed: [1, 2]}".into(),
        "{calibrations.wikki.seed: [1, 2]}".into(),
        "{'arms[7].alpha': [1, 2]}".into(),
        "{'arms[1].alhpa': [1, 2]}".into(),
        "{seed: 1}".into(),
        "{seed: []}".into(),
        "{seed: [1, lucky]}".into(),
        "{seed: [1, 2, 1]}".into(),
        "{name: [a, b]}".into(),
        "{extends: [a.yaml]}".into(),
        "{discard.components: [[16], [999]]}".into(),
        "{targets: [decoder, ['*.qq_proj']]}".into(),
        format!("{{seed: [{}]}}", many.join(", ")),
    ];
    let said: Vec<String> = cases
        .iter()
        .map(|case| {
            let shown: String = case.chars().take(48).collect();
            format!("{shown}\n  {}", bench.errors(&swept(case), &[]).replace('\n', "\n  "))
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn what_every_variant_has_wrong_is_said_once() {
    let bench = Bench::new();
    let text = swept("{seed: [1, 2, 3]}").replace("enwiki/test", "enwikki/test");
    assert_eq!(bench.errors(&text, &[]).lines().count(), 1);
    let text = swept("{seed: [1, 2, 3]}").replace("samples: 64, length: 512", "samples: 1, length: 8");
    assert_eq!(bench.load(&text, &[]).expect("only warnings").warnings.len(), 1);
}

#[test]
fn variants_are_told_apart_in_names_and_labels() {
    let bench = Bench::new();
    let long: Vec<String> =
        (0..4).map(|i| format!("['model.layers.{}.*', '*.q_proj']", ["0", "1", "0*", "?"][i])).collect();
    for sweep in [
        "{title: [A, a, 'a ', 'a?', '1', \"1'\", 'A-2']}".to_string(),
        "{title: ['Größe', 'Gr-e', 'Gro\u{308}ße']}".into(),
        format!("{{targets: [decoder, {}]}}", long.join(", ")),
        "{seed: [1, 2], calibrations.wiki.seed: [1, 2], calibrations.wiki.samples: [1, 2]}".into(),
    ] {
        let text = swept(&sweep);
        // A value that no key takes would test nothing.
        let Ok(loaded) = bench.load(&text, &[]) else { panic!("{}", bench.errors(&text, &[])) };
        let variants = loaded.sweep.expect("a sweep").variants;
        let names: std::collections::HashSet<String> = variants.iter().map(|v| v.name.to_lowercase()).collect();
        let labels: std::collections::HashSet<&str> = variants.iter().map(|v| v.label.as_str()).collect();
        assert!(names.len() == variants.len() && labels.len() == variants.len(), "{names:?} {labels:?}");
        assert!(names.iter().all(|name| name.len() < 64 && !name.contains('/')), "{names:?}");
    }
    for same in ["{seed: [1, 1.0]}", "{'arms[1].alpha': [2, 0.5, 2.0]}", "{'arms[1].alpha': [0.1, 0.10]}"] {
        assert!(bench.errors(&swept(same), &[]).contains("this value is listed twice"), "{same}");
    }
}
