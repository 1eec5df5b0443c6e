//! The claim engine: whether the paper's claims hold, in its own numbers and in ours.
//!
//! A [`Rule`] is data: who should be better than whom, on what. The decomposition study's rules are in
//! `study/claims.rs` (the paper's Table 6), those of fine-tuning in `finetune/rules.rs` (Tables 1, 2 and 4, Figure 3).
//! [`judge`] finds the pairs that a rule speaks of on either side, each of which compares them as its [`Evidence`]; the rest
//! adds comparisons up into a verdict.

use super::document::{Captioned, Section};
use super::markdown::Markdown;
use super::number;
use super::table::{Cell, Markup, Table};
use crate::evaluate::uncertainty::Estimate;

/// An ordering that the paper finds, or that we ask about.
#[derive(Debug)]
pub struct Rule {
    pub text: &'static str,
    pub source: &'static str,
    pub on: On,
    /// Who should be better.
    pub first: Pick,
    /// Than whom.
    pub other: Pick,
    /// What both must have in common.
    pub alike: &'static [Alike],
    /// Whether being as good is enough.
    pub or_equal: bool,
}

/// What a rule compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// Perplexity after discarding components.
    Perplexity,
    /// Measures of what was to be learned.
    Task,
    /// Measures of what was to be kept.
    Knowledge,
    /// Mean training loss over the last quarter of the steps.
    Training,
}

/// Which arms, learners or published rows a rule speaks of.
#[derive(Debug, Clone, Copy)]
pub struct Pick {
    /// The spec's word.
    pub method: &'static str,
    /// The end of the spectrum, if that matters.
    pub end: Option<&'static str>,
    /// Whether the context is the test set's own, or questions of knowledge; if that matters.
    pub own: Option<bool>,
}

/// What the two of a pair have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alike {
    /// The rank, or one of them has none.
    Rank,
    /// The calibration.
    Context,
    /// The number of calibration samples.
    Samples,
    /// Nothing: the first has more calibration samples.
    MoreSamples,
}

/// What a rule looks at of an arm, a learner or a published row.
#[derive(Debug, Clone, Copy)]
pub struct Party<'a> {
    pub method: &'a str,
    pub end: Option<&'a str>,
    /// Name of its calibration.
    pub context: Option<&'a str>,
    /// As in [`Pick::own`].
    pub own: bool,
    pub samples: Option<u32>,
    pub rank: Option<u32>,
}

impl Rule {
    /// Whether it says that `first` should be better than `other`.
    fn speaks_of(&self, first: &Party, other: &Party) -> bool {
        let alike = |alike: &Alike| match alike {
            Alike::Rank => first.rank.zip(other.rank).is_none_or(|(a, b)| a == b),
            Alike::Context => first.context == other.context,
            Alike::Samples => first.samples == other.samples,
            Alike::MoreSamples => first.samples.zip(other.samples).is_some_and(|(a, b)| a > b),
        };
        self.first.is(first) && self.other.is(other) && self.alike.iter().all(alike)
    }
}

impl Pick {
    pub const fn new(method: &'static str, end: Option<&'static str>) -> Self {
        Self { method, end, own: None }
    }

    fn is(&self, party: &Party) -> bool {
        let context = |own| party.context.is_some() && party.own == own;
        self.method == party.method && self.end.is_none_or(|end| party.end == Some(end)) && self.own.is_none_or(context)
    }
}

/// Numbers that rules can be held against.
pub trait Evidence {
    /// An arm, a learner or a published row.
    type Side;
    fn sides(&self) -> &[Self::Side];
    fn party<'a>(&'a self, side: &'a Self::Side) -> Party<'a>;
    /// Every comparison of two of them.
    fn compare(&self, on: On, first: &Self::Side, other: &Self::Side) -> Vec<Duel>;
}

/// What one comparison says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// The first is better.
    Holds,
    /// The first is worse.
    Opposite,
    /// Both are the same, to the digits there are.
    Equal,
    /// The data do not decide.
    Inconclusive,
}

/// One against another at a point, or by a measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Duel {
    /// Labels of the one that should be better, and of the other.
    pub sides: [String; 2],
    /// Where or by what: r, a share, a measure.
    pub at: String,
    pub values: [Cell; 2],
    /// The paired comparison; none of published numbers.
    pub paired: Option<Paired>,
    pub says: Says,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Paired {
    /// The difference with its 95% interval.
    pub estimate: Estimate,
    /// The same for a reader.
    pub difference: Cell,
    /// Of the paired t-test, two-sided; NaN where there is none.
    pub p: f64,
    /// What is paired.
    pub over: String,
    /// Seeds in which the first is better, and all; `None` where nothing has seeds.
    pub seeds: Option<(usize, usize)>,
}

/// A rule and what either side has to say to it.
#[derive(Debug)]
pub struct Claim {
    pub rule: &'static Rule,
    pub paper: Vec<Duel>,
    pub here: Vec<Duel>,
}

/// Holds rules against the numbers of both sides; a rule that neither speaks to is left out.
pub fn judge<P: Evidence, H: Evidence>(rules: &'static [Rule], paper: Option<&P>, here: &H) -> Vec<Claim> {
    let of_paper = |rule| paper.map_or(Vec::new(), |paper| duels(rule, paper));
    let claim = |rule| Claim { rule, paper: of_paper(rule), here: duels(rule, here) };
    rules.iter().map(claim).filter(|claim| !(claim.paper.is_empty() && claim.here.is_empty())).collect()
}

