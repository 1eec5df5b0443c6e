//! Progress, messages and errors: bars and lines for a person, or with `--json` one object a line for a program. All of
//! it goes to standard error.
//!
//! There is one bar per stage, with its rate and the time left; where standard error is not a terminal there are none. The
//! objects are described in [`json`].

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use miette::Diagnostic;
use serde::{Deserialize, Serialize};

use crate::terminal;
use crate::yaml::Span;

pub mod json;

/// What a bar counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Shown in KiB, MiB, ...
    Bytes,
    /// Shown as a plain count with this noun, e.g. `tokens`.
    Count(&'static str),
}

/// What one stage cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Name, as in the plan.
    pub name: String,
    /// Whether it ran or came from the cache.
    pub outcome: Outcome,
    /// Wall time in this run.
    pub seconds: f64,
    /// Most memory the process had held by its end, in bytes; absent where the system does not say.
    pub peak_memory: Option<u64>,
}

/// How a stage was satisfied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Computed.
    Run,
    /// Partly cached, the rest computed.
    Resumed,
    /// Taken from the cache.
    Cached,
}

/// Where progress is shown. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Progress {
    sink: Sink,
    /// Whether bars, stages and notes are shown; errors always are.
    verbose: bool,
}

#[derive(Debug, Clone)]
enum Sink {
    Bars(MultiProgress),
    Json(Arc<json::Log>),
}

impl Progress {
    /// Bars on standard error if that is a terminal; lines there in any case.
    pub fn terminal() -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        Self { sink: Sink::Bars(bars), verbose: true }
    }

    /// No bars at all, errors only.
    pub fn hidden() -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        Self { sink: Sink::Bars(bars), verbose: false }
    }

    /// One JSON object per line; without `verbose`, errors only.
    pub fn json(verbose: bool) -> Self {
        Self { sink: Sink::Json(Arc::default()), verbose }
    }

    /// A new bar over `total` units.
    pub fn bar(&self, what: impl Into<Cow<'static, str>>, total: u64, unit: Unit) -> Bar {
        match &self.sink {
            Sink::Bars(bars) => Bar::Drawn(draw(bars, what.into(), total, unit)),
            Sink::Json(log) if self.verbose => Bar::Json(json::Counter::new(log, what.into(), total, unit)),
            Sink::Json(_) => Bar::Silent,
        }
    }

    /// Shows a note: a line above the bars, on a terminal or not.
    pub fn say(&self, line: &str) {
        match &self.sink {
            Sink::Bars(bars) => bars.suspend(|| terminal::tell(line)),
            Sink::Json(log) => log.message(line),
        }
    }

    /// Shows that the work was interrupted. The interrupted thread may hold the bars, so they are not touched.
    pub fn interrupted(&self, line: &str) {
        match &self.sink {
            Sink::Bars(_) => terminal::tell(&format!("\n{line}")),
            Sink::Json(log) => log.message(line),
        }
    }

    /// A stage begins. Shown to programs only: a person sees its bar.
    pub fn stage_started(&self, name: &str) {
        if let (Sink::Json(log), true) = (&self.sink, self.verbose) {
            log.stage_started(name);
        }
    }

    /// A stage is done. A person is shown those that took work.
    pub fn stage_finished(&self, stage: &Stage, worked: bool) {
        match &self.sink {
            _ if !self.verbose => {}
            Sink::Json(log) => log.stage_finished(stage),
            Sink::Bars(_) if worked => self.say(&format!("{}: {:.1} s", stage.name, stage.seconds)),
            Sink::Bars(_) => {}
        }
    }

    /// Shows a warning at its place: something that is allowed but probably not intended.
    pub fn warn(&self, warning: &(impl Diagnostic + Clone + Send + Sync + 'static), text: &str, span: &Span) {
        match &self.sink {
            _ if !self.verbose => {}
            Sink::Json(log) => log.placed("warning", text, Some(span)),
            Sink::Bars(bars) => bars.suspend(|| terminal::tell(&format!("{:?}", miette::Report::new(warning.clone())))),
        }
    }

    /// Shows the error that ended the work.
    pub fn fail(&self, message: &str) {
        match &self.sink {
            Sink::Bars(bars) => bars.suspend(|| terminal::tell(&format!("error: {message}"))),
            Sink::Json(log) => log.placed("error", message, None),
        }
    }

    /// Shows an error at its place in a file; a person also sees the line.
    pub fn fail_at(&self, error: &crate::yaml::Error) {
        match &self.sink {
            Sink::Bars(bars) => bars.suspend(|| terminal::tell(&format!("{:?}", miette::Report::new(error.clone())))),
            Sink::Json(log) => log.placed("error", &error.message(), error.span()),
        }
    }
}

fn draw(bars: &MultiProgress, what: Cow<'static, str>, total: u64, unit: Unit) -> ProgressBar {
    let template = match unit {
        Unit::Bytes => {
            "{msg:28!} {bar:24} {bytes:>10}/{total_bytes:10} {bytes_per_sec:>12} {eta_precise} left".to_string()
        }
        Unit::Count(noun) => {
            format!("{{msg:28!}} {{bar:24}} {{pos:>7}}/{{len:7}} {noun} {{rate:>8}}/s {{eta_precise}} left")
        }
    };
    let style = ProgressStyle::with_template(&template).expect("the templates above are well-formed");
    let style = style.with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
        // A bar that cannot be written does not stop the work.
        let _ = out.write_str(&rate(state.per_sec()));
    });
    let bar = bars.add(ProgressBar::new(total).with_style(style).with_message(what));
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

/// One bar; it disappears when dropped.
#[derive(Debug)]
pub enum Bar {
    /// On the terminal.
    Drawn(ProgressBar),
    /// As objects.
    Json(json::Counter),
    /// Nowhere.
    Silent,
}

impl Bar {
    /// `units` more are done.
    pub fn advance(&self, units: u64) {
        match self {
            Self::Drawn(bar) => bar.inc(units),
            Self::Json(counter) => counter.advance(units),
            Self::Silent => {}
        }
    }

    /// `units` were already done before this process started: shown, not part of the rate.
    pub fn resume_at(&self, units: u64) {
        match self {
            Self::Drawn(bar) => {
                bar.set_position(units);
                bar.reset_eta();
            }
            Self::Json(counter) => counter.resume_at(units),
            Self::Silent => {}
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Self::Drawn(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// Units per second, with one decimal where there are few.
fn rate(per_second: f64) -> String {
    if per_second < 20.0 { format!("{per_second:.1}") } else { format!("{per_second:.0}") }
}

#[cfg(test)]
mod tests;
