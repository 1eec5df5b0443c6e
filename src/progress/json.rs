//! Progress as JSON, one object per line. Each has an `event`:
//!
//! | event | other keys |
//! |---|---|
//! | `stage-started` | `stage` |
//! | `stage-finished` | `stage`, `outcome` (`run`, `resumed`, `cached`), `seconds`, `peak_memory` (bytes, or null) |
//! | `progress` | `what`, `done`, `total`, `unit`, `rate` (per second), `seconds_left` (or null); at most one per second |
//! | `message` | `message` |
//! | `warning`, `error` | `message`, and, if the place is known, `file`, `line`, `column` (from 1) |

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Stage, Unit};
use crate::terminal;
use crate::yaml::Span;

/// The least time between two `progress` events, whatever they count.
const BETWEEN: Duration = Duration::from_secs(1);

/// Writes the objects.
#[derive(Debug, Default)]
pub struct Log {
    /// When a `progress` event was last written.
    last: Mutex<Option<Instant>>,
}

impl Log {
    fn write(&self, object: &Value) {
        terminal::tell(&object.to_string());
    }

    pub(super) fn message(&self, message: &str) {
        self.write(&json!({"event": "message", "message": message}));
    }

    pub(super) fn stage_started(&self, stage: &str) {
        self.write(&json!({"event": "stage-started", "stage": stage}));
    }

    pub(super) fn stage_finished(&self, stage: &Stage) {
        let Stage { name, outcome, seconds, peak_memory } = stage;
        self.write(&json!({"event": "stage-finished", "stage": name, "outcome": outcome, "seconds": seconds,
            "peak_memory": peak_memory}));
    }

    pub(super) fn placed(&self, event: &str, message: &str, span: Option<&Span>) {
        let mut object = json!({"event": event, "message": message});
        if let Some(span) = span {
            object["file"] = json!(span.file().name);
            object["line"] = json!(span.line());
            object["column"] = json!(span.column());
        }
        self.write(&object);
    }

    /// Whether another `progress` event may be written; if so, it counts as written now.
    fn is_due(&self, now: Instant) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| now.duration_since(last) >= BETWEEN);
        if due {
            *last = Some(now);
        }
        due
    }
}

/// Counts units, and writes `progress` events.
#[derive(Debug)]
pub struct Counter {
    log: Arc<Log>,
    what: Cow<'static, str>,
    unit: &'static str,
    total: u64,
    done: AtomicU64,
    /// When counting began, and what was done by then.
    start: Mutex<(Instant, u64)>,
}

impl Counter {
    pub(super) fn new(log: &Arc<Log>, what: Cow<'static, str>, total: u64, unit: Unit) -> Self {
        let unit = match unit {
            Unit::Bytes => "bytes",
            Unit::Count(noun) => noun,
        };
        let (done, start) = (AtomicU64::new(0), Mutex::new((Instant::now(), 0)));
        Self { log: log.clone(), what, unit, total, done, start }
    }

    pub(super) fn advance(&self, units: u64) {
        let done = self.done.fetch_add(units, Ordering::Relaxed) + units;
        let now = Instant::now();
        if self.log.is_due(now) {
            self.log.write(&self.object(done, now));
        }
    }

    pub(super) fn resume_at(&self, units: u64) {
        self.done.store(units, Ordering::Relaxed);
        *self.start.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), units);
    }

    fn object(&self, done: u64, now: Instant) -> Value {
        let (start, before) = *self.start.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = done.saturating_sub(before) as f64 / now.duration_since(start).as_secs_f64().max(1e-9);
        let left = (rate > 0.0).then(|| rounded(self.total.saturating_sub(done) as f64 / rate));
        json!({"event": "progress", "what": self.what, "done": done, "total": self.total, "unit": self.unit,
            "rate": rounded(rate), "seconds_left": left})
    }
}

/// To a tenth.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests;
