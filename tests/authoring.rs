//! What helps to write and watch experiments: `--json`, manual pages, `corda check` and `corda plan`, and messages.

use std::path::Path;

use serde_json::Value;

use crate::schema::parsed;
use crate::tiny;
use crate::tiny::binary::{corda, fails, run, succeeds};

/// The exit status, and the JSON objects on standard error, which holds nothing else.
fn events(folder: &Path, arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = run(folder, arguments);
    let text = String::from_utf8(output.stderr).unwrap();
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|why| panic!("{line}: {why}"));
    (output.status.code(), text.lines().map(parse).collect())
}

#[test]
fn json_tells_stages_progress_and_errors() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny::experiment(folder);
    let (status, told) = events(folder, &["--json", "run", "tiny.yaml"]);
    assert_eq!(status, Some(0));
    let of = |event: &str| -> Vec<&Value> { told.iter().filter(|one| one["event"] == event).collect() };
    let names = |event: &str| -> Vec<String> { of(event).iter().map(|one| one["stage"].to_string()).collect() };
    assert_eq!(names("stage-started"), names("stage-finished"));
    assert!(names("stage-finished").contains(&"\"decompose corda-own-6\"".to_string()));
    let finished = of("stage-finished");
    assert!(finished.iter().all(|one| one["seconds"].is_f64() && one.get("peak_memory").is_some()));
    assert!(
        finished.iter().any(|one| one["outcome"] == "run") && finished.iter().any(|one| one["outcome"] == "cached")
    );
    let progress = of("progress");
    assert!(!progress.is_empty());
    for one in progress {
        assert!(one["done"].as_u64() <= one["total"].as_u64() && one["rate"].is_f64() && one["what"].is_string());
    }
    let warning = of("warning");
    assert!(warning.iter().all(|one| one["line"].is_u64() && one["file"] == "tiny.yaml"), "{warning:?}");
}

#[test]
fn json_errors_have_their_place() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny::experiment(folder);
    let spec = tiny::SPEC.replace("samples: 6", "sampels: 6").replace("windows: 24", "windows: few");
    std::fs::write(folder.join("bad.yaml"), spec).unwrap();
    let (status, told) = events(folder, &["check", "bad.yaml", "--json"]);
    assert_eq!(status, Some(2));
    assert!(
        told.iter().all(|one| one["event"] == "error" && one["line"].is_u64() && one["column"].is_u64()),
        "{told:?}"
    );
    assert_eq!((&told[0]["event"], &told[0]["file"]), (&"error".into(), &"bad.yaml".into()));
    assert_eq!((&told[0]["line"], &told[0]["column"]), (&6.into(), &50.into()), "{told:?}");
    assert!(told[0]["message"].as_str().unwrap().contains("unknown key `sampels`"));
    for arguments in [&["--json", "check", "nowhere.yaml"][..], &["--json", "chekc"], &["--json", "results", "nothing"]]
    {
        let (status, told) = events(folder, arguments);
        assert!(status != Some(0) && told.len() == 1 && told[0]["event"] == "error", "{arguments:?}: {told:?}");
    }
    let (_, told) = events(folder, &["--json", "--quiet", "run", "tiny.yaml"]);
    assert_eq!(told, Vec::<Value>::new());
}

#[test]
fn manual_pages_are_printed_and_written() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let page = succeeds(folder, &["man"]);
    assert!(page.contains(".TH corda 1") && page.contains("\\-\\-json") && page.contains("corda\\-run(1)"), "{page}");
    let listed = succeeds(folder, &["man", "--out", "pages/man1"]);
    assert!(listed.contains("pages/man1/corda.1") && listed.contains("pages/man1/corda-run.1"), "{listed}");
    assert_eq!(std::fs::read_to_string(folder.join("pages/man1/corda.1")).unwrap(), page);
    let run = std::fs::read_to_string(folder.join("pages/man1/corda-run.1")).unwrap();
    assert!(run.contains("\\-\\-shard") && run.contains("Overrides a key"), "{run}");
    assert!(!folder.join("pages/man1/corda-logits.1").exists(), "hidden commands have no page");
}

