//! `trained.md` and `trained.tex`.

use super::{Study, answers, claims, rates, tables};
use crate::report::Meta;
use crate::report::document::{self, Section};
use crate::report::markdown::{self, escape};

/// `trained.md`.
pub fn markdown(study: &Study, meta: &Meta) -> String {
    let mut blocks: Vec<String> = tables::all(study).iter().flat_map(|it| it.blocks(2)).collect();
    if let Some(claims) = claims::shown(study) {
        blocks.push("## The paper's claims".into());
        blocks.extend(claims.blocks(3));
    }
    blocks.extend(study.all.published.iter().flat_map(|scores| tables::published(scores, meta).blocks(2)));
    blocks.extend(rates::table(study.all.rates).iter().flat_map(|it| it.blocks(2)));
    let warnings = rates::warnings(study.all.rates);
    if !warnings.is_empty() {
        let [_, list] = markdown::list("", &warnings);
        blocks.push(list);
    }
    let given: Vec<String> = answers::examples(study).iter().flat_map(answer).collect();
    if !given.is_empty() {
        blocks.extend(["## Some answers".to_string(), escape(answers::NOTE)]);
        blocks.extend(given);
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
