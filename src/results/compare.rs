//! Compares two sets of results row by row: identical to the bit, within a tolerance, within their intervals, or apart.
//!
//! Content keys are not compared: they say how a number was made, not what it is. ([`super::exact`] compares every bit.)

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use super::{Error, Row, TrainedRow, Varied, folder, read_rows};

/// How well two measurements agree, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Agreement {
    /// Every measured number is the same to the bit.
    Identical,
    /// The values differ by at most the tolerance, relative to the larger.
    Tolerance,
    /// Each value lies inside the other's 95% interval.
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
    /// Name of the evaluation; of a trained model with what is measured on it.
    pub evaluation: String,
    /// Arm's id; of a trained model the learner's, with its seed.
    pub arm: String,
    /// Components discarded; of a trained model the rank.
    pub discarded: u32,
    /// Share discarded, as the bits of the float (ordered as the float is, since shares are not negative).
    share: u64,
}

/// One measurement in both sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Which.
    pub key: Key,
    /// What is compared, in the first and the second set: a perplexity; of answers their share that is right, or their loss.
    pub value: (f64, f64),
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
    /// Relative tolerance requested.
    pub tolerance: f64,
}

/// Why a comparison could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A set could not be read.
    #[error(transparent)]
    Read(#[from] Error),
    /// A set holds a measurement twice.
    #[error("{}: {key} occurs twice, so the file was not written by one run: delete it and run the experiment again", path.display())]
    Twice {
        /// The file or folder.
        path: PathBuf,
        /// The measurement.
        key: Key,
    },
    /// Not the kind of file that is compared.
    #[error("{} is not a parquet file; compare {}", path.display(), instead.display())]
    NotParquet {
        /// The file.
        path: PathBuf,
        /// The parquet file of the same name, or its folder.
        instead: PathBuf,
    },
    /// A folder whose files are of two runs.
    #[error("{} is incomplete: a run was interrupted while it wrote these results; run the experiment again", .0.display())]
    Unfinished(PathBuf),
    /// Results of another kind, or none.
    #[error("{} holds no perplexities and no scores to compare; `corda compare --exact` compares the files of any results", .0.display())]
    NoMeasurements(PathBuf),
    /// Nothing to compare.
    #[error("{} holds no rows", path.display())]
    Empty {
        /// The file or folder.
        path: PathBuf,
    },
}

