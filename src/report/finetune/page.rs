//! The page's sections of a fine-tuning experiment.

use super::{Study, Trained, answers, claims, figures, rates, tables};
use crate::report::claims as engine;
use crate::report::document::Captioned;
use crate::report::{Meta, ReportError};
use crate::results::TimingRow;

/// Everything that the template shows.
pub struct Shown {
    /// What was measured, and the claims and rates below it.
    pub results: Vec<Captioned>,
    /// How the figure `training` is to be read, and `kept`.
    pub captions: [(&'static str, String); 2],
    /// The paper's claims.
    pub claims: Option<engine::Shown>,
    /// The paper's table.
    pub paper: Option<Captioned>,
    /// Learning rates tried.
    pub rates: Option<Captioned>,
    /// What to know of the choice.
    pub warnings: Vec<String>,
    /// What to know of the answers.
    pub answers_note: &'static str,
    /// Some answers.
    pub answers: Vec<answers::Question>,
    /// How long training took, among the facts of the run.
    pub speed: Option<Captioned>,
}

impl Shown {
    /// Arranges everything.
    pub fn new(trained: &Trained, timings: &[TimingRow], meta: &Meta) -> Result<Self, ReportError> {
        let study = Study::new(trained)?;
        Ok(Self {
            results: tables::all(&study),
            captions: [("training", figures::training::caption(&study)), ("kept", figures::kept::caption(&study))],
            claims: claims::shown(&study),
            paper: trained.published.map(|scores| tables::published(scores, meta)),
            rates: rates::table(trained.rates),
            warnings: rates::warnings(trained.rates),
            answers_note: answers::NOTE,
            answers: answers::examples(&study),
            speed: tables::speed(&study, timings),
        })
    }

    /// How to read a figure, if it is one of ours.
    pub fn caption(&self, figure: &str) -> Option<&str> {
        self.captions.iter().find(|(name, _)| *name == figure).map(|(_, caption)| caption.as_str())
    }
}
