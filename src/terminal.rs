//! Standard output and standard error: the only place that writes to them.
//!
//! Both may be closed early (`corda list | head -1`) or lie on a full disk. What commands print goes through `outln!` and
//! `out!` into one buffer; [`finish`] says at the end whether all of it was taken. A reader that stops
//! reading is not an error: the rest of the output is dropped and the work continues, since its results are files. Messages on
//! standard error are best effort: no run fails because a message could not be written.

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

/// Buffered text is written once there is this much of it, so that long outputs stream.
const ENOUGH: usize = 1 << 16;

/// Text that is printed but not yet written, and the first error of writing. Nothing is written after an error.
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
        // Only a `Display` implementation of ours could fail; what it had written stays.
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

    /// The error, unless it is only that the reader closed the pipe.
    fn finish(&mut self, to: &mut dyn io::Write) -> io::Result<()> {
        self.flush(to);
        match self.failed.take() {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

/// What `out!` and `outln!` call.
pub fn print(text: fmt::Arguments) {
    OUT.lock().unwrap_or_else(PoisonError::into_inner).print(text);
}

/// Writes what was printed so far. An error is kept for [`finish`].
pub fn flush() {
    OUT.lock().unwrap_or_else(PoisonError::into_inner).flush(&mut io::stdout().lock());
}

/// Writes the rest.
///
/// # Errors
/// If some of what was printed could not be written, except that its reader closed the pipe.
pub fn finish() -> io::Result<()> {
    OUT.lock().unwrap_or_else(PoisonError::into_inner).finish(&mut io::stdout().lock())
}

/// Writes a line to standard error, after what was printed before it. If that is closed or full, the line is lost.
pub fn tell(line: &str) {
    // A thread that writes to a reader that has stopped reading holds the lock: a message does not wait for it.
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
