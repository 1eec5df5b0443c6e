//! Two sets of results row by row: the same to the bit, within a tolerance, within their intervals, or apart.
//!
//! Seconds and content keys are not compared: they say how a number was made, not what it is.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use super::{Error, Row, Varied, read_rows};

/// How well two measurements agree, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Agreement {
    /// Every measured number is the same to the bit.
    Identical,
    /// The perplexities differ by at most the tolerance, relative to the larger.
    Tolerance,
    /// Each perplexity lies inside the other's 95% interval.
    Interval,
    /// None of these.
    Apart,
    /// Not the same measurement: another text, window length, model part, ..., or a row that one side lacks.
    Incomparable,
}

/// Which measurement a row is. Ordered for a stable listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Name of the variant, where an experiment has several.
    pub variant: Option<String>,
    /// Name of the evaluation.
    pub evaluation: String,
    /// Arm's id.
    pub arm: String,
    /// Components discarded.
    pub discarded: u32,
    /// Share discarded, as the bits of the float (ordered as the float is, since shares are not negative).
    share: u64,
}

/// One measurement in both sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Which.
    pub key: Key,
    /// Perplexity in the first and the second set.
    pub perplexity: (f64, f64),
    /// Mean loss in the first and the second set, nats a token.
    pub nll: (f64, f64),
    /// How well they agree.
    pub agreement: Agreement,
    /// Settings in which they differ, as `name: first / second`.
    pub settings: Vec<String>,
}

/// Two sets of results compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Measurements in both, ordered.
    pub pairs: Vec<Pair>,
    /// Measurements only the first set has.
    pub only_first: Vec<Key>,
    /// Measurements only the second set has.
    pub only_second: Vec<Key>,
    /// Relative tolerance asked for.
    pub tolerance: f64,
}

/// Why a comparison could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A set could not be read.
    #[error(transparent)]
    Read(#[from] Error),
    /// A set holds a measurement twice.
    #[error("{}: {key} is there twice; the file was not written by one run: delete it and run the experiment again", path.display())]
    Twice {
        /// The file or folder.
        path: PathBuf,
        /// The measurement.
        key: Key,
    },
    /// Nothing to compare.
    #[error("{} holds no rows", path.display())]
    Empty {
        /// The file or folder.
        path: PathBuf,
    },
}

/// Compares two results, each a folder that holds `results.parquet`, or such a file.
pub fn compare(first: &Path, second: &Path, tolerance: f64) -> Result<Comparison, CompareError> {
    Ok(compare_rows(&load(first)?, &load(second)?, tolerance))
}

fn load(path: &Path) -> Result<BTreeMap<Key, Row>, CompareError> {
    let file = if path.is_dir() { path.join("results.parquet") } else { path.to_path_buf() };
    let mut rows = BTreeMap::new();
    for Varied { row, variant } in read_rows::<Varied<Row>>(&file)? {
        let key = Key::of(&row, variant);
        if rows.insert(key.clone(), row).is_some() {
            return Err(CompareError::Twice { path: file, key });
        }
    }
    if rows.is_empty() {
        return Err(CompareError::Empty { path: file });
    }
    Ok(rows)
}

fn compare_rows(first: &BTreeMap<Key, Row>, second: &BTreeMap<Key, Row>, tolerance: f64) -> Comparison {
    let pairs = first.iter().filter_map(|(key, a)| second.get(key).map(|b| Pair::of(key, a, b, tolerance))).collect();
    let missing = |from: &BTreeMap<Key, Row>, than: &BTreeMap<Key, Row>| {
        from.keys().filter(|key| !than.contains_key(key)).cloned().collect()
    };
    Comparison { pairs, only_first: missing(first, second), only_second: missing(second, first), tolerance }
}

impl Key {
    fn of(row: &Row, variant: Option<String>) -> Self {
        Self {
            variant,
            evaluation: row.evaluation.clone(),
            arm: row.arm.clone(),
            discarded: row.discarded,
            share: row.share.to_bits(),
        }
    }

    /// Share of all components of the targets that were discarded.
    pub fn share(&self) -> f64 {
        f64::from_bits(self.share)
    }
}

impl Display for Key {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.variant.iter().try_for_each(|variant| write!(f, "{variant}, "))?;
        write!(f, "{}, {}, r = {} ({:.2}%)", self.evaluation, self.arm, self.discarded, 100.0 * self.share())
    }
}

