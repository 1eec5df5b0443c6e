//! Progress on the terminal: one bar a stage with rate and time left; silent where standard error is not a terminal.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// What a bar counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Shown in KiB, MiB, ...
    Bytes,
    /// Shown as a plain count with this noun, e.g. `tokens`.
    Count(&'static str),
}

/// Where bars are drawn. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: MultiProgress,
}

impl Progress {
    /// Bars on standard error if that is a terminal; otherwise nothing.
    pub fn terminal() -> Self {
        Self { bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8)) }
    }

    /// No bars at all.
    pub fn hidden() -> Self {
        Self { bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()) }
    }

    /// A new bar over `total` units.
    pub fn bar(&self, what: impl Into<Cow<'static, str>>, total: u64, unit: Unit) -> Bar {
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
            // A bar that cannot be written is no reason to stop.
            let _ = out.write_str(&rate(state.per_sec()));
        });
        let bar = self.bars.add(ProgressBar::new(total).with_style(style).with_message(what));
        bar.enable_steady_tick(Duration::from_millis(250));
        Bar { bar }
    }

    /// Prints a line above the bars, on standard error, terminal or not.
    pub fn say(&self, line: &str) {
        self.bars.suspend(|| eprintln!("{line}"));
    }
}

/// One bar; it disappears when dropped.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// `units` more are done.
    pub fn advance(&self, units: u64) {
        self.bar.inc(units);
    }
    /// `units` were already done before this process started: shown, not part of the rate.
    pub fn resume_at(&self, units: u64) {
        self.bar.set_position(units);
        self.bar.reset_eta();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Units a second: a decimal where there are few.
fn rate(per_second: f64) -> String {
    if per_second < 20.0 { format!("{per_second:.1}") } else { format!("{per_second:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_short() {
        assert_eq!([0.254, 19.96, 970.495_677].map(rate), ["0.3", "20.0", "970"]);
    }
}
