//! The paper's claims on discarding components (its Table 6 and Figure 2), beside what our test sets say.
//!
//! Arms are compared window by window: the difference of their losses, its 95% interval, and the p-value of a paired
//! t-test (two-sided). Of published curves only perplexities are known.

use super::{Curve, Test};
use crate::evaluate::uncertainty::{paired, paired_p};
use crate::report::claims::{self, Alike, Claim, Duel, Evidence, On, Paired, Party, Pick, Rule, Says};
use crate::report::document::Captioned;
use crate::report::number;
use crate::report::table::{Cell, Table};
use crate::report::{By, Meta};
use crate::results::WindowRow;
use crate::spec::{Published, PublishedRow, PublishedTest};

const OWN: Pick = Pick { own: Some(true), ..CORDA };
const OTHER: Pick = Pick { own: Some(false), ..CORDA };
const CORDA: Pick = Pick::new("corda", Some("smallest"));
const ASVD: Pick = Pick::new("asvd", Some("smallest"));
const PLAIN: Pick = Pick::new("plain-svd", Some("smallest"));
const WHITENING: Pick = Pick::new("svd-whitening", Some("smallest"));

const fn rule(text: &'static str, first: Pick, other: Pick, alike: &'static [Alike]) -> Rule {
    Rule { text, source: "Table 6", on: On::Perplexity, first, other, alike, or_equal: false }
}

/// The paper's orderings, and a question of ours. All speak of arms that drop the smallest components; a
/// calibration is a test set's own context if it has its name.
pub const RULES: [Rule; 5] = [
    rule("CO-SVD with the test set's own context is better than ASVD", OWN, ASVD, &[]),
    rule("ASVD is better than plain SVD", ASVD, PLAIN, &[]),
    rule("CO-SVD is better with the test set's own context than with the other", OWN, OTHER, &[Alike::Samples]),
    rule(
        "CO-SVD is better with more calibration samples than with fewer",
        CORDA,
        CORDA,
        &[Alike::Context, Alike::MoreSamples],
    ),
    Rule {
        source: "not asked in the paper",
        ..rule(
            "CO-SVD is better than whitening with the same context, the covariance than its square root",
            CORDA,
            WHITENING,
            &[Alike::Context, Alike::Samples],
        )
    },
];

impl Evidence for PublishedTest {
    type Side = PublishedRow;

    fn sides(&self) -> &[PublishedRow] {
        &self.rows
    }

    fn party<'a>(&'a self, row: &'a PublishedRow) -> Party<'a> {
        Party {
            method: &row.method,
            end: Some("smallest"),
            context: row.calibration.as_deref(),
            own: row.calibration.as_ref() == Some(&self.evaluation),
            samples: row.samples,
            rank: None,
        }
    }

    fn compare(&self, _: On, first: &PublishedRow, other: &PublishedRow) -> Vec<Duel> {
        let duel = |(r, &a): (&u32, &f64)| {
            let b = *other.perplexity.get(r)?;
            Some(Duel {
                sides: [first.label.clone(), other.label.clone()],
                at: r.to_string(),
                values: [a, b].map(Cell::perplexity),
                paired: None,
                says: claims::lower(a, b),
            })
        };
        first.perplexity.iter().filter(|(r, _)| **r > 0).filter_map(duel).collect()
    }
}

/// A test set of ours with the losses of its windows.
pub struct Here<'a> {
    pub test: &'a Test<'a>,
    pub windows: &'a [WindowRow],
    pub meta: &'a Meta,
}

impl<'h> Evidence for Here<'h> {
    type Side = Curve<'h>;

    fn sides(&self) -> &[Curve<'h>] {
        &self.test.curves
    }

    fn party<'a>(&'a self, Curve { row, .. }: &'a Curve<'h>) -> Party<'a> {
        Party {
            method: &row.method,
            end: Some(if self.meta.largest.contains(&row.arm) { "largest" } else { "smallest" }),
            context: row.calibration.as_deref(),
            own: row.calibration.as_deref() == Some(self.test.name()),
            samples: row.samples,
            rank: None,
        }
    }

    fn compare(&self, _: On, first: &Curve<'h>, other: &Curve<'h>) -> Vec<Duel> {
        self.points().filter_map(|point| self.duel(first, other, point)).collect()
    }
}

