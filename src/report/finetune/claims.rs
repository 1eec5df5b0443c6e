//! Whether the paper's claims hold here, each with its numbers: one verdict a comparison, and one a claim.

use super::super::document::{Cell, Table};
use super::super::{markdown, number};
use super::compare::{self, Difference, Told};
use super::orderings::{ORDERINGS, On, Ordering, Who};
use super::tables::{self, last_quarter, over_seeds, signed};
use super::{Learner, Measure, Study};
use crate::spec::{Scores, Tests};

/// A claim, in the paper's numbers and in ours.
pub struct Claim {
    /// In a sentence.
    pub text: &'static str,
    /// What the paper's scores say, if any of them speak to it: comparisons where it holds, of so many.
    pub paper: Option<(usize, usize)>,
    /// Comparisons here; none if no such learners are there.
    pub duels: Vec<Duel>,
    least: bool,
}

/// One comparison.
pub struct Duel {
    /// The learner that should be better, and the other.
    pub sides: (String, String),
    /// What is compared.
    pub measure: String,
    /// Means over seeds and their deviations.
    values: (String, String),
    difference: String,
    found: Difference,
    /// What is paired.
    over: String,
}

/// What a claim comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Told in every comparison.
    Holds,
    /// Told in some, against it in none.
    Partly,
    /// Told against it in some comparison, for it in none.
    Fails,
    /// For it in some, against it in others.
    Mixed,
    /// Told in no comparison.
    Untold,
}

impl Claim {
    /// What it comes to here; `None` without learners to judge by.
    pub fn verdict(&self) -> Option<Verdict> {
        let any = |told: Told| self.duels.iter().any(|duel| duel.found.told == told);
        (!self.duels.is_empty()).then(|| match (any(Told::Better), any(Told::Worse), any(Told::Not)) {
            (true, true, _) => Verdict::Mixed,
            (true, false, false) => Verdict::Holds,
            (true, false, true) => Verdict::Partly,
            (false, true, _) => Verdict::Fails,
            (false, false, _) => Verdict::Untold,
        })
    }

    /// The same in a sentence.
    pub fn says(&self) -> String {
        let count = |told: Told| self.duels.iter().filter(|duel| duel.found.told == told).count();
        let (all, held, failed) = (self.duels.len(), count(Told::Better), count(Told::Worse));
        let untold = match all - held - failed {
            0 => String::new(),
            rest => format!(", cannot be told in {rest}"),
        };
        match self.verdict() {
            None => "No such learners here.".into(),
            Some(Verdict::Holds | Verdict::Partly) => format!("Holds in {held} of {all} comparisons{untold}."),
            Some(Verdict::Fails) => format!("Does not hold: the opposite in {failed} of {all} comparisons{untold}."),
            Some(Verdict::Mixed) => {
                format!("Holds in {held} of {all} comparisons, the opposite in {failed}{untold}.")
            }
            Some(Verdict::Untold) => format!("Cannot be told at this size (0 of {all} comparisons)."),
        }
    }

    /// What the paper's own numbers say, in a sentence.
    pub fn paper_says(&self) -> String {
        match self.paper {
            None => "Not in the table beside.".into(),
            Some((held, all)) if held == all => format!("Holds in {all} of {all} scores."),
            Some((held, all)) => format!("Holds in {held} of {all} scores."),
        }
    }

    /// The numbers: a row a comparison.
    pub fn evidence(&self) -> Table {
        let columns = ["first", "other", "difference", "p", "paired over", "seeds for it", "says"];
        let row = |duel: &Duel| {
            let found = &duel.found;
            let says = match found.told {
                Told::Better => "holds",
                Told::Worse => "does not hold",
                Told::Not if self.least && found.estimate.mean == 0.0 => "equal",
                Told::Not => "cannot be told",
            };
            let cells = vec![
                duel.values.0.clone(),
                duel.values.1.clone(),
                duel.difference.clone(),
                number::p(found.p),
                duel.over.clone(),
                format!("{} of {}", found.seeds.0, found.seeds.1),
                says.into(),
            ];
            let label = format!("{}: {} against {}", duel.measure, duel.sides.0, duel.sides.1);
            (label, cells.into_iter().map(Cell::Text).collect())
        };
        Table { columns: columns.map(String::from).to_vec(), rows: self.duels.iter().map(row).collect() }
    }
}

