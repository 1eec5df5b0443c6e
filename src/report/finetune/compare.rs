//! Whether two learners differ by more than noise.
//!
//! Questions: the mean over seeds of each question, then a paired t-test over questions, so that what questions share cancels.
//! Texts and training losses, of which only the means per seed are known: a paired t-test over seeds. A difference counts
//! only if its 95% interval excludes 0 and every seed has its sign; one of exact match also only if at least ten questions
//! changed, below which a t interval is too narrow.

use std::collections::BTreeMap;

use super::{Kind, Learner, Measure};
use crate::evaluate::uncertainty::{Estimate, estimate, paired, paired_p};
use crate::report::claims::Says;
use crate::report::spread::mean;
use crate::results::{AnswerRow, TrainedRow};

/// How differences are judged, for a reader.
pub const JUDGED: &str = "Values are means over seeds ± their standard deviation over seeds. Differences on questions are paired \
    by question after averaging over seeds, so their interval covers the choice of questions; the standard deviations show the \
    variation between seeds. Differences on texts and of training losses are paired by seed. A difference counts if its 95% \
    interval excludes 0, every seed has the same sign and, for exact match, at least 10 questions changed. p is from a \
    two-sided paired t-test. Neither is corrected for the number of comparisons.";

/// Questions that must differ before a difference of exact match counts.
const DISCORDANT: usize = 10;

/// The first learner's value minus the other's.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Mean and 95% interval.
    pub estimate: Estimate,
    /// Two-sided; NaN where there is no test.
    pub p: f64,
    /// Seeds in which the first is better, and all that both have.
    pub seeds: (usize, usize),
    /// Questions that differ; `None` where the comparison is not by question.
    pub changed: Option<usize>,
    pub says: Says,
}

/// Each question's value, averaged over the seeds; of a learner's answers to one set.
pub fn by_question(answers: &[AnswerRow], learner: &str, measure: Measure) -> BTreeMap<u32, f64> {
    let value = |row: &AnswerRow| if measure.kind == Kind::ExactMatch { f64::from(row.exact) } else { row.nll };
    let mut values: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    let own = |row: &&AnswerRow| row.learner == learner && row.questions == measure.name && measure.kind != Kind::Loss;
    answers.iter().filter(own).for_each(|row| values.entry(row.record).or_default().push(value(row)));
    values.into_iter().map(|(record, values)| (record, mean(values))).collect()
}

/// The difference of a measure; `None` if either lacks it.
pub fn difference(answers: &[AnswerRow], first: &Learner, other: &Learner, measure: Measure) -> Option<Difference> {
    let by_seed: Vec<(f64, f64)> = first
        .of(measure)
        .filter_map(|row| Some((row.value, other.of(measure).find(|other| other.seed == row.seed)?.value)))
        .collect();
    let (means, others) = (first.values(measure), other.values(measure));
    if means.is_empty() || others.is_empty() {
        return None;
    }
    let [mine, theirs] = [first, other].map(|learner| by_question(answers, &learner.row.learner, measure));
    let pairs: Vec<(f64, f64)> =
        mine.iter().filter_map(|(record, value)| Some((*value, *theirs.get(record)?))).collect();
    let by_question = pairs.len() > 1 && pairs.len() == mine.len() && pairs.len() == theirs.len();
    let (pairs, kind) = if by_question { (&pairs, Some(measure.kind)) } else { (&by_seed, None) };
    Some(judge(pairs, &by_seed, |value| measure.goodness(value), kind))
}

/// The 95% interval of a learner's value over questions or windows: of questions averaged over the seeds; of texts, whose
/// windows are not known here, the mean over seeds of the intervals' ends.
pub fn interval(answers: &[AnswerRow], learner: &Learner, measure: Measure) -> Option<(f64, f64)> {
    let values: Vec<f64> = by_question(answers, &learner.row.learner, measure).into_values().collect();
    if values.len() > 1 {
        let same = values.iter().all(|value| *value == values[0]);
        if measure.kind == Kind::ExactMatch && same {
            return Some(of_one_kind(values[0], values.len()));
        }
        let Estimate { low, high, .. } = estimate(&values);
        return Some((low, high));
    }
    let rows: Vec<&TrainedRow> = learner.of(measure).collect();
    let ends = |of: fn(&TrainedRow) -> f64| mean(rows.iter().map(|row| of(row)));
    (!rows.is_empty()).then(|| (ends(|row| row.low), ends(|row| row.high)))
}

/// Where all questions were answered right, or all wrong, t knows of no spread: the exact interval of a share instead.
fn of_one_kind(share: f64, count: usize) -> (f64, f64) {
    let rest = 1.0 - 0.025f64.powf(1.0 / count as f64);
    if share > 0.5 { (1.0 - rest, 1.0) } else { (0.0, rest) }
}

/// A learner's value minus the untrained model's, as [`interval`]: mean and 95% interval.
pub fn from_untrained(
    answers: &[AnswerRow],
    learner: &Learner,
    untrained: &Learner,
    measure: Measure,
) -> Option<[f64; 3]> {
    let [values, before] = [learner, untrained].map(|learner| by_question(answers, &learner.row.learner, measure));
    let pairs: Vec<(f64, f64)> =
        values.iter().filter_map(|(record, value)| Some((*value, *before.get(record)?))).collect();
    if pairs.len() > 1 && pairs.len() == before.len() {
        let (values, before): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let Estimate { mean, low, high, .. } = paired(&values, &before);
        return Some([mean, low, high]);
    }
    let rows: Vec<_> = learner.of(measure).collect();
    let ends = |of: fn(&TrainedRow) -> f64| mean(rows.iter().map(|row| of(row)));
    (!rows.is_empty()).then(|| [ends(|row| row.delta), ends(|row| row.delta_low), ends(|row| row.delta_high)])
}

/// The difference of paired values of which less is better, a pair a seed.
pub fn by_seed(pairs: &[(f64, f64)]) -> Difference {
    judge(pairs, pairs, |value| -value, None)
}

fn judge(pairs: &[(f64, f64)], seeds: &[(f64, f64)], good: impl Fn(f64) -> f64, kind: Option<Kind>) -> Difference {
    let (first, other): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (estimate, p) = (paired(&first, &other), paired_p(&first, &other));
    let better = |(a, b): &&(f64, f64)| good(*a) > good(*b);
    let worse = |(a, b): &&(f64, f64)| good(*a) < good(*b);
    let agree = (seeds.iter().filter(better).count(), seeds.len());
    let changed = kind.map(|_| pairs.iter().filter(|(a, b)| a != b).count());
    let few = kind == Some(Kind::ExactMatch) && changed.is_some_and(|changed| changed < DISCORDANT);
    let beyond = estimate.low > 0.0 || estimate.high < 0.0;
    let says = match good(estimate.mean) > 0.0 {
        _ if few || !beyond => Says::Inconclusive,
        true if agree.0 == agree.1 => Says::Holds,
        false if seeds.iter().filter(worse).count() == agree.1 => Says::Opposite,
        _ => Says::Inconclusive,
    };
    Difference { estimate, p, seeds: agree, changed, says }
}

#[cfg(test)]
mod tests;
