//! What the page, `trained.md` and `trained.tex` show of a fine-tuning experiment.

use super::{Study, answers, claims, figures, rates, tables};
use crate::report::document::{self, Captioned, Section};
use crate::report::markdown::{self, escape};
use crate::report::{Meta, claims as engine};
use crate::results::TimingRow;

pub struct Shown {
    pub results: Vec<Captioned>,
    /// How the figures are to be read, by their names.
    pub captions: [(&'static str, String); 2],
    pub claims: Option<engine::Shown>,
    pub paper: Option<Captioned>,
    /// Learning rates tried, and what to know of the choice.
    pub rates: Option<Captioned>,
    pub warnings: Vec<String>,
    pub answers_note: &'static str,
    pub answers: Vec<answers::Question>,
    /// How long training took: on the page only, among the facts of the run.
    pub speed: Option<Captioned>,
}

impl Shown {
    pub fn new(study: &Study, timings: &[TimingRow], meta: &Meta) -> Self {
        Self {
            results: tables::all(study),
            captions: [("training", figures::training::caption(study)), ("kept", figures::kept::caption(study))],
            claims: claims::shown(study),
            paper: study.all.published.map(|scores| tables::published(scores, meta)),
            rates: rates::table(study.all.rates),
            warnings: rates::warnings(study.all.rates),
            answers_note: answers::NOTE,
            answers: answers::examples(study),
            speed: tables::speed(study, timings),
        }
    }

    /// How to read a figure, if it is one of ours.
    pub fn caption(&self, figure: &str) -> Option<&str> {
        self.captions.iter().find(|(name, _)| *name == figure).map(|(_, caption)| caption.as_str())
    }
}

/// `trained.md`.
pub fn markdown(study: &Study, meta: &Meta) -> String {
    let shown = Shown::new(study, &[], meta);
    let mut blocks: Vec<String> = shown.results.iter().flat_map(|it| it.blocks(2)).collect();
    if let Some(claims) = &shown.claims {
        blocks.push("## The paper's claims".into());
        blocks.extend(claims.blocks(3));
    }
    blocks.extend(shown.paper.iter().chain(&shown.rates).flat_map(|it| it.blocks(2)));
    if !shown.warnings.is_empty() {
        let [_, list] = markdown::list("", &shown.warnings);
        blocks.push(list);
    }
    if !shown.answers.is_empty() {
        blocks.extend(["## Some answers".to_string(), escape(answers::NOTE)]);
        blocks.extend(shown.answers.iter().flat_map(answer));
    }
    document::markdown(meta, "", blocks)
}

fn answer(question: &answers::Question) -> [String; 2] {
    let given = question.given.iter().map(|(label, given, right, nll)| {
        let mark = if *right { "right" } else { "wrong" };
        format!("- {}: {} ({mark}, {nll} nats)\n", escape(label), escape(given))
    });
    let heading = format!("{}, expected: {}", escape(&question.heading), escape(&question.expected));
    [heading, given.collect()]
}

/// `trained.tex`.
pub fn latex(study: &Study, meta: &Meta) -> String {
    let mut tables = tables::all(study);
    tables.extend(study.all.published.map(|scores| tables::published(scores, meta)));
    document::latex(meta, &[Section { heading: String::new(), tables }], "")
}
