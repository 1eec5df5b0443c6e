//! The report of fine-tuning: what each learner learned of the task and kept of the knowledge, from the saved rows.
//!
//! [`Study`] arranges rows into learners and measures, [`compare`] says whether two learners differ by more than noise. From
//! that [`tables`] (the paper's Tables 1 and 2), [`claims`] by the [`rules`], [`figures`] (Figure 3 is `training`), [`rates`]
//! and [`answers`]; [`page`] puts them into files.

use super::ReportError;
use super::study::{ascending, distinct};
use crate::results::{AnswerRow, FailureRow, RateRow, StepRow, TrainedRow};
use crate::spec::Scores;

mod answers;
mod claims;
mod compare;
pub(super) mod figures {
    pub mod kept;
    pub mod training;
}
mod page;
mod rates;
mod rules;
mod tables;
mod values;

pub use page::{Shown, latex, markdown};
pub(super) use values::{signed, value, within};

/// Everything that a fine-tuning experiment measured.
#[derive(Debug, Clone)]
pub struct Trained<'a> {
    /// Measures of every learner and seed, and of the untrained model.
    pub rows: &'a [TrainedRow],
    /// Optimiser steps of the chosen rates; none where nothing is to be shown of them.
    pub steps: &'a [StepRow],
    /// Learning rates tried; none where they were given.
    pub rates: &'a [RateRow],
    /// Answers behind the measures of questions.
    pub answers: &'a [AnswerRow],
    /// Learners without rows, for they failed.
    pub failures: &'a [FailureRow],
    /// What the measures stand for.
    pub tested: &'a Tested,
    /// The paper's scores.
    pub published: Option<&'a Scores>,
}

/// What measures and calibrations stand for, by their names in the experiment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tested {
    /// Measures of what was to be learned.
    pub task: Vec<String>,
    /// Measures of what was to be kept: questions, or texts.
    pub knowledge: Vec<String>,
    /// Calibrations whose text is questions of knowledge. CorDA's smallest components against them are the paper's
    /// knowledge-preserved mode; its largest against any other calibration the instruction-previewed mode.
    pub contexts: Vec<String>,
}

impl Trained<'_> {
    /// Whether there is anything for the figure `kept`: a measure of the task and one of knowledge.
    pub fn has_kept(&self) -> bool {
        let any = |names: &[String]| self.rows.iter().any(|row| names.contains(&row.measure));
        any(&self.tested.task) && any(&self.tested.knowledge)
    }
}

/// What the numbers of a measure are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Share of questions answered as expected.
    ExactMatch,
    /// Nats per token of the reference answers.
    AnswerLoss,
    /// Nats per token of a text; shown as perplexity.
    Loss,
}

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measure<'a> {
    /// Name of the evaluation or set of questions.
    pub name: &'a str,
    pub kind: Kind,
}

impl<'a> Measure<'a> {
    pub fn of(row: &'a TrainedRow) -> Result<Self, ReportError> {
        let kind = match row.kind.as_str() {
            "exact-match" => Kind::ExactMatch,
            "answer-loss" => Kind::AnswerLoss,
            "loss" => Kind::Loss,
            other => return Err(ReportError::Kind(other.into(), row.measure.clone())),
        };
        Ok(Self { name: &row.measure, kind })
    }

    pub fn heading(&self) -> String {
        let what = match self.kind {
            Kind::ExactMatch => "exact match, %",
            Kind::AnswerLoss => "answer loss, nats",
            Kind::Loss => "perplexity",
        };
        format!("{}: {what}", self.name)
    }

    /// Its value as shown: percent, nats, perplexity.
    pub fn shown(&self, value: f64) -> f64 {
        match self.kind {
            Kind::ExactMatch => 100.0 * value,
            Kind::AnswerLoss => value,
            Kind::Loss => value.exp(),
        }
    }

    /// What its questions or windows are called.
    pub fn items(&self) -> &'static str {
        if self.kind == Kind::Loss { "windows" } else { "questions" }
    }

    /// A value such that more is better.
    pub fn goodness(&self, value: f64) -> f64 {
        if self.kind == Kind::ExactMatch { value } else { -value }
    }
}

/// A learner with all its seeds; or the untrained model.
#[derive(Debug, Clone)]
pub(super) struct Learner<'a> {
    /// Any of its rows: what does not depend on seed and measure.
    pub row: &'a TrainedRow,
    rows: Vec<&'a TrainedRow>,
    /// Answers behind its measures of questions.
    answers: Vec<&'a AnswerRow>,
}