impl Pair {
    fn of(key: &Key, a: &Row, b: &Row, tolerance: f64) -> Self {
        let settings = differing_settings(a, b);
        Self {
            key: key.clone(),
            perplexity: (a.perplexity, b.perplexity),
            nll: (a.nll, b.nll),
            agreement: if settings.is_empty() { agreement(a, b, tolerance) } else { Agreement::Incomparable },
            settings,
        }
    }

    /// Difference of the perplexities relative to the larger; 0 for the same infinity, infinite for unlike infinities.
    pub fn relative(&self) -> f64 {
        relative(self.perplexity.0, self.perplexity.1)
    }
}

fn differing_settings(a: &Row, b: &Row) -> Vec<String> {
    let optional = |value: &Option<u32>| value.map_or("none".to_string(), |value| value.to_string());
    let of = |row: &Row| {
        [
            ("method", row.method.clone()),
            ("calibration", row.calibration.clone().unwrap_or("none".to_string())),
            ("samples", optional(&row.samples)),
            ("targets", row.targets.clone()),
            ("corpus", format!("{}/{}", row.corpus, row.split)),
            ("windows", row.windows.to_string()),
            ("length", row.length.to_string()),
            ("tokens", row.tokens.to_string()),
        ]
    };
    let pairs = of(a).into_iter().zip(of(b));
    pairs.filter(|(a, b)| a != b).map(|((name, a), (_, b))| format!("{name}: {a} / {b}")).collect()
}

fn agreement(a: &Row, b: &Row, tolerance: f64) -> Agreement {
    let measured = |row: &Row| {
        [
            row.nll,
            row.nll_stderr,
            row.perplexity,
            row.ppl_low,
            row.ppl_high,
            row.delta_nll,
            row.delta_low,
            row.delta_high,
            row.factored_ratio,
        ]
        .map(f64::to_bits)
    };
    let inside = |value: f64, row: &Row| row.ppl_low <= value && value <= row.ppl_high;
    if measured(a) == measured(b) {
        Agreement::Identical
    } else if relative(a.perplexity, b.perplexity) <= tolerance {
        Agreement::Tolerance
    } else if inside(a.perplexity, b) && inside(b.perplexity, a) {
        Agreement::Interval
    } else {
        Agreement::Apart
    }
}

fn relative(a: f64, b: f64) -> f64 {
    if a == b || (a.is_nan() && b.is_nan()) {
        0.0
    } else if a.is_finite() && b.is_finite() {
        (a - b).abs() / a.abs().max(b.abs())
    } else {
        f64::INFINITY
    }
}

impl Comparison {
    /// The worst agreement of all measurements: what the exit status of `corda compare` says.
    pub fn worst(&self) -> Agreement {
        if !self.only_first.is_empty() || !self.only_second.is_empty() {
            return Agreement::Incomparable;
        }
        self.pairs.iter().map(|pair| pair.agreement).max().unwrap_or(Agreement::Incomparable)
    }

    fn count(&self, agreement: Agreement) -> usize {
        self.pairs.iter().filter(|pair| pair.agreement == agreement).count()
    }
}

impl Display for Comparison {
    /// A few lines: how many agree how well, the largest difference, then every measurement that is apart.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} measurements in both:", self.pairs.len())?;
        let within = format!("within {}%", 100.0 * self.tolerance);
        for (agreement, words) in [
            (Agreement::Identical, "identical to the bit"),
            (Agreement::Tolerance, within.as_str()),
            (Agreement::Interval, "within each other's 95% interval"),
            (Agreement::Apart, "apart"),
            (Agreement::Incomparable, "not comparable"),
        ] {
            match self.count(agreement) {
                0 => {}
                count => writeln!(f, "  {count:5} {words}")?,
            }
        }
        if let Some(pair) = self.pairs.iter().max_by(|a, b| a.relative().total_cmp(&b.relative())) {
            writeln!(f, "largest difference of a perplexity: {:.3}% ({})", 100.0 * pair.relative(), pair.key)?;
        }
        for pair in self.pairs.iter().filter(|pair| pair.agreement >= Agreement::Apart) {
            let (a, b) = pair.perplexity;
            writeln!(f, "  {}: {a:.6} / {b:.6}", pair.key)?;
            pair.settings.iter().try_for_each(|setting| writeln!(f, "    {setting}"))?;
        }
        self.only_first.iter().try_for_each(|key| writeln!(f, "  only in the first: {key}"))?;
        self.only_second.iter().try_for_each(|key| writeln!(f, "  only in the second: {key}"))
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
