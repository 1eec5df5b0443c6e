//! Locks, so that two processes on one cache do not compute the same value.

use std::fs::{File, TryLockError};

use crate::cache::CacheError;

use super::{Context, RunError};

/// Holds the lock of a value (a calibration pass, a training run) until it is dropped. `what` describes it in messages.
pub(super) fn lock(context: &Context, kind: &str, key: &str, what: &str) -> Result<File, RunError> {
    let path = context.cache.part(kind, key, "lock").with_extension("lock");
    let failed = |source| CacheError::Append { path: path.clone(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            context.progress.say(&format!("waiting: another process is at {what}"));
        }
        Err(TryLockError::Error(e)) => return Err(failed(e).into()),
    }
    file.lock().map_err(failed)?;
    Ok(file)
}
