//! The learning rate of each step: linear warm-up, then a cosine down to 0.

/// The number of steps in which the rate rises: ceil(warmup * steps).
pub fn warmup_steps(warmup: f64, steps: usize) -> usize {
    (warmup * steps as f64).ceil() as usize
}

/// The rate of step `at` (from 0) of `steps`, as a fraction of the peak rate. In the first `warmup` steps it rises from 0.
///
/// As Hugging Face's `get_cosine_schedule_with_warmup`: the first step of a warm-up has rate 0.
pub fn cosine(at: usize, steps: usize, warmup: usize) -> f64 {
    if at < warmup {
        return at as f64 / warmup.max(1) as f64;
    }
    let progress = (at - warmup) as f64 / steps.saturating_sub(warmup).max(1) as f64;
    (0.5 * (1.0 + (std::f64::consts::PI * progress).cos())).max(0.0)
}

#[cfg(test)]
mod tests;