/// Standard error of a command that ends with this status, as one line.
fn said(folder: &Path, arguments: &[&str], status: i32) -> String {
    let output = run(folder, arguments);
    let text = String::from_utf8_lossy(&output.stderr).replace('│', " ");
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_text_that_is_too_short_is_said_before_a_run() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny::experiment(folder);
    for command in ["check", "plan", "run"] {
        let one = |set: &[&str], expected: &[&str]| {
            let mut arguments = vec![command, "tiny.yaml"];
            set.iter().for_each(|text| arguments.extend(["--set", *text]));
            fails(folder, &arguments, expected);
            assert_eq!(run(folder, &arguments).status.code(), Some(2));
        };
        one(
            &["evaluate.test.windows=4000"],
            &["--set:1:23", "evaluation `test`", "has 156 windows of 128 tokens", "4000"],
        );
        one(
            &["calibrations.own.sampling=contiguous", "calibrations.own.samples=3000"],
            &["--set:1:26", "calibration `own`", "has 156 samples of 128 tokens", "3000"],
        );
        one(
            &["calibrations.own.sampling=documents"],
            &["tiny.yaml:6:59", "calibration `own`", "but the text has 1 documents"],
        );
    }
    std::fs::write(folder.join("short.txt"), &tiny::text(400, 3)[..300]).unwrap();
    let short = ["--set", "evaluate.test.corpus.file=short.txt", "--set", "evaluate.test.length=400"];
    let words = said(folder, &[&["check", "tiny.yaml"][..], &short].concat(), 2);
    assert!(words.contains("--set:1:22") && words.contains("(300 tokens in all)"), "{words}");
    let all = ["--set", "evaluate.test.windows=all"];
    said(folder, &[&["check", "tiny.yaml"][..], &short, &all].concat(), 2);
    said(
        folder,
        &[
            "check",
            "tiny.yaml",
            "--set",
            "calibrations.own.corpus.file=short.txt",
            "--set",
            "calibrations.own.length=300",
        ],
        2,
    );
    // Every variant of a sweep.
    let words = said(folder, &["check", "tiny.yaml", "--set", "sweep[evaluate.test.windows]=[4, 4000]"], 2);
    assert!(words.contains("--set:1:34") && words.contains("has 156 windows"), "{words}");
    // Nothing was computed, and a number of windows that the text has is accepted.
    assert!(!folder.join(".cache/statistics").exists() && !folder.join("results").exists());
    succeeds(folder, &["check", "tiny.yaml", "--set", "evaluate.test.windows=156"]);
    // Without the tokenizer, only what no tokenizer could make right is refused.
    let spec = std::fs::read_to_string(folder.join("tiny.yaml")).unwrap();
    let catalog = "models:\n  gone:\n    source: {hub: acme/gone, revision: 0123456789abcdef0123456789abcdef01234567, \
                   files: {config.json: null, tokenizer.json: null, model.safetensors: null}}\n    shape: {hidden: 64, \
                   layers: 3, heads: 4, kv_heads: 2, head_dim: 16, intermediate: 96, vocabulary: 64, context: 1024, \
                   tied: true}\n    licence: none\n    citation: none\ncorpora: {}\n";
    std::fs::write(folder.join("experiments/catalog.yaml"), catalog).unwrap();
    std::fs::write(folder.join("gone.yaml"), spec.replace("{path: model}", "gone")).unwrap();
    succeeds(folder, &["check", "gone.yaml", "--set", "evaluate.test.windows=200"]);
    let words = said(folder, &["check", "gone.yaml", "--set", "evaluate.test.windows=40000"], 2);
    assert!(words.contains("--set:1:23") && words.contains("at most, in 20"), "{words}");
}

