//! What our learners and the paper's scores have to say to the [`super::rules`]: every comparison with its numbers.

use super::compare::{self, JUDGED};
use super::tables::last_quarter;
use super::values::over_seeds;
use super::{Learner, Measure, Study, rules};
use crate::report::claims::{self, Claim, Duel, Evidence, On, Paired, Party, Says};
use crate::report::document::Captioned;
use crate::report::number;
use crate::report::table::{Cell, Table};
use crate::spec::{ScoreRow, Scores, Tests};

/// Every claim that the paper's scores or our learners speak to.
pub fn all(study: &Study) -> Vec<Claim> {
    claims::judge(&rules::RULES, study.all.published, study)
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

impl<'s> Evidence for Study<'s> {
    type Side = Learner<'s>;

    fn sides(&self) -> &[Learner<'s>] {
        &self.learners
    }

    fn party<'a>(&'a self, Learner { row, .. }: &'a Learner<'s>) -> Party<'a> {
        Party {
            method: &row.method,
            end: row.end.as_deref(),
            context: row.calibration.as_deref(),
            own: row.calibration.as_ref().is_some_and(|name| self.all.tested.contexts.contains(name)),
            samples: None,
            rank: row.rank,
        }
    }

    fn compare(&self, on: On, first: &Learner, other: &Learner) -> Vec<Duel> {
        let names = match on {
            On::Task => &self.all.tested.task,
            On::Knowledge => &self.all.tested.knowledge,
            On::Training => return self.training([first, other]).into_iter().collect(),
            On::Perplexity => return Vec::new(),
        };
        self.named(names).filter_map(|measure| measured([first, other], measure)).collect()
    }
}

fn measured(sides: [&Learner; 2], measure: Measure) -> Option<Duel> {
    let found = compare::difference(sides[0], sides[1], measure)?;
    Some(duel(sides, measure.heading(), sides.map(|learner| over_seeds(measure, &learner.values(measure))), found))
}

impl Study<'_> {
    fn training(&self, sides: [&Learner; 2]) -> Option<Duel> {
        let [mine, theirs] = sides.map(|learner| last_quarter(self.all.steps, &learner.row.learner));
        let common = |(seed, loss): &(u64, f64)| Some((*loss, theirs.iter().find(|(other, _)| other == seed)?.1));
        let pairs: Vec<(f64, f64)> = mine.iter().filter_map(common).collect();
        let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        let values = [a, b].map(|values| over_seeds(compare::TRAINING, &values));
        let what = "training loss, last quarter of the steps, nats".to_string();
        (!pairs.is_empty()).then(|| duel(sides, what, values, compare::training(&pairs)))
    }
}

fn duel(sides: [&Learner; 2], at: String, values: [Cell; 2], (says, paired): (Says, Paired)) -> Duel {
    Duel { sides: sides.map(|learner| learner.row.label.clone()), at, values, paired: Some(paired), says }
}

impl Evidence for Scores {
    type Side = ScoreRow;

    fn sides(&self) -> &[ScoreRow] {
        &self.rows
    }

    fn party<'a>(&'a self, row: &'a ScoreRow) -> Party<'a> {
        Party {
            method: &row.method,
            end: row.end.as_deref(),
            context: row.context.as_deref(),
            own: row.context.as_ref().is_some_and(|name| self.contexts.contains(name)),
            samples: None,
            rank: row.rank,
        }
    }

    fn compare(&self, on: On, first: &ScoreRow, other: &ScoreRow) -> Vec<Duel> {
        let tests = match on {
            On::Task => Tests::Task,
            On::Knowledge => Tests::Knowledge,
            On::Training | On::Perplexity => return Vec::new(),
        };
        let rows = [first, other];
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
