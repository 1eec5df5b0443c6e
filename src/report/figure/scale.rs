//! An axis for either kind of value, in either direction.

use super::axis::{LogAxis, Tick, round_step};

/// Where values lie, and the ticks that say so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    along: Along,
    reversed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Along {
    Linear { low: f64, high: f64 },
    Log(LogAxis),
}

impl Scale {
    /// A linear axis that shows these values with a margin; values that are not finite do not count.
    pub fn linear(values: impl IntoIterator<Item = f64>) -> Self {
        let finite = values.into_iter().filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (v.min(low), v.max(high)));
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        // At least a hundredth of the value, so that equal values are not blown up into noise.
        let margin = (0.08 * (high - low)).max(0.005 * high.abs()).max(1e-6);
        Self { along: Along::Linear { low: low - margin, high: high + margin }, reversed: false }
    }

    /// A logarithmic one.
    pub fn log(values: impl IntoIterator<Item = f64>) -> Self {
        Self { along: Along::Log(LogAxis::around(values)), reversed: false }
    }

    /// Backwards if asked.
    pub fn reversed(self, reversed: bool) -> Self {
        Self { reversed, ..self }
    }

    fn turned(&self, fraction: f64) -> f64 {
        if self.reversed { 1.0 - fraction } else { fraction }
    }

    /// Where a value lies; below 0 or above 1 outside the ends.
    pub fn fraction(&self, value: f64) -> f64 {
        self.turned(match self.along {
            Along::Linear { low, high } => (value - low) / (high - low),
            Along::Log(axis) => axis.fraction(value),
        })
    }

    /// Round values.
    pub fn ticks(&self) -> Vec<Tick> {
        let ticks = match self.along {
            Along::Log(axis) => axis.ticks(),
            Along::Linear { low, high } => {
                let step = round_step((high - low) / 5.0);
                let decimals = (-step.log10().floor()).max(0.0) as usize;
                let indices = ((low / step).ceil() as i64)..=((high / step).floor() as i64);
                let tick = |index: i64| {
                    let value = index as f64 * step;
                    Tick { at: (value - low) / (high - low), label: Some(format!("{value:.decimals$}")) }
                };
                indices.map(tick).collect()
            }
        };
        ticks.into_iter().map(|tick| Tick { at: self.turned(tick.at), ..tick }).collect()
    }
}

#[cfg(test)]
mod tests;