impl<'a> Learner<'a> {
    fn new(all: &Trained<'a>, id: &str) -> Option<Self> {
        let mut rows: Vec<&TrainedRow> = all.rows.iter().filter(|row| row.learner == id).collect();
        rows.sort_by_key(|row| row.seed);
        let answers = all.answers.iter().filter(|row| row.learner == id).collect();
        Some(Self { row: *rows.first()?, rows, answers })
    }

    pub fn of(&self, measure: Measure) -> impl Iterator<Item = &'a TrainedRow> {
        self.rows.iter().copied().filter(move |row| Measure::of(row).ok() == Some(measure))
    }

    pub fn values(&self, measure: Measure) -> Vec<f64> {
        self.of(measure).map(|row| row.value).collect()
    }

    /// Its values of a measure with another's of the same or another measure, from the seeds that both have.
    pub fn beside(&self, measure: Measure, other: &Learner, theirs: Measure) -> Vec<(f64, f64)> {
        let pair = |row: &TrainedRow| Some((row.value, other.of(theirs).find(|other| other.seed == row.seed)?.value));
        self.of(measure).filter_map(pair).collect()
    }

    /// Tells learners of the same sort from others, whatever their rank: the key of colours and dashes.
    pub fn family(&self) -> String {
        let TrainedRow { method, end, calibration, .. } = self.row;
        format!("{method}/{}/{}", end.as_deref().unwrap_or(""), calibration.as_deref().unwrap_or(""))
    }
}

#[derive(Debug)]
pub(super) struct Study<'a> {
    pub all: &'a Trained<'a>,
    /// The untrained model.
    pub untrained: Learner<'a>,
    pub learners: Vec<Learner<'a>>,
    /// Task first, then knowledge, then the rest; each in the order of the rows.
    pub measures: Vec<Measure<'a>>,
}

impl<'a> Study<'a> {
    /// Arranges rows.
    ///
    /// # Errors
    /// If there are none, the untrained model lacks a measure, a measurement is there twice or its kind is not known.
    pub fn new(all: &'a Trained<'a>) -> Result<Self, ReportError> {
        let mut measures = distinct(all.rows.iter().map(Measure::of).collect::<Result<Vec<_>, _>>()?);
        let is = |names: &[String], measure: &Measure| names.iter().any(|name| name == measure.name);
        measures.sort_by_key(|measure| (!is(&all.tested.task, measure), !is(&all.tested.knowledge, measure)));
        let ids = distinct(all.rows.iter().map(|row| row.learner.as_str()));
        let (untrained, learners): (Vec<Learner>, Vec<Learner>) =
            ids.into_iter().filter_map(|id| Learner::new(all, id)).partition(|learner| learner.row.method == "none");
        let untrained = untrained.into_iter().next().filter(|_| !learners.is_empty()).ok_or(ReportError::Empty)?;
        for measure in &measures {
            if untrained.of(*measure).next().is_none() {
                return Err(ReportError::NoUndamaged(measure.name.into()));
            }
            for learner in &learners {
                let seeds = || learner.of(*measure).map(|row| row.seed);
                if ascending(seeds()).len() < seeds().count() {
                    return Err(ReportError::TrainedTwice(learner.row.learner.clone(), measure.name.into()));
                }
            }
        }
        Ok(Self { all, untrained, learners, measures })
    }

    /// The untrained model, then the learners.
    pub fn everyone(&self) -> impl Iterator<Item = &Learner<'a>> {
        std::iter::once(&self.untrained).chain(&self.learners)
    }

    /// Measures with one of these names.
    pub fn named<'b>(&'b self, names: &'b [String]) -> impl Iterator<Item = Measure<'a>> {
        self.measures.iter().copied().filter(|measure| names.iter().any(|name| name == measure.name))
    }

    /// Seeds of the learner with most.
    pub fn seeds(&self) -> usize {
        let seeds = |learner: &Learner| ascending(learner.rows.iter().filter_map(|row| row.seed)).len();
        self.learners.iter().map(seeds).max().unwrap_or(0)
    }

    /// How many questions or windows each set has, in a sentence.
    pub fn counts(&self) -> String {
        let part = |measure: &Measure| {
            let count = self.untrained.of(*measure).next().map_or(0, |row| row.count);
            format!("{count} {} of {}", measure.items(), measure.name)
        };
        distinct(self.measures.iter().map(part)).join(", ")
    }
}

#[cfg(test)]
mod tests;
