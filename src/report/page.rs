//! `report.html`: one file with everything a reader wants, figures inside, nothing fetched when opened.

use askama::Template;

use super::claims::{self, Duel, Says};
use super::document::Section;
use super::finetune::{self, Shown, Trained};
use super::html::Html;
use super::study::claims::{Beside, Here, RULES};
use super::study::{self, tables};
use super::table::{Cell, Markup, Table};
use super::{Meta, Published, ReportError, number};
use crate::results::provenance::{Outcome, Provenance};
use crate::results::{Row, TimingRow, WindowRow};
use crate::spec::PublishedTest;

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

/// What a sweep adds to a page.
pub struct Extra {
    /// A section a test set.
    pub sections: Vec<Section>,
    /// Address and label of the variants' pages.
    pub links: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    meta: &'a Meta,
    provenance: &'a Provenance,
    says: Vec<TestSays>,
    beside: Option<Beside>,
    trained: Option<Shown>,
    trained_figures: Vec<Figure>,
    figures: Vec<Figure>,
    tables: &'a [Section],
    variants: &'a [(String, String)],
}

/// What the numbers of a test set say.
struct TestSays {
    heading: String,
    /// Verdict as HTML, the claim, and where it does not hold.
    claims: Vec<(String, &'static str, String)>,
    winners: Option<Table>,
}

struct Figure {
    name: String,
    svg: String,
    caption: String,
}

/// The page. The same sources give the same bytes.
pub fn html(sources: &Sources) -> Result<String, ReportError> {
    let Sources { meta, provenance, rows, windows, published, .. } = sources;
    let tests = if rows.is_empty() { Vec::new() } else { study::arrange(rows, meta.by)? };
    let says = tests.iter().map(|test| {
        // Where the paper's numbers stand beside ours its orderings are judged there.
        let alone = published.is_none_or(|paper| paper.test(test.name()).is_none());
        test_says(&Here { test, windows, meta }, alone)
    });
    let study = sources.trained.map(finetune::Study::new).transpose()?;
    let trained = study.map(|study| Shown::new(&study, sources.timings, meta));
    let captioned = |name: &str| trained.as_ref().and_then(|trained| trained.caption(name));
    let figures = sources.figures.iter().enumerate();
    let figures = figures.map(|(index, (name, svg))| figure(name, svg, captioned(name), index));
    let (trained_figures, figures) = figures.partition(|figure| captioned(&figure.name).is_some());
    let own = if sources.sweep.is_some() { Vec::new() } else { tables::sections(&tests, *published, meta) };
    let page = Page {
        meta,
        provenance,
        says: says.collect(),
        beside: Beside::new(&tests, windows, *published, meta),
        trained_figures,
        figures,
        trained,
        tables: sources.sweep.map_or(&own, |sweep| &sweep.sections),
        variants: sources.sweep.map_or(&[], |sweep| &sweep.links),
    };
    page.render().map_err(|error| ReportError::Template("page.html", error))
}

fn test_says(here: &Here, alone: bool) -> TestSays {
    let claims = if alone { claims::judge(&RULES, None::<&PublishedTest>, here) } else { Vec::new() };
    let claim = |claim: &claims::Claim| {
        let against = claim.here.iter().filter(|duel| duel.says == Says::Opposite).map(Duel::phrase);
        let verdict = Html("").cell(&claims::by_order(&claim.here));
        (verdict, claim.rule.text, against.collect::<Vec<_>>().join("; "))
    };
    TestSays { heading: here.test.heading(), claims: claims.iter().map(claim).collect(), winners: winners(here) }
}

/// A row a point: the best arm and the next.
fn winners(here: &Here) -> Option<Table> {
    let row = |duel: Duel| {
        let ([best, next], [first, second], paired) = (duel.sides, duel.values, duel.paired?);
        let p = Cell::text(number::p(paired.p));
        Some((duel.at, vec![Cell::Name(best), first, Cell::Name(next), second, paired.difference, p]))
    };
    let heads = ["best", "perplexity", "next", "perplexity", "difference, nats per token", "p"];
    let table = Table::new(heads, here.winners().into_iter().filter_map(row));
    (!table.rows.is_empty()).then(|| table.labelled(here.meta.by.columns_are()))
}

fn figure(name: &str, svg: &str, caption: Option<&str>, index: usize) -> Figure {
    let caption = caption.unwrap_or(match name {
        "parameters" => tables::COUNTED,
        "spectra" => super::figure::spectra::CAPTION,
        _ => "",
    });
    // No identifier twice on a page.
    let svg = svg
        .replace("id=\"title\"", &format!("id=\"title-{index}\""))
        .replace("id=\"description\"", &format!("id=\"description-{index}\""))
        .replace("labelledby=\"title description\"", &format!("labelledby=\"title-{index} description-{index}\""));
    Figure { name: name.into(), svg, caption: caption.into() }
}

fn gib(bytes: &u64) -> f64 {
    *bytes as f64 / (1u64 << 30) as f64
}
