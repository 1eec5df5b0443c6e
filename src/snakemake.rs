//! A Snakefile with one rule a stage, so that an existing engine runs an experiment on many machines with one file system.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

use crate::names::identifier;
use crate::run::texts::{self, Library, Patience};
use crate::run::work::Account;
use crate::run::{Context, RunError, outcome, sources};
use crate::spec::{Loaded, quoted};

/// The Snakefile of an experiment. Every rule is a `corda run --stage`, the last one a plain `corda run`, which finds all
/// in the cache and writes the results. Markers below the cache, by a key of the whole plan, say what is done.
///
/// # Errors
/// If the assets of the experiment cannot be identified (see [`sources::identities`]), or Snakemake would misread a path.
pub fn snakefile(loaded: &Loaded, context: &Context) -> Result<String, RunError> {
    let Loaded { experiment, places, .. } = loaded;
    let cache = shortest(context.store.root());
    let results = context.results.join(&experiment.name);
    for (path, folder) in
        [(&*cache, true), (&*results, true), (&*context.experiments, false), (&*experiment.path, false)]
    {
        readable(path, folder)?;
    }
    let plan = sources::plan(experiment, &context.store)?;
    let known = texts::look(experiment, places, &[], &plan, context, &Library::new(context, Patience::Check))?;
    let account = Account::new(experiment, &plan, context, &known);
    let stages = cache.join("stages").join(outcome::results_key(&plan, experiment)?);
    let marker = |name: &str| python(&stages.join(identifier(name)).display().to_string());
    let corda = |command: &str, more: &[&str]| {
        let folders =
            [("--cache", &*cache), ("--experiments", &*context.experiments), ("--results", &*context.results)];
        let mut words: Vec<String> =
            folders.iter().flat_map(|(flag, path)| [flag.to_string(), quoted(&argument(path))]).collect();
        words.extend([command.to_string(), quoted(&argument(&experiment.path))]);
        words.extend(experiment.overrides.iter().flat_map(|text| ["--set".to_string(), quoted(text)]));
        if experiment.origin.renamed {
            words.extend(["--as".to_string(), quoted(&experiment.name)]);
        }
        words.extend(more.iter().map(|word| quoted(word)));
        // Snakemake puts values between braces: braces of ours are doubled.
        let words = words.join(" ").replace('{', "{{").replace('}', "}}");
        python(&format!("{{CORDA:q}} --threads {{threads}} --quiet {words}"))
    };
    let mut out = String::new();
    let mut say = |line: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{line}");
    };
    say(format!("# {}: {}", experiment.name, one_line(&experiment.title)));
    let path = experiment.path.display().to_string();
    say(format!("# Written by `corda plan {} --format snakemake`. Run it from the same folder:", one_line(&path)));
    say("#   snakemake --snakefile FILE --cores all [--config corda=PATH]".into());
    say("CORDA = config.get(\"corda\", \"corda\")\n".into());
    let files: Vec<String> =
        outcome::files(experiment).iter().map(|file| python(&results.join(file).display().to_string())).collect();
    let threads = context.room.threads;
    say(format!("rule all:\n    input:\n        {}\n", files.join(",\n        ")));
    let mut add = |name: &str, inputs: &[String], output: &str, memory: Option<u64>, shell: &str| {
        say(format!("rule {}:", identifier(name)));
        if !inputs.is_empty() {
            say(format!("    input:\n        {}", inputs.join(",\n        ")));
        }
        say(format!("    output:\n        {output}\n    threads: {threads}"));
        if let Some(bytes) = memory {
            say(format!("    resources: mem_mb={}", bytes.div_ceil(1_000_000)));
        }
        say(format!("    shell:\n        {shell}\n"));
    };
    add("fetch assets", &[], &format!("touch({})", marker("fetch assets")), None, &corda("fetch", &[]));
    for stage in &plan.stages {
        let mut inputs = vec![marker("fetch assets")];
        inputs.extend(stage.needs.iter().map(|&i| marker(&plan.stages[i].id)));
        let output = format!("touch({})", marker(&stage.id));
        let memory = stage.memory(&account);
        add(&stage.id, &inputs, &output, Some(memory), &corda("run", &["--stage", &stage.id]));
    }
    let all: Vec<String> = plan.stages.iter().map(|stage| marker(&stage.id)).collect();
    add("results", &all, &files.join(",\n        "), None, &corda("run", &[]));
    Ok(out)
}

/// A path from the folder that the Snakefile is run from, if it lies below: that folder may have a name that Snakemake
/// would misread.
fn shortest(path: &Path) -> Cow<'_, Path> {
    let here = std::env::current_dir().ok();
    match here.and_then(|here| path.strip_prefix(here).ok()) {
        Some(below) if !below.as_os_str().is_empty() => below.into(),
        _ => path.into(),
    }
}

/// Refuses a path that cannot be written down, or (in the names of files, which cannot be escaped) has Snakemake's wildcards.
fn readable(path: &Path, is_made: bool) -> Result<(), RunError> {
    let why = match path.to_str() {
        None => "is not UTF-8",
        Some(text) if is_made && text.contains(['{', '}']) => "has braces, which are Snakemake's wildcards",
        Some(_) => return Ok(()),
    };
    Err(RunError::NotInSnakefile { path: path.to_path_buf(), why })
}

/// A path as a word of a command, never an option.
fn argument(path: &Path) -> String {
    let text = path.display().to_string();
    if text.starts_with('-') { format!("./{text}") } else { text }
}

/// Text for a comment, which ends where its line does.
fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control() || c == '\u{2028}' || c == '\u{2029}', " ")
}

/// A string as Python writes it.
fn python(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
