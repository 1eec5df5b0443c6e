//! What the numbers say: which arm wins where, and whether the paper's orderings hold, each with its evidence.
//!
//! Arms are compared window by window: the difference of their losses, its 95% interval, and the p-value of a paired
//! t-test (two-sided).

use super::Meta;
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
    /// Loss of the other minus that of the better, nats a token, paired by window.
    pub delta: Estimate,
    /// Of the paired t-test; NaN for a single window.
    pub p: f64,
}

impl Duel {
    /// Whether the one that should be better is.
    pub fn holds(&self) -> bool {
        // A loss that is not finite is worse than any that is.
        match (self.perplexities.0.is_finite(), self.perplexities.1.is_finite()) {
            (true, true) => self.delta.mean > 0.0,
            (finite, _) => finite,
        }
    }
}

/// An ordering that the paper finds, and where it holds here.
#[derive(Debug, Clone)]
pub struct Claim {
    /// In a sentence.
    pub text: String,
    /// Every pair of arms it speaks of, at every point.
    pub duels: Vec<Duel>,
}

impl Claim {
    /// Pairs and points where it holds.
    pub fn held(&self) -> usize {
        self.duels.iter().filter(|duel| duel.holds()).count()
    }
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
            delta: paired(&b, &a),
            p: paired_p(&b, &a),
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
    ///
    /// A calibration is a test set's own context if it has the evaluation's name.
    pub fn claims(&self, test: &Test) -> Vec<Claim> {
        let smallest = |curve: &&Curve| !self.largest.iter().any(|arm| arm == curve.arm);
        let of = |method: &'static str| test.curves.iter().filter(smallest).filter(move |curve| curve.method == method);
        let calibration = |curve: &Curve| curve.points.first().and_then(|(_, row)| row.calibration.clone());
        let own = |curve: &&Curve| calibration(curve).as_deref() == Some(test.name());
        let samples = |curve: &Curve| curve.points.first().and_then(|(_, row)| row.samples);
        let claim = |text: &str, pairs: Vec<(&Curve, &Curve)>| {
            let points = test.points.iter().filter(|point| **point > 0.0);
            let duels: Vec<Duel> =
                points.flat_map(|&point| pairs.iter().filter_map(move |(a, b)| self.duel(test, a, b, point))).collect();
            (!duels.is_empty()).then(|| Claim { text: text.into(), duels })
        };
        let (corda, asvd, plain): (Vec<&Curve>, Vec<&Curve>, Vec<&Curve>) =
            (of("corda").filter(own).collect(), of("asvd").collect(), of("plain-svd").collect());
        let other: Vec<&Curve> = of("corda").filter(|curve| !own(curve)).collect();
        let mut context = Vec::new();
        for a in &corda {
            context.extend(other.iter().filter(|b| samples(a) == samples(b)).map(|b| (*a, *b)));
        }
        [
            claim("CO-SVD with the test set's own context is better than ASVD", product(&corda, &asvd)),
            claim("ASVD is better than plain SVD", product(&asvd, &plain)),
            claim("CO-SVD is better with the test set's own context than with the other", context),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Every pair.
fn product<'c, 'r>(a: &[&'c Curve<'r>], b: &[&'c Curve<'r>]) -> Vec<(&'c Curve<'r>, &'c Curve<'r>)> {
    a.iter().flat_map(|a| b.iter().map(|b| (*a, *b))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::study::arrange;
    use crate::results::fixture::{curve, undamaged};
    use crate::results::{Row, WindowRow};

    fn windows(arm: &str, discarded: u32, losses: &[f64]) -> Vec<WindowRow> {
        let row = |(window, &nll): (usize, &f64)| WindowRow {
            experiment: "x".into(),
            arm: arm.into(),
            discarded,
            share: 0.0,
            evaluation: "ptb".into(),
            window: window as u32,
            nll,
        };
        losses.iter().enumerate().map(row).collect()
    }

    fn with(calibration: &str, rows: Vec<Row>) -> Vec<Row> {
        let set = |row| Row { calibration: Some(calibration.into()), samples: Some(4), ..row };
        rows.into_iter().map(set).collect()
    }

    #[test]
    fn orderings_are_judged_with_their_evidence() {
        let mut rows = vec![undamaged("ptb")];
        rows.extend(with("ptb", curve("ptb", "own", "corda", &[(2, 60.0), (8, 64.0)])));
        rows.extend(with("wiki", curve("ptb", "other", "corda", &[(2, 59.5), (8, 70.0)])));
        rows.extend(curve("ptb", "plain", "plain-svd", &[(2, 600.0), (8, f64::INFINITY)]));
        let all = [
            windows("own", 2, &[4.0, 4.2, 4.1]),
            windows("own", 8, &[4.1, 4.3, 4.2]),
            windows("other", 2, &[3.99, 4.19, 4.09]),
            windows("other", 8, &[4.2, 4.5, 4.35]),
            windows("plain", 2, &[6.0, 6.2, 6.1]),
            windows("plain", 8, &[9.0, f64::INFINITY, 9.0]),
        ]
        .concat();
        let tests = arrange(&rows, By::Components).unwrap();
        let mut meta = crate::report::tests::meta(By::Components);
        let losses = Losses::new(&all, &meta);
        let claims = losses.claims(&tests[0]);
        // No ASVD here, so one claim is left.
        assert_eq!(claims.len(), 1);
        assert_eq!((claims[0].held(), claims[0].duels.len()), (1, 2));
        let duel = &claims[0].duels[1];
        assert!(duel.holds() && (duel.delta.mean - 0.15).abs() < 1e-12 && (0.0..0.1).contains(&duel.p), "{duel:?}");
        let winners = losses.winners(&tests[0]);
        assert_eq!(
            winners.iter().map(|duel| duel.better.as_str()).collect::<Vec<_>>(),
            [rows[3].label.clone(), rows[1].label.clone()]
        );
        assert!(winners.iter().all(Duel::holds));
        // An arm that takes the largest components is no evidence for or against.
        meta.largest = vec!["other".into()];
        assert!(Losses::new(&all, &meta).claims(&tests[0]).is_empty());
    }
}
