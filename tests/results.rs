//! Results folders, through the binary, on a tiny model: the same bytes however a run went, and nothing replaced silently.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::tiny;
use crate::tiny::binary::{corda, run, succeeds};
use corda::results::{Row, read_rows};

const MORE: &str = "adapters: {energy: [own]}\nheatmaps: {calibrations: [own], size: 4}\nspectra: {last: 2}\n";

/// The additions to the spec that produce every kind of figure and table.
fn everything(folder: &Path) {
    tiny::experiment(folder);
    let spec = tiny::SPEC.replace("targets: all", "targets: decoder").replace("windows: 24", "windows: 6");
    std::fs::write(folder.join("tiny.yaml"), spec + MORE).unwrap();
}

/// Every file below a folder, without the facts of the run: times, provenance, and their block in a page.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            all.extend(files(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap();
        if name == "report.html" {
            let text = String::from_utf8(bytes).unwrap();
            let (before, rest) = text.split_once("<!-- run facts -->").unwrap();
            let (facts, after) = rest.split_once("<!-- end of run facts -->").unwrap();
            assert!(facts.contains("Machine:") && !after.contains("<!-- run facts"), "{text}");
            bytes = format!("{before}{after}").into_bytes();
        }
        if name != "provenance.json" && name != "timings.parquet" {
            all.insert(name, bytes);
        }
    }
    all
}

/// Asserts that two folders of results agree, by `corda compare` and by the comparison above.
fn same(one: &Path, other: &Path) {
    let output =
        run(one.parent().unwrap(), &["compare", "--exact", &one.display().to_string(), &other.display().to_string()]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("identical to the bit"), "{said}");
    let (ours, theirs) = (files(one), files(other));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (name, bytes) in &ours {
        assert!(*bytes == theirs[name], "{name} differs");
    }
}

#[test]
fn killed_and_resumed_on_any_threads_by_stages_or_from_disk_every_byte_is_the_same() {
    let whole = tempfile::tempdir().unwrap();
    everything(whole.path());
    succeeds(whole.path(), &["run", "tiny.yaml"]);
    let results = whole.path().join("results/tiny");
    let known = |name: &String| corda::results::folder::KNOWN.contains(&name.as_str());
    assert!(files(&results).keys().all(known), "a file of an earlier shape would not be removed");

    // The run is killed repeatedly, a little later each time, and finished on one thread with blocks read from disk.
    let killed = tempfile::tempdir().unwrap();
    everything(killed.path());
    for attempt in 0..12u64 {
        let threads = (1 + attempt % 3).to_string();
        let arguments = ["--threads", &threads, "run", "tiny.yaml"];
        let mut child = corda(killed.path(), &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(15 + 37 * attempt));
        let _ = child.kill();
        child.wait().unwrap();
    }
    succeeds(killed.path(), &["--threads", "1", "--memory", "1MB", "run", "tiny.yaml"]);
    same(&results, &killed.path().join("results/tiny"));
    // No hidden files are left in the results.
    let names = |folder: &Path| -> Vec<String> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert!(names(&killed.path().join("results/tiny")).iter().all(|name| !name.starts_with('.')));

    // Stage by stage, from another folder, with the full path of the spec and another folder of results.
    let staged = tempfile::tempdir().unwrap();
    everything(staged.path());
    let spec = staged.path().join("tiny.yaml").display().to_string();
    let snakefile = succeeds(staged.path(), &["plan", "tiny.yaml", "--format", "snakemake"]);
    for stage in snakefile.lines().filter_map(|line| line.split_once("--stage ")?.1.strip_suffix('"')) {
        succeeds(staged.path(), &["--threads", "3", "run", &spec, "--stage", stage.trim_matches('\'')]);
    }
    succeeds(staged.path(), &["--results", "far/away", "run", &spec]);
    same(&results, &staged.path().join("far/away/tiny"));

    // Everything is in the cache, and the report is drawn again.
    std::fs::remove_dir_all(staged.path().join("far/away/tiny")).unwrap();
    succeeds(staged.path(), &["--results", "far/away", "run", "tiny.yaml", "--threads", "2"]);
    succeeds(staged.path(), &["--results", "far/away", "report", "tiny.yaml"]);
    same(&results, &staged.path().join("far/away/tiny"));
}

