//! The report over all variants of a sweep: replicates as mean and standard deviation, others side by side.

use std::path::{Path, PathBuf};

use super::document::{Cell, Table};
use super::figure::damage::{Column, Damage, Line};
use super::number::{self, Number};
use super::page::{self, Sources};
use super::study::{self, By, Curve, Test, distinct};
use super::{Meta, ReportError, figure, latex, markdown};
use crate::results::provenance::Provenance;
use crate::results::{Row, Varied};

/// The rows of all variants, and what tells them apart.
pub struct Combined<'a> {
    /// Paths of the swept keys.
    pub keys: &'a [String],
    /// Name, label and value of each key, of every variant.
    pub variants: Vec<(&'a str, &'a str, &'a [String])>,
    /// Whether they differ in seeds only.
    pub replicates: bool,
    /// Whether they differ in targets only: then `layers.svg` shows where the damage is.
    pub over_targets: bool,
    /// Whether each has a page of its own.
    pub pages: bool,
    /// The measurements; none in an experiment of heat maps only.
    pub rows: &'a [Varied<Row>],
}

/// What a sweep adds to a page.
pub struct Extra {
    /// A section a test set.
    pub sections: Vec<Section>,
    /// Address and label of the variants' pages.
    pub links: Vec<(String, String)>,
}

/// The tables of one test set.
pub struct Section {
    /// What it is.
    pub heading: String,
    /// Captions and tables.
    pub tables: Vec<(String, Table)>,
}

/// One variant, arranged.
struct Variant<'a> {
    label: &'a str,
    tests: Vec<Test<'a>>,
}

/// Writes `table.md`, `table.tex` and `report.html`; of replicates the figure `figure2`, of a sweep over targets `layers`.
///
/// # Errors
/// If rows are missing, or a file cannot be written.
pub fn render(
    combined: &Combined,
    meta: &Meta,
    provenance: &Provenance,
    out: &Path,
) -> Result<Vec<PathBuf>, ReportError> {
    let of = |name: &str| {
        let own = combined.rows.iter().filter(move |row| row.variant.as_deref() == Some(name));
        own.map(|row| row.row.clone()).collect::<Vec<Row>>()
    };
    let rows: Vec<Vec<Row>> = combined.variants.iter().map(|(name, ..)| of(name)).collect();
    let (mut written, mut figures, mut sections) = (Vec::new(), Vec::new(), Vec::new());
    if !combined.rows.is_empty() {
        let mut variants = Vec::new();
        for (rows, (_, label, _)) in rows.iter().zip(&combined.variants) {
            variants.push(Variant { label, tests: study::arrange(rows, meta.by)? });
        }
        sections = test_sets(&variants).map(|name| section(&variants, name, combined.replicates, meta.by)).collect();
        let files = [
            ("table.md".into(), table_md(&sections, combined, meta).into_bytes()),
            ("table.tex".into(), table_tex(&sections, meta).into_bytes()),
        ];
        written.extend(super::write(out, files)?);
        if combined.over_targets {
            let svg = figure::damage::svg(&damage(&variants, combined, meta.by), meta)?;
            written.extend(super::write(out, super::figure("layers", svg.clone(), meta)?)?);
            figures.push(("layers".to_string(), svg));
        }
        if combined.replicates {
            let means = means(&variants);
            let shaded = format!("one standard deviation around the mean of {} replicates", variants.len());
            let svg = figure::replicates(&study::arrange(&means, meta.by)?, meta, &shaded)?;
            written.extend(super::write(out, super::figure("figure2", svg.clone(), meta)?)?);
            figures.push(("figure2".to_string(), svg));
        }
    }
    let links = combined.variants.iter().filter(|_| combined.pages);
    let links = links.map(|(name, label, _)| (format!("{name}/report.html"), label.to_string())).collect();
    let extra = Extra { sections, links };
    let sources = Sources {
        meta,
        provenance,
        rows: &[],
        windows: &[],
        timings: &[],
        published: None,
        figures,
        sweep: Some(&extra),
        trained: None,
    };
    written.extend(super::render_page(&sources, out)?);
    Ok(written)
}

/// Names of the test sets.
fn test_sets<'a>(variants: &'a [Variant]) -> impl Iterator<Item = &'a str> {
    distinct(variants.iter().flat_map(|variant| variant.tests.iter().map(Test::name))).into_iter()
}