/// What is compared of a row.
struct Measurement {
    value: f64,
    /// Its 95% interval.
    interval: (f64, f64),
    /// Every measured number.
    measured: Vec<f64>,
    /// What it was measured with.
    settings: Vec<(&'static str, String)>,
}

/// Compares two results, each a folder that holds `results.parquet` or `trained.parquet`, or such a file.
pub fn compare(first: &Path, second: &Path, tolerance: f64) -> Result<Comparison, CompareError> {
    Ok(compare_rows(&load(first)?, &load(second)?, tolerance))
}

fn load(path: &Path) -> Result<BTreeMap<Key, Measurement>, CompareError> {
    let trained = path.join(TRAINED);
    if !folder::is_whole(path) {
        return Err(CompareError::Unfinished(path.into()));
    }
    if path.is_dir() && !trained.is_file() && !path.join(MEASURED).is_file() {
        return Err(CompareError::NoMeasurements(path.into()));
    }
    let file = match path.is_dir() {
        true if trained.is_file() => trained,
        true => path.join(MEASURED),
        false => path.to_path_buf(),
    };
    if file.is_file() && file.extension().is_none_or(|ending| ending != "parquet") {
        let beside = file.with_extension("parquet");
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let instead = if beside.is_file() { beside } else { folder.to_path_buf() };
        return Err(CompareError::NotParquet { path: file, instead });
    }
    let found: Vec<(Key, Measurement)> = if file.file_name().is_some_and(|name| name == TRAINED) {
        read_rows::<TrainedRow>(&file)?.iter().map(|row| (Key::of_trained(row), Measurement::of_trained(row))).collect()
    } else {
        let rows = read_rows::<Varied<Row>>(&file)?.into_iter();
        rows.map(|Varied { row, variant }| (Key::of(&row, variant), Measurement::of(&row))).collect()
    };
    let mut all = BTreeMap::new();
    for (key, one) in found {
        if all.insert(key.clone(), one).is_some() {
            return Err(CompareError::Twice { path: file, key });
        }
    }
    if all.is_empty() {
        return Err(CompareError::Empty { path: file });
    }
    Ok(all)
}

/// The file of a fine-tuning experiment's measures.
const TRAINED: &str = "trained.parquet";
/// The file of a study's measures.
const MEASURED: &str = "results.parquet";

fn compare_rows(first: &BTreeMap<Key, Measurement>, second: &BTreeMap<Key, Measurement>, tolerance: f64) -> Comparison {
    let pairs = first.iter().filter_map(|(key, a)| second.get(key).map(|b| Pair::of(key, a, b, tolerance))).collect();
    let missing = |from: &BTreeMap<Key, Measurement>, than: &BTreeMap<Key, Measurement>| {
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

    fn of_trained(row: &TrainedRow) -> Self {
        Self {
            variant: None,
            evaluation: format!("{} ({})", row.measure, row.kind),
            arm: row.seed.map_or(row.learner.clone(), |seed| format!("{} from seed {seed}", row.learner)),
            discarded: row.rank.unwrap_or(0),
            share: 0,
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

impl Measurement {
    fn of(row: &Row) -> Self {
        let optional = |value: &Option<u32>| value.map_or("none".to_string(), |value| value.to_string());
        let others = [row.delta_nll, row.delta_low, row.delta_high, row.factored_ratio];
        Self {
            value: row.perplexity,
            interval: (row.ppl_low, row.ppl_high),
            measured: [[row.nll, row.nll_stderr, row.perplexity, row.ppl_low, row.ppl_high].as_slice(), &others]
                .concat(),
            settings: vec![
                ("method", row.method.clone()),
                ("calibration", row.calibration.clone().unwrap_or("none".to_string())),
                ("samples", optional(&row.samples)),
                ("targets", row.targets.clone()),
                ("corpus", format!("{}/{}", row.corpus, row.split)),
                ("windows", row.windows.to_string()),
                ("length", row.length.to_string()),
                ("tokens", row.tokens.to_string()),
            ],
        }
    }

    fn of_trained(row: &TrainedRow) -> Self {
        let [value, low, high] = match row.kind.as_str() {
            "loss" => [row.value, row.low, row.high].map(f64::exp),
            _ => [row.value, row.low, row.high],
        };
        let measured = [row.value, row.stderr, row.low, row.high, row.delta, row.delta_low, row.delta_high];
        Self {
            value,
            interval: (low, high),
            measured: measured.to_vec(),
            settings: vec![
                ("method", row.method.clone()),
                ("calibration", row.calibration.clone().unwrap_or("none".to_string())),
                ("end", row.end.clone().unwrap_or("none".to_string())),
                ("parameters", row.parameters.to_string()),
                ("learning rate", row.rate.map_or("none".to_string(), |rate| format!("{rate:e}"))),
                ("windows or questions", row.count.to_string()),
            ],
        }
    }

    /// Settings in which the two differ.
    fn differing(&self, other: &Self) -> Vec<String> {
        let pairs = self.settings.iter().zip(&other.settings);
        pairs.filter(|(a, b)| a != b).map(|((name, a), (_, b))| format!("{name}: {a} / {b}")).collect()
    }

    fn agreement(&self, other: &Self, tolerance: f64) -> Agreement {
        let bits = |one: &Self| one.measured.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let inside = |value: f64, (low, high): (f64, f64)| low <= value && value <= high;
        if bits(self) == bits(other) {
            Agreement::Identical
        } else if relative(self.value, other.value) <= tolerance {
            Agreement::Tolerance
        } else if inside(self.value, other.interval) && inside(other.value, self.interval) {
            Agreement::Interval
        } else {
            Agreement::Apart
        }
    }
}

impl Pair {
    fn of(key: &Key, a: &Measurement, b: &Measurement, tolerance: f64) -> Self {
        let settings = a.differing(b);
        Self {
            key: key.clone(),
            value: (a.value, b.value),
            agreement: if settings.is_empty() { a.agreement(b, tolerance) } else { Agreement::Incomparable },
            settings,
        }
    }

    /// Difference of the values relative to the larger; 0 for the same infinity, infinite for unlike infinities.
    pub fn relative(&self) -> f64 {
        relative(self.value.0, self.value.1)
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
    /// The worst agreement of all measurements, which decides the exit status of `corda compare`.
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
            writeln!(f, "largest difference of a value: {:.3}% ({})", 100.0 * pair.relative(), pair.key)?;
        }
        for pair in self.pairs.iter().filter(|pair| pair.agreement >= Agreement::Apart) {
            let (a, b) = pair.value;
            writeln!(f, "  {}: {a:.6} / {b:.6}", pair.key)?;
            pair.settings.iter().try_for_each(|setting| writeln!(f, "    {setting}"))?;
        }
        self.only_first.iter().try_for_each(|key| writeln!(f, "  only in the first: {key}"))?;
        self.only_second.iter().try_for_each(|key| writeln!(f, "  only in the second: {key}"))
    }
}

#[cfg(test)]
mod tests;
