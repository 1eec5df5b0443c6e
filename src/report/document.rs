//! The report's tables as content, before Markdown or LaTeX: sections, tables, cells.

use super::number;
use super::published::{Published, PublishedTest};
use super::study::{By, Curve, Test};
use super::{Meta, Parameters, number::Number};
use crate::results::Row;

/// Everything the tables say.
pub struct Document<'a> {
    /// Title, settings, warnings.
    pub meta: &'a Meta,
    /// What the table's columns count, for captions.
    pub columns_are: &'static str,
    /// A section a test set.
    pub sections: Vec<Section>,
    /// Published test sets that no section of ours corresponds to.
    pub rest: Vec<PublishedTable>,
    /// What each point drops in parameters; none where that is not known.
    pub parameters: Option<Table>,
}

/// Heading of [`Document::parameters`].
pub const PARAMETERS: &str = "Parameters dropped";

/// How [`Document::parameters`] count.
pub const COUNTED: &str = "A d×n matrix of rank k has k(d + n − k) parameters, its degrees of freedom: dropping r of a full-rank \
    matrix's R = min(d, n) components drops (d − k)(n − k) of its dn, k = R − r. Stored as two factors, which need \
    k(d + n) numbers, it is smaller than dn only where k < dn / (d + n). Both are sums over the target linears, as a \
    share of their own parameters.";

/// One test set.
pub struct Section {
    /// What it is.
    pub heading: String,
    /// Perplexities.
    pub perplexity: Table,
    /// Their 95% intervals over windows.
    pub interval: Table,
    /// Paired differences of the loss to the undamaged model.
    pub difference: Table,
    /// The paper's numbers for the corresponding test set.
    pub published: Option<PublishedTable>,
}

/// A published test set.
pub struct PublishedTable {
    /// Says that these are the paper's, and of which model.
    pub heading: String,
    /// Where they are from.
    pub citation: String,
    /// Perplexities.
    pub table: Table,
}

/// Rows of cells.
pub struct Table {
    /// Heads of the columns after the first.
    pub columns: Vec<String>,
    /// Label and cells; as many cells as columns.
    pub rows: Vec<(String, Vec<Cell>)>,
}

/// One cell.
pub enum Cell {
    /// Not measured.
    Absent,
    /// A perplexity.
    Perplexity(Number),
    /// The ends of a perplexity's interval.
    Interval(Number, Number),
    /// A difference in nats and the ends of its interval.
    Difference(String, String, String),
    /// A mean and a standard deviation, which may be `nan`: then only the mean is shown.
    Spread(Number, Number),
    /// A word or a share.
    Text(String),
    /// A cell that is marked as the best of its column, or as chosen.
    Best(Box<Cell>),
}

impl<'a> Document<'a> {
    /// Arranges the tables of all test sets.
    pub fn new(tests: &[Test], published: Option<&Published>, meta: &'a Meta) -> Self {
        let table_of = |paper: &Published, test: &PublishedTest| PublishedTable {
            heading: format!("{} from the paper, measured on {}, not on {}", test.name, paper.model, meta.model),
            citation: format!("{}, {}", paper.title, paper.citation),
            table: published_table(test),
        };
        let of_test = |name: &str| {
            let paper = published?;
            paper.test(name).map(|test| table_of(paper, test))
        };
        let sections = tests.iter().map(|test| section(test, meta.by, of_test(test.name()))).collect();
        let unmatched = |test: &&PublishedTest| !tests.iter().any(|ours| ours.name() == test.evaluation);
        let rest = published.map_or(Vec::new(), |paper| {
            paper.tests.iter().filter(unmatched).map(|test| table_of(paper, test)).collect()
        });
        let parameters = if tests.is_empty() { None } else { parameters(meta) };
        Self { meta, columns_are: meta.by.columns_are(), sections, rest, parameters }
    }
}

fn section(test: &Test, by: By, published: Option<PublishedTable>) -> Section {
    let perplexity = |row: &Row| Cell::Perplexity(number::perplexity(row.perplexity));
    let interval = |row: &Row| Cell::Interval(number::perplexity(row.ppl_low), number::perplexity(row.ppl_high));
    let difference = |row: &Row| {
        Cell::Difference(number::nats(row.delta_nll), number::nats(row.delta_low), number::nats(row.delta_high))
    };
    Section {
        heading: test.heading(),
        perplexity: table(test, by, &test.points, perplexity),
        interval: table(test, by, &test.points, interval),
        // At 0 the difference is nothing by definition.
        difference: table(test, by, &test.points[1..], difference),
        published,
    }
}

fn parameters(meta: &Meta) -> Option<Table> {
    let points: Vec<&Parameters> = meta.parameters.iter().filter(|parameters| parameters.place > 0.0).collect();
    let row = |label: &str, value: &dyn Fn(&Parameters) -> f64| {
        (label.to_string(), points.iter().map(|point| Cell::Text(number::percent(value(point)))).collect())
    };
    let rows =
        vec![row("dropped", &|point| point.dropped), row("kept, stored as two factors", &|point| point.factored)];
    let columns = points.iter().map(|point| meta.by.head(point.place)).collect();
    (!points.is_empty()).then_some(Table { columns, rows })
}

fn table(test: &Test, by: By, points: &[f64], cell: impl Fn(&Row) -> Cell) -> Table {
    // Every arm at 0 is the undamaged model: nothing was discarded, so an exact 0 does not move.
    let value = |curve: &Curve, point: f64| match curve.at(point) {
        Some(row) => cell(row),
        None if point == 0.0 => cell(test.undamaged),
        None => Cell::Absent,
    };
    let row = |curve: &Curve| (curve.label.to_string(), points.iter().map(|&point| value(curve, point)).collect());
    Table { columns: points.iter().map(|point| by.head(*point)).collect(), rows: test.curves.iter().map(row).collect() }
}

fn published_table(test: &PublishedTest) -> Table {
    let mut points: Vec<usize> = test.rows.iter().flat_map(|row| row.perplexity.keys().copied()).collect();
    points.sort_unstable();
    points.dedup();
    let cell = |value: Option<&f64>| value.map_or(Cell::Absent, |value| Cell::Perplexity(number::perplexity(*value)));
    let rows = test.rows.iter().map(|row| {
        let cells = points.iter().map(|point| cell(row.perplexity.get(point))).collect();
        (row.label.clone(), cells)
    });
    Table { columns: points.iter().map(usize::to_string).collect(), rows: rows.collect() }
}