fn section(variants: &[Variant], name: &str, replicates: bool, by: By) -> Section {
    let tests: Vec<(&str, &Test)> = variants
        .iter()
        .flat_map(|variant| {
            variant.tests.iter().filter(|test| test.name() == name).map(move |test| (variant.label, test))
        })
        .collect();
    let mut points: Vec<f64> = tests.iter().flat_map(|(_, test)| test.points.iter().copied()).collect();
    points.sort_by(f64::total_cmp);
    points.dedup();
    let heading = tests.first().map_or(name.to_string(), |(_, test)| test.heading());
    let tables = if replicates { spread(&tests, &points, by) } else { beside(&tests, &points, by) };
    Section { heading, tables }
}

/// Ids of the arms, in the order in which they first appear.
fn arms<'a>(tests: &[(&str, &'a Test)]) -> Vec<&'a str> {
    distinct(tests.iter().flat_map(|(_, test)| test.curves.iter().map(|curve| curve.arm)))
}

/// The curve of an arm on a test set.
fn curve<'a>(test: &'a Test<'a>, arm: &str) -> Option<&'a Curve<'a>> {
    test.curves.iter().find(|curve| curve.arm == arm)
}

/// The curve of an arm on each variant's test set.
fn curves<'a>(tests: &'a [(&str, &Test)], arm: &str) -> Vec<(&'a str, &'a Test<'a>, &'a Curve<'a>)> {
    tests.iter().filter_map(|(label, test)| Some((*label, *test, curve(test, arm)?))).collect()
}

/// The row of a curve at a point; at 0 that is the undamaged model.
fn at<'a>(test: &'a Test, curve: &'a Curve, point: f64) -> Option<&'a Row> {
    curve.at(point).or((point == 0.0).then_some(test.undamaged))
}

/// Rows are arms, cells mean and standard deviation over the variants.
fn spread(tests: &[(&str, &Test)], points: &[f64], by: By) -> Vec<(String, Table)> {
    let table = |points: &[f64], value: &dyn Fn(&Row) -> f64, cell: &dyn Fn(f64, f64) -> Cell| {
        let rows = arms(tests).into_iter().map(|arm| {
            let curves = curves(tests, arm);
            let cells = points.iter().map(|&point| {
                let values: Vec<f64> =
                    curves.iter().filter_map(|(_, test, curve)| at(test, curve, point)).map(value).collect();
                if values.is_empty() {
                    return Cell::Absent;
                }
                let (mean, deviation) = mean_and_deviation(&values);
                cell(mean, deviation)
            });
            (curves.first().map_or(arm, |(_, _, curve)| curve.label).to_string(), cells.collect())
        });
        Table { columns: points.iter().map(|point| by.head(*point)).collect(), rows: rows.collect() }
    };
    let perplexity = |mean, deviation| Cell::Spread(number::perplexity(mean), number::perplexity(deviation));
    let nats = |mean, deviation: f64| {
        let deviation = if deviation.is_finite() { format!("{deviation:.3}") } else { "nan".into() };
        Cell::Spread(Number::Plain(number::nats(mean)), Number::Plain(deviation))
    };
    let over = format!("mean ± standard deviation over {} replicates", tests.len());
    vec![
        (format!("Perplexity, {over}"), table(points, &|row| row.perplexity, &perplexity)),
        (
            format!("Difference to the undamaged model, nats a token, {over}"),
            table(&points[1..], &|row| row.delta_nll, &nats),
        ),
    ]
}

/// Rows are arms, each with its variants.
fn beside(tests: &[(&str, &Test)], points: &[f64], by: By) -> Vec<(String, Table)> {
    let table = |points: &[f64], cell: &dyn Fn(&Row) -> Cell| {
        let mut rows = Vec::new();
        for arm in arms(tests) {
            for (label, test, curve) in curves(tests, arm) {
                let cells = points.iter().map(|&point| at(test, curve, point).map_or(Cell::Absent, cell)).collect();
                rows.push((format!("{}; {label}", curve.label), cells));
            }
        }
        Table { columns: points.iter().map(|point| by.head(*point)).collect(), rows }
    };
    let difference = |row: &Row| {
        Cell::Difference(number::nats(row.delta_nll), number::nats(row.delta_low), number::nats(row.delta_high))
    };
    vec![
        ("Perplexity".into(), table(points, &|row| Cell::Perplexity(number::perplexity(row.perplexity)))),
        (
            "Difference to the undamaged model, nats a token, paired by window, with its 95% interval".into(),
            table(&points[1..], &difference),
        ),
    ]
}

