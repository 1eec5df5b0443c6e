//! `report.html`: one file with everything a reader wants, figures inside, nothing fetched when opened.

use askama::Template;

use super::claims::{Claim, Duel, Losses};
use super::document::{Document, PublishedTable, Table};
use super::study::{self, By};
use super::sweep::Extra;
use super::{Meta, Published, ReportError, markdown, number};
use crate::results::provenance::{Outcome, Provenance};
use crate::results::{Row, WindowRow};

/// What a page is made of.
pub struct Sources<'a> {
    /// Headings and settings.
    pub meta: &'a Meta,
    /// Where the results come from.
    pub provenance: &'a Provenance,
    /// The measurements; none in an experiment of heat maps only.
    pub rows: &'a [Row],
    /// Their windows.
    pub windows: &'a [WindowRow],
    /// The paper's numbers.
    pub published: Option<&'a Published>,
    /// Figures as SVG, in the order of the page.
    pub figures: Vec<String>,
    /// What a sweep says of its variants.
    pub sweep: Option<&'a Extra>,
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    title: String,
    name: String,
    model: String,
    version: String,
    description: Option<String>,
    columns_are: String,
    says: Vec<Says>,
    figures: Vec<String>,
    tables: Vec<Section>,
    variants: Vec<(String, String)>,
    settings: Vec<String>,
    warnings: Vec<String>,
    command: String,
    overrides: String,
    finished: String,
    commit: Option<String>,
    machine: String,
    results_key: String,
    stages: Vec<(String, &'static str, String, String)>,
    files: Vec<(String, String, u64, String)>,
    spec: String,
    citations: Vec<String>,
}

/// What the numbers of a test set say.
struct Says {
    heading: String,
    claims: Vec<Verdict>,
    winners: Vec<Winner>,
}

/// A claim as a line.
struct Verdict {
    class: &'static str,
    verdict: String,
    text: String,
    exceptions: String,
}

/// A point's best arm as a row.
struct Winner {
    point: String,
    best: String,
    perplexity: String,
    next: String,
    next_perplexity: String,
    difference: String,
    p: String,
}

/// Tables under a heading.
pub(super) struct Section {
    pub heading: String,
    pub tables: Vec<Grid>,
}

/// A table of text.
pub(super) struct Grid {
    caption: String,
    corner: String,
    columns: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
}

/// The page. The same sources give the same bytes.
pub fn html(sources: &Sources) -> Result<String, ReportError> {
    let Sources { meta, provenance, rows, windows, published, .. } = sources;
    let tests = if rows.is_empty() { Vec::new() } else { study::arrange(rows, meta.by)? };
    let document = Document::new(&tests, *published, meta);
    let losses = Losses::new(windows, meta);
    let says = tests.iter().map(|test| Says {
        heading: test.heading(),
        claims: losses.claims(test).iter().map(verdict).collect(),
        winners: losses.winners(test).iter().map(|duel| winner(duel, meta.by)).collect(),
    });
    let run = &provenance.run;
    let page = Page {
        title: meta.title.clone(),
        name: meta.name.clone(),
        model: meta.model.clone(),
        version: provenance.version.clone(),
        description: meta.description.clone(),
        columns_are: document.columns_are.into(),
        says: says.collect(),
        figures: sources.figures.iter().enumerate().map(|(i, svg)| inline(svg, i)).collect(),
        tables: sources.sweep.map_or_else(|| sections(&document), |sweep| sweep.tables(document.columns_are)),
        variants: sources.sweep.map_or(Vec::new(), |sweep| sweep.links.clone()),
        settings: meta.settings.clone(),
        warnings: meta.warnings.clone(),
        command: run.command.join(" "),
        overrides: provenance.overrides.join(", "),
        finished: run.finished.clone(),
        commit: run.git.as_ref().map(|git| format!("{}{}", git.commit, if git.dirty { " (changed)" } else { "" })),
        machine: machine(provenance),
        results_key: provenance.results_key.clone(),
        stages: stages(provenance),
        files: provenance
            .assets
            .iter()
            .flat_map(|a| a.files.iter().map(|f| (f.path.clone(), a.origin.clone(), f.bytes, f.sha256.clone())))
            .collect(),
        spec: format!("{:#}", provenance.spec),
        citations: meta.citations.clone(),
    };
    page.render().map_err(|e| ReportError::Drawing(e.to_string()))
}

