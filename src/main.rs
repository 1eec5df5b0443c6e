//! The program: reads the command line, executes the command, and ends with the exit status that belongs to the outcome.

mod cli;
mod commands;
mod console;
mod failure;
mod project;
mod specs;

use std::process::ExitCode;

use clap::Parser;
use cli::Cli;
use corda::progress::Progress;
use failure::Failure;

fn main() -> ExitCode {
    // candle splits each sum over threads of its own, which spin while they wait: ours are busy with other windows and groups.
    // SAFETY: no other thread runs yet.
    unsafe { std::env::set_var("CANDLE_NUM_THREADS", "1") };
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return console::ended(console::answer(&error), &Progress::hidden()),
    };
    let progress = match (cli.json, cli.quiet) {
        (true, quiet) => Progress::json(!quiet),
        (false, true) => Progress::hidden(),
        (false, false) => Progress::terminal(),
    };
    let code = run(cli, &progress).unwrap_or_else(|failure| {
        failure.show(&progress);
        failure.exit_code()
    });
    console::ended(code, &progress)
}

fn run(mut cli: Cli, progress: &Progress) -> Result<ExitCode, Failure> {
    // Before there are threads: it changes the folder and the environment.
    let entered = project::enter(&mut cli, progress);
    let shown = progress.clone();
    if let Err(e) = ctrlc::set_handler(move || console::interrupted(&shown)) {
        progress.say(&format!("note: interrupts are not announced ({e})"));
    }
    entered?;
    commands::execute(cli, progress)
}