/// The rows of the first replicate, with the perplexity's mean over all in place of its own, and one standard deviation to
/// either side in place of its interval.
fn means(variants: &[Variant]) -> Vec<Row> {
    let mut rows = Vec::new();
    for name in test_sets(variants) {
        let tests: Vec<(&str, &Test)> = variants
            .iter()
            .flat_map(|variant| variant.tests.iter().filter(|test| test.name() == name).map(|test| ("", test)))
            .collect();
        // Every replicate has the same undamaged model.
        rows.extend(tests.first().map(|(_, test)| {
            let perplexity = test.undamaged.perplexity;
            Row { ppl_low: perplexity, ppl_high: perplexity, ..test.undamaged.clone() }
        }));
        for arm in arms(&tests) {
            let curves = curves(&tests, arm);
            let Some((_, _, first)) = curves.first() else { continue };
            for (point, row) in &first.points {
                let values = curves.iter().filter_map(|(_, _, curve)| Some(curve.at(*point)?.perplexity));
                let (mean, deviation) = mean_and_deviation(&values.collect::<Vec<f64>>());
                let (ppl_low, ppl_high) = (mean - deviation, mean + deviation);
                rows.push(Row { perplexity: mean, ppl_low, ppl_high, ..(*row).clone() });
            }
        }
    }
    rows
}

/// Mean, and standard deviation of a sample (n - 1); the latter is not a number where there is one value only.
fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
}

fn table_md(sections: &[Section], combined: &Combined, meta: &Meta) -> String {
    let mut out = format!(
        "# {}\n\nModel: {}. Columns: {}. Swept: {}; {} variants.\n\nRegenerate with {}.\n",
        markdown::escape(&meta.title),
        markdown::escape(&meta.model),
        meta.by.columns_are(),
        markdown::escape(&combined.keys.join(", ")),
        combined.variants.len(),
        markdown::code(&meta.command)
    );
    for section in sections {
        out += &format!("\n## {}\n", markdown::escape(&section.heading));
        for (caption, table) in &section.tables {
            out += &format!("\n### {caption}\n\n{}", markdown::table(table));
        }
    }
    for (heading, lines) in [("Settings", &meta.settings), ("Warnings", &meta.warnings)] {
        let lines: Vec<String> = lines.iter().map(|line| format!("- {}\n", markdown::escape(line))).collect();
        let lines = if lines.is_empty() { "None.\n".to_string() } else { lines.concat() };
        out += &format!("\n## {heading}\n\n{lines}");
    }
    out
}

fn table_tex(sections: &[Section], meta: &Meta) -> String {
    let mut out = format!(
        "% {}\n% Regenerate with: {}\n% Needs \\usepackage{{booktabs,graphicx}}\n",
        meta.title.replace(['\n', '\r'], " "),
        meta.command
    );
    for section in sections {
        for (caption, table) in &section.tables {
            let caption = latex::escape(caption).replace('±', "$\\pm$");
            let (model, heading) = (latex::escape(&meta.model), latex::escape(&section.heading));
            let caption = format!("{caption}, of {model} on {heading}, by {}.", meta.by.columns_are());
            out += &latex::environment(table, &caption);
        }
    }
    out
}

/// Where the damage is: a column a variant, a line an arm at a point, by test set.
fn damage(variants: &[Variant], combined: &Combined, by: By) -> Damage {
    let columns = combined.variants.iter().map(|(_, _, values)| Column::new(values.first().map_or("", String::as_str)));
    let mut groups = Vec::new();
    for name in test_sets(variants) {
        let own: Vec<Option<&Test>> =
            variants.iter().map(|variant| variant.tests.iter().find(|test| test.name() == name)).collect();
        let known: Vec<(&str, &Test)> = own.iter().flatten().map(|test| ("", *test)).collect();
        let mut points: Vec<f64> =
            known.iter().flat_map(|(_, test)| test.points.iter().copied()).filter(|p| *p > 0.0).collect();
        points.sort_by(f64::total_cmp);
        points.dedup();
        let mut lines = Vec::new();
        for arm in arms(&known) {
            for &point in &points {
                let values = own.iter().map(|test| Some(curve((*test)?, arm)?.at(point)?.delta_nll)).collect();
                let label = own.iter().flatten().find_map(|test| curve(test, arm)).map_or(arm, |curve| curve.label);
                let at = match by {
                    By::Components => format!("r = {point}"),
                    By::Share => number::share(point),
                };
                let label = if points.len() > 1 { format!("{label}, {at}") } else { label.to_string() };
                lines.push(Line { label, values });
            }
        }
        let heading = known.first().map_or(String::new(), |(_, test)| test.heading());
        groups.push((heading, lines));
    }
    Damage { columns: columns.collect(), groups }
}

impl Extra {
    /// The tables as a page shows them.
    pub(super) fn tables(&self, corner: &str) -> Vec<page::Section> {
        let section = |section: &Section| {
            let grids = section.tables.iter().map(|(caption, table)| page::grid(caption, corner, table));
            page::Section { heading: section.heading.clone(), tables: grids.collect() }
        };
        self.sections.iter().map(section).collect()
    }
}

#[cfg(test)]
mod tests;
