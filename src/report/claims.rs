//! What the numbers say: which arm wins where, and whether the paper's orderings hold, each with its evidence.
//!
//! Arms are compared window by window: the difference of their losses, its 95% interval, and the p-value of a paired
//! t-test (two-sided). Of published curves only perplexities are known.

use super::Meta;
use super::published::PublishedTest;
use super::study::{By, Curve, Test};
use crate::evaluate::uncertainty::{Estimate, paired, paired_p};
use crate::results::WindowRow;

/// One arm against another at a point of a test set.
#[derive(Debug, Clone, PartialEq)]
pub struct Duel {
    /// The point: r or a share.
    pub point: f64,
    /// Label of the arm that should be better, or is.
    pub better: String,
    /// Label of the other.
    pub other: String,
    /// Perplexities of both.
    pub perplexities: (f64, f64),
    /// The comparison by windows, where they are known.
    pub paired: Option<Paired>,
}

/// Two arms compared window by window.
#[derive(Debug, Clone, PartialEq)]
pub struct Paired {
    /// Loss of the other minus that of the better, nats a token.
    pub delta: Estimate,
    /// Of the paired t-test; NaN for a single window.
    pub p: f64,
}

impl Duel {
    /// Whether the one that should be better is.
    pub fn holds(&self) -> bool {
        // A loss that is not finite is worse than any that is.
        match (self.perplexities.0.is_finite(), self.perplexities.1.is_finite()) {
            (true, true) => self.perplexities.0 < self.perplexities.1,
            (finite, _) => finite,
        }
    }

    /// Whether both are the same, to the digits there are.
    pub fn level(&self) -> bool {
        self.perplexities.0 == self.perplexities.1
    }

    /// Whether it holds beyond the 95% interval.
    fn sure(&self) -> bool {
        let beyond = |paired: &Paired| paired.delta.low > 0.0 || !paired.delta.mean.is_finite();
        self.holds() && self.paired.as_ref().is_some_and(beyond)
    }
}

/// An ordering that the paper finds, and where it holds.
#[derive(Debug, Clone)]
pub struct Claim {
    /// In a sentence.
    pub text: &'static str,
    /// Every pair of curves it speaks of, at every point; at least one.
    pub duels: Vec<Duel>,
}

impl Claim {
    /// Pairs and points where it holds.
    pub fn held(&self) -> usize {
        self.duels.iter().filter(|duel| duel.holds()).count()
    }

    /// Those where it does not.
    pub fn failures(&self) -> impl Iterator<Item = &Duel> {
        self.duels.iter().filter(|duel| !duel.holds() && !duel.level())
    }

    /// Where it holds, in a sentence.
    pub fn verdict(&self) -> String {
        let (held, all) = (self.held(), self.duels.len());
        let level = match self.duels.iter().filter(|duel| !duel.holds() && duel.level()).count() {
            0 => String::new(),
            level => format!(", level at {level}"),
        };
        let sure = match self.duels.iter().any(|duel| duel.paired.is_some()) {
            true => format!(", {} beyond the 95% interval", self.duels.iter().filter(|duel| duel.sure()).count()),
            false => String::new(),
        };
        match held {
            0 => format!("Holds nowhere (0 of {all}{level})."),
            n if n == all => format!("Holds everywhere ({n} of {all}{sure})."),
            n => format!("Holds at {n} of {all}{level}{sure}."),
        }
    }
}

/// What the paper's orderings ask of a curve.
#[derive(Debug, Clone, Copy)]
struct Series<'a> {
    method: &'a str,
    calibration: Option<&'a str>,
    samples: Option<usize>,
}

/// Curves of a test set that should be ordered: indices of the better and the other.
type Pairs = Vec<(usize, usize)>;

/// The paper's orderings, each in a sentence, and a question that is not the paper's.
pub const ORDERINGS: [&str; 5] = [
    "CO-SVD with the test set's own context is better than ASVD",
    "ASVD is better than plain SVD",
    "CO-SVD is better with the test set's own context than with the other",
    "CO-SVD is better with more calibration samples than with fewer",
    "CO-SVD is better than whitening with the same context, the covariance than its square root (not asked in the paper)",
];

/// The pairs of curves of test set `test` that each of [`ORDERINGS`] speaks of.
///
/// A calibration is a test set's own context if it has its name.
fn orderings(test: &str, all: &[Series]) -> impl Iterator<Item = (&'static str, Pairs)> {
    let pairs = |ordered: &dyn Fn(&Series, &Series) -> bool| -> Pairs {
        let every = (0..all.len()).flat_map(|a| (0..all.len()).map(move |b| (a, b)));
        every.filter(|&(a, b)| ordered(&all[a], &all[b])).collect()
    };
    let own = |series: &Series| series.method == "corda" && series.calibration == Some(test);
    let other = |series: &Series| series.method == "corda" && series.calibration != Some(test);
    let fewer = |a: &Series, b: &Series| a.method == "corda" && b.method == "corda" && a.samples > b.samples;
    let pairs = [
        pairs(&|a, b| own(a) && b.method == "asvd"),
        pairs(&|a, b| a.method == "asvd" && b.method == "plain-svd"),
        pairs(&|a, b| own(a) && other(b) && a.samples == b.samples),
        pairs(&|a, b| a.calibration == b.calibration && b.samples.is_some() && fewer(a, b)),
        pairs(&|a, b| {
            let same = a.calibration == b.calibration && a.samples == b.samples;
            a.method == "corda" && b.method == "svd-whitening" && same
        }),
    ];
    ORDERINGS.into_iter().zip(pairs)
}

