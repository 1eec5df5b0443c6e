//! Sweeps through the binary, on a tiny model.

use std::path::Path;

use crate::tiny;
use crate::tiny::binary::{fails, run, succeeds};
use corda::results::{Row, Varied, read_rows};

fn swept(folder: &Path, sweep: &str) {
    tiny::experiment(folder);
    std::fs::write(folder.join("tiny.yaml"), format!("{}sweep: {sweep}\n", tiny::SPEC)).unwrap();
}

fn read(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join("results/tiny").join(file)).unwrap()
}

fn rows(folder: &Path) -> Vec<Varied<Row>> {
    read_rows(&folder.join("results/tiny/results.parquet")).unwrap()
}

#[test]
fn replicates_run_together_and_every_command_knows_them() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    swept(folder, "{seed: [1, 2, 3]}");
    assert!(succeeds(folder, &["check", "tiny.yaml"]).contains("tiny.yaml: ok, 3 variants of seed"));
    let plan = succeeds(folder, &["plan", "tiny.yaml"]);
    assert!(
        plan.contains("seed-3: calibrate own") && plan.matches("evaluate undamaged on test").count() == 1,
        "{plan}"
    );
    assert!(succeeds(folder, &["run", "tiny.yaml"]).contains("results/tiny/report.html"));
    assert!(succeeds(folder, &["run", "tiny.yaml"]).contains("nothing to do"));
    assert!(succeeds(folder, &["plan", "tiny.yaml"]).contains("everything is cached"));

    // Each variant is a whole experiment; the seed affects all methods but plain SVD.
    assert!(read(folder, "seed-2/provenance.json").contains("\"seed=2\""));
    assert!(read(folder, "seed-2/report.html").contains("A tiny model (seed = 2)"));
    let rows = rows(folder);
    assert_eq!(rows.len(), 3 * (1 + 4 * 2));
    let of = |method: &str| -> Vec<f64> {
        let own = rows.iter().filter(|row| row.row.method == method && row.row.discarded == 8);
        own.map(|row| row.row.perplexity).collect()
    };
    assert!(of("plain-svd").windows(2).all(|pair| pair[0] == pair[1]));
    assert!(of("asvd").windows(2).all(|pair| pair[0] != pair[1]));

    // All variants together: mean and deviation, the column, the page.
    let table = read(folder, "table.md");
    assert!(table.contains("over 3 replicates") && table.contains(" ± 0.00 |"), "{table}");
    assert!(read(folder, "results.csv").lines().next().unwrap().ends_with(",factored_ratio,variant"));
    let page = read(folder, "report.html");
    assert!(page.contains("href=\"seed-1/report.html\"") && page.contains("±") && page.contains("<svg"));
    assert!(read(folder, "figure2.svg").contains("standard deviation around the mean of 3 replicates"));
    assert!(read(folder, "provenance.json").contains("\"seed-3\""));

    // A damaged or missing variant is computed again, and nothing else.
    std::fs::remove_file(folder.join("results/tiny/seed-1/table.md")).unwrap();
    assert!(!succeeds(folder, &["run", "tiny.yaml"]).contains("nothing to do"));
    assert!(folder.join("results/tiny/seed-1/table.md").is_file());

    // The report needs the saved results only.
    std::fs::remove_dir_all(folder.join(".cache")).unwrap();
    std::fs::remove_file(folder.join("results/tiny/table.md")).unwrap();
    std::fs::remove_file(folder.join("results/tiny/seed-1/table.md")).unwrap();
    succeeds(folder, &["report", "tiny.yaml"]);
    assert_eq!(read(folder, "table.md"), table);
    assert!(folder.join("results/tiny/seed-1/table.md").is_file());

    assert!(succeeds(folder, &["results"]).contains("over 3 replicates"));
    succeeds(folder, &["index"]);
    let index = std::fs::read_to_string(folder.join("results/index.html")).unwrap();
    assert!(index.contains("tiny/report.html") && !index.contains("seed-1/report.html"));
    assert!(succeeds(folder, &["compare", "results/tiny", "results/tiny"]).contains("27 identical"));
    let apart = run(folder, &["compare", "results/tiny/seed-1", "results/tiny/seed-2", "--tolerance", "0"]);
    assert!(String::from_utf8_lossy(&apart.stdout).contains("9 measurements in both"));
    assert!(succeeds(folder, &["fetch", "tiny.yaml"]).matches("verified").count() >= 2);
}

