//! The binary from outside, on a tiny model: results, resuming, threads.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::tiny;
use crate::tiny::binary::{corda, run, succeeds};

/// Every file of the results that does not depend on the run.
fn fingerprint(folder: &Path) -> Vec<String> {
    let file = |name: &str| folder.join("results/tiny").join(name);
    let tables = ["results.parquet", "results.csv", "table.md", "table.tex", "windows.parquet", "linears.parquet"];
    let figures = ["figure2.svg", "figure2.png", "figure2.pdf", "parameters.svg", "parameters.png", "parameters.pdf"];
    let names = tables.into_iter().chain(figures);
    names.map(|name| blake3::hash(&std::fs::read(file(name)).unwrap()).to_string()).collect()
}

#[test]
fn a_run_reports_and_a_second_does_nothing() {
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    // With the shape in the spec, the files of the model are needed only by `run`.
    let shape = "{hidden: 64, layers: 3, heads: 4, kv_heads: 2, head_dim: 16, intermediate: 96, vocabulary: 64, \
                 context: 1024, tied: true}";
    let spec = tiny::SPEC.replace("{path: model}", &format!("{{path: model, shape: {shape}}}"));
    std::fs::write(folder.path().join("tiny.yaml"), spec).unwrap();
    assert!(succeeds(folder.path(), &["plan", "tiny.yaml"]).contains("0/24 windows"));
    assert!(succeeds(folder.path(), &["run", "tiny.yaml"]).contains("table.md"));
    let first = fingerprint(folder.path());
    assert!(succeeds(folder.path(), &["run", "tiny.yaml"]).contains("nothing to do"));
    assert!(succeeds(folder.path(), &["plan", "tiny.yaml"]).contains("everything is cached"));

    // The report needs the saved results only: neither the cache nor the model.
    std::fs::remove_dir_all(folder.path().join(".cache")).unwrap();
    std::fs::remove_file(folder.path().join("results/tiny/table.md")).unwrap();
    std::fs::rename(folder.path().join("model/model.safetensors"), folder.path().join("away")).unwrap();
    succeeds(folder.path(), &["report", "tiny.yaml"]);
    assert_eq!(fingerprint(folder.path()), first);

    // With more windows and another arm, only what is new is computed, and the rest is unchanged.
    std::fs::rename(folder.path().join("away"), folder.path().join("model/model.safetensors")).unwrap();
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    assert_eq!(fingerprint(folder.path()), first);
    succeeds(folder.path(), &["run", "tiny.yaml", "--replace", "--set", "evaluate.test.windows=30"]);
    let provenance = std::fs::read_to_string(folder.path().join("results/tiny/provenance.json")).unwrap();
    assert!(provenance.contains("evaluate.test.windows=30") && provenance.contains("\"cached\""));
}

#[test]
fn results_do_not_depend_on_threads_and_the_table_on_nothing_else() {
    let mut seen = Vec::new();
    for threads in ["1", "2", "4"] {
        let folder = tempfile::tempdir().unwrap();
        tiny::experiment(folder.path());
        succeeds(folder.path(), &["--threads", threads, "run", "tiny.yaml"]);
        // Keys contain the checksum of the model, not its path, so even they agree.
        seen.push(fingerprint(folder.path()));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}

#[test]
fn discarding_nothing_changes_nothing_and_every_arm_damages() {
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    let rows: Vec<corda::results::Row> =
        corda::results::read_rows(&folder.path().join("results/tiny/results.parquet")).unwrap();
    assert_eq!(rows.len(), 1 + 4 * 2);
    let undamaged = &rows[0];
    assert_eq!((undamaged.method.as_str(), undamaged.discarded, undamaged.delta_nll), ("none", 0, 0.0));
    assert!(rows[1..].iter().all(|row| row.delta_nll != 0.0 && row.perplexity.is_finite()));
    assert_eq!(rows[1].tokens, 24 * 127);
}

#[test]
fn the_page_is_one_file_and_says_what_the_numbers_say() {
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    let spec = tiny::SPEC.replace("{method: plain-svd}", "{method: plain-svd, label: 'Plain <i>&</i>'}");
    let spec = spec.replace("own:", "test:").replace("calibration: own", "calibration: test");
    std::fs::write(folder.path().join("tiny.yaml"), spec).unwrap();
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    let page = std::fs::read_to_string(folder.path().join("results/tiny/report.html")).unwrap();
    // The calibration has the name of the test set, so it is the test set's own context. Four arms: two CO-SVD against ASVD, and
    // ASVD against plain SVD.
    assert!(
        page.contains("of 4") && page.contains("CO-SVD with the test set&#39;s own context is better than ASVD"),
        "{page}"
    );
    assert!(page.contains("ASVD is better than plain SVD") && page.contains("<svg"));
    assert!(!page.contains("<i>&") && !page.contains("<script") && !page.contains("src=") && !page.contains("href="));
}

#[test]
fn a_new_experiment_checks_and_never_overwrites() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("experiments")).unwrap();
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/catalog.yaml");
    std::fs::copy(catalog, folder.path().join("experiments/catalog.yaml")).unwrap();
    assert_eq!(succeeds(folder.path(), &["new", "mine"]).trim(), "experiments/mine.yaml");
    assert!(succeeds(folder.path(), &["check", "experiments/mine.yaml"]).contains("ok"));
    let path = folder.path().join("experiments/mine.yaml");
    std::fs::write(&path, "# edited\n").unwrap();
    assert_eq!(run(folder.path(), &["new", "mine"]).status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "# edited\n");
    assert_eq!(run(folder.path(), &["new", "../mine"]).status.code(), Some(2));
}