#[test]
fn an_exact_comparison_says_what_differs_first() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tiny::experiment(folder);
    succeeds(folder, &["run", "tiny.yaml"]);
    succeeds(folder, &["run", "tiny.yaml", "--set", "calibrations.own.seed=7", "--as", "other"]);
    let differs = run(folder, &["compare", "--exact", "results/tiny", "results/other"]);
    let said = String::from_utf8_lossy(&differs.stdout).into_owned();
    assert_eq!(differs.status.code(), Some(1));
    assert!(said.contains("results.parquet: row 0 (from 0), column `experiment`: \"tiny\" / \"other\""), "{said}");
    assert!(said.contains("table.md: differs from byte") && said.contains("files differ"), "{said}");
    assert_eq!(run(folder, &["compare", "--exact", "results/tiny", "nowhere"]).status.code(), Some(2));
    // The variant is saved beside the original and records its overrides.
    let rows: Vec<Row> = read_rows(&folder.join("results/other/results.parquet")).unwrap();
    assert!(rows.iter().all(|row| row.experiment == "other"));
    let table = std::fs::read_to_string(folder.join("results/other/table.md")).unwrap();
    assert!(table.contains("`corda report tiny.yaml --set calibrations.own.seed=7 --as other`"), "{table}");
    assert!(
        succeeds(folder, &["run", "tiny.yaml", "--set", "calibrations.own.seed=7", "--as", "other"])
            .contains("nothing to do")
    );
    succeeds(folder, &["report", "results/other"]);
}

/// Asserts that a command is refused with all of these messages before anything is computed or changed.
fn refused(folder: &Path, arguments: &[&str], said: &[&str]) {
    let held = || folder.join("results/tiny").is_dir().then(|| files(&folder.join("results/tiny")));
    let before = held();
    let output = run(folder, arguments);
    let message = String::from_utf8_lossy(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(!output.status.success(), "{arguments:?} succeeded");
    said.iter().for_each(|said| assert!(message.contains(said), "{arguments:?} does not say {said:?}: {message}"));
    assert_eq!(held(), before);
}

#[test]
fn results_of_another_spec_or_of_other_overrides_are_not_replaced_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tiny::experiment(folder);
    let small = tiny::SPEC.replace("windows: 24", "windows: 3");
    std::fs::write(folder.join("tiny.yaml"), &small).unwrap();
    succeeds(folder, &["run", "tiny.yaml"]);
    let few = ["--set", "evaluate.test.windows=2"];
    let said = [
        "results/tiny holds the results of tiny.yaml without overrides",
        "--set evaluate.test.windows=2",
        "--as NAME",
        "--replace",
    ];
    refused(folder, &[&["run", "tiny.yaml"], &few[..]].concat(), &said);
    refused(folder, &[&["report", "tiny.yaml"], &few[..]].concat(), &said[..3]);
    // A different spec with the same `name`, in the same folder, and elsewhere under the same file name.
    std::fs::write(folder.join("second.yaml"), &small).unwrap();
    refused(folder, &["run", "second.yaml"], &["results of tiny.yaml", "this is second.yaml", "--as NAME"]);
    refused(folder, &["report", "second.yaml"], &["results of tiny.yaml", "this is second.yaml"]);
    std::fs::create_dir(folder.join("sub")).unwrap();
    std::fs::write(
        folder.join("sub/tiny.yaml"),
        small.replace("{path: model}", "{path: ../model}").replace("file: ", "file: ../"),
    )
    .unwrap();
    refused(folder, &["run", "sub/tiny.yaml"], &["this is sub/tiny.yaml"]);
    refused(folder, &["run", "tiny.yaml", "second.yaml", "--as", "x"], &["--as names one experiment"]);
    refused(folder, &["run", "tiny.yaml", "--as", "../x"], &["is not a valid name"]);
    // A variant is saved beside it; its folder then belongs to other results than those of the file without overrides.
    succeeds(folder, &[&["run", "tiny.yaml", "--as", "few"], &few[..]].concat());
    refused(folder, &["run", "tiny.yaml", "--as", "few"], &["results/few holds the results of tiny.yaml --set"]);
    refused(folder, &["plan", "tiny.yaml", "--as", "few", "--format", "snakemake"], &["results/few holds"]);
    let snakefile =
        succeeds(folder, &[&["plan", "tiny.yaml", "--format", "snakemake", "--as", "few"], &few[..]].concat());
    assert!(snakefile.contains("--as few") && snakefile.contains("results/few/table.md"), "{snakefile}");

    // An explicit flag allows it; and an edited version of the same file is the ordinary case.
    succeeds(folder, &[&["run", "tiny.yaml", "--replace"], &few[..]].concat());
    refused(
        folder,
        &["run", "tiny.yaml"],
        &["tiny.yaml --set evaluate.test.windows=2", "this is tiny.yaml without overrides"],
    );
    succeeds(folder, &["run", "tiny.yaml", "--replace"]);
    std::fs::write(folder.join("tiny.yaml"), tiny::SPEC.replace("windows: 24", "windows: 4")).unwrap();
    succeeds(folder, &["run", "tiny.yaml"]);
    let rows: Vec<Row> = read_rows(&folder.join("results/tiny/results.parquet")).unwrap();
    assert_eq!(rows[0].windows, 4);
    // Two specs with the same name in one command.
    std::fs::remove_dir_all(folder.join("results")).unwrap();
    let both = run(folder, &["run", "tiny.yaml", "second.yaml"]);
    assert!(!both.status.success() && !folder.join("results").exists());
    assert!(String::from_utf8_lossy(&both.stderr).contains("both called `tiny`"));
}

