//! `report.html`: one file with everything a reader wants, figures inside, nothing fetched when opened.

use askama::Template;

use super::beside::{Beside, Ordering, Pair, Side};
use super::claims::{Claim, Duel, Losses, Paired};
use super::document::{COUNTED, Document, PARAMETERS, PublishedTable, Table};
use super::finetune::{Shown, Trained};
use super::study::{self, By};
use super::sweep::Extra;
use super::{Meta, Published, ReportError, markdown, number};
use crate::results::provenance::{Outcome, Provenance};
use crate::results::{Row, TimingRow, WindowRow};

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
    /// How long things took; none where results of an earlier version are drawn.
    pub timings: &'a [TimingRow],
    /// The paper's numbers.
    pub published: Option<&'a Published>,
    /// Figures in the order of the page: name, as in `<name>.svg`, and SVG.
    pub figures: Vec<(String, String)>,
    /// What a sweep says of its variants.
    pub sweep: Option<&'a Extra>,
    /// What a fine-tuning experiment measured.
    pub trained: Option<&'a Trained<'a>>,
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
    beside: Option<Comparison>,
    trained: Option<Shown>,
    trained_figures: Vec<Figure>,
    figures: Vec<Figure>,
    tables: Vec<Section>,
    variants: Vec<(String, String)>,
    settings: Vec<String>,
    warnings: Vec<String>,
    file: String,
    again: String,
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
    text: &'static str,
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

/// The paper's orderings in its numbers and in ours.
struct Comparison {
    introduction: String,
    tests: Vec<Compared>,
}

struct Compared {
    heading: String,
    note: Option<String>,
    orderings: Vec<Judged>,
}

/// An ordering as a row: class and verdict of each side; and its evidence.
struct Judged {
    text: &'static str,
    paper: (&'static str, String),
    here: (&'static str, String),
    evidence: Vec<Grid>,
}

/// A figure and what to know when looking at it.
struct Figure {
    name: String,
    svg: String,
    caption: String,
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
    // Where the paper's numbers stand beside ours its orderings are judged there.
    let alone = |test: &study::Test| published.is_none_or(|paper| paper.test(test.name()).is_none());
    let says = tests.iter().map(|test| Says {
        heading: test.heading(),
        claims: if alone(test) { losses.claims(test).iter().map(verdict).collect() } else { Vec::new() },
        winners: losses.winners(test).iter().filter_map(|duel| winner(duel, meta.by)).collect(),
    });
    let beside = Beside::new(&tests, &losses, *published, meta);
    let run = &provenance.run;
    let trained = sources.trained.map(|trained| Shown::new(trained, sources.timings, meta)).transpose()?;
    let captioned = |name: &str| trained.as_ref().and_then(|trained| trained.caption(name));
    let figures = sources.figures.iter().enumerate();
    let figures = figures.map(|(i, (name, svg))| (captioned(name).is_some(), figure(name, svg, captioned(name), i)));
    let (trained_figures, figures): (Vec<_>, Vec<_>) = figures.partition(|(trained, _)| *trained);
    let page = Page {
        title: meta.title.clone(),
        name: meta.name.clone(),
        model: meta.model.clone(),
        version: provenance.version.clone(),
        description: meta.description.clone(),
        columns_are: document.columns_are.into(),
        says: says.collect(),
        beside: beside.map(|beside| comparison(&beside)),
        trained_figures: trained_figures.into_iter().map(|(_, figure)| figure).collect(),
        figures: figures.into_iter().map(|(_, figure)| figure).collect(),
        trained,
        tables: sources.sweep.map_or_else(|| sections(&document), |sweep| sweep.tables(document.columns_are)),
        variants: sources.sweep.map_or(Vec::new(), |sweep| sweep.links.clone()),
        settings: meta.settings.clone(),
        warnings: meta.warnings.clone(),
        file: meta.file.clone(),
        again: meta.command.clone(),
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
    page.render().map_err(|e| ReportError::Template { template: "page.html", why: e.to_string() })
}

fn verdict(claim: &Claim) -> Verdict {
    let fails = claim.failures().map(|duel| {
        let (a, b) = (number::perplexity(duel.perplexities.0).text(), number::perplexity(duel.perplexities.1).text());
        let p = duel.paired.as_ref().map_or(String::new(), |paired| format!(", p = {}", number::p(paired.p)));
        format!("{} against {} at {} ({a} against {b}{p})", duel.better, duel.other, duel.point)
    });
    let exceptions = fails.collect::<Vec<_>>().join("; ");
    Verdict { class: class(exceptions.is_empty()), verdict: claim.verdict(), text: claim.text, exceptions }
}

fn class(holds: bool) -> &'static str {
    if holds { "yes" } else { "no" }
}

fn comparison(beside: &Beside) -> Comparison {
    let side = |side: &Side| (side.holds().map_or("soft", class), side.verdict());
    let ordering = |ordering: &Ordering| Judged {
        text: ordering.text,
        paper: side(&ordering.paper),
        here: side(&ordering.here),
        evidence: ordering.evidence().map(|(caption, table)| grid(&caption, "", table)).collect(),
    };
    let compared = |pair: &Pair| Compared {
        heading: pair.heading.clone(),
        note: pair.note.clone(),
        orderings: pair.orderings.iter().map(ordering).collect(),
    };
    Comparison { introduction: beside.introduction.clone(), tests: beside.tests.iter().map(compared).collect() }
}

fn winner(duel: &Duel, by: By) -> Option<Winner> {
    let Paired { delta, p } = duel.paired.as_ref()?;
    let perplexity = |value: f64| number::perplexity(value).text();
    let [value, low, high] = [delta.mean, delta.low, delta.high].map(number::nats);
    Some(Winner {
        point: by.head(duel.point),
        best: duel.better.clone(),
        perplexity: perplexity(duel.perplexities.0),
        next: duel.other.clone(),
        next_perplexity: perplexity(duel.perplexities.1),
        difference: format!("{value} [{low}, {high}]"),
        p: number::p(*p),
    })
}

fn figure(name: &str, svg: &str, caption: Option<&str>, index: usize) -> Figure {
    let caption = caption.unwrap_or(match name {
        "parameters" => COUNTED,
        "spectra" => super::figure::spectra::CAPTION,
        _ => "",
    });
    Figure { name: name.into(), svg: inline(svg, index), caption: caption.into() }
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
    let parameters = document
        .parameters
        .iter()
        .map(|table| Section { heading: PARAMETERS.into(), tables: vec![grid("", corner, table)] });
    ours.chain(rest).chain(parameters).collect()
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
