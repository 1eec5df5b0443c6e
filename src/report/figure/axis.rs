//! Axes: where a value lies between the ends (a fraction from 0 to 1), and which ticks say so.

use super::super::number;

/// A mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Where, from 0 to 1.
    pub at: f64,
    /// What it says; `None` for a minor tick.
    pub label: Option<String>,
}

/// An axis for values of either kind, in either direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The ends; of a logarithmic axis their log10.
    low: f64,
    high: f64,
    log: bool,
    reversed: bool,
}

impl Scale {
    /// A linear axis that shows these values with a margin; values that are not finite do not count.
    pub fn linear(values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = number::ends(values.into_iter().filter(|value| value.is_finite())).unwrap_or((0.0, 1.0));
        // At least a hundredth of the value, so that equal values are not blown up into noise.
        let margin = (0.08 * (high - low)).max(0.005 * high.abs()).max(1e-6);
        Self { low: low - margin, high: high + margin, log: false, reversed: false }
    }

    /// A logarithmic one; values that are not finite and positive do not count.
    pub fn log(values: impl IntoIterator<Item = f64>) -> Self {
        let logs = values.into_iter().filter(|value| value.is_finite() && *value > 0.0).map(f64::log10);
        let (low, high) = number::ends(logs).unwrap_or((0.0, 1.0));
        // At least a tenth of a decade, so that a flat curve is not blown up into noise.
        let margin = (0.05 * (high - low)).max(0.05 - 0.5 * (high - low)).max(0.01);
        Self { low: low - margin, high: high + margin, log: true, reversed: false }
    }

    pub fn reversed(self, reversed: bool) -> Self {
        Self { reversed, ..self }
    }

    /// Where a value lies; below 0 or above 1 outside the ends.
    pub fn fraction(&self, value: f64) -> f64 {
        self.place(if self.log { value.log10() } else { value })
    }

    fn place(&self, mark: f64) -> f64 {
        let fraction = (mark - self.low) / (self.high - self.low);
        if self.reversed { 1.0 - fraction } else { fraction }
    }

    /// Round values, from the low end up.
    pub fn ticks(&self) -> Vec<Tick> {
        let mut marks = if self.log { self.log_marks() } else { self.linear_marks() };
        marks.sort_by(|a, b| a.0.total_cmp(&b.0));
        marks.into_iter().map(|(mark, label)| Tick { at: self.place(mark), label }).collect()
    }

    fn linear_marks(&self) -> Vec<(f64, Option<String>)> {
        let step = round_step((self.high - self.low) / 5.0);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        multiples(step, self.low, self.high).map(|value| (value, Some(format!("{value:.decimals$}")))).collect()
    }

    /// Decades where there are two or more; otherwise 1, 2, 5 within decades; otherwise round steps.
    fn log_marks(&self) -> Vec<(f64, Option<String>)> {
        let (first, last) = (self.low.ceil() as i32, self.high.floor() as i32);
        let minor = |multiples: &[f64]| self.within_decades(multiples).into_iter().map(|log| (log, None));
        if last - first >= 1 {
            // At most eight labels, however large the range.
            let step = (last - first) / 8 + 1;
            let decades = (first..=last).map(|e| (f64::from(e), ((e - first) % step == 0).then(|| decade(e))));
            let between: &[f64] = if step == 1 { &[2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0] } else { &[] };
            return decades.chain(minor(between)).collect();
        }
        let labelled = self.within_decades(&[1.0, 2.0, 5.0]);
        if labelled.len() >= 3 {
            let labelled = labelled.into_iter().map(|log| (log, Some(plain(10f64.powf(log)))));
            return labelled.chain(minor(&[3.0, 4.0, 6.0, 7.0, 8.0, 9.0])).collect();
        }
        let (low, high) = (10f64.powf(self.low), 10f64.powf(self.high));
        let steps = multiples(round_step((high - low) / 5.0), low, high);
        steps.map(|value| (value.log10(), Some(plain(value)))).collect()
    }

    /// Logarithms of `multiple x 10^n` between the ends.
    fn within_decades(&self, multiples: &[f64]) -> Vec<f64> {
        let decades = (self.low.floor() as i32)..=(self.high.floor() as i32);
        let all = decades.flat_map(|e| multiples.iter().map(move |multiple| f64::from(e) + multiple.log10()));
        all.filter(|log| self.low <= *log && *log <= self.high).collect()
    }
}

