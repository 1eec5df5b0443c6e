//! The ends of the program: what the command line's parser answers, an interrupt, and the last writes.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use corda::progress::Progress;
use corda::{out, terminal};

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

/// The exit status, after all output is written. If some could not be written, success becomes failure.
pub fn ended(code: ExitCode, progress: &Progress) -> ExitCode {
    match terminal::finish() {
        Ok(()) => code,
        Err(error) => {
            progress.fail(&format!("cannot write to standard output: {}", terminal::reason(&error)));
            if code == ExitCode::SUCCESS { ExitCode::FAILURE } else { code }
        }
    }
}

/// Says that the work was interrupted, and ends the process, even if the message cannot be written for want of a reader.
pub fn interrupted(progress: &Progress) {
    let progress = progress.clone();
    let telling = std::thread::spawn(move || progress.interrupted("interrupted; the same command resumes from here"));
    let patience = Instant::now() + Duration::from_millis(500);
    while !telling.is_finished() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::process::exit(130);
}
