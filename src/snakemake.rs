//! A Snakefile with one rule a stage, so that an existing engine runs an experiment on many machines with one file system.

use std::fmt::Write;

use crate::plan::Plan;
use crate::plan::memory::Layout;
use crate::run::texts::{self, Library, Patience};
use crate::run::{Context, RunError, identities, outcome, steps};
use crate::spec::{Loaded, quoted};

/// The Snakefile of an experiment. Every rule is a `corda run --stage`, the last one a plain `corda run`, which finds all
/// in the cache and writes the results. Markers below the cache, by a key of the whole plan, say what is done.
///
/// # Errors
/// If the assets of the experiment cannot be told apart (see [`identities`]).
pub fn snakefile(loaded: &Loaded, context: &Context) -> Result<String, RunError> {
    let Loaded { experiment, places, .. } = loaded;
    let plan = Plan::new(experiment, &identities(experiment, &context.store)?);
    let layout = Layout::new(&experiment.model.shape, context.room);
    let steps = steps::steps(experiment, &plan);
    let known = texts::look(experiment, places, &[], &plan, context, &Library::new(context, Patience::Check))?;
    let cache = context.store.root().display().to_string();
    let key = plan.results_key(experiment)?;
    let marker = |name: &str| python(&format!("{cache}/stages/{key}/{}", rule(name)));
    let corda = |command: &str, more: &[&str]| {
        let folders = [("--experiments", &context.experiments), ("--results", &context.results)];
        let mut words = vec!["--cache".to_string(), quoted(&cache)];
        words.extend(folders.iter().flat_map(|(flag, path)| [flag.to_string(), quoted(&path.display().to_string())]));
        words.extend([command.to_string(), quoted(&experiment.path.display().to_string())]);
        words.extend(experiment.overrides.iter().flat_map(|text| ["--set".to_string(), quoted(text)]));
        if experiment.origin.renamed {
            words.extend(["--as".to_string(), quoted(&experiment.name)]);
        }
        words.extend(more.iter().map(|word| quoted(word)));
        // Snakemake puts values between braces: braces of ours are doubled.
        let words = words.join(" ").replace('{', "{{").replace('}', "}}");
        python(&format!("{{CORDA}} --threads {{threads}} --quiet {words}"))
    };
    let mut out = String::new();
    let mut say = |line: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{line}");
    };
    say(format!("# {}: {}", experiment.name, experiment.title.replace('\n', " ")));
    say(format!(
        "# Written by `corda plan {} --format snakemake`. Run it from the same folder:",
        experiment.path.display()
    ));
    say("#   snakemake --snakefile FILE --cores all [--config corda=PATH]".into());
    say("CORDA = config.get(\"corda\", \"corda\")\n".into());
    let folder = context.results.join(&experiment.name);
    let files: Vec<String> =
        outcome::files(experiment).iter().map(|file| python(&folder.join(file).display().to_string())).collect();
    let threads = context.room.threads;
    say(format!("rule all:\n    input:\n        {}\n", files.join(",\n        ")));
    let mut add = |name: &str, inputs: &[String], output: &str, memory: Option<u64>, shell: &str| {
        say(format!("rule {}:", rule(name)));
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
    for step in &steps {
        let mut inputs = vec![marker("fetch assets")];
        inputs.extend(step.needs.iter().map(|&i| marker(&steps[i].name)));
        let output = format!("touch({})", marker(&step.name));
        let memory = step.memory(experiment, &plan, &layout, &known);
        add(&step.name, &inputs, &output, Some(memory), &corda("run", &["--stage", &step.name]));
    }
    let all: Vec<String> = steps.iter().map(|step| marker(&step.name)).collect();
    add("results", &all, &files.join(",\n        "), None, &corda("run", &[]));
    Ok(out)
}

/// The name of a stage as that of a rule.
fn rule(stage: &str) -> String {
    stage.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// A string as Python writes it.
fn python(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_shell() {
        assert_eq!(quoted("experiments/x.yaml"), "experiments/x.yaml");
        for word in ["calibrate wiki", "it's", "a=[1, 2]", "", "$HOME `x` \"y\"", "{braces}"] {
            let script = format!("printf %s {}", quoted(word));
            let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
        assert_eq!(rule("decompose corda-wiki-32"), "decompose_corda_wiki_32");
    }
}
