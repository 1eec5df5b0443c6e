//! `trained.md` and `trained.tex`.

use std::fmt::Write;

use super::super::markdown::{self, escape};
use super::super::{Meta, latex as tex};
use super::compare::JUDGED;
use super::{Study, answers, claims, page, rates, tables};

/// `trained.md`.
pub fn markdown(study: &Study, meta: &Meta) -> String {
    let mut out = format!(
        "# {}\n\nModel: {}. Regenerate with {}.\n",
        escape(&meta.title),
        escape(&meta.model),
        markdown::code(&meta.command)
    );
    // Writing to a String cannot fail.
    let mut section = |heading: &str, note: &str, body: &str| {
        let _ = write!(out, "\n## {heading}\n\n{}{}", escape(note), if note.is_empty() { "" } else { "\n\n" });
        let _ = writeln!(out, "{}", body.trim_end());
    };
    for table in tables::all(study) {
        section(table.heading, &table.note, &markdown::table(&table.table));
    }
    let claims = claims::all(study);
    if !claims.is_empty() {
        section("The paper's claims", JUDGED, &judged(&claims));
    }
    if let Some(scores) = study.all.published {
        section("The paper's scores", &page::introduction(scores, meta), &markdown::table(&page::scores(scores)));
    }
    if let Some(table) = rates::table(study.all.rates) {
        let warnings =
            rates::warnings(study.all.rates).iter().map(|line| format!("\n- {}", escape(line))).collect::<String>();
        section("Learning rates tried", &rates::note(study.all.rates), &(markdown::table(&table) + &warnings));
    }
    let given: String = answers::examples(study).iter().map(answer).collect();
    if !given.is_empty() {
        section("Some answers", answers::NOTE, &given);
    }
    markdown::list(&mut |line| out += &format!("{line}\n"), "Settings", &meta.settings);
    markdown::list(&mut |line| out += &format!("{line}\n"), "Warnings", &meta.warnings);
    out
}

fn judged(claims: &[claims::Claim]) -> String {
    let mut out = String::from("| claim | in the paper | here |\n|---|---|---|\n");
    for claim in claims {
        let _ = writeln!(out, "| {} | {} | {} |", escape(claim.text), claim.paper_says(), claim.says());
    }
    for claim in claims.iter().filter(|claim| !claim.duels.is_empty()) {
        let _ = write!(out, "\n### {}\n\n{}", escape(claim.text), markdown::table(&claim.evidence()));
    }
    out
}

fn answer(question: &answers::Question) -> String {
    let mut out = format!("\n{}, expected: {}\n\n", escape(&question.heading), escape(&question.expected));
    for (label, given, right, nll) in &question.given {
        let mark = if *right { "right" } else { "wrong" };
        let _ = writeln!(out, "- {}: {} ({mark}, {nll} nats)", escape(label), escape(given));
    }
    out
}

/// `trained.tex`.
pub fn latex(study: &Study, meta: &Meta) -> String {
    let mut out = format!(
        "% {}\n% Regenerate with: {}\n% Needs \\usepackage{{booktabs,graphicx}}\n",
        meta.title.replace(['\n', '\r'], " "),
        meta.command
    );
    for table in tables::all(study) {
        let caption = format!("{} ({}). {}", table.heading, tex::escape(&meta.model), tex::escape(&table.note));
        out += &tex::environment(&table.table, &caption);
    }
    if let Some(scores) = study.all.published {
        out += &tex::environment(&page::scores(scores), &tex::escape(&page::introduction(scores, meta)));
    }
    out
}
