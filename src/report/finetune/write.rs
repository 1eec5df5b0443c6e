//! `trained.md` and `trained.tex`.

use super::{Study, answers, claims, compare, rates, tables};
use crate::report::Meta;
use crate::report::document::{self, Captioned};
use crate::report::markdown::{self, escape};

/// `trained.md`.
pub fn markdown(study: &Study, meta: &Meta) -> String {
    let mut blocks: Vec<String> = tables::all(study, meta).iter().flat_map(Captioned::blocks).collect();
    let claims = claims::all(study);
    if let Some(table) = claims::table(&claims) {
        blocks.extend(Captioned::new(2, "The paper's claims", compare::JUDGED, table).blocks());
    }
    for claim in &claims {
        let evidence = claims::evidence(claim).map(|table| Captioned::new(3, claim.rule.text, "", table));
        blocks.extend(evidence.iter().flat_map(Captioned::blocks));
    }
    blocks.extend(study.all.published.iter().flat_map(|scores| tables::published(scores, meta).blocks()));
    blocks.extend(rates::table(study.all.rates).iter().flat_map(Captioned::blocks));
    let warnings = rates::warnings(study.all.rates);
    if !warnings.is_empty() {
        let [_, list] = markdown::list("", &warnings);
        blocks.push(list);
    }
    let mut given: Vec<String> = answers::examples(study).iter().flat_map(answer).collect();
    if let Some(first) = given.first_mut() {
        first.insert(0, '\n');
        blocks.extend(["## Some answers".to_string(), escape(answers::NOTE)]);
        blocks.extend(given);
    }
    let facts = format!("Model: {}. Regenerate with {}.", escape(&meta.model), markdown::code(&meta.command));
    document::markdown(meta, facts, blocks)
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
    let mut all = tables::all(study, meta);
    all.extend(study.all.published.map(|scores| tables::published(scores, meta)));
    document::latex(meta, &all)
}