/// Every claim that the paper's scores or our learners speak to.
pub fn all(study: &Study) -> Vec<Claim> {
    let claim = |ordering: &Ordering| Claim {
        text: ordering.text,
        paper: study.all.published.and_then(|scores| in_the_paper(scores, ordering)),
        duels: duels(study, ordering),
        least: ordering.least,
    };
    ORDERINGS.iter().map(claim).filter(|claim| claim.paper.is_some() || !claim.duels.is_empty()).collect()
}

fn duels(study: &Study, ordering: &Ordering) -> Vec<Duel> {
    let tested = study.all.tested;
    let who: Vec<Who> = study.learners.iter().map(|learner| Who::ours(learner, &tested.contexts)).collect();
    let pairs = ordering.pairs(&who).into_iter().map(|(a, b)| (&study.learners[a], &study.learners[b]));
    let names = match ordering.on {
        On::Training => return pairs.filter_map(|(first, other)| training(study, first, other)).collect(),
        On::Task => &tested.task,
        On::Knowledge => &tested.knowledge,
    };
    let measures: Vec<Measure> = study.named(names).collect();
    pairs
        .flat_map(|(first, other)| measures.iter().filter_map(move |&measure| duel(study, first, other, measure)))
        .collect()
}

fn duel(study: &Study, first: &Learner, other: &Learner, measure: Measure) -> Option<Duel> {
    let found = compare::difference(study.all.answers, first, other, measure)?;
    let text = |learner: &Learner| markdown::text(&over_seeds(measure, &learner.values(measure)));
    let parts = [found.estimate.mean, found.estimate.low, found.estimate.high].map(|part| signed(measure, part));
    let over = match found.changed {
        Some(changed) => {
            let count = first.of(measure).next().map_or(0, |row| row.count);
            format!("{count} questions, {changed} changed")
        }
        None => format!("{} seeds", found.seeds.1),
    };
    Some(Duel {
        sides: (first.row.label.clone(), other.row.label.clone()),
        measure: measure.heading(),
        values: (text(first), text(other)),
        difference: between(&parts),
        found,
        over,
    })
}

fn training(study: &Study, first: &Learner, other: &Learner) -> Option<Duel> {
    let of = |learner: &Learner| last_quarter(study.all.steps, &learner.row.learner);
    let (mine, theirs) = (of(first), of(other));
    let common = |(seed, loss): &(u64, f64)| Some((*loss, theirs.iter().find(|(other, _)| other == seed)?.1));
    let pairs: Vec<(f64, f64)> = mine.iter().filter_map(common).collect();
    if pairs.is_empty() {
        return None;
    }
    let found = compare::by_seed(&pairs);
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    let loss = Measure { name: "training", kind: super::Kind::AnswerLoss };
    let parts = [found.estimate.mean, found.estimate.low, found.estimate.high].map(number::nats);
    Some(Duel {
        sides: (first.row.label.clone(), other.row.label.clone()),
        measure: "training loss, last quarter of the steps, nats".into(),
        values: (markdown::text(&tables::over_seeds(loss, &a)), markdown::text(&tables::over_seeds(loss, &b))),
        difference: between(&parts),
        over: format!("{} seeds", found.seeds.1),
        found,
    })
}

fn between([mean, low, high]: &[String; 3]) -> String {
    if low.contains("nan") { mean.clone() } else { format!("{mean} [{low}, {high}]") }
}

/// Scores for which a claim holds in the paper, of those that it speaks of.
fn in_the_paper(scores: &Scores, ordering: &Ordering) -> Option<(usize, usize)> {
    let tests = match ordering.on {
        On::Task => Tests::Task,
        On::Knowledge => Tests::Knowledge,
        On::Training => return None,
    };
    let who: Vec<Who> = scores.rows.iter().map(|row| Who::published(row, &scores.contexts)).collect();
    let (mut held, mut all) = (0, 0);
    for (a, b) in ordering.pairs(&who) {
        for column in scores.columns.iter().filter(|column| column.tests == tests) {
            let score = |at: usize| scores.rows[at].scores.get(&column.name);
            if let (Some(first), Some(other)) = (score(a), score(b)) {
                all += 1;
                held += usize::from(first > other || (ordering.least && first == other));
            }
        }
    }
    (all > 0).then_some((held, all))
}
