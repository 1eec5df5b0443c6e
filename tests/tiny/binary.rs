//! Runs the binary.

use std::path::Path;
use std::process::{Command, Output, Stdio};

pub fn corda(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_corda"));
    command.current_dir(folder).args(arguments).env_remove("CORDA_CACHE").stdin(Stdio::null());
    command
}

pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    corda(folder, arguments).output().unwrap()
}

pub fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{err}");
    out.into_owned()
}

/// Asserts that a command fails with an exit status, not a signal or panic; that its message contains `said`; and that it leaves no
/// results.
pub fn fails(folder: &Path, arguments: &[&str], said: &[&str]) {
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
