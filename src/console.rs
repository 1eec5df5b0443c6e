//! What commands print that is not progress.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use corda::atomic;
use corda::decompose::METHODS;
use corda::evaluate::uncertainty::Estimate;
use corda::progress::Progress;
use corda::results::compare::{self, Agreement};
use corda::results::exact;
use corda::run::{self, Context, RunError};
use corda::spec::{self, Loaded};
use corda::{out, outln, terminal};

use super::project;

/// What the command line's parser answers: help and the version on standard output, mistakes on standard error.
pub fn answer(answer: &clap::Error) -> ExitCode {
    let text = answer.render();
    if !answer.use_stderr() {
        if terminal::has_colours(false) { out!("{}", text.ansi()) } else { out!("{text}") }
    } else if std::env::args_os().any(|argument| argument == "--json") {
        Progress::json(true).fail(text.to_string().trim_start_matches("error: ").trim_end());
    } else {
        let text = if terminal::has_colours(true) { text.ansi().to_string() } else { text.to_string() };
        terminal::tell(text.trim_end());
    }
    u8::try_from(answer.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// The exit status, once all that was printed is written: what could not be makes a success a failure.
pub fn ended(code: ExitCode, progress: &Progress) -> ExitCode {
    match terminal::finish() {
        Ok(()) => code,
        Err(error) => {
            progress.fail(&format!("cannot write to standard output: {}", terminal::reason(&error)));
            if code == ExitCode::SUCCESS { ExitCode::FAILURE } else { code }
        }
    }
}

/// Says that the work was interrupted, and ends the process; a reader who has stopped reading does not keep it alive.
pub fn interrupted(progress: &Progress) {
    let progress = progress.clone();
    let telling = std::thread::spawn(move || progress.interrupted("interrupted; the same command goes on from here"));
    let patience = Instant::now() + Duration::from_millis(500);
    while !telling.is_finished() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::process::exit(130);
}

/// What merging did on each test set.
pub fn print_merged(measured: &[run::adapt::Measured]) {
    for one in measured {
        let perplexity = |e: &Estimate| format!("{:.3} ({:.3} to {:.3})", e.mean.exp(), e.low.exp(), e.high.exp());
        outln!("{}: {} predictions", one.evaluation, one.tokens);
        outln!("  base       {}", perplexity(&one.base));
        outln!("  merged     {}", perplexity(&one.merged));
        let delta = &one.delta;
        outln!("  difference {:+.5} nats a token ({:+.5} to {:+.5})", delta.mean, delta.low, delta.high);
    }
}

/// That a spec is right, and how many variants it has.
pub fn print_checked(loaded: &Loaded) {
    let path = loaded.experiment.path.display();
    match &loaded.sweep {
        None => outln!("{path}: ok"),
        Some(sweep) => outln!("{path}: ok, {} variants of {}", sweep.variants.len(), sweep.keys.join(", ")),
    }
}

/// Two results, row by row; the exit status says whether they agree.
pub fn compare_two(first: &std::path::Path, second: &std::path::Path, tolerance: f64, progress: &Progress) -> ExitCode {
    match compare::compare(first, second, tolerance) {
        Ok(comparison) => {
            outln!("{comparison}");
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
            outln!("{found}");
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
                outln!("{}\n", text.trim_end());
                any = true;
            }
        }
        if !any {
            outln!("# {}\n\nNo tables: see {}\n", folder.display(), folder.join("report.html").display());
        }
    }
    ExitCode::SUCCESS
}

/// Writes a commented experiment file.
pub fn start_new(experiments: &std::path::Path, name: &str, progress: &Progress) -> ExitCode {
    let name = name.strip_suffix(".yaml").unwrap_or(name);
    let text = match spec::starter(name) {
        Ok(text) => text,
        Err(why) => {
            progress.fail(&why);
            return ExitCode::from(2);
        }
    };
    let path = experiments.join(format!("{name}.yaml"));
    let file = path.display();
    // Never over a file that is there.
    match atomic::write_new(&path, text.as_bytes()) {
        Ok(()) => {
            outln!("{file}");
            return ExitCode::SUCCESS;
        }
        Err(why) if why.kind() == ErrorKind::AlreadyExists => {
            progress.fail(&format!("{file} exists already and was left as it is: choose another name, or edit that file"));
        }
        Err(why) if why.kind() == ErrorKind::NotFound => progress.fail(&format!(
            "there is no folder {} to write {name}.yaml into: start corda in the project's folder or below it, make the \
             folder, or name another with --experiments FOLDER",
            experiments.display()
        )),
        Err(why) => progress.fail(&format!(
            "cannot write {file}: {}; make room or permission there, or name another folder with --experiments FOLDER",
            terminal::reason(&why)
        )),
    }
    ExitCode::FAILURE
}

/// Methods, models, corpora, experiments.
pub fn list(context: &Context) -> Result<(), RunError> {
    let catalog = project::catalog(&context.experiments)?;
    outln!("methods");
    for method in METHODS {
        outln!("  {:24} {}", method.name, method.summary);
    }
    outln!("models");
    for entry in &catalog.models {
        outln!("  {:24} {} parameters, {}", entry.model.name, entry.model.shape.parameters(), entry.model.licence);
    }
    outln!("corpora");
    for entry in &catalog.corpora {
        outln!("  {:24} {}", entry.name, entry.description.as_deref().unwrap_or_default());
    }
    outln!("experiments");
    for path in project::files(&context.experiments) {
        outln!("  {}", path.display());
    }
    Ok(())
}