#[test]
fn results_of_earlier_versions_are_those_of_the_file_of_their_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tiny::experiment(folder);
    std::fs::write(folder.join("tiny.yaml"), tiny::SPEC.replace("windows: 24", "windows: 3")).unwrap();
    succeeds(folder, &["run", "tiny.yaml"]);
    let path = folder.join("results/tiny/provenance.json");
    let mut provenance: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(provenance["file"], "tiny.yaml");
    provenance.as_object_mut().unwrap().remove("file");
    std::fs::write(&path, provenance.to_string()).unwrap();
    std::fs::remove_file(folder.join("results/tiny/timings.parquet")).unwrap();
    assert!(succeeds(folder, &["run", "tiny.yaml"]).contains("nothing to do"));
    succeeds(folder, &["report", "tiny.yaml"]);
    std::fs::copy(folder.join("tiny.yaml"), folder.join("second.yaml")).unwrap();
    refused(folder, &["run", "second.yaml"], &["results of tiny.yaml", "this is second.yaml"]);
    // Results whose provenance cannot be read are not replaced.
    std::fs::write(&path, "{").unwrap();
    refused(folder, &["run", "tiny.yaml"], &["provenance.json is not a provenance file"]);
    succeeds(folder, &["run", "tiny.yaml", "--replace"]);
}