/// Multiples of a step between two ends.
fn multiples(step: f64, low: f64, high: f64) -> impl Iterator<Item = f64> {
    (((low / step).ceil() as i64)..=((high / step).floor() as i64)).map(move |index| index as f64 * step)
}

/// 1, 2 or 5 times a power of ten, near `raw`.
pub fn round_step(raw: f64) -> f64 {
    let power = 10f64.powf(raw.log10().floor());
    let multiples = [1.0, 2.0, 5.0, 10.0];
    power * multiples.into_iter().find(|multiple| multiple * power >= 0.999 * raw).unwrap_or(10.0)
}

/// 1, 2 and 5 times powers of ten from `first` to `last`; powers of ten alone where that would be many; the ends
/// themselves where it would be fewer than two.
fn round_shares(first: f64, last: f64) -> Vec<f64> {
    // Rounding must not lose an end that is round itself.
    let within = |share: &f64| 0.999_999 * first <= *share && *share <= 1.000_001 * last;
    let decades = first.log10().floor() as i32..=last.log10().floor() as i32;
    let of = |multiples: &'static [f64]| -> Vec<f64> {
        let all = decades.clone().flat_map(|e| multiples.iter().map(move |multiple| multiple * 10f64.powi(e)));
        all.filter(within).collect()
    };
    match of(&[1.0, 2.0, 5.0]) {
        many if many.len() > 8 => of(&[1.0]),
        few if few.len() < 2 && first < last => vec![first, last],
        few if few.is_empty() => vec![last],
        shares => shares,
    }
}

fn decade(exponent: i32) -> String {
    match exponent {
        0 => "1".to_string(),
        1 => "10".to_string(),
        // The font has no raised minus.
        ..-3 => format!("1e{exponent}"),
        -3..0 => plain(10f64.powi(exponent)),
        _ => format!("10{}", number::superscript(&exponent.to_string())),
    }
}

/// A round number without idle digits.
fn plain(value: f64) -> String {
    if value < 1e-6 { format!("{value:.0e}") } else { number::trimmed(&format!("{value:.6}")).to_string() }
}

/// The axis of what was discarded.
#[derive(Debug, Clone, PartialEq)]
pub enum PointAxis {
    /// r: 0 left of a break, then logarithmic from the first r > 0 to the last. The points, ascending, 0 first.
    Components(Vec<f64>),
    /// A share: linear from 0 to this, the last point.
    Share(f64),
    /// The share of parameters dropped: as r, of which it is about a multiple. The points as there.
    Parameters(Vec<f64>),
}

impl PointAxis {
    /// Where 0 lies, the break, the first point above 0 and the last.
    pub const ZERO: f64 = 0.04;
    pub const BREAK: f64 = 0.095;
    const FIRST: f64 = 0.15;
    const LAST: f64 = 0.98;

    pub fn fraction(&self, point: f64) -> f64 {
        match self {
            _ if point == 0.0 => Self::ZERO,
            PointAxis::Share(last) => Self::ZERO + (Self::LAST - Self::ZERO) * point / last,
            PointAxis::Components(points) | PointAxis::Parameters(points) => {
                let first = points.iter().copied().find(|point| *point > 0.0).unwrap_or(point);
                let last = points.last().copied().unwrap_or(point);
                if last <= first {
                    return 0.5 * (Self::FIRST + Self::LAST);
                }
                let along = (point / first).ln() / (last / first).ln();
                Self::FIRST + (Self::LAST - Self::FIRST) * along
            }
        }
    }

    /// Whether the axis is broken behind 0.
    pub fn broken(&self) -> bool {
        !matches!(self, PointAxis::Share(_))
    }

    /// A tick a measured r; round percentages for shares of components and of parameters.
    pub fn ticks(&self) -> Vec<Tick> {
        let tick = |point: f64, label: String| Tick { at: self.fraction(point), label: Some(label) };
        match self {
            PointAxis::Components(points) => points.iter().map(|point| tick(*point, format!("{point}"))).collect(),
            PointAxis::Share(last) => {
                let points = multiples(round_step(last / 6.0), 0.0, 1.000_001 * last);
                points.map(|point| tick(point, number::share(point))).collect()
            }
            PointAxis::Parameters(points) => {
                let ends = points.iter().find(|point| **point > 0.0).zip(points.last());
                let round = ends.map_or(Vec::new(), |(&first, &last)| round_shares(first, last));
                let ticks = round.into_iter().map(|share| tick(share, format!("{}%", plain(100.0 * share))));
                std::iter::once(tick(0.0, "0".into())).chain(ticks).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests;
