//! What commands print that is not progress.

use std::path::PathBuf;
use std::process::ExitCode;

use corda::decompose::METHODS;
use corda::evaluate::uncertainty::Estimate;
use corda::progress::Progress;
use corda::results::compare::{self, Agreement};
use corda::results::exact;
use corda::run::{self, Context, RunError};
use corda::spec::{self, Catalog, Loaded};

/// What merging did on each test set.
pub fn print_merged(measured: &[run::adapt::Measured]) {
    for one in measured {
        let perplexity = |e: &Estimate| format!("{:.3} ({:.3} to {:.3})", e.mean.exp(), e.low.exp(), e.high.exp());
        println!("{}: {} predictions", one.evaluation, one.tokens);
        println!("  base       {}", perplexity(&one.base));
        println!("  merged     {}", perplexity(&one.merged));
        let delta = &one.delta;
        println!("  difference {:+.5} nats a token ({:+.5} to {:+.5})", delta.mean, delta.low, delta.high);
    }
}

/// That a spec is right, and how many variants it has.
pub fn print_checked(loaded: &Loaded) {
    let path = loaded.experiment.path.display();
    match &loaded.sweep {
        None => println!("{path}: ok"),
        Some(sweep) => println!("{path}: ok, {} variants of {}", sweep.variants.len(), sweep.keys.join(", ")),
    }
}

/// Two results, row by row; the exit status says whether they agree.
pub fn compare_two(first: &std::path::Path, second: &std::path::Path, tolerance: f64, progress: &Progress) -> ExitCode {
    match compare::compare(first, second, tolerance) {
        Ok(comparison) => {
            println!("{comparison}");
            if comparison.worst() < Agreement::Apart { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            progress.fail(&error.to_string());
            ExitCode::from(2)
        }
    }
}

/// Two results, bit by bit; the exit status says whether they are the same.
pub fn compare_exactly(first: &std::path::Path, second: &std::path::Path, progress: &Progress) -> ExitCode {
    match exact::compare(first, second) {
        Ok(found) => {
            println!("{found}");
            if found.is_same() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            progress.fail(&error.to_string());
            ExitCode::from(2)
        }
    }
}

/// The tables of results folders, as they stand there.
pub fn print_results(results: &std::path::Path, names: &[String], progress: &Progress) -> ExitCode {
    let finished = |folder: &std::path::Path| folder.join("provenance.json").is_file();
    let mut folders: Vec<PathBuf> = if names.is_empty() {
        let all = std::fs::read_dir(results).into_iter().flatten();
        all.filter_map(|entry| Some(entry.ok()?.path())).filter(|folder| finished(folder)).collect()
    } else {
        names.iter().map(|name| results.join(name)).collect()
    };
    folders.sort();
    if folders.is_empty() {
        let folder = results.display();
        progress.fail(&format!("no finished experiment in {folder}; run one: corda run experiments/<name>.yaml"));
        return ExitCode::FAILURE;
    }
    for folder in folders {
        if !finished(&folder) {
            progress.fail(&format!("{} holds no finished experiment", folder.display()));
            return ExitCode::FAILURE;
        }
        let mut any = false;
        for table in ["table.md", "adapters.md", "trained.md"] {
            if let Ok(text) = std::fs::read_to_string(folder.join(table)) {
                println!("{}\n", text.trim_end());
                any = true;
            }
        }
        if !any {
            println!("# {}\n\nNo tables: see {}\n", folder.display(), folder.join("report.html").display());
        }
    }
    ExitCode::SUCCESS
}

/// Writes a commented experiment file.
pub fn start_new(experiments: &std::path::Path, name: &str, progress: &Progress) -> ExitCode {
    let path = experiments.join(format!("{name}.yaml"));
    let text = match spec::starter(name) {
        Ok(text) => text,
        Err(why) => {
            progress.fail(&why);
            return ExitCode::from(2);
        }
    };
    // Never over a file that is there.
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
    match made.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes())) {
        Ok(()) => {
            println!("{}", path.display());
            ExitCode::SUCCESS
        }
        Err(why) => {
            progress.fail(&format!("cannot write {}: {why}", path.display()));
            ExitCode::FAILURE
        }
    }
}

/// Methods, models, corpora, experiments.
pub fn list(context: &Context) -> Result<(), RunError> {
    let catalog = Catalog::load(&context.experiments.join("catalog.yaml"))?;
    println!("methods");
    for method in METHODS {
        println!("  {:24} {}", method.name, method.summary);
    }
    println!("models");
    for entry in &catalog.models {
        println!("  {:24} {} parameters, {}", entry.model.name, entry.model.shape.parameters(), entry.model.licence);
    }
    println!("corpora");
    for entry in &catalog.corpora {
        println!("  {:24} {}", entry.name, entry.description.as_deref().unwrap_or_default());
    }
    println!("experiments");
    let mut names: Vec<_> = std::fs::read_dir(&context.experiments)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "yaml") && !path.ends_with("catalog.yaml"))
        .collect();
    names.sort();
    for path in names {
        println!("  {}", path.display());
    }
    Ok(())
}
