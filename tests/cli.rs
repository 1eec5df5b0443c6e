//! The binary from outside, on a tiny model: results, resuming, threads, bad input.

mod tiny;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn corda(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_corda"));
    command.current_dir(folder).args(arguments).env_remove("CORDA_CACHE").stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    corda(folder, arguments).output().unwrap()
}

fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{err}");
    out.into_owned()
}

/// Fails with an exit status, not a signal; says `said`; does not panic; leaves no results.
fn fails(folder: &Path, arguments: &[&str], said: &[&str]) {
    let output = run(folder, arguments);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_some_and(|code| code != 0), "{arguments:?} succeeded: {err}");
    assert!(!err.contains("panicked"), "{err}");
    // Wrapping by the error printer may split a phrase over lines.
    let flat = err.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    for said in said {
        assert!(flat.contains(said), "{arguments:?} does not say {said:?}: {err}");
    }
    assert!(!folder.join("results/tiny/results.parquet").exists());
}

/// Every file of the results but what times are in: seconds, and the provenance.
fn fingerprint(folder: &Path) -> Vec<String> {
    let file = |name: &str| folder.join("results/tiny").join(name);
    let rows: Vec<corda::results::Row> = corda::results::read_rows(&file("results.parquet")).unwrap();
    let rows = rows.into_iter().map(|row| format!("{:?}", corda::results::Row { seconds: 0.0, ..row }));
    let bytes = ["table.md", "table.tex", "figure2.svg", "figure2.png", "windows.parquet", "linears.parquet"];
    let bytes = bytes.map(|name| blake3::hash(&std::fs::read(file(name)).unwrap()).to_string());
    rows.chain(bytes).collect()
}

#[test]
fn a_run_reports_and_a_second_does_nothing() {
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    // With the shape in the spec the model's files are needed for running only.
    let shape = "{hidden: 64, layers: 3, heads: 4, kv_heads: 2, head_dim: 16, intermediate: 96, vocabulary: 64, \
                 context: 1024, tied: true}";
    let spec = tiny::SPEC.replace("{path: model}", &format!("{{path: model, shape: {shape}}}"));
    std::fs::write(folder.path().join("tiny.yaml"), spec).unwrap();
    assert!(succeeds(folder.path(), &["plan", "tiny.yaml"]).contains("0/24 windows"));
    assert!(succeeds(folder.path(), &["run", "tiny.yaml"]).contains("table.md"));
    let first = fingerprint(folder.path());
    assert!(succeeds(folder.path(), &["run", "tiny.yaml"]).contains("nothing to do"));
    assert!(succeeds(folder.path(), &["plan", "tiny.yaml"]).contains("everything is cached"));

    // From the saved results alone: no cache, no model.
    std::fs::remove_dir_all(folder.path().join(".cache")).unwrap();
    std::fs::remove_file(folder.path().join("results/tiny/table.md")).unwrap();
    std::fs::rename(folder.path().join("model/model.safetensors"), folder.path().join("away")).unwrap();
    succeeds(folder.path(), &["report", "tiny.yaml"]);
    assert_eq!(fingerprint(folder.path()), first);

    // More windows and another arm cost only what is new, and the rest stays.
    std::fs::rename(folder.path().join("away"), folder.path().join("model/model.safetensors")).unwrap();
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    assert_eq!(fingerprint(folder.path()), first);
    succeeds(folder.path(), &["run", "tiny.yaml", "--set", "evaluate.test.windows=30"]);
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
        // The keys name the model's checksum, not its place, so even they agree.
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

#[test]
fn bad_specs_are_shown_with_position_and_nearest_name() {
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    for (from, to, said) in [
        ("method: plain-svd", "method: plane-svd", vec!["tiny.yaml:8", "plain-svd"]),
        ("targets: all", "target: all", vec!["tiny.yaml:4", "targets"]),
        ("samples: 6", "samples: six", vec!["tiny.yaml:6", "six"]),
        ("[0, 2, 8]", "[0, 2, 64]", vec!["tiny.yaml:12", "rank"]),
        ("length: 128}\n", "length: 4096}\n", vec!["context"]),
        ("calibration: own}", "calibration: owm}", vec!["own"]),
        ("{path: model}", "smollm2", vec!["smollm2"]),
    ] {
        std::fs::write(folder.path().join("tiny.yaml"), tiny::SPEC.replace(from, to)).unwrap();
        for command in ["check", "run", "plan"] {
            fails(folder.path(), &[command, "tiny.yaml"], &said);
        }
    }
    fails(folder.path(), &["run", "nowhere.yaml"], &["nowhere.yaml"]);
}

#[test]
fn bad_files_are_one_clear_message() {
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    let spec = |from: &str, to: &str| {
        std::fs::write(folder.path().join("tiny.yaml"), tiny::SPEC.replace(from, to)).unwrap();
    };
    spec("windows: 24", "windows: 2400");
    fails(folder.path(), &["run", "tiny.yaml"], &["2400", "windows"]);
    spec("file: test.txt", "file: gone.txt");
    fails(folder.path(), &["run", "tiny.yaml"], &["gone.txt"]);
    spec("file: train.txt, format: text", "file: train.txt, format: parquet, column: text");
    fails(folder.path(), &["run", "tiny.yaml"], &["train.txt"]);
    spec("samples: 6, length: 128", "samples: 600, length: 128, sampling: contiguous");
    fails(folder.path(), &["run", "tiny.yaml"], &["600"]);
    spec("", "");
    let weights = folder.path().join("model/model.safetensors");
    let whole = std::fs::read(&weights).unwrap();
    for cut in [0, 4, 200, whole.len() - 1] {
        std::fs::write(&weights, &whole[..cut]).unwrap();
        fails(folder.path(), &["run", "tiny.yaml"], &["model.safetensors", "truncated or corrupt"]);
    }
    std::fs::write(&weights, &whole).unwrap();
    std::fs::write(folder.path().join("results"), "a file where the folder should be").unwrap();
    fails(folder.path(), &["run", "tiny.yaml"], &["results"]);
}

#[test]
fn weights_that_are_not_finite_name_the_linear_and_the_sample() {
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    let weights = folder.path().join("model/model.safetensors");
    let mut tensors = candle_core::safetensors::load(&weights, &candle_core::Device::Cpu).unwrap();
    let name = "model.layers.1.mlp.up_proj.weight";
    let broken = (tensors[name].clone() * f64::INFINITY).unwrap();
    tensors.insert(name.into(), broken);
    candle_core::safetensors::save(&tensors, &weights).unwrap();
    fails(folder.path(), &["run", "tiny.yaml"], &["model.layers.1.mlp.down_proj", "sample 0"]);
}
