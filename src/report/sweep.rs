//! The report over all variants of a sweep: replicates as mean and standard deviation, others side by side; over targets
//! the figure of `sweep/damage.rs`.

mod damage;

use std::path::{Path, PathBuf};

use super::document::{self, Captioned, Section};
use super::markdown::escape;
use super::number::{self, Number};
use super::page::{Extra, Sources};
use super::spread::spread;
use super::study::tables::{DIFFERENCE, PAIRED, difference, perplexity};
use super::study::{self, By, Curve, Test, ascending, distinct};
use super::table::{Cell, Table};
use super::{Meta, ReportError, figure};
use crate::results::provenance::Provenance;
use crate::results::{Row, Varied};
use damage::{Column, Damage, Line};

/// The rows of all variants, and what tells them apart.
pub struct Combined<'a> {
    /// Paths of the swept keys.
    pub keys: &'a [String],
    /// Name, label and value of each key, of every variant.
    pub variants: Vec<(&'a str, &'a str, &'a [String])>,
    /// Whether they differ in seeds only.
    pub replicates: bool,
    /// Whether the figure shows them beside each other.
    pub beside: bool,
    /// Whether they differ in targets only: then `layers.svg` shows where the damage is.
    pub over_targets: bool,
    /// Whether each has a page of its own.
    pub pages: bool,
    /// The measurements; none in an experiment of heat maps only.
    pub rows: &'a [Varied<Row>],
}

/// A test set of all variants that measured on it, each with its label.
struct Across<'a>(Vec<(&'a str, &'a Test<'a>)>);

/// Writes `table.md`, `table.tex` and `report.html`; of replicates, and of a few variants beside each other, the figure `figure2`, of
/// a sweep over targets `layers`.
///
/// # Errors
/// If rows are missing, or a file cannot be written.
pub fn render(
    combined: &Combined,
    meta: &Meta,
    provenance: &Provenance,
    out: &Path,
) -> Result<Vec<PathBuf>, ReportError> {
    let of = |name: &str| -> Vec<Row> {
        let own = combined.rows.iter().filter(|row| row.variant.as_deref() == Some(name));
        own.map(|row| row.row.clone()).collect()
    };
    let (mut written, mut figures, mut sections) = (Vec::new(), Vec::new(), Vec::new());
    if !combined.rows.is_empty() {
        let rows: Vec<Vec<Row>> = combined.variants.iter().map(|(name, ..)| of(name)).collect();
        let tests = rows.iter().map(|rows| study::arrange(rows, meta.by)).collect::<Result<Vec<_>, _>>()?;
        let labels = combined.variants.iter().map(|(_, label, _)| *label);
        let variants: Vec<(&str, Vec<Test>)> = labels.zip(tests).collect();
        let all = across(&variants);
        sections = all.iter().map(|across| across.section(combined.replicates, meta)).collect();
        let (keys, count) = (escape(&combined.keys.join(", ")), combined.variants.len());
        let facts = format!("{} Swept: {keys}; {count} variants.", study::tables::columns(meta));
        let files = [
            (
                "table.md".into(),
                document::markdown(meta, &facts, sections.iter().flat_map(|it| it.blocks(2)).collect()).into_bytes(),
            ),
            ("table.tex".into(), study::tables::latex(&sections, meta).into_bytes()),
        ];
        written.extend(super::write(out, files)?);
        let mut draw = |name: &str, svg: String| {
            figures.push((name.to_string(), svg.clone()));
            written.extend(super::write(out, super::figure(name, svg, meta)?)?);
            Ok::<_, ReportError>(())
        };
        if combined.over_targets {
            draw("layers", damage::svg(&of_damage(&variants, &all, combined, meta.by), meta)?)?;
        }
        if combined.replicates {
            let means: Vec<Row> = all.iter().flat_map(Across::means).collect();
            let shaded = format!("one standard deviation around the mean of {} replicates", variants.len());
            draw("figure2", figure::replicates(&study::arrange(&means, meta.by)?, meta, &shaded)?)?;
        }
    }
    if combined.beside && !combined.rows.is_empty() {
        let rows = named_by_variant(combined);
        let svg = figure::study(&study::arrange(&rows, meta.by)?, None, meta)?;
        figures.push(("figure2".into(), svg.clone()));
        written.extend(super::write(out, super::figure("figure2", svg, meta)?)?);
    }
    let links = combined.variants.iter().filter(|_| combined.pages);
    let links = links.map(|(name, label, _)| (format!("{name}/report.html"), label.to_string())).collect();
    let sources = Sources {
        meta,
        provenance,
        rows: &[],
        windows: &[],
        timings: &[],
        published: None,
        figures,
        sweep: Some(&Extra { sections, links }),
        trained: None,
    };
    written.extend(super::render_page(&sources, out)?);
    Ok(written)
}

/// All rows, the test sets of each variant with its label: a panel each.
fn named_by_variant(combined: &Combined) -> Vec<Row> {
    let of = |(name, label, _): &(&str, &str, &[String])| {
        let (name, label) = (name.to_string(), label.to_string());
        let own = combined.rows.iter().filter(move |row| row.variant.as_ref() == Some(&name));
        own.map(move |row| Row { evaluation: format!("{label}; {}", row.row.evaluation), ..row.row.clone() })
    };
    combined.variants.iter().flat_map(of).collect()
}

/// Every test set, over the variants.
fn across<'a>(variants: &'a [(&str, Vec<Test>)]) -> Vec<Across<'a>> {
    let all = || variants.iter().flat_map(|(label, tests)| tests.iter().map(move |test| (*label, test)));
    let names = distinct(all().map(|(_, test)| test.name())).into_iter();
    names.map(|name| Across(all().filter(|(_, test)| test.name() == name).collect())).collect()
}