#[test]
fn tables_of_finished_experiments_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    assert_eq!(run(folder.path(), &["results"]).status.code(), Some(1));
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    let table = std::fs::read_to_string(folder.path().join("results/tiny/table.md")).unwrap();
    assert!(succeeds(folder.path(), &["results"]).contains(table.trim_end()));
    assert!(succeeds(folder.path(), &["results", "tiny"]).contains("Plain SVD"));
    assert_eq!(run(folder.path(), &["results", "huge"]).status.code(), Some(1));
    assert_eq!(succeeds(folder.path(), &["index"]).trim(), "results/index.html");
    let index = std::fs::read_to_string(folder.path().join("results/index.html")).unwrap();
    assert!(
        index.contains("href=\"tiny/report.html\">A tiny model</a>") && index.contains("tiny/figure2.svg"),
        "{index}"
    );
    assert_eq!(run(folder.path(), &["--results", "nowhere", "index"]).status.code(), Some(1));
}

#[test]
fn shards_side_by_side_make_the_same_files() {
    let whole = tempfile::tempdir().unwrap();
    tiny::experiment(whole.path());
    succeeds(whole.path(), &["run", "tiny.yaml"]);
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    let shards = ["1/3", "2/3", "3/3"];
    let children: Vec<_> = shards
        .map(|shard| {
            let arguments = ["--threads", "1", "run", "tiny.yaml", "--shard", shard];
            corda(folder.path(), &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .into_iter()
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert!(!folder.path().join("results").exists());
    assert!(succeeds(folder.path(), &["plan", "tiny.yaml"]).contains("everything is cached"));
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    assert_eq!(fingerprint(folder.path()), fingerprint(whole.path()));
    assert_eq!(run(folder.path(), &["run", "tiny.yaml", "--shard", "4/3"]).status.code(), Some(2));
}

#[test]
fn stages_one_by_one_and_blocks_from_disk_make_the_same_files() {
    let whole = tempfile::tempdir().unwrap();
    tiny::experiment(whole.path());
    succeeds(whole.path(), &["run", "tiny.yaml"]);
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    // The stages in the order of the Snakefile, one process each; with so little memory every block is read from disk.
    let little = ["--memory", "1MB"];
    let snakefile = succeeds(folder.path(), &["--memory", "1MB", "plan", "tiny.yaml", "--format", "snakemake"]);
    let stages: Vec<&str> =
        snakefile.lines().filter_map(|line| line.split_once("--stage ")?.1.strip_suffix("\"")).collect();
    assert_eq!(stages.len(), 10, "{snakefile}");
    assert!(!folder.path().join(".cache/evaluate").exists());
    for stage in stages {
        let stage = stage.trim_matches('\'');
        succeeds(folder.path(), &[&little[..], &["run", "tiny.yaml", "--stage", stage]].concat());
    }
    assert!(!folder.path().join("results").exists());
    assert!(succeeds(folder.path(), &["plan", "tiny.yaml"]).contains("everything is cached"));
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    assert_eq!(fingerprint(folder.path()), fingerprint(whole.path()));
    let unknown = run(folder.path(), &["run", "tiny.yaml", "--stage", "calibrate other"]);
    let message = String::from_utf8(unknown.stderr).unwrap();
    assert!(!unknown.status.success() && message.contains("`calibrate own`"), "{message}");
}

#[test]
fn llama2_7b_fits_into_20_gib() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let spec = "experiments/table6-llama2-7b.yaml";
    let plan = succeeds(root, &["--memory", "20GiB", "--threads", "2", "plan", spec]);
    let line = plan.lines().find(|line| line.starts_with("memory:")).unwrap();
    let gib: f64 = line.split_whitespace().nth(3).unwrap().parse().unwrap();
    assert!(line.contains("GiB of 20.0 GiB") && line.contains("read from disk"), "{line}");
    // Hidden states of 256 x 2,048 tokens alone are 8 GiB.
    assert!((8.0..20.0).contains(&gib), "{line}");
    let more = succeeds(root, &["--memory", "20GiB", "--threads", "32", "plan", spec]);
    assert!(more.contains("exceeds the available memory"), "{more}");
}

#[test]
fn killed_at_any_moment_it_goes_on_to_the_same_files() {
    let whole = tempfile::tempdir().unwrap();
    tiny::experiment(whole.path());
    succeeds(whole.path(), &["run", "tiny.yaml"]);
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    let mut kills = 0;
    for round in 0..60u64 {
        let mut child = corda(folder.path(), &["--threads", "1", "run", "tiny.yaml"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(20 + 13 * round));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    assert!(kills > 0, "finished before the first kill: nothing was tested");
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    assert_eq!(fingerprint(folder.path()), fingerprint(whole.path()));
}

#[test]
fn compare_tells_agreement_by_its_exit_status() {
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    assert!(succeeds(folder.path(), &["compare", "results/tiny", "results/tiny"]).contains("identical"));
    let other = ["--results", "other", "run", "tiny.yaml", "--set", "calibrations.own.seed=7"];
    succeeds(folder.path(), &other);
    let differs = run(folder.path(), &["compare", "results/tiny", "other/tiny", "--tolerance", "0"]);
    assert!(!String::from_utf8_lossy(&differs.stdout).contains("not comparable"));
    assert_eq!(run(folder.path(), &["compare", "results/tiny", "nowhere"]).status.code(), Some(2));
}

/// The Snakefile of a spec, the rules in it, and the marker files of their completion.
fn rules(folder: &Path, arguments: &[&str]) -> (String, Vec<String>, Vec<String>) {
    let text = succeeds(folder, &[arguments, &["--format", "snakemake"]].concat());
    let rules = text.lines().filter_map(|line| line.strip_prefix("rule ")?.strip_suffix(':')).map(Into::into).collect();
    let is_marker = |line: &&str| line.trim().starts_with("touch(");
    let markers = text.lines().filter(is_marker).map(|line| line.trim().to_lowercase()).collect();
    (text, rules, markers)
}

#[test]
fn names_that_look_alike_are_rules_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    let names = ["own-a", "own_a", "own.a", "own", "OWN", "results", "assets", "rule", "x5f", "own-a-2"];
    let corpus = "{corpus: {file: train.txt, format: text}, samples: 2, length: 128}";
    let calibrations: String = names.iter().map(|name| format!("  {name}: {corpus}\n")).collect();
    let arms: String =
        names.iter().map(|name| format!("  - {{method: corda, calibration: {name}, label: {name}}}\n")).collect();
    let (before, after) = tiny::SPEC.split_once("calibrations:").unwrap();
    let (_, after) = after.split_once("discard:").unwrap();
    let spec = format!("{before}calibrations:\n{calibrations}arms:\n{arms}discard:{after}");
    let spec = spec.replace("title: A tiny model", "title: \"a title\\u2028import os\"");
    std::fs::write(folder.path().join("tiny.yaml"), spec).unwrap();
    let (text, rules, markers) = rules(folder.path(), &["--results", "re 'sults", "plan", "tiny.yaml"]);
    let distinct: std::collections::HashSet<&String> = rules.iter().collect();
    // `all`, the assets, the undamaged model and the results; a pass, a decomposition and an evaluation of each name.
    assert_eq!((rules.len(), distinct.len()), (4 + 3 * names.len(), rules.len()), "{rules:?}");
    let distinct: std::collections::HashSet<&String> = markers.iter().collect();
    assert_eq!((markers.len(), distinct.len()), (rules.len() - 2, markers.len()), "{markers:?}");
    let is_identifier = |rule: &String| {
        !rule.starts_with(|c: char| c.is_ascii_digit()) && rule.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    assert!(rules.iter().all(is_identifier), "{rules:?}");
    assert!(!text.contains('\u{2028}') && text.contains("--results 're '\\\\''sults'"), "{text}");
    // A name in braces would be a wildcard.
    let refused = run(folder.path(), &["--results", "{results}", "plan", "tiny.yaml", "--format", "snakemake"]);
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && message.contains("{results}/tiny"), "{message}");
    assert!(succeeds(folder.path(), &["check", "tiny.yaml"]).contains("ok"));
}

#[cfg(unix)]
#[test]
fn a_text_replaced_in_place_is_another_text() {
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    // By now the recorded checksums are trusted: the texts are older than the resolution of their time stamps.
    std::thread::sleep(Duration::from_millis(2100));
    assert!(succeeds(folder.path(), &["plan", "tiny.yaml"]).contains("everything is cached"));
    assert!(succeeds(folder.path(), &["plan", "tiny.yaml"]).contains("everything is cached"));
    let path = folder.path().join("test.txt");
    let (text, modified) = (std::fs::read_to_string(&path).unwrap(), path.metadata().unwrap().modified().unwrap());
    std::fs::write(&path, text.replace("rank", "king")).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let plan = succeeds(folder.path(), &["plan", "tiny.yaml"]);
    assert!(plan.contains("0/24 windows"), "{plan}");
}
