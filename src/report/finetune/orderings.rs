//! The paper's claims on fine-tuning: which learners each speaks of, and what it asks of them.

use super::Learner;
use crate::spec::ScoreRow;

/// What a claim looks at of a learner, ours or the paper's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Who<'a> {
    method: &'a str,
    end: Option<&'a str>,
    /// Whether it has a context, and whether that is questions of knowledge.
    context: Option<bool>,
    rank: Option<u32>,
}

impl<'a> Who<'a> {
    /// One of ours.
    pub fn ours(learner: &Learner<'a>, contexts: &[String]) -> Self {
        let row = learner.row;
        let context = row.calibration.as_ref().map(|name| contexts.contains(name));
        Self { method: &row.method, end: row.end.as_deref(), context, rank: row.rank }
    }

    /// One of the paper's.
    pub fn published(row: &'a ScoreRow, contexts: &[String]) -> Self {
        let context = row.context.as_ref().map(|name| contexts.contains(name));
        Self { method: &row.method, end: row.end.as_deref(), context, rank: row.rank }
    }

    fn is(&self, method: &str, end: Option<&str>) -> bool {
        self.method == method && end.is_none_or(|end| self.end == Some(end))
    }

    /// Whether both have the same rank, or one of them none.
    fn level(&self, other: &Self) -> bool {
        self.rank.zip(other.rank).is_none_or(|(a, b)| a == b)
    }
}

/// What a claim compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// Measures of what was to be learned.
    Task,
    /// Measures of what was to be kept.
    Knowledge,
    /// Mean training loss over the last quarter of the steps.
    Training,
}

/// A claim.
pub struct Ordering {
    /// In a sentence.
    pub text: &'static str,
    /// What it compares.
    pub on: On,
    /// Whether being as good is enough.
    pub least: bool,
    first: fn(&Who) -> bool,
    other: fn(&Who) -> bool,
}

impl Ordering {
    /// Pairs of learners that it speaks of.
    pub fn pairs(&self, all: &[Who]) -> Vec<(usize, usize)> {
        let every = (0..all.len()).flat_map(|a| (0..all.len()).map(move |b| (a, b)));
        every.filter(|&(a, b)| (self.first)(&all[a]) && (self.other)(&all[b]) && all[a].level(&all[b])).collect()
    }
}

const fn claim(text: &'static str, on: On, first: fn(&Who) -> bool, other: fn(&Who) -> bool) -> Ordering {
    Ordering { text, on, least: false, first, other }
}

fn kpm(who: &Who) -> bool {
    who.is("corda", Some("smallest")) && who.context == Some(true)
}

fn elsewhere(who: &Who) -> bool {
    who.is("corda", Some("smallest")) && who.context == Some(false)
}

fn ipm(who: &Who) -> bool {
    who.is("corda", Some("largest")) && who.context == Some(false)
}

fn pissa(who: &Who) -> bool {
    who.is("plain-svd", Some("largest"))
}

fn plain_smallest(who: &Who) -> bool {
    who.is("plain-svd", Some("smallest"))
}

fn lora(who: &Who) -> bool {
    who.is("lora", None)
}

fn full(who: &Who) -> bool {
    who.is("full", None)
}

/// The paper's claims, in its order: Tables 1, 2, Figure 3, Table 4.
pub const ORDERINGS: [Ordering; 10] = [
    claim("CorDA in knowledge-preserved mode keeps knowledge better than LoRA", On::Knowledge, kpm, lora),
    claim("CorDA in knowledge-preserved mode keeps knowledge better than PiSSA", On::Knowledge, kpm, pissa),
    claim("CorDA in knowledge-preserved mode keeps knowledge better than full fine-tuning", On::Knowledge, kpm, full),
    Ordering {
        text: "CorDA in knowledge-preserved mode learns the task at least as well as LoRA",
        on: On::Task,
        least: true,
        first: kpm,
        other: lora,
    },
    claim("CorDA in instruction-previewed mode learns the task better than PiSSA", On::Task, ipm, pissa),
    claim("PiSSA learns the task better than LoRA", On::Task, pissa, lora),
    claim("CorDA in instruction-previewed mode has a lower training loss than PiSSA", On::Training, ipm, pissa),
    claim("PiSSA has a lower training loss than LoRA", On::Training, pissa, lora),
    claim(
        "The smallest components keep knowledge better by CO-SVD with a context of questions than by plain SVD",
        On::Knowledge,
        kpm,
        plain_smallest,
    ),
    claim(
        "The smallest components of CO-SVD keep knowledge better with a context of questions than with another",
        On::Knowledge,
        kpm,
        elsewhere,
    ),
];