#[test]
fn files_of_an_earlier_shape_go_and_those_of_the_user_stay() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    everything(folder);
    let results = folder.join("results/tiny");
    let spec = std::fs::read_to_string(folder.join("tiny.yaml")).unwrap();
    succeeds(folder, &["run", "tiny.yaml"]);
    std::fs::write(results.join("notes.md"), "mine").unwrap();
    std::fs::write(folder.join("tiny.yaml"), spec.replace(MORE, "")).unwrap();
    succeeds(folder, &["run", "tiny.yaml"]);
    for gone in ["adapters.md", "adapters.parquet", "heatmaps.svg", "spectra.pdf"] {
        assert!(!results.join(gone).exists(), "{gone}");
    }
    assert!(results.join("notes.md").exists() && results.join("linears.parquet").exists());

    // A sweep, fewer of its variants, and none.
    let swept = |values: &str| {
        std::fs::write(folder.join("tiny.yaml"), format!("{}sweep: {{seed: {values}}}\n", spec.replace(MORE, "")))
            .unwrap()
    };
    swept("[1, 2, 3]");
    succeeds(folder, &["run", "tiny.yaml"]);
    assert!(!results.join("linears.parquet").exists() && results.join("seed-3/linears.parquet").exists());
    std::fs::write(results.join("seed-2/notes.md"), "mine").unwrap();
    std::fs::create_dir(results.join("mine")).unwrap();
    std::fs::write(results.join("mine/table.md"), "mine").unwrap();
    swept("[1]");
    succeeds(folder, &["run", "tiny.yaml"]);
    assert!(results.join("seed-1/table.md").exists() && !results.join("seed-3").exists());
    let left: Vec<_> =
        std::fs::read_dir(results.join("seed-2")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["notes.md"]);
    std::fs::write(folder.join("tiny.yaml"), spec.replace(MORE, "")).unwrap();
    succeeds(folder, &["run", "tiny.yaml"]);
    assert!(
        !results.join("seed-1").exists() && results.join("mine/table.md").exists() && results.join("notes.md").exists()
    );

    // A sweep and all its variants take another name.
    swept("[1, 2]");
    succeeds(folder, &["run", "tiny.yaml", "--as", "seeds"]);
    let page = std::fs::read_to_string(folder.join("results/seeds/seed-2/table.md")).unwrap();
    assert!(page.contains("`corda report tiny.yaml --as seeds`"), "{page}");
    assert!(succeeds(folder, &["run", "tiny.yaml", "--as", "seeds"]).contains("nothing to do"));
}

#[test]
fn a_run_that_fails_or_is_ended_while_it_writes_leaves_no_mixture() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tiny::experiment(folder);
    std::fs::write(folder.join("tiny.yaml"), tiny::SPEC.replace("windows: 24", "windows: 3")).unwrap();
    succeeds(folder, &["run", "tiny.yaml"]);
    let results = folder.join("results/tiny");
    let whole = files(&results);

    // If a run ends between two files, the marker tells every command, and the next run completes the results.
    let provenance = std::fs::read_to_string(results.join("provenance.json")).unwrap();
    std::fs::write(results.join(".unfinished"), provenance.replace("\"started\": \"2", "\"started\": \"3")).unwrap();
    std::fs::write(results.join("figure2.svg"), "of another run").unwrap();
    assert!(!run(folder, &["report", "tiny.yaml"]).status.success());
    assert_eq!(run(folder, &["compare", "--exact", "results/tiny", "results/tiny"]).status.code(), Some(2));
    succeeds(folder, &["run", "tiny.yaml"]);
    assert_eq!(files(&results), whole);
    // If this was the first run, the marker also names the spec of the results.
    std::fs::rename(results.join("provenance.json"), results.join(".unfinished")).unwrap();
    std::fs::copy(folder.join("tiny.yaml"), folder.join("second.yaml")).unwrap();
    let other = run(folder, &["run", "second.yaml"]);
    assert!(String::from_utf8_lossy(&other.stderr).contains("this is second.yaml"));
    succeeds(folder, &["run", "tiny.yaml"]);
    assert_eq!(files(&results), whole);

    // Published values are read when the report is drawn, at the end: if that fails, the old results are unchanged.
    std::fs::create_dir_all(folder.join("experiments/published")).unwrap();
    let published = folder.join("experiments/published/paper.yaml");
    std::fs::write(&published, "title: [").unwrap();
    let spec = tiny::SPEC.replace("windows: 24", "windows: 4") + "published: paper\n";
    std::fs::write(folder.join("tiny.yaml"), spec).unwrap();
    assert!(!run(folder, &["run", "tiny.yaml"]).status.success());
    assert_eq!(files(&results), whole);
}

