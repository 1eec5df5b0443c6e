//! The tables of the decomposition study, `table.md` and `table.tex`: perplexities over what was discarded (the paper's
//! Table 6), with the paper's own beside them.

use super::claims::Beside;
use super::{Curve, Test};
use crate::report::document::{self, Captioned, Section};
use crate::report::latex;
use crate::report::markdown::{self, escape};
use crate::report::number;
use crate::report::table::{Cell, Table};
use crate::report::{By, Meta, Parameters};
use crate::results::Row;
use crate::spec::{Published, PublishedTest};

/// How parameters are counted.
pub const COUNTED: &str = "A d×n matrix of rank k has k(d + n − k) parameters, its degrees of freedom: dropping r of a full-rank \
    matrix's R = min(d, n) components drops (d − k)(n − k) of its dn, k = R − r. Stored as two factors, which need \
    k(d + n) numbers, it is smaller than dn only where k < dn / (d + n). Both are sums over the target linears, as a \
    share of their own parameters.";

/// Heading of published test sets that no section of ours corresponds to.
const REST: &str = "Published, without a test set of ours";

/// A section a test set of ours, one for each other that was published, and one for parameters, if they are known.
pub fn sections(tests: &[Test], published: Option<&Published>, meta: &Meta) -> Vec<Section> {
    let ours = tests.iter().map(|test| {
        let mut tables = of_test(test, meta);
        tables.extend(published.and_then(|paper| Some(of_paper(paper, paper.test(test.name())?, meta))));
        Section { heading: test.heading(), tables }
    });
    let unmatched = |test: &&PublishedTest| !tests.iter().any(|ours| ours.name() == test.evaluation);
    let rest = published.into_iter().flat_map(|paper| {
        let unmatched = paper.tests.iter().filter(unmatched);
        unmatched.map(|test| Section { heading: REST.into(), tables: vec![of_paper(paper, test, meta)] })
    });
    let parameters = parameters(meta).filter(|_| !tests.is_empty()).map(|table| {
        let heading = "Parameters dropped";
        Section { heading: heading.into(), tables: vec![Captioned::new(2, heading, COUNTED, table).titled("")] }
    });
    ours.chain(rest).chain(parameters).collect()
}

fn of_test(test: &Test, meta: &Meta) -> Vec<Captioned> {
    let (heading, by) = (test.heading(), meta.by);
    let (model, on, columns) = (latex::escape(&meta.model), latex::escape(&heading), by.columns_are());
    let interval = |row: &Row| Cell::Interval(number::perplexity(row.ppl_low), number::perplexity(row.ppl_high));
    let note = "Loss minus that of the undamaged model, in nats a token, paired by window, with its 95% interval.";
    vec![
        Captioned::new(2, &format!("Perplexity on {heading}"), "", table(test, by, &test.points, perplexity))
            .titled("Perplexity")
            .captioned(format!("Perplexity of {model} on {on}, by {columns}.")),
        Captioned::new(3, "95% interval of the perplexity, over windows", "", table(test, by, &test.points, interval)),
        // At 0 the difference is nothing by definition.
        Captioned::new(3, "Difference to the undamaged model", note, table(test, by, &test.points[1..], difference))
            .titled("Difference to the undamaged model, nats a token, paired by window")
            .captioned(format!(
                "Loss of {model} minus that of the undamaged model on {on}, in nats a token, paired by window, with its \
                 95\\% interval, by {columns}."
            )),
    ]
}

/// The perplexity of a row.
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
    (!points.is_empty()).then(|| Table::new(points.iter().map(|point| meta.by.head(point.place)), rows))
}

fn table(test: &Test, by: By, points: &[f64], cell: impl Fn(&Row) -> Cell) -> Table {
    let value = |curve: &Curve, point: f64| test.at(curve, point).map_or(Cell::Absent, &cell);
    let row = |curve: &Curve| (curve.label.to_string(), points.iter().map(|&point| value(curve, point)).collect());
    Table::new(by.heads(points), test.curves.iter().map(row))
}

/// A published test set.
fn of_paper(paper: &Published, test: &PublishedTest, meta: &Meta) -> Captioned {
    let points = super::ascending(test.rows.iter().flat_map(|row| row.perplexity.keys().copied()));
    let rows = test.rows.iter().map(|row| {
        let cell = |point| row.perplexity.get(point).map_or(Cell::Absent, |value| Cell::perplexity(*value));
        (row.label.clone(), points.iter().map(cell).collect())
    });
    let table = Table::new(points.iter().map(u32::to_string), rows);
    let heading = format!("{} from the paper, measured on {}, not on {}", test.name, paper.model, meta.model);
    let citation = format!("{}, {}", paper.title, paper.citation);
    let [on, from] = [&heading, &citation].map(|text| latex::escape(text));
    Captioned::new(3, &heading, format!("Perplexity by r. {citation}."), table)
        .titled(&format!("{heading}. {citation}"))
        .captioned(format!("Perplexity by $r$: {on} ({from})."))
}

/// `table.md`.
pub fn markdown(sections: &[Section], beside: Option<&Beside>, meta: &Meta) -> String {
    let mut blocks = vec![format!("Regenerate with {}.", markdown::code(&meta.command))];
    let mut rest = true;
    for section in sections {
        if section.heading == REST && std::mem::take(&mut rest) {
            blocks.push(format!("## {REST}"));
        }
        blocks.extend(section.tables.iter().flat_map(Captioned::blocks));
    }
    blocks.extend(beside.into_iter().flat_map(side_by_side));
    let facts = format!("Model: {}. Columns: {}.", escape(&meta.model), meta.by.columns_are());
    document::markdown(meta, facts, blocks)
}

fn side_by_side(beside: &Beside) -> Vec<String> {
    use crate::report::table::Markup;
    let mut blocks = vec!["## Side by side with the paper".to_string(), escape(&beside.introduction)];
    for test in &beside.tests {
        blocks.push(format!("### {}", escape(&test.heading)));
        blocks.push(markdown::Markdown.table(&test.orderings));
        blocks.extend(test.note.as_deref().map(escape));
        for (text, tables) in &test.evidence {
            blocks.push(format!("#### {}", escape(text)));
            let shown = |(caption, table): &(String, Table)| [escape(caption), markdown::Markdown.table(table)];
            blocks.extend(tables.iter().flat_map(shown));
        }
    }
    blocks
}

/// `table.tex`.
pub fn latex(sections: &[Section], meta: &Meta) -> String {
    document::latex(meta, sections.iter().flat_map(|section| &section.tables))
}