impl<'a> Across<'a> {
    fn heading(&self) -> String {
        self.0.first().map_or(String::new(), |(_, test)| test.heading())
    }

    fn points(&self) -> Vec<f64> {
        ascending(self.0.iter().flat_map(|(_, test)| test.points.iter().copied()))
    }

    /// Ids of the arms, in the order in which they first appear.
    fn arms(&self) -> Vec<&'a str> {
        distinct(self.0.iter().flat_map(|(_, test)| test.curves.iter().map(|curve| curve.row.arm.as_str())))
    }

    /// The curve of an arm on each variant's test set.
    fn curves(&self, arm: &str) -> Vec<(&'a str, &'a Test<'a>, &'a Curve<'a>)> {
        self.0.iter().filter_map(|(label, test)| Some((*label, *test, test.curve(arm)?))).collect()
    }

    fn label(&self, arm: &str) -> String {
        self.curves(arm).first().map_or(arm.to_string(), |(_, _, curve)| curve.row.label.clone())
    }

    fn section(&self, replicates: bool, meta: &Meta) -> Section {
        let points = self.points();
        let (notes, tables) = if replicates {
            let over = format!("Mean ± standard deviation over {} replicates.", self.0.len());
            let differences = format!("{over} Loss minus that of the undamaged model, in nats per token.");
            let nats = |value| Number::Plain(number::nats(value));
            let table = self.spread(&points, meta.by, |row| row.perplexity, number::perplexity);
            ([over, differences], [table, self.spread(&points[1..], meta.by, |row| row.delta_nll, nats)])
        } else {
            let table = self.beside(&points, meta.by, perplexity);
            ([String::new(), PAIRED.into()], [table, self.beside(&points[1..], meta.by, difference)])
        };
        let all = ["Perplexity", DIFFERENCE].into_iter().zip(notes).zip(tables);
        let captioned =
            all.map(|((title, note), table)| Captioned::new(title, note, table.labelled(meta.by.columns_are())).ours());
        Section { heading: self.heading(), tables: captioned.collect() }
    }

    /// Rows are arms, cells mean and standard deviation over the variants.
    fn spread(&self, points: &[f64], by: By, value: fn(&Row) -> f64, shown: fn(f64) -> Number) -> Table {
        let row = |arm: &'a str| {
            let curves = self.curves(arm);
            let cell = |&point: &f64| {
                let rows = curves.iter().filter_map(|(_, test, curve)| test.at(curve, point));
                Cell::spread(&rows.map(value).collect::<Vec<f64>>(), shown)
            };
            (self.label(arm), points.iter().map(cell).collect())
        };
        Table::new(by.heads(points), self.arms().into_iter().map(row))
    }

    /// Rows are arms, each with its variants.
    fn beside(&self, points: &[f64], by: By, cell: fn(&Row) -> Cell) -> Table {
        let row = |(label, test, curve): (&str, &Test, &Curve)| {
            (format!("{}; {label}", curve.row.label), test.cells(curve, points, cell))
        };
        Table::new(by.heads(points), self.arms().into_iter().flat_map(|arm| self.curves(arm)).map(row))
    }

    /// The rows of the first replicate, with the perplexity's mean over all in place of its own, and one standard deviation
    /// to either side in place of its interval.
    fn means(&self) -> Vec<Row> {
        // Every replicate has the same undamaged model.
        let undamaged = self.0.first().map(|(_, test)| {
            let perplexity = test.undamaged.perplexity;
            Row { ppl_low: perplexity, ppl_high: perplexity, ..test.undamaged.clone() }
        });
        let of_arm = |arm: &str| -> Vec<Row> {
            let curves = self.curves(arm);
            let mean = |(point, row): &(f64, &Row)| {
                let values = curves.iter().filter_map(|(_, _, curve)| Some(curve.at(*point)?.perplexity));
                let [perplexity, ppl_low, ppl_high] = spread(&values.collect::<Vec<f64>>()).ends();
                Row { perplexity, ppl_low, ppl_high, ..(*row).clone() }
            };
            curves.first().into_iter().flat_map(|(_, _, first)| first.points.iter().map(mean)).collect()
        };
        undamaged.into_iter().chain(self.arms().into_iter().flat_map(of_arm)).collect()
    }
}

/// Where the damage is, by test set: one column per variant, one line per arm and point.
fn of_damage(variants: &[(&str, Vec<Test>)], all: &[Across], combined: &Combined, by: By) -> Damage {
    let columns = combined.variants.iter().map(|(_, _, values)| Column::new(values.first().map_or("", String::as_str)));
    let group = |across: &Across| {
        let name = across.0.first().map_or("", |(_, test)| test.name());
        let points: Vec<f64> = across.points().into_iter().filter(|point| *point > 0.0).collect();
        let line = |arm: &str, point: f64| {
            let (label, at) = (across.label(arm), by.head(point));
            let at = if by == By::Components { format!("r = {at}") } else { at };
            let value =
                |tests: &[Test]| Some(tests.iter().find(|test| test.name() == name)?.curve(arm)?.at(point)?.delta_nll);
            let values = variants.iter().map(|(_, tests)| value(tests)).collect();
            Line { label: if points.len() > 1 { format!("{label}, {at}") } else { label }, values }
        };
        let lines = across.arms().into_iter().flat_map(|arm| points.iter().map(move |&point| (arm, point)));
        (across.heading(), lines.map(|(arm, point)| line(arm, point)).collect())
    };
    Damage { columns: columns.collect(), groups: all.iter().map(group).collect() }
}

#[cfg(test)]
mod tests;
