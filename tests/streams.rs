//! Every command with standard output and standard error closed or full.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use crate::tiny;
use crate::tiny::binary::{corda, succeeds};

/// A stream without a reader.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// Every command, in an order in which each finds what it needs.
fn commands(folder: &Path) -> Vec<Vec<String>> {
    tiny::experiment(folder);
    let spec = tiny::SPEC.replace("evaluate:", "adapters: {}\nevaluate:");
    std::fs::write(folder.join("tiny.yaml"), spec).unwrap();
    let adapter = succeeds(folder, &["adapt", "tiny.yaml", "--only", "corda-own-6-r2"]).trim().to_string();
    let mut base = std::fs::read_dir(folder.join(&adapter)).unwrap().map(|entry| entry.unwrap().path());
    let base = base.find(|path| path.join("config.json").exists()).unwrap().display().to_string();
    let all = "--help|--version|run --help|run tiny.yaml|run tiny.yaml --stage|check tiny.yaml|plan tiny.yaml|\
               plan tiny.yaml --format snakemake|fetch tiny.yaml|report tiny.yaml|\
               adapt tiny.yaml --only corda-own-6-r2|convert ADAPTER/adapter --start ADAPTER/adapter --base model --out c|\
               merge tiny.yaml --adapter ADAPTER/adapter --base BASE|compare results/tiny results/tiny|index|results|\
               new mine|list|schema|man|man --out pages|completions bash";
    let words = |command: &str| -> Vec<String> {
        let stage = command.ends_with("--stage").then(|| "evaluate undamaged".to_string());
        let words = command.replace("ADAPTER", &adapter).replace("BASE", &base);
        words.split_whitespace().map(Into::into).chain(stage).collect()
    };
    all.split('|').map(words).collect()
}

#[test]
fn every_command_takes_streams_that_are_closed_or_full() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    for command in commands(folder) {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let ended = |out: Stdio, err: Stdio| {
            let _ = std::fs::remove_file(folder.join("experiments/mine.yaml"));
            let output = corda(folder, &words).stdout(out).stderr(err).spawn().unwrap().wait_with_output().unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        };
        let (status, message) = ended(Stdio::null(), Stdio::piped());
        assert_eq!(status, Some(0), "{words:?}: {message}");
        let (status, message) = ended(closed(), Stdio::piped());
        assert!(
            status == Some(0) && !message.contains("error") && !message.contains("panicked"),
            "{words:?}: {message}"
        );
        let (status, message) = ended(full(), Stdio::piped());
        assert_eq!(status, Some(1), "{words:?}: {message}");
        let last = message.lines().last().unwrap_or_default();
        assert_eq!(last, "error: cannot write to standard output: No space left on device", "{words:?}");
        for err in [closed(), full()] {
            assert_eq!(ended(Stdio::null(), err).0, Some(0), "{words:?}");
        }
        assert_eq!(ended(closed(), closed()).0, Some(0), "{words:?}");
    }
    // A mistake gives its exit status even if nobody can read the message, and work is done even if nobody can read of it.
    for (arguments, status) in
        [(vec!["--bogus"], 2), (vec!["check", "nowhere.yaml"], 2), (vec!["results", "nothing"], 1)]
    {
        for err in [closed(), full()] {
            let mut child = corda(folder, &arguments).stdout(Stdio::null()).stderr(err).spawn().unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(status), "{arguments:?}");
        }
    }
    let other = ["--results", "other", "--json", "run", "tiny.yaml"];
    assert_eq!(corda(folder, &other).stdout(full()).stderr(full()).spawn().unwrap().wait().unwrap().code(), Some(1));
    assert!(folder.join("other/tiny/results.csv").is_file() && folder.join("other/tiny/report.html").is_file());
}