/// The paper's orderings in its own numbers; an ordering is left out where no pair of curves speaks to it.
pub fn published(test: &PublishedTest) -> Vec<Claim> {
    let series: Vec<Series> = test
        .rows
        .iter()
        .map(|row| Series { method: &row.method, calibration: row.calibration.as_deref(), samples: row.samples })
        .collect();
    let claim = |(text, pairs): (&'static str, Pairs)| {
        let mut duels = Vec::new();
        for (better, other) in pairs.into_iter().map(|(a, b)| (&test.rows[a], &test.rows[b])) {
            let common = better.perplexity.iter().filter(|(r, _)| **r > 0);
            duels.extend(common.filter_map(|(r, &a)| {
                Some(Duel {
                    point: *r as f64,
                    better: better.label.clone(),
                    other: other.label.clone(),
                    perplexities: (a, *other.perplexity.get(r)?),
                    paired: None,
                })
            }));
        }
        (!duels.is_empty()).then_some(Claim { text, duels })
    };
    orderings(&test.evaluation, &series).filter_map(claim).collect()
}

/// Losses of windows, by arm and point.
pub struct Losses<'a> {
    windows: &'a [WindowRow],
    by: By,
    largest: &'a [String],
}

impl<'a> Losses<'a> {
    /// Over the saved rows.
    pub fn new(windows: &'a [WindowRow], meta: &'a Meta) -> Self {
        Self { windows, by: meta.by, largest: &meta.largest }
    }

    /// In the order of the windows.
    fn of(&self, evaluation: &str, arm: &str, point: f64) -> Vec<f64> {
        let at = |row: &&WindowRow| {
            let place = self.by.place(row.discarded, row.share);
            row.evaluation == evaluation && row.arm == arm && place == point
        };
        let mut rows: Vec<&WindowRow> = self.windows.iter().filter(at).collect();
        rows.sort_by_key(|row| row.window);
        rows.into_iter().map(|row| row.nll).collect()
    }

    fn duel(&self, test: &Test, better: &Curve, other: &Curve, point: f64) -> Option<Duel> {
        let losses = |curve: &Curve| self.of(test.name(), curve.arm, point);
        let (a, b) = (losses(better), losses(other));
        if a.is_empty() || a.len() != b.len() {
            return None;
        }
        Some(Duel {
            point,
            better: better.label.into(),
            other: other.label.into(),
            perplexities: (better.at(point)?.perplexity, other.at(point)?.perplexity),
            paired: Some(Paired { delta: paired(&b, &a), p: paired_p(&b, &a) }),
        })
    }

    /// At each point of a test set, the best arm against the next.
    pub fn winners(&self, test: &Test) -> Vec<Duel> {
        let mut duels = Vec::new();
        for &point in test.points.iter().filter(|point| **point > 0.0) {
            let mut curves: Vec<&Curve> = test.curves.iter().filter(|curve| curve.at(point).is_some()).collect();
            let value = |curve: &Curve| curve.at(point).map_or(f64::NAN, |row| row.perplexity);
            // NaN sorts last.
            curves.sort_by(|a, b| value(a).total_cmp(&value(b)));
            if let [first, second, ..] = curves[..] {
                duels.extend(self.duel(test, first, second, point));
            }
        }
        duels
    }

    /// The paper's orderings on a test set, of arms that drop the smallest components: a claim is left out where no pair of
    /// arms speaks to it.
    pub fn claims(&self, test: &Test) -> Vec<Claim> {
        let smallest = |curve: &&Curve| !self.largest.iter().any(|arm| arm == curve.arm);
        let curves: Vec<&Curve> = test.curves.iter().filter(smallest).collect();
        let series: Vec<Series> = curves
            .iter()
            .map(|curve| Series {
                method: curve.method,
                calibration: curve.calibration(),
                samples: curve.samples().map(|samples| samples as usize),
            })
            .collect();
        let claim = |(text, pairs): (&'static str, Pairs)| {
            let mut duels = Vec::new();
            for (a, b) in pairs {
                let points = test.points.iter().filter(|point| **point > 0.0);
                duels.extend(points.filter_map(|&point| self.duel(test, curves[a], curves[b], point)));
            }
            (!duels.is_empty()).then_some(Claim { text, duels })
        };
        orderings(test.name(), &series).filter_map(claim).collect()
    }
}

#[cfg(test)]
mod tests;
