//! The page's sections of a fine-tuning experiment.

use super::super::document::{Cell, Table};
use super::super::{Meta, ReportError, markdown};
use super::claims::{self, Claim, Verdict};
use super::compare::JUDGED;
use super::{Study, Trained, answers, figures, rates, tables};
use crate::results::TimingRow;
use crate::spec::Scores;

/// Everything that the template shows.
pub struct Shown {
    /// What was measured, and the claims and rates below it.
    pub results: Vec<Sheet>,
    /// How the figure `training` is to be read, and `kept`.
    pub captions: [(&'static str, String); 2],
    /// How claims are judged.
    pub judged: &'static str,
    /// A row a claim.
    pub claims: Vec<Judged>,
    /// The paper's table.
    pub paper: Option<Sheet>,
    /// Learning rates tried.
    pub rates: Option<Sheet>,
    /// What to know of the choice.
    pub warnings: Vec<String>,
    /// What to know of the answers.
    pub answers_note: &'static str,
    /// Some answers.
    pub answers: Vec<answers::Question>,
    /// How long training took, among the facts of the run.
    pub speed: Option<Sheet>,
}

/// A table of text.
pub struct Sheet {
    pub heading: String,
    pub note: String,
    pub columns: Vec<String>,
    /// Label, and cells with whether they are marked.
    pub rows: Vec<(String, Vec<(String, bool)>)>,
}

/// A claim as a row, and its evidence.
pub struct Judged {
    pub text: &'static str,
    pub paper: String,
    pub class: &'static str,
    pub here: String,
    pub evidence: Option<Sheet>,
}

impl Shown {
    /// Arranges everything.
    pub fn new(trained: &Trained, timings: &[TimingRow], meta: &Meta) -> Result<Self, ReportError> {
        let study = Study::new(trained)?;
        let results = tables::all(&study).into_iter().map(|it| sheet(it.heading, it.note, &it.table)).collect();
        let rates = trained.rates;
        let shown = |scores: &Scores| sheet("The paper's scores", introduction(scores, meta), &self::scores(scores));
        Ok(Self {
            results,
            captions: [("training", figures::training_caption(&study)), ("kept", figures::kept_caption(&study))],
            judged: JUDGED,
            claims: claims::all(&study).iter().map(judged).collect(),
            paper: trained.published.map(shown),
            rates: rates::table(rates).map(|table| sheet("Learning rates tried", rates::note(rates), &table)),
            warnings: rates::warnings(rates),
            answers_note: answers::NOTE,
            answers: answers::examples(&study),
            speed: tables::speed(&study, timings).map(|table| {
                let note = "Of all runs of the chosen learning rate, when they were computed.";
                sheet("Speed of training", note.into(), &table)
            }),
        })
    }

    /// How to read a figure, if it is one of ours.
    pub fn caption(&self, figure: &str) -> Option<&str> {
        self.captions.iter().find(|(name, _)| *name == figure).map(|(_, caption)| caption.as_str())
    }
}

fn judged(claim: &Claim) -> Judged {
    let class = match claim.verdict() {
        Some(Verdict::Holds) => "yes",
        Some(Verdict::Fails | Verdict::Mixed) => "no",
        Some(Verdict::Partly) => "partly",
        Some(Verdict::Untold) | None => "soft",
    };
    let evidence = (!claim.duels.is_empty()).then(|| sheet(claim.text, String::new(), &claim.evidence()));
    Judged { text: claim.text, paper: claim.paper_says(), class, here: claim.says(), evidence }
}

fn sheet(heading: &str, note: String, table: &Table) -> Sheet {
    let cell = |cell: &Cell| (markdown::text(cell), matches!(cell, Cell::Best(_)));
    let rows = table.rows.iter().map(|(label, cells)| (label.clone(), cells.iter().map(cell).collect()));
    Sheet { heading: heading.into(), note, columns: table.columns.clone(), rows: rows.collect() }
}

/// The paper's table.
pub fn scores(scores: &Scores) -> Table {
    let mut columns = vec!["trained parameters".to_string()];
    columns.extend(scores.columns.iter().map(|column| column.name.clone()));
    let cell = |value: Option<&f64>| value.map_or(Cell::Absent, |value| Cell::Text(format!("{value:.2}")));
    let rows = scores.rows.iter().map(|row| {
        let mut cells = vec![row.parameters.clone().map_or(Cell::Absent, Cell::Text)];
        cells.extend(scores.columns.iter().map(|column| cell(row.scores.get(&column.name))));
        (row.label.clone(), cells)
    });
    Table { columns, rows: rows.collect() }
}

/// What the paper's table is, and how not to read it.
pub fn introduction(scores: &Scores, meta: &Meta) -> String {
    format!(
        "{} ({}). Measured on {}, not on {}: models, data and scales differ, so the numbers do not compare with ours; who is \
         better than whom may. {}.",
        scores.title, scores.citation, scores.model, meta.model, scores.setting
    )
}