#[test]
fn samples_are_counted_and_warnings_are_said_once() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny::experiment(folder);
    // Ten characters per token: the end of the text cuts samples down to 61 to 128 tokens.
    let words: String = (0..200).map(|i| if i % 2 == 0 { "\u{4e00}".repeat(9) + "a" } else { "bb".into() }).collect();
    let mut tokenizer: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("model/tokenizer.json")).unwrap()).unwrap();
    tokenizer["model"]["fuse_unk"] = true.into();
    std::fs::write(folder.join("model/tokenizer.json"), tokenizer.to_string()).unwrap();
    std::fs::write(folder.join("train.txt"), words).unwrap();
    let spec =
        tiny::SPEC.replace("samples: 6, length: 128", "samples: 3, length: 512").replace("samples: 2", "samples: 1");
    std::fs::write(folder.join("tiny.yaml"), spec).unwrap();
    let words = said(folder, &["check", "tiny.yaml"], 0);
    assert_eq!(words.matches("(asked: 512)").count(), 1, "{words}");
    assert!(words.contains("tiny.yaml:6:70") && words.contains("3 samples of "), "{words}");
    assert_eq!(words.matches("samples overlap").count(), 1, "{words}");
    let plan = run(folder, &["plan", "tiny.yaml"]);
    assert!(
        plan.stderr.is_empty() && String::from_utf8_lossy(&plan.stdout).contains("`corda check tiny.yaml` shows them")
    );
    assert_eq!(said(folder, &["run", "tiny.yaml"], 0).matches("(asked: 512)").count(), 1);
    assert!(!said(folder, &["run", "tiny.yaml"], 0).contains("asked"), "what is done is not warned of again");
    let page = std::fs::read_to_string(folder.join("results/tiny/table.md")).unwrap();
    let settings = page.lines().find(|line| line.starts_with("- calibration own: 3 samples of ")).unwrap();
    assert!(settings.contains("(asked: 512)") && settings.ends_with("tokens in all"), "{settings}");
    let provenance: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("results/tiny/provenance.json")).unwrap()).unwrap();
    let samples = &provenance["samples"][0];
    let tokens = samples["tokens"].as_u64().unwrap();
    assert!(samples["longest"].as_u64() < Some(512) && tokens < 3 * 512);
    // The statistics record the same count.
    let linears: Vec<corda::results::LinearRow> =
        corda::results::read_rows(&folder.join("results/tiny/linears.parquet")).unwrap();
    let of =
        |row: &corda::results::LinearRow| row.tokens_per_dimension.map(|t| (t * f64::from(row.d_in)).round() as u64);
    let whole = linears.iter().find(|row| row.arm == "corda-own-3").unwrap();
    assert_eq!(of(whole), Some(tokens));
}

#[test]
fn plan_counts_energies_and_results() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny::experiment(folder);
    let spec = format!("{}adapters: {{energy: [own]}}\nheatmaps: {{size: 8}}\nspectra: {{last: 4}}\n", tiny::SPEC);
    std::fs::write(folder.join("tiny.yaml"), spec).unwrap();
    succeeds(folder, &["run", "tiny.yaml"]);
    let plan = || succeeds(folder, &["plan", "tiny.yaml"]);
    let done = plan();
    assert!(
        done.contains("everything is cached") && done.contains("22/22 maps") && done.contains("88/88 spectra"),
        "{done}"
    );
    let energies = done.lines().filter(|line| line.starts_with("energy ") && line.contains("4/4 parts"));
    assert_eq!(energies.count(), 4, "{done}");
    std::fs::remove_file(folder.join("results/tiny/table.md")).unwrap();
    let unwritten = plan();
    assert!(unwritten.contains("everything is cached, but some results are missing"), "{unwritten}");
    succeeds(folder, &["run", "tiny.yaml"]);
    std::fs::remove_dir_all(folder.join(".cache/energy")).unwrap();
    std::fs::remove_file(folder.join("results/tiny/table.md")).unwrap();
    let missing = plan();
    assert!(missing.contains("0/4 parts") && missing.contains("to do: "), "{missing}");
}

/// The command fails with a message that contains `said`, however it is wrapped, and no error number of the system.
fn refused(folder: &Path, arguments: &[&str], said: &str) {
    let output = run(folder, arguments);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code().is_some_and(|code| code != 0), "{arguments:?} succeeded: {message}");
    assert!(!message.contains("os error") && !message.contains("panicked"), "{message}");
    let plain = |text: &str| text.replace('│', " ").split_whitespace().collect::<String>();
    assert!(plain(&message).contains(&plain(said)), "{arguments:?} does not say {said:?}: {message}");
}

