//! The paper's orderings, side by side: whether each holds in the paper's own numbers and in ours, with the evidence.

use super::claims::{self, Claim, Duel, Losses, Paired};
use super::document::{Cell, Table};
use super::published::{Published, PublishedTest};
use super::study::{By, Test};
use super::{Meta, number};

/// The whole comparison.
pub struct Beside {
    /// What is compared with what, and how to read it.
    pub introduction: String,
    /// Test sets that both have; at least one.
    pub tests: Vec<Pair>,
}

/// A test set of ours and the published one that corresponds to it.
pub struct Pair {
    /// Both.
    pub heading: String,
    /// What else to know of the published numbers.
    pub note: Option<String>,
    /// The orderings that either side speaks to.
    pub orderings: Vec<Ordering>,
}

/// One ordering.
pub struct Ordering {
    /// In a sentence.
    pub text: &'static str,
    /// In the paper.
    pub paper: Side,
    /// Here.
    pub here: Side,
}

/// What one side has to say to an ordering.
pub struct Side {
    claim: Option<Claim>,
    /// Every pair of curves: its name and its numbers.
    tables: Vec<(String, Table)>,
}

impl Side {
    fn new(claim: Option<Claim>, by: By, whose: &str) -> Self {
        let duels = claim.as_ref().map_or(&[][..], |claim| &claim.duels);
        let pairs = duels.chunk_by(|a, b| (&a.better, &a.other) == (&b.better, &b.other));
        let over = match by {
            By::Components => "r",
            By::Share => "share",
        };
        let named = |pair: &[Duel]| {
            (format!("{whose}, by {over}: {} against {}", pair[0].better, pair[0].other), table(pair, by))
        };
        let tables = pairs.map(named).collect();
        Self { claim, tables }
    }

    /// Where it holds, in a sentence.
    pub fn verdict(&self) -> String {
        self.claim.as_ref().map_or("No such pair of curves.".into(), Claim::verdict)
    }

    /// Whether it fails nowhere; `None` without anything to judge by.
    pub fn holds(&self) -> Option<bool> {
        self.claim.as_ref().map(|claim| claim.failures().next().is_none())
    }
}

impl Ordering {
    /// Captions and tables: the paper's, then ours.
    pub fn evidence(&self) -> impl Iterator<Item = (String, &Table)> {
        self.paper.tables.iter().chain(&self.here.tables).map(|(caption, table)| (caption.clone(), table))
    }
}

impl Beside {
    /// The comparison; `None` where no published test set corresponds to one of ours.
    pub fn new(tests: &[Test], losses: &Losses, published: Option<&Published>, meta: &Meta) -> Option<Self> {
        let paper = published?;
        let pair = |test: &Test| {
            let theirs = paper.test(test.name())?;
            let (mut their_claims, mut our_claims) = (claims::published(theirs), losses.claims(test));
            let mut take = |text: &str| [&mut their_claims, &mut our_claims].map(|all| take(all, text));
            let orderings = claims::ORDERINGS.into_iter().filter_map(|text| {
                let [theirs, ours] = take(text);
                (theirs.is_some() || ours.is_some()).then(|| Ordering {
                    text,
                    paper: Side::new(theirs, By::Components, "In the paper"),
                    here: Side::new(ours, meta.by, "Here"),
                })
            });
            let orderings = orderings.collect();
            let heading = format!("{}, beside the paper's {}", test.heading(), theirs.name);
            Some(Pair { heading, note: unequal_start(theirs), orderings })
        };
        let tests: Vec<Pair> = tests.iter().filter_map(pair).filter(|pair| !pair.orderings.is_empty()).collect();
        let introduction = format!(
            "{} ({}), measured on {}, beside {} here. Models, texts and r differ, so the perplexities themselves do not \
             compare; the orderings do. An ordering holds at an r where the first curve's perplexity is lower. Differences \
             (here) are the second curve's loss minus the first's, in nats a token, paired by window, with the 95% \
             interval; p is that of a paired t-test, two-sided, not corrected for the number of comparisons. Own context: \
             the calibration with the test set's name.",
            paper.title, paper.citation, paper.model, meta.model
        );
        (!tests.is_empty()).then_some(Self { introduction, tests })
    }
}

/// Where nothing is dropped all curves should be the same; published ones may not be.
fn unequal_start(test: &PublishedTest) -> Option<String> {
    let starts = test.rows.iter().filter_map(|row| row.perplexity.get(&0).copied());
    let (low, high) = starts.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (v.min(low), v.max(high)));
    (low < high).then(|| {
        format!(
            "The paper's curves on {} differ at r = 0 already, from {low} to {high}: smaller differences than that are no \
             evidence.",
            test.name
        )
    })
}

fn take(all: &mut Vec<Claim>, text: &str) -> Option<Claim> {
    let at = all.iter().position(|claim| claim.text == text)?;
    Some(all.remove(at))
}

/// A pair of curves: a column a point.
fn table(duels: &[Duel], by: By) -> Table {
    let row = |label: &str, cell: &dyn Fn(&Duel) -> Cell| (label.to_string(), duels.iter().map(cell).collect());
    let first = &duels[0];
    let mut rows = vec![
        row(&first.better, &|duel| Cell::Perplexity(number::perplexity(duel.perplexities.0))),
        row(&first.other, &|duel| Cell::Perplexity(number::perplexity(duel.perplexities.1))),
    ];
    if duels.iter().any(|duel| duel.paired.is_some()) {
        rows.push(row("difference", &|duel| duel.paired.as_ref().map_or(Cell::Absent, difference)));
        rows.push(row("p", &|duel| duel.paired.as_ref().map_or(Cell::Absent, |it| Cell::Text(number::p(it.p)))));
    }
    let word = |duel: &Duel| match (duel.holds(), duel.level()) {
        (true, _) => "yes",
        (_, true) => "level",
        _ => "no",
    };
    rows.push(row("holds", &|duel| Cell::Text(word(duel).into())));
    Table { columns: duels.iter().map(|duel| by.head(duel.point)).collect(), rows }
}

fn difference(Paired { delta, .. }: &Paired) -> Cell {
    Cell::Difference(number::nats(delta.mean), number::nats(delta.low), number::nats(delta.high))
}