fn duels<E: Evidence>(rule: &Rule, evidence: &E) -> Vec<Duel> {
    let all: Vec<_> = evidence.sides().iter().map(|side| (side, evidence.party(side))).collect();
    let every = all.iter().flat_map(|first| all.iter().map(move |other| (first, other)));
    let pairs = every.filter(|(first, other)| rule.speaks_of(&first.1, &other.1));
    pairs.flat_map(|(first, other)| evidence.compare(rule.on, first.0, other.0)).collect()
}

/// What values of which less is better say: a loss that is not finite is worse than any that is.
pub fn lower(first: f64, other: f64) -> Says {
    match first.is_finite() && (first < other || !other.is_finite()) {
        true => Says::Holds,
        false if first == other => Says::Equal,
        false => Says::Opposite,
    }
}

/// How many comparisons say so.
pub fn count(duels: &[Duel], says: Says) -> usize {
    duels.iter().filter(|duel| duel.says == says).count()
}

/// `, equal in 2`; nothing of none.
fn also(what: &str, count: usize) -> String {
    if count == 0 { String::new() } else { format!(", {what} in {count}") }
}

/// The verdict by order alone: at how many points the first is lower.
pub fn by_order(duels: &[Duel]) -> Cell {
    let (held, all) = (count(duels, Says::Holds), duels.len());
    let level = also("equal", count(duels, Says::Equal));
    let sure = |paired: &Paired| paired.estimate.low > 0.0 || !paired.estimate.mean.is_finite();
    let beyond = duels.iter().filter(|duel| duel.says == Says::Holds && duel.paired.as_ref().is_some_and(sure));
    let sure = match duels.iter().any(|duel| duel.paired.is_some()) {
        true => format!(", {} beyond the 95% interval", beyond.count()),
        false => String::new(),
    };
    let class = if count(duels, Says::Opposite) == 0 { "yes" } else { "no" };
    match held {
        _ if all == 0 => Cell::Verdict("soft", "No such pair of curves.".into()),
        0 => Cell::Verdict(class, format!("Holds nowhere (0 of {all} comparisons{level}).")),
        n if n == all => Cell::Verdict(class, format!("Holds everywhere ({n} of {all} comparisons{sure}).")),
        n => Cell::Verdict(class, format!("Holds in {n} of {all} comparisons{level}{sure}.")),
    }
}

/// The verdict by intervals: in how many comparisons the data decide.
pub fn by_interval(duels: &[Duel]) -> Cell {
    let (all, held, failed) = (duels.len(), count(duels, Says::Holds), count(duels, Says::Opposite));
    let rest = also("inconclusive", all - held - failed);
    let (class, text) = match (held, failed) {
        _ if all == 0 => ("soft", "No such learners in this experiment.".into()),
        (0, 0) => ("soft", format!("Inconclusive at this sample size (0 of {all} comparisons).")),
        (0, _) => ("no", format!("Does not hold: the opposite holds in {failed} of {all} comparisons{rest}.")),
        (_, 0) if held == all => ("yes", format!("Holds in {held} of {all} comparisons.")),
        (_, 0) => ("partly", format!("Holds in {held} of {all} comparisons{rest}.")),
        _ => ("no", format!("Holds in {held} of {all} comparisons, the opposite holds in {failed}{rest}.")),
    };
    Cell::Verdict(class, text)
}

impl Claim {
    /// What the paper's own scores say, in a sentence.
    pub fn in_scores(&self) -> Cell {
        let equal = if self.rule.or_equal { count(&self.paper, Says::Equal) } else { 0 };
        let says = match self.paper.len() {
            0 => "Not reported in the paper's table.".into(),
            all => format!("Holds in {} of {all} scores.", count(&self.paper, Says::Holds) + equal),
        };
        Cell::Verdict("", says)
    }
}

/// Claims as a reader sees them.
pub struct Shown {
    /// A row per claim.
    pub table: Table,
    /// How it is judged, or what else to know of the numbers; may be empty.
    pub note: String,
    /// The numbers behind each claim.
    pub evidence: Vec<Section>,
}

impl Shown {
    /// Arranges claims by the verdicts on both sides, the paper's and ours; `None` without any.
    pub fn new(
        claims: &[Claim],
        note: String,
        verdicts: impl Fn(&Claim) -> [Cell; 2],
        evidence: impl Fn(&Claim) -> Vec<Captioned>,
    ) -> Option<Self> {
        let text = |claim: &Claim| format!("{} ({})", claim.rule.text, claim.rule.source);
        let rows = claims.iter().map(|claim| (text(claim), verdicts(claim).to_vec()));
        let table = Table::new(["in the paper", "here"], rows).labelled("claim");
        let evidence = claims.iter().map(|claim| Section { heading: text(claim), tables: evidence(claim) }).collect();
        (!claims.is_empty()).then_some(Self { table, note, evidence })
    }

    /// Its blocks in Markdown: the table, then the evidence below headings of this level.
    pub fn blocks(&self, level: usize) -> Vec<String> {
        let table = Captioned::new("", &self.note, self.table.clone()).blocks(level);
        let evidence = self.evidence.iter().filter(|section| !section.tables.is_empty());
        table.into_iter().chain(evidence.flat_map(|section| section.blocks(level))).collect()
    }
}

impl Duel {
    /// The numbers of a comparison against the claim, in a phrase.
    pub fn phrase(&self) -> String {
        let [a, b] = self.values.each_ref().map(|value| Markdown.cell(value));
        let p = self.paired.as_ref().map_or(String::new(), |paired| format!(", p = {}", number::p(paired.p)));
        format!("{} against {} at {} ({a} against {b}{p})", self.sides[0], self.sides[1], self.at)
    }
}
