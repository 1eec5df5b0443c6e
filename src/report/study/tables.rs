//! The tables of the decomposition study, `table.md` and `table.tex`: perplexities over what was discarded (the paper's
//! Table 6), with the paper's own beside them.

use super::claims::Beside;
use super::{Curve, Test, ascending};
use crate::report::document::{self, Captioned, Section};
use crate::report::markdown::escape;
use crate::report::number;
use crate::report::table::{Cell, Table};
use crate::report::{By, Meta, Parameters};
use crate::results::Row;
use crate::spec::{Published, PublishedTest};

/// How parameters are counted.
pub const COUNTED: &str = "A d×n matrix of rank k has k(d + n − k) parameters, its degrees of freedom: dropping r of a full-rank \
    matrix's R = min(d, n) components drops (d − k)(n − k) of its dn parameters, where k = R − r. Stored as two factors, it \
    needs k(d + n) numbers, which is fewer than dn only where k is below dn / (d + n). Both are sums over the target \
    linears, as a share of their own parameters.";

/// A section per test set of ours, one for what else was published, and one for parameters, if they are known.
pub fn sections(tests: &[Test], published: Option<&Published>, meta: &Meta) -> Vec<Section> {
    let ours = tests.iter().map(|test| {
        let mut tables = of_test(test, meta.by);
        tables.extend(published.and_then(|paper| Some(of_paper(paper, paper.test(test.name())?, meta))));
        Section { heading: test.heading(), tables }
    });
    let unmatched = |test: &&PublishedTest| !tests.iter().any(|ours| ours.name() == test.evaluation);
    let rest = published.map_or(Vec::new(), |paper| {
        paper.tests.iter().filter(unmatched).map(|test| of_paper(paper, test, meta)).collect()
    });
    let rest = Section { heading: "Published test sets without a counterpart here".into(), tables: rest };
    let parameters = parameters(meta).filter(|_| !tests.is_empty()).map(|table| Section {
        heading: "Parameters dropped".into(),
        tables: vec![Captioned::new("", COUNTED, table)],
    });
    ours.chain([rest]).chain(parameters).filter(|section| !section.tables.is_empty()).collect()
}

fn of_test(test: &Test, by: By) -> Vec<Captioned> {
    // A single window has no interval.
    let interval = |row: &Row| match row.ppl_low.is_nan() {
        true => Cell::Absent,
        false => Cell::Interval(number::perplexity(row.ppl_low), number::perplexity(row.ppl_high)),
    };
    vec![
        Captioned::new("Perplexity", "", table(test, by, &test.points, perplexity)).ours(),
        Captioned::new("95% interval of the perplexity, over windows", "", table(test, by, &test.points, interval)),
        // At 0 the difference is nothing by definition.
        Captioned::new(DIFFERENCE, PAIRED, table(test, by, &test.points[1..], difference)).ours(),
    ]
}

/// Title and note of differences.
pub const DIFFERENCE: &str = "Difference to the undamaged model";
pub const PAIRED: &str =
    "Loss minus that of the undamaged model, in nats per token, paired by window, with the 95% interval.";

pub fn perplexity(row: &Row) -> Cell {
    Cell::perplexity(row.perplexity)
}

/// Its difference to the undamaged model.
pub fn difference(row: &Row) -> Cell {
    Cell::nats([row.delta_nll, row.delta_low, row.delta_high])
}

fn parameters(meta: &Meta) -> Option<Table> {
    let points: Vec<&Parameters> = meta.parameters.iter().filter(|parameters| parameters.place > 0.0).collect();
    let row = |label: &str, value: fn(&Parameters) -> f64| {
        (label.to_string(), points.iter().map(|point| Cell::text(number::percent(value(point)))).collect())
    };
    let rows = [row("dropped", |point| point.dropped), row("kept, stored as two factors", |point| point.factored)];
    let table = Table::new(points.iter().map(|point| meta.by.head(point.place)), rows);
    (!points.is_empty()).then(|| table.labelled(meta.by.columns_are()))
}

fn table(test: &Test, by: By, points: &[f64], cell: impl Fn(&Row) -> Cell) -> Table {
    let row = |curve: &Curve| (curve.row.label.clone(), test.cells(curve, points, &cell));
    Table::new(by.heads(points), test.curves.iter().map(row)).labelled(by.columns_are())
}

/// A published test set.
fn of_paper(paper: &Published, test: &PublishedTest, meta: &Meta) -> Captioned {
    let points = ascending(test.rows.iter().flat_map(|row| row.perplexity.keys().copied()));
    let rows = test.rows.iter().map(|row| {
        let cell = |point| row.perplexity.get(point).map_or(Cell::Absent, |value| Cell::perplexity(*value));
        (row.label.clone(), points.iter().map(cell).collect())
    });
    let table = Table::new(points.iter().map(u32::to_string), rows).labelled(By::Components.columns_are());
    let title = format!("{} from the paper, measured on {}, not on {}", test.name, paper.model, meta.model);
    Captioned::new(title, format!("Perplexity by r. {}, {}.", paper.title, paper.citation), table).of_paper()
}

/// `table.md`.
pub fn markdown(sections: &[Section], beside: Option<&Beside>, meta: &Meta) -> String {
    let mut blocks: Vec<String> = sections.iter().flat_map(|section| section.blocks(2)).collect();
    if let Some(beside) = beside {
        blocks.extend(["## Side by side with the paper".to_string(), escape(&beside.introduction)]);
    }
    for (heading, claims) in beside.into_iter().flat_map(|beside| &beside.tests) {
        blocks.push(format!("### {}", escape(heading)));
        blocks.extend(claims.blocks(4));
    }
    document::markdown(meta, &columns(meta), blocks)
}

/// What the columns are, in a sentence.
pub fn columns(meta: &Meta) -> String {
    format!(" Columns: {}.", meta.by.columns_are())
}

/// `table.tex`.
pub fn latex(sections: &[Section], meta: &Meta) -> String {
    document::latex(meta, sections, &format!("Columns: {}", meta.by.columns_are()))
}
