//! Rotary frequencies and their scalings: none, linear, Llama 3's, YaRN and LongRoPE. Dynamic scaling has no effect within the
//! context.

pub use written::{Written, by_kind, from_config, positive};

mod written;

/// A rotary embedding: the frequencies that it rotates by, and how many dimensions of a head.
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    /// Base of the frequencies.
    pub theta: f64,
    /// The first dimensions of a head, which are rotated; the others stay as they are.
    pub dims: usize,
    /// How the frequencies differ from theta^(-2j / dims).
    pub scaling: Scaling,
}

/// How the frequencies differ from theta^(-2j / dims).
#[derive(Debug, Clone, PartialEq)]
pub enum Scaling {
    /// Not at all.
    None,
    /// All divided by the factor (position interpolation).
    Linear {
        /// Greater than 0.
        factor: f64,
    },
    /// Long wavelengths divided by `factor`, short ones kept, a ramp between.
    Llama3 {
        /// Greater than 0.
        factor: f64,
        /// Turns in the original context below which a wave is long.
        low: f64,
        /// Turns above which it is short; greater than `low`.
        high: f64,
        /// Context of the original training, tokens.
        original: f64,
    },
    /// As Llama 3's with a ramp over dimensions, and cosines and sines multiplied by `attention`.
    Yarn {
        /// Greater than 0.
        factor: f64,
        /// Context of the original training, tokens.
        original: f64,
        /// Turns in the original context above which a wave is kept.
        fast: f64,
        /// Turns below which it is divided by the factor.
        slow: f64,
        /// Whether the ends of the ramp are whole dimensions.
        truncate: bool,
        /// Factor of cosines and sines.
        attention: f64,
    },
    /// Each frequency divided by a factor of its own: by one of `long` where a sequence is longer than `original`, else by one of
    /// `short`; cosines and sines multiplied by `attention`.
    Long {
        /// Divisors, [dims / 2].
        short: Vec<f64>,
        /// Divisors, [dims / 2].
        long: Vec<f64>,
        /// Context of the original training, tokens.
        original: usize,
        /// Factor of cosines and sines.
        attention: f64,
    },
    /// Each frequency divided by a number that the file has, [dims / 2].
    Divided(Vec<f32>),
}

impl Rope {
    /// Without scaling.
    pub fn plain(theta: f64, dims: usize) -> Self {
        Self { theta, dims, scaling: Scaling::None }
    }

    /// The longest sequence for which [`Rope::frequencies`] are those of shorter ones.
    pub fn same_up_to(&self) -> Option<usize> {
        match self.scaling {
            Scaling::Long { original, .. } => Some(original),
            _ => None,
        }
    }

    /// Factor of cosines and sines.
    pub fn amplitude(&self) -> f32 {
        match self.scaling {
            Scaling::Yarn { attention, .. } | Scaling::Long { attention, .. } => attention as f32,
            _ => 1.0,
        }
    }

    /// Rotary angle per position, [dims / 2], in radians, in a sequence of `length` tokens.
    pub fn frequencies(&self, length: usize) -> Vec<f32> {
        let base = base_frequencies(self.theta, self.dims);
        match &self.scaling {
            Scaling::None => base,
            Scaling::Linear { factor } => base.into_iter().map(|f| (f64::from(f) / factor) as f32).collect(),
            Scaling::Llama3 { factor, low, high, original } => base
                .into_iter()
                .map(|f| {
                    let f = f64::from(f);
                    let turns = original * f / std::f64::consts::TAU;
                    let smooth = ((turns - low) / (high - low)).clamp(0.0, 1.0);
                    ((1.0 - smooth) * f / factor + smooth * f) as f32
                })
                .collect(),
            Scaling::Yarn { factor, original, fast, slow, truncate, .. } => {
                let ramp = yarn_ramp(self.theta, self.dims, *original, (*fast, *slow), *truncate);
                let scaled = |(j, f): (usize, f32)| {
                    let (f, divided) = (f64::from(f), ramp(j));
                    (f / factor * divided + f * (1.0 - divided)) as f32
                };
                base.into_iter().enumerate().map(scaled).collect()
            }
            Scaling::Long { short, long, original, .. } => {
                let divisors = if length > *original { long } else { short };
                base.into_iter().zip(divisors).map(|(f, divisor)| (f64::from(f) / divisor) as f32).collect()
            }
            Scaling::Divided(divisors) => base.into_iter().zip(divisors).map(|(f, divisor)| f / divisor).collect(),
        }
    }
}

/// theta^(-2j / dims) for j in 0..dims / 2.
pub fn base_frequencies(theta: f64, dims: usize) -> Vec<f32> {
    (0..dims / 2).map(|j| theta.powf(-2.0 * j as f64 / dims as f64) as f32).collect()
}

/// YaRN's share of the divided frequency in dimension j: 0 below the ramp, 1 above.
fn yarn_ramp(
    theta: f64,
    dims: usize,
    original: f64,
    (fast, slow): (f64, f64),
    truncate: bool,
) -> impl Fn(usize) -> f64 {
    // The dimension in which a wave turns so often in the original context.
    let dimension = |turns: f64| dims as f64 * (original / (turns * std::f64::consts::TAU)).ln() / (2.0 * theta.ln());
    let (mut low, mut high) = (dimension(fast), dimension(slow));
    if truncate {
        (low, high) = (low.floor(), high.ceil());
    }
    let (low, mut high) = (low.max(0.0), high.min(dims as f64 - 1.0));
    if low == high {
        high += 0.001;
    }
    move |j| ((j as f64 - low) / (high - low)).clamp(0.0, 1.0)
}

/// What YaRN multiplies cosines and sines by, if the file does not say.
pub fn yarn_attention(factor: f64, multiplier: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * multiplier * factor.ln() + 1.0 }
}

/// What LongRoPE multiplies cosines and sines by, if the file does not say.
pub fn long_attention(factor: f64, original: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { (1.0 + factor.ln() / original.ln()).sqrt() }
}

#[cfg(test)]
mod tests;