#[test]
fn results_are_drawn_again_only_with_the_spec_that_computed_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tiny::experiment(folder);
    let write = |spec: String| std::fs::write(folder.join("tiny.yaml"), spec).unwrap();
    succeeds(folder, &["run", "tiny.yaml"]);
    let before = files(&folder.join("results/tiny"));
    write(tiny::SPEC.replace("samples: 6", "samples: 5"));
    refused(
        folder,
        &["report", "tiny.yaml"],
        &["calibrations.0.samples = 6", "the spec says 5", "run the experiment again"],
    );
    write(tiny::SPEC.replace("components: [0, 2, 8]", "components: [0, 8]"));
    refused(folder, &["report", "tiny.yaml"], &["discard"]);
    assert_eq!(files(&folder.join("results/tiny")), before);
    // The wording of a spec may change, and a folder of results can be given in place of its spec.
    write(tiny::SPEC.replace("title: A tiny model", "title: |\n  Another title"));
    succeeds(folder, &["report", "results/tiny"]);
    assert!(std::fs::read_to_string(folder.join("results/tiny/table.md")).unwrap().contains("Another title"));
    write(tiny::SPEC.into());
    assert!(succeeds(folder, &["run", "tiny.yaml"]).contains("done"), "what is drawn is not what the spec says");
    assert_eq!(
        std::fs::read(folder.join("results/tiny/table.md")).unwrap(),
        before["table.md"],
        "the title of the spec is back"
    );
    std::fs::rename(folder.join("results/tiny"), folder.join("results/old")).unwrap();
    refused(folder, &["report", "results/old"], &["results/old", "where its results belong", "results/tiny"]);

    write(format!("{}sweep: {{seed: [1, 2]}}\n", tiny::SPEC));
    succeeds(folder, &["run", "tiny.yaml"]);
    refused(folder, &["run", "results/tiny/seed-1"], &["one variant of a sweep", "give results/tiny"]);
    refused(folder, &["check", "tiny.yaml", "--set", "seed=5"], &["`seed` is swept", "--set sweep=null"]);
    write(format!("{}sweep: {{seed: [1]}}\n", tiny::SPEC));
    refused(folder, &["report", "tiny.yaml"], &["sweep.variants", "seed-1, seed-2"]);
    std::fs::write(folder.join("file"), "").unwrap();
    refused(folder, &["--results", "file", "run", "tiny.yaml"], &["file is a file"]);
}

#[test]
fn an_export_that_somebody_touched_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tiny::experiment(folder);
    std::fs::write(folder.join("tiny.yaml"), format!("{}adapters: {{}}\n", tiny::SPEC)).unwrap();
    let adapt = ["adapt", "tiny.yaml", "--only", "corda-own-6-r2"];
    let written = succeeds(folder, &adapt).trim().to_string();
    succeeds(folder, &adapt);
    let adapter = format!("{written}/adapter");
    let merge = |out: &'static str| ["merge", "tiny.yaml", "--adapter", &adapter, "--out", out].map(str::to_string);
    let words = |all: &[String]| all.iter().map(String::clone).collect::<Vec<_>>();
    let refuse =
        |all: Vec<String>, said: &[&str]| refused(folder, &all.iter().map(String::as_str).collect::<Vec<_>>(), said);
    // The model of the spec, which is not ours; and what is read.
    let model = files(&folder.join("model"));
    refuse(words(&merge("model")), &["model exists and is not as corda wrote it"]);
    assert_eq!(files(&folder.join("model")), model);
    let over = ["convert", &adapter, "--start", &adapter, "--base", "model", "--out", &adapter].map(str::to_string);
    refuse(words(&over), &["would replace", "which is read"]);
    let merged = merge("merged");
    for _ in 0..2 {
        succeeds(folder, &merged.each_ref().map(String::as_str));
    }
    std::fs::write(folder.join("merged/notes.md"), "mine").unwrap();
    refuse(words(&merged), &["merged exists and is not as corda wrote it"]);
    assert!(folder.join("merged/notes.md").is_file());
    std::fs::write(folder.join(&adapter).join("adapter_model.safetensors"), "trained").unwrap();
    refused(folder, &adapt, &["is not as corda wrote it"]);
}

#[test]
fn a_list_is_not_taken_for_a_mapping() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tiny::experiment(folder);
    for set in [
        "calibrations.own=[{file: train.txt, format: text}, 6, 128]",
        "evaluate.test=[{file: test.txt, format: text}, 2, 16]",
    ] {
        refused(folder, &["check", "tiny.yaml", "--set", set], &["expected a mapping with keys among", "found a list"]);
    }
    refused(folder, &["check", "tiny.yaml", "--set", "seed=010"], &["expected a whole number"]);
}
