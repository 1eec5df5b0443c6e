//! Means and standard deviations: whatever a report averages over seeds, replicates or linears, it averages here.

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub mean: f64,
    /// Of a sample (n - 1); NaN of a single value.
    pub deviation: f64,
}

pub fn spread(values: &[f64]) -> Spread {
    let mean = mean(values.iter().copied());
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Spread { mean, deviation: (squares / (values.len() as f64 - 1.0)).sqrt() }
}

/// The mean; NaN of no values.
pub fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, count) = values.into_iter().fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

impl Spread {
    /// The mean, and one standard deviation to either side of it.
    pub fn ends(&self) -> [f64; 3] {
        [self.mean, self.mean - self.deviation, self.mean + self.deviation]
    }
}