#[test]
fn a_sweep_over_targets_shows_where_the_damage_is() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    swept(folder, "{targets: [[model.layers.0.*], [model.layers.1.*], [model.layers.2.*], ['*.q_proj']]}");
    succeeds(folder, &["run", "tiny.yaml"]);
    assert!(succeeds(folder, &["run", "tiny.yaml"]).contains("nothing to do"));
    // One calibration pass over all blocks, and only files are written over all variants.
    let provenance = read(folder, "provenance.json");
    assert_eq!(provenance.matches("\"calibrate own").count(), 1, "{provenance}");
    assert!(provenance.contains("calibrate own for all variants"));
    assert!(provenance.contains("targets-model.layers.1: evaluate corda-own-6"), "{provenance}");
    let entries = std::fs::read_dir(folder.join("results/tiny")).unwrap();
    assert!(entries.into_iter().all(|entry| entry.unwrap().path().is_file()));
    let svg = read(folder, "layers.svg");
    assert!(svg.contains("q_proj") && svg.contains("most at"), "{svg}");
    // The undamaged model is measured once: its rows are the same, with one key.
    let rows = rows(folder);
    let undamaged: Vec<&str> =
        rows.iter().filter(|row| row.row.method == "none").map(|row| row.row.key.as_str()).collect();
    assert!(undamaged.len() == 4 && undamaged.iter().all(|key| *key == undamaged[0]));
    // A variant equals an experiment on these targets alone.
    let alone = ["--results", "alone", "run", "tiny.yaml", "--set", "sweep=null", "--set", "targets=['*.q_proj']"];
    succeeds(folder, &alone);
    let alone: Vec<Row> = read_rows(&folder.join("alone/tiny/results.parquet")).unwrap();
    let ours: Vec<&Row> =
        rows.iter().filter(|r| r.variant.as_deref() == Some("targets-q_proj")).map(|r| &r.row).collect();
    let nll = |rows: Vec<&Row>| rows.iter().map(|row| (row.arm.clone(), row.nll.to_bits())).collect::<Vec<_>>();
    assert_eq!(nll(ours), nll(alone.iter().collect()));

    let (table, csv) = (read(folder, "table.md"), read(folder, "results.csv"));
    for file in ["table.md", "layers.svg", "layers.png", "report.html"] {
        std::fs::remove_file(folder.join("results/tiny").join(file)).unwrap();
    }
    succeeds(folder, &["report", "tiny.yaml"]);
    assert_eq!((read(folder, "table.md"), read(folder, "results.csv"), read(folder, "layers.svg")), (table, csv, svg));
}

#[test]
fn shards_of_a_sweep_leave_nothing_to_compute() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    swept(folder, "{seed: [1, 2]}");
    for shard in ["1/2", "2/2"] {
        succeeds(folder, &["run", "tiny.yaml", "--shard", shard]);
    }
    assert!(!folder.join("results").exists());
    assert!(succeeds(folder, &["plan", "tiny.yaml"]).contains("everything is cached"));
}

#[test]
fn commands_for_one_experiment_say_how_to_choose() {
    let temporary = tempfile::tempdir().unwrap();
    swept(temporary.path(), "{seed: [1, 2]}");
    fails(temporary.path(), &["adapt", "tiny.yaml"], &["a sweep of 2 variants", "--set sweep=null", "--set seed=1"]);
}