#[test]
fn experiments_are_found_by_name_and_from_below_the_project() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny::experiment(folder);
    let experiments = folder.join("experiments");
    let spec = tiny::SPEC.replace("path: model", "path: ../model").replace("file: t", "file: ../t");
    std::fs::write(experiments.join("mine.yaml"), spec).unwrap();
    std::fs::remove_file(folder.join("tiny.yaml")).unwrap();
    assert_eq!(succeeds(folder, &["check", "mine"]), "experiments/mine.yaml: ok\n");
    succeeds(folder, &["run", "mine"]);
    let results = std::fs::read(folder.join("results/tiny/results.csv")).unwrap();
    // From a subfolder it is the same experiment: nothing is left to do, and nothing is written elsewhere.
    std::fs::create_dir_all(experiments.join("deep/er")).unwrap();
    for (below, spec) in
        [("experiments", "mine.yaml"), ("experiments", "mine"), ("experiments/deep/er", "../../mine.yaml")]
    {
        assert!(succeeds(&folder.join(below), &["run", spec]).contains("nothing to do"), "{below} {spec}");
    }
    assert!(
        succeeds(&experiments, &["compare", "../results/tiny", "../results/tiny/results.parquet"])
            .contains("identical")
    );
    assert_eq!(std::fs::read(folder.join("results/tiny/results.csv")).unwrap(), results);
    assert!(!experiments.join("results").exists() && !experiments.join(".cache").exists());
    // Flags take precedence, and their paths start from the current folder.
    assert!(succeeds(&experiments, &["--results", "own", "run", "mine"]).contains("done"));
    assert!(experiments.join("own/tiny/results.csv").is_file());
    refused(&experiments, &["--experiments", "nowhere", "check", "mine.yaml"], "there is no nowhere/catalog.yaml");
    std::fs::write(folder.join("mine.yml"), "").unwrap();
    refused(folder, &["check", "mine"], "`mine` could be any of mine.yml, experiments/mine.yaml");
}

#[cfg(unix)]
#[test]
fn messages_say_what_to_do() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let says = |arguments: &[&str], said: &[&str]| said.iter().for_each(|said| refused(folder, arguments, said));
    says(&["new", "mine"], &["there is no folder experiments", "--experiments FOLDER"]);
    says(&["list"], &["there is no experiments/catalog.yaml", "--experiments FOLDER"]);
    tiny::experiment(folder);
    says(&["check", "tinny"], &["there is no experiment `tinny`", "did you mean tiny.yaml?"]);
    says(&["check", "/nowhere/x.yaml"], &["cannot read /nowhere/x.yaml: No such file or directory"]);
    succeeds(folder, &["new", "mine"]);
    says(&["new", "mine"], &["experiments/mine.yaml already exists and was not changed"]);
    for name in ["con", "index.html", "a.", "-", "", "a/b", "b\u{fc}cher", "a\nb"] {
        says(&["new", "--", name], &["is not a valid name"]);
    }
    // A name that is not UTF-8 matches nothing, and does not cause a panic.
    let odd: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"\xff.yaml");
    let output = corda(folder, &["check"]).arg(odd).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && message.contains("there is no experiment"), "{message}");
    succeeds(folder, &["new", "2024.yaml"]);
    let written: Value = parsed(&std::fs::read_to_string(folder.join("experiments/2024.yaml")).unwrap(), "2024.yaml");
    assert_eq!(written["name"], "2024");
    let spec = tiny::SPEC.replace("file: test.txt", "file: txet.txt");
    std::fs::write(folder.join("experiments/away.yaml"), spec).unwrap();
    says(&["check", "away"], &["experiments/txet.txt (paths in a spec are relative to the folder of the spec)"]);
    std::fs::write(folder.join("results.csv"), "experiment,arm\n").unwrap();
    says(&["compare", "results.csv", "results.csv"], &["results.csv is not a parquet file", "file; compare ."]);
}
