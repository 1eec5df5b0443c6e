//! Whether two learners differ by more than noise.
//!
//! Questions: the mean over seeds of each question, then a paired t-test over questions, so that what questions share cancels.
//! Texts and training losses, of which only the means per seed are known: a paired t-test over seeds. A difference counts
//! only if its 95% interval excludes 0 and every seed has its sign; one of exact match also only if at least ten questions
//! changed, below which a t interval is too narrow.

use std::collections::BTreeMap;

use super::values::signed;
use super::{Kind, Learner, Measure};
use crate::evaluate::uncertainty::{Estimate, estimate, paired, paired_p};
use crate::report::claims::{Paired, Says};
use crate::report::spread::mean;
use crate::report::table::Cell;
use crate::results::{AnswerRow, TrainedRow};

/// How differences are judged, for a reader.
pub const JUDGED: &str = "Values are means over seeds ± their standard deviation over seeds. Differences on questions are paired \
    by question after averaging over seeds, so their interval covers the choice of questions; the standard deviations show the \
    variation between seeds. Differences on texts and of training losses are paired by seed. A difference counts if its 95% \
    interval excludes 0, every seed has the same sign and, for exact match, at least 10 questions changed. p is from a \
    two-sided paired t-test. Neither is corrected for the number of comparisons.";

/// Questions that must differ before a difference of exact match counts.
const DISCORDANT: usize = 10;

/// What training losses are.
pub const TRAINING: Measure = Measure { name: "training", kind: Kind::AnswerLoss };

/// Each question's value, averaged over the seeds.
fn by_question(learner: &Learner, measure: Measure) -> BTreeMap<u32, f64> {
    let value = |row: &AnswerRow| if measure.kind == Kind::ExactMatch { f64::from(row.exact) } else { row.nll };
    let own = |row: &&&AnswerRow| row.questions == measure.name && measure.kind != Kind::Loss;
    let mut values: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    learner.answers.iter().filter(own).for_each(|row| values.entry(row.record).or_default().push(value(row)));
    values.into_iter().map(|(record, values)| (record, mean(values))).collect()
}

/// Both learners' values of each question; `None` where either lacks answers that the other has.
fn questions(first: &Learner, other: &Learner, measure: Measure) -> Option<Vec<(f64, f64)>> {
    let [mine, theirs] = [first, other].map(|learner| by_question(learner, measure));
    let all = mine.len() > 1 && mine.keys().eq(theirs.keys());
    all.then(|| mine.into_values().zip(theirs.into_values()).collect())
}

/// What the first learner's values of a measure minus the other's say; `None` if either lacks it.
pub fn difference(first: &Learner, other: &Learner, measure: Measure) -> Option<(Says, Paired)> {
    first.of(measure).next().and(other.of(measure).next())?;
    let seeds = first.beside(measure, other, measure);
    let questions = questions(first, other, measure);
    Some(judge(questions.as_deref(), &seeds, measure))
}

/// Means over seeds of what rows say.
fn means<const N: usize>(learner: &Learner, measure: Measure, of: [fn(&TrainedRow) -> f64; N]) -> Option<[f64; N]> {
    learner.of(measure).next()?;
    Some(of.map(|of| mean(learner.of(measure).map(of))))
}

/// The 95% interval of a learner's value over questions or windows: of questions averaged over the seeds; of texts, whose
/// windows are not known here, the mean over seeds of the intervals' ends.
pub fn interval(learner: &Learner, measure: Measure) -> Option<[f64; 2]> {
    let values: Vec<f64> = by_question(learner, measure).into_values().collect();
    match values[..] {
        [] | [_] => means(learner, measure, [|row| row.low, |row| row.high]),
        [first, ..] if measure.kind == Kind::ExactMatch && values.iter().all(|value| *value == first) => {
            Some(of_one_kind(first, values.len()))
        }
        _ => {
            let Estimate { low, high, .. } = estimate(&values);
            Some([low, high])
        }
    }
}

/// Where all questions were answered right, or all wrong, t knows of no spread: the exact interval of a share instead.
fn of_one_kind(share: f64, count: usize) -> [f64; 2] {
    let rest = 1.0 - 0.025f64.powf(1.0 / count as f64);
    if share > 0.5 { [1.0 - rest, 1.0] } else { [0.0, rest] }
}

/// A learner's value minus the untrained model's, as [`interval`]: mean and 95% interval.
pub fn from_untrained(learner: &Learner, untrained: &Learner, measure: Measure) -> Option<[f64; 3]> {
    let Some(pairs) = questions(learner, untrained, measure) else {
        return means(learner, measure, [|row| row.delta, |row| row.delta_low, |row| row.delta_high]);
    };
    let (values, before): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    let Estimate { mean, low, high, .. } = paired(&values, &before);
    Some([mean, low, high])
}

/// The same of training losses, a pair a seed.
pub fn training(pairs: &[(f64, f64)]) -> (Says, Paired) {
    judge(None, pairs, TRAINING)
}

/// Pairs by question if these are known, else by seed.
fn judge(questions: Option<&[(f64, f64)]>, seeds: &[(f64, f64)], measure: Measure) -> (Says, Paired) {
    let pairs = questions.unwrap_or(seeds);
    let (first, other): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (estimate, p) = (paired(&first, &other), paired_p(&first, &other));
    let good = |value| measure.goodness(value);
    let better = seeds.iter().filter(|(a, b)| good(*a) > good(*b)).count();
    let worse = seeds.iter().filter(|(a, b)| good(*a) < good(*b)).count();
    let changed = pairs.iter().filter(|(a, b)| a != b).count();
    let few = questions.is_some() && measure.kind == Kind::ExactMatch && changed < DISCORDANT;
    let beyond = estimate.low > 0.0 || estimate.high < 0.0;
    let says = match good(estimate.mean) > 0.0 {
        _ if few || !beyond => Says::Inconclusive,
        true if better == seeds.len() => Says::Holds,
        false if worse == seeds.len() => Says::Opposite,
        _ => Says::Inconclusive,
    };
    let difference = match [estimate.mean, estimate.low, estimate.high].map(|part| signed(measure, part)) {
        [mean, low, _] if low.contains("nan") => Cell::Text(mean),
        parts => Cell::Difference(parts),
    };
    let over = match questions {
        Some(questions) => format!("{} questions, {changed} changed", questions.len()),
        None => format!("{} seeds", seeds.len()),
    };
    (says, Paired { estimate, difference, p, over, seeds: Some((better, seeds.len())) })
}

#[cfg(test)]
mod tests;