impl Here<'_> {
    fn points(&self) -> impl Iterator<Item = f64> {
        self.test.points.iter().copied().filter(|point| *point > 0.0)
    }

    /// In the order of the windows.
    fn losses(&self, curve: &Curve, point: f64) -> Vec<f64> {
        let at = |row: &&WindowRow| {
            let place = self.meta.by.place(row.discarded, row.share);
            row.evaluation == self.test.name() && row.arm == curve.row.arm && place == point
        };
        let mut rows: Vec<&WindowRow> = self.windows.iter().filter(at).collect();
        rows.sort_by_key(|row| row.window);
        rows.into_iter().map(|row| row.nll).collect()
    }

    fn duel(&self, first: &Curve, other: &Curve, point: f64) -> Option<Duel> {
        let [a, b] = [first, other].map(|curve| self.losses(curve, point));
        if a.is_empty() || a.len() != b.len() {
            return None;
        }
        let estimate = paired(&b, &a);
        let perplexities = [first.at(point)?.perplexity, other.at(point)?.perplexity];
        Some(Duel {
            sides: [first, other].map(|curve| curve.row.label.clone()),
            at: self.meta.by.head(point),
            values: perplexities.map(Cell::perplexity),
            paired: Some(Paired {
                estimate,
                difference: Cell::nats([estimate.mean, estimate.low, estimate.high]),
                p: paired_p(&b, &a),
                over: format!("{} windows", a.len()),
                seeds: None,
            }),
            says: claims::lower(perplexities[0], perplexities[1]),
        })
    }

    /// At each point, the best arm against the next.
    pub fn winners(&self) -> Vec<Duel> {
        let duel = |point: f64| {
            let mut curves: Vec<(&Curve, f64)> =
                self.test.curves.iter().filter_map(|curve| Some((curve, curve.at(point)?.perplexity))).collect();
            // NaN sorts last.
            curves.sort_by(|a, b| a.1.total_cmp(&b.1));
            let [(first, _), (second, _), ..] = curves[..] else { return None };
            self.duel(first, second, point)
        };
        self.points().filter_map(duel).collect()
    }
}

/// The paper's orderings on all test sets that both have, side by side.
pub struct Beside {
    /// What is compared with what, and how to read it.
    pub introduction: String,
    /// Heading and claims of each test set of ours to which a published one corresponds; at least one.
    pub tests: Vec<(String, claims::Shown)>,
}

impl Beside {
    /// The comparison; `None` where no published test set corresponds to one of ours.
    pub fn new(tests: &[Test], windows: &[WindowRow], published: Option<&Published>, meta: &Meta) -> Option<Self> {
        let paper = published?;
        let pair = |test: &Test| {
            let theirs = paper.test(test.name())?;
            let all = claims::judge(&RULES, Some(theirs), &Here { test, windows, meta });
            let verdicts = |claim: &Claim| [&claim.paper, &claim.here].map(|duels| claims::by_order(duels));
            let note = unequal_start(theirs).unwrap_or_default();
            let heading = format!("{}, beside the paper's {}", test.heading(), theirs.name);
            Some((heading, claims::Shown::new(&all, note, verdicts, |claim| evidence(claim, meta.by))?))
        };
        let tests: Vec<_> = tests.iter().filter_map(pair).collect();
        let introduction = format!(
            "{} ({}) was measured on {}, the results here on {}. Models, texts and r differ, so the perplexities cannot be \
             compared, but the orderings can. An ordering holds at an r if the first curve has the lower perplexity. \
             Differences (here only) are the second curve's loss minus the first's, in nats per token, paired by window, \
             with the 95% interval; p is from a two-sided paired t-test, not corrected for the number of comparisons. A \
             test set's own context is the calibration with its name.",
            paper.title, paper.citation, paper.model, meta.model
        );
        (!tests.is_empty()).then_some(Self { introduction, tests })
    }
}

/// Where nothing is dropped all curves should be the same; published ones may not be.
fn unequal_start(test: &PublishedTest) -> Option<String> {
    let (low, high) = number::ends(test.rows.iter().filter_map(|row| row.perplexity.get(&0).copied()))?;
    (low < high).then(|| {
        format!(
            "The paper's curves on {} already differ at r = 0, from {low} to {high}: smaller differences are not evidence.",
            test.name
        )
    })
}

/// A table for every pair of curves: the paper's, then ours.
fn evidence(claim: &Claim, by: By) -> Vec<Captioned> {
    let over = if by == By::Share { "share" } else { "r" };
    let sides = [("In the paper", "r", &claim.paper), ("Here", over, &claim.here)];
    let tables = sides.into_iter().flat_map(|(whose, over, duels)| {
        let title = move |[first, other]: &[String; 2]| format!("{whose}, by {over}: {first} against {other}");
        let pairs = duels.chunk_by(|a, b| a.sides == b.sides);
        pairs.map(move |pair| Captioned::new(title(&pair[0].sides), "", pair_table(pair)))
    });
    tables.collect()
}

/// A pair of curves: one column per point.
fn pair_table(duels: &[Duel]) -> Table {
    let row = |label: &str, cell: &dyn Fn(&Duel) -> Cell| (label.to_string(), duels.iter().map(cell).collect());
    let [first, other] = &duels[0].sides;
    let mut rows = vec![row(first, &|duel| duel.values[0].clone()), row(other, &|duel| duel.values[1].clone())];
    if duels.iter().any(|duel| duel.paired.is_some()) {
        let of = |duel: &Duel, cell: fn(&Paired) -> Cell| duel.paired.as_ref().map_or(Cell::Absent, cell);
        rows.push(row("difference", &|duel| of(duel, |paired| paired.difference.clone())));
        rows.push(row("p", &|duel| of(duel, |paired| Cell::text(number::p(paired.p)))));
    }
    let word = |says: Says| match says {
        Says::Holds => "yes",
        Says::Equal => "equal",
        Says::Opposite | Says::Inconclusive => "no",
    };
    rows.push(row("holds", &|duel| Cell::text(word(duel.says))));
    Table::new(duels.iter().map(|duel| &duel.at), rows)
}

#[cfg(test)]
mod tests;