fn verdict(claim: &Claim) -> Verdict {
    let (held, all) = (claim.held(), claim.duels.len());
    let class = if held == all { "yes" } else { "no" };
    let sure = claim.duels.iter().filter(|duel| duel.holds() && (duel.delta.low > 0.0 || !duel.delta.mean.is_finite()));
    let verdict = match held {
        0 => format!("Holds nowhere (0 of {all})."),
        n if n == all => format!("Holds everywhere ({n} of {all}, {} beyond the 95% interval).", sure.count()),
        n => format!("Holds at {n} of {all} ({} beyond the 95% interval).", sure.count()),
    };
    let fails = claim.duels.iter().filter(|duel| !duel.holds()).map(|duel| {
        let (a, b) = (number::perplexity(duel.perplexities.0).text(), number::perplexity(duel.perplexities.1).text());
        format!("{} against {} at {} ({a} against {b}, p = {})", duel.better, duel.other, duel.point, p(duel.p))
    });
    Verdict { class, verdict, text: claim.text.clone(), exceptions: fails.collect::<Vec<_>>().join("; ") }
}

fn winner(duel: &Duel, by: By) -> Winner {
    let perplexity = |value: f64| number::perplexity(value).text();
    let (value, low, high) = (duel.delta.mean, duel.delta.low, duel.delta.high);
    Winner {
        point: match by {
            By::Components => duel.point.to_string(),
            By::Share => number::share(duel.point),
        },
        best: duel.better.clone(),
        perplexity: perplexity(duel.perplexities.0),
        next: duel.other.clone(),
        next_perplexity: perplexity(duel.perplexities.1),
        difference: format!("{} [{}, {}]", number::nats(value), number::nats(low), number::nats(high)),
        p: p(duel.p),
    }
}

fn p(value: f64) -> String {
    match value {
        v if v.is_nan() => "not defined".into(),
        v if v < 0.001 => "< 0.001".into(),
        v => format!("{v:.3}"),
    }
}

/// An SVG inside a page: no identifier twice.
fn inline(svg: &str, index: usize) -> String {
    ["title", "description"]
        .iter()
        .fold(svg.to_string(), |svg, id| svg.replace(&format!("id=\"{id}\""), &format!("id=\"{id}-{index}\"")))
        .replace(
            "aria-labelledby=\"title description\"",
            &format!("aria-labelledby=\"title-{index} description-{index}\""),
        )
}

fn sections(document: &Document) -> Vec<Section> {
    let corner = document.columns_are;
    let ours = document.sections.iter().map(|section| {
        let mut tables = vec![
            grid("Perplexity", corner, &section.perplexity),
            grid("95% interval of the perplexity, over windows", corner, &section.interval),
            grid("Difference to the undamaged model, nats a token, paired by window", corner, &section.difference),
        ];
        tables.extend(section.published.as_ref().map(|table| published_grid(table, corner)));
        Section { heading: section.heading.clone(), tables }
    });
    let rest = document.rest.iter().map(|table| Section {
        heading: "Published, without a test set of ours".into(),
        tables: vec![published_grid(table, corner)],
    });
    ours.chain(rest).collect()
}

pub(super) fn grid(caption: &str, corner: &str, table: &Table) -> Grid {
    let row = |(label, cells): &(String, Vec<_>)| (label.clone(), cells.iter().map(markdown::text).collect());
    Grid {
        caption: caption.into(),
        corner: corner.into(),
        columns: table.columns.clone(),
        rows: table.rows.iter().map(row).collect(),
    }
}

fn published_grid(published: &PublishedTable, corner: &str) -> Grid {
    grid(&format!("{}. {}", published.heading, published.citation), corner, &published.table)
}

fn machine(provenance: &Provenance) -> String {
    let machine = &provenance.run.machine;
    let memory =
        machine.memory.map_or(String::new(), |bytes| format!(", {:.0} GiB", bytes as f64 / (1u64 << 30) as f64));
    format!(
        "{}, {}, {} cores, {} threads{memory}, {}",
        machine.system,
        machine.cpu.as_deref().unwrap_or("processor not told"),
        machine.cores,
        machine.threads,
        machine.instruction_sets.join(" ")
    )
}

fn stages(provenance: &Provenance) -> Vec<(String, &'static str, String, String)> {
    let outcome = |outcome| match outcome {
        Outcome::Run => "computed",
        Outcome::Resumed => "resumed",
        Outcome::Cached => "cached",
    };
    let gib = |bytes: u64| format!("{:.2} GiB", bytes as f64 / (1u64 << 30) as f64);
    let all = provenance.run.stages.iter();
    all.map(|s| {
        (s.name.clone(), outcome(s.outcome), format!("{:.1}", s.seconds), s.peak_memory.map_or(String::new(), gib))
    })
    .collect()
}
