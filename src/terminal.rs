//! Standard output and standard error: the only place that writes to them.
//!
//! Both may be closed early (`corda list | head -1`) or lie on a full disk. What commands print goes through [`outln!`] and
//! [`out!`] into one buffer; [`finish`] says at the end whether all of it was taken. A reader who has read enough is no
//! error: the rest is dropped, and the work goes on to the end, as its results lie elsewhere. Messages on standard error are
//! best effort: a run never fails because nobody could read about it.

use std::fmt::{self, Write as _};
use std::io::{self, ErrorKind, IsTerminal, Write as _};
use std::sync::{Mutex, PoisonError};

/// Prints to standard output; takes what `format!` takes.
#[macro_export]
macro_rules! out {
    ($($argument:tt)*) => {
        $crate::terminal::print(format_args!($($argument)*))
    };
}

/// Prints a line to standard output; takes what `format!` takes.
#[macro_export]
macro_rules! outln {
    ($($argument:tt)*) => {
        $crate::terminal::print(format_args!("{}\n", format_args!($($argument)*)))
    };
}

/// Text is passed on when there is this much of it, so that long outputs stream.
const ENOUGH: usize = 1 << 16;

/// What is printed and not passed on yet, and the first error of passing it on: nothing is written after it.
struct Out {
    text: String,
    failed: Option<io::Error>,
}

static OUT: Mutex<Out> = Mutex::new(Out { text: String::new(), failed: None });

impl Out {
    fn print(&mut self, text: fmt::Arguments) {
        if self.failed.is_some() {
            return;
        }
        // Only a `Display` of ours could fail; what it wrote by then stays.
        let _ = self.text.write_fmt(text);
        if self.text.len() >= ENOUGH {
            self.flush(&mut io::stdout().lock());
        }
    }

    fn flush(&mut self, to: &mut dyn io::Write) {
        if self.failed.is_none() && !self.text.is_empty() {
            self.failed = to.write_all(self.text.as_bytes()).and_then(|()| to.flush()).err();
        }
        self.text.clear();
    }

    /// The error that matters; a reader who left does not.
    fn finish(&mut self, to: &mut dyn io::Write) -> io::Result<()> {
        self.flush(to);
        match self.failed.take() {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

/// What [`out!`] and [`outln!`] call.
pub fn print(text: fmt::Arguments) {
    OUT.lock().unwrap_or_else(PoisonError::into_inner).print(text);
}

/// Passes on what was printed so far. An error is kept for [`finish`].
pub fn flush() {
    OUT.lock().unwrap_or_else(PoisonError::into_inner).flush(&mut io::stdout().lock());
}

/// Passes on the rest.
///
/// # Errors
/// If some of what was printed could not be written, except that its reader closed the pipe.
pub fn finish() -> io::Result<()> {
    OUT.lock().unwrap_or_else(PoisonError::into_inner).finish(&mut io::stdout().lock())
}

/// Writes a line to standard error, after what was printed before it. If that is closed or full, the line is lost.
pub fn tell(line: &str) {
    // A thread that is writing to a reader who has stopped reading holds the lock: a message does not wait for it.
    if let Ok(mut out) = OUT.try_lock() {
        out.flush(&mut io::stdout().lock());
    }
    // One call, so that lines of several threads and processes do not mix.
    let _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}

/// Whether text for standard output, or standard error, may have colours: a terminal, and `NO_COLOR` is not set.
pub fn has_colours(stderr: bool) -> bool {
    let terminal = if stderr { io::stderr().is_terminal() } else { io::stdout().is_terminal() };
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    terminal && !refused && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// The system's words for an error, without its number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match (error.raw_os_error(), text.rfind(" (os error ")) {
        (Some(_), Some(at)) => text[..at].to_string(),
        _ => text,
    }
}

#[cfg(test)]
mod tests;
