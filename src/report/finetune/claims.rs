//! What our learners and the paper's scores have to say to the [`super::rules`]: every comparison with its numbers.

use super::compare::{self, Difference, JUDGED};
use super::tables::{last_quarter, over_seeds, signed};
use super::{Kind, Learner, Measure, Study, rules};
use crate::report::claims::{self, Claim, Duel, Evidence, On, Paired, Party, Says};
use crate::report::document::Captioned;
use crate::report::number;
use crate::report::table::{Cell, Table};
use crate::spec::{Scores, Tests};

/// Every claim that the paper's scores or our learners speak to.
pub fn all(study: &Study) -> Vec<Claim> {
    claims::judge(&rules::RULES, study.all.published.map(|scores| scores as &dyn Evidence), study)
}

/// The same for a reader; `None` without any.
pub fn shown(study: &Study) -> Option<claims::Shown> {
    let verdicts = |claim: &Claim| [claim.in_scores(), claims::by_interval(&claim.here)];
    claims::Shown::new(&all(study), JUDGED.into(), verdicts, evidence)
}

/// The numbers behind a claim: a row per comparison.
fn evidence(claim: &Claim) -> Vec<Captioned> {
    let row = |duel: &Duel| {
        let paired = duel.paired.as_ref()?;
        let result = match duel.says {
            Says::Holds => "holds",
            Says::Opposite => "does not hold",
            Says::Inconclusive if claim.rule.or_equal && paired.estimate.mean == 0.0 => "equal",
            Says::Inconclusive | Says::Equal => "inconclusive",
        };
        let ([first, other], (better, seeds)) = (duel.values.clone(), paired.seeds?);
        let (p, over) = (Cell::text(number::p(paired.p)), Cell::text(&paired.over));
        let seeds = Cell::text(format!("{better} of {seeds}"));
        let label = format!("{}: {} against {}", duel.at, duel.sides[0], duel.sides[1]);
        Some((label, vec![first, other, paired.difference.clone(), p, over, seeds, Cell::text(result)]))
    };
    let columns = ["first", "other", "difference", "p", "paired over", "seeds in favour", "result"];
    let table = Table::new(columns, claim.here.iter().filter_map(row));
    if table.rows.is_empty() { Vec::new() } else { vec![Captioned::new("", "", table)] }
}

impl Evidence for Study<'_> {
    fn parties(&self) -> Vec<Party<'_>> {
        let contexts = &self.all.tested.contexts;
        let parties = self.learners.iter().map(|learner| Party {
            method: &learner.row.method,
            end: learner.row.end.as_deref(),
            context: learner.row.calibration.as_deref(),
            own: learner.row.calibration.as_ref().is_some_and(|name| contexts.contains(name)),
            samples: None,
            rank: learner.row.rank,
        });
        parties.collect()
    }

    fn compare(&self, on: On, first: usize, other: usize) -> Vec<Duel> {
        let [first, other] = [first, other].map(|at| &self.learners[at]);
        let names = match on {
            On::Task => &self.all.tested.task,
            On::Knowledge => &self.all.tested.knowledge,
            On::Training => return self.training(first, other).into_iter().collect(),
            On::Perplexity => return Vec::new(),
        };
        self.named(names).filter_map(|measure| self.measured(first, other, measure)).collect()
    }
}

impl Study<'_> {
    fn measured(&self, first: &Learner, other: &Learner, measure: Measure) -> Option<Duel> {
        let found = compare::difference(first, other, measure)?;
        let values = [first, other].map(|learner| over_seeds(measure, &learner.values(measure)));
        let over = found.changed.map(|changed| {
            let count = first.of(measure).next().map_or(0, |row| row.count);
            format!("{count} questions, {changed} changed")
        });
        Some(duel([first, other], measure.heading(), values, |part| signed(measure, part), over, found))
    }

    fn training(&self, first: &Learner, other: &Learner) -> Option<Duel> {
        let [mine, theirs] = [first, other].map(|learner| last_quarter(self.all.steps, &learner.row.learner));
        let common = |(seed, loss): &(u64, f64)| Some((*loss, theirs.iter().find(|(other, _)| other == seed)?.1));
        let pairs: Vec<(f64, f64)> = mine.iter().filter_map(common).collect();
        let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        let loss = Measure { name: "training", kind: Kind::AnswerLoss };
        let values = [a, b].map(|values| over_seeds(loss, &values));
        let what = "training loss, last quarter of the steps, nats".to_string();
        (!pairs.is_empty()).then(|| duel([first, other], what, values, number::nats, None, compare::by_seed(&pairs)))
    }
}

fn duel(
    sides: [&Learner; 2],
    at: String,
    values: [Cell; 2],
    signed: impl Fn(f64) -> String,
    over: Option<String>,
    found: Difference,
) -> Duel {
    let Difference { estimate, p, seeds, says, .. } = found;
    let difference = match [estimate.mean, estimate.low, estimate.high].map(signed) {
        [mean, low, _] if low.contains("nan") => Cell::Text(mean),
        parts => Cell::Difference(parts),
    };
    let over = over.unwrap_or_else(|| format!("{} seeds", seeds.1));
    let paired = Paired { estimate, difference, p, over, seeds: Some(seeds) };
    Duel { sides: sides.map(|learner| learner.row.label.clone()), at, values, paired: Some(paired), says }
}

impl Evidence for Scores {
    fn parties(&self) -> Vec<Party<'_>> {
        let parties = self.rows.iter().map(|row| Party {
            method: &row.method,
            end: row.end.as_deref(),
            context: row.context.as_deref(),
            own: row.context.as_ref().is_some_and(|name| self.contexts.contains(name)),
            samples: None,
            rank: row.rank,
        });
        parties.collect()
    }

    fn compare(&self, on: On, first: usize, other: usize) -> Vec<Duel> {
        let tests = match on {
            On::Task => Tests::Task,
            On::Knowledge => Tests::Knowledge,
            On::Training | On::Perplexity => return Vec::new(),
        };
        let rows = [first, other].map(|at| &self.rows[at]);
        let columns = self.columns.iter().filter(|column| column.tests == tests);
        let duels = columns.filter_map(|column| {
            let scores = rows.map(|row| row.scores.get(&column.name));
            let (first, other) = scores[0].zip(scores[1])?;
            Some(Duel {
                sides: rows.map(|row| row.label.clone()),
                at: column.name.clone(),
                values: [first, other].map(|score| Cell::text(format!("{score:.2}"))),
                paired: None,
                // Of scores more is better.
                says: claims::lower(-first, -other),
            })
        });
        duels.collect()
    }
}
