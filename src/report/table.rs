//! Tables as content, and the one way from there to text: [`Markup`], which Markdown, LaTeX and HTML implement.

use super::number::{self, Number};
use super::spread::{Spread, spread};

/// Rows of cells under the heads of their columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Head of the labels; empty where they need none.
    pub corner: String,
    /// Heads of the columns after the labels.
    pub columns: Vec<String>,
    /// Label and cells; as many cells as columns.
    pub rows: Vec<(String, Vec<Cell>)>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Absent,
    Number(Number),
    /// The ends of an interval.
    Interval(Number, Number),
    /// A difference and the ends of its interval.
    Difference([String; 3]),
    /// A mean and a standard deviation, which may be `nan`: then only the mean is shown.
    Spread(Number, Number),
    /// A word or a share.
    Text(String),
    /// A name in a column of names.
    Name(String),
    /// A verdict, and the class that colours it on a page.
    Verdict(&'static str, String),
    /// A cell that is marked as the best of its column, or as chosen.
    Best(Box<Cell>),
}

impl Table {
    /// A table whose labels need no head.
    pub fn new<C: Into<String>>(
        columns: impl IntoIterator<Item = C>,
        rows: impl IntoIterator<Item = (String, Vec<Cell>)>,
    ) -> Self {
        let columns = columns.into_iter().map(Into::into).collect();
        Self { corner: String::new(), columns, rows: rows.into_iter().collect() }
    }

    /// The same with a head over its labels.
    pub fn labelled(self, corner: impl Into<String>) -> Self {
        Self { corner: corner.into(), ..self }
    }
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Cell::Text(text.into())
    }

    pub fn perplexity(value: f64) -> Self {
        Cell::Number(number::perplexity(value))
    }

    /// Mean and standard deviation of some values; absent without any.
    pub fn spread(values: &[f64], shown: impl Fn(f64) -> Number) -> Self {
        let Spread { mean, deviation } = spread(values);
        // A deviation has no sign.
        let deviation = match shown(deviation) {
            Number::Plain(text) => Number::Plain(text.trim_start_matches('+').to_string()),
            other => other,
        };
        if values.is_empty() { Cell::Absent } else { Cell::Spread(shown(mean), deviation) }
    }

    /// A difference of losses and the ends of its interval, in nats; of a single window, which has none, the difference alone.
    pub fn nats(parts: [f64; 3]) -> Self {
        if parts[1].is_nan() { Cell::text(number::nats(parts[0])) } else { Cell::Difference(parts.map(number::nats)) }
    }
}

/// A format that tables are written in.
pub trait Markup {
    /// Between the ends of an interval.
    const TO: &'static str = "–";
    /// Between a mean and its standard deviation.
    const SPREAD: &'static str = " ± ";

    fn table(&self, table: &Table) -> String;

    fn text(&self, text: &str) -> String;

    /// A cell that stands out.
    fn best(&self, cell: String) -> String;

    fn number(&self, number: &Number) -> String {
        number.text()
    }

    /// A difference and the ends of its interval.
    fn difference(&self, [value, low, high]: &[String; 3]) -> String {
        format!("{value} [{low}, {high}]")
    }

    fn verdict(&self, _class: &str, text: &str) -> String {
        self.text(text)
    }

    fn cell(&self, cell: &Cell) -> String {
        match cell {
            Cell::Absent => String::new(),
            Cell::Number(value) => self.number(value),
            Cell::Interval(low, high) => format!("{}{}{}", self.number(low), Self::TO, self.number(high)),
            Cell::Difference(parts) => self.difference(parts),
            Cell::Spread(mean, deviation) if deviation.is_nan() => self.number(mean),
            Cell::Spread(mean, deviation) => {
                format!("{}{}{}", self.number(mean), Self::SPREAD, self.number(deviation))
            }
            Cell::Text(text) | Cell::Name(text) => self.text(text),
            Cell::Verdict(class, text) => self.verdict(class, text),
            Cell::Best(cell) => self.best(self.cell(cell)),
        }
    }

    fn cells(&self, cells: &[Cell]) -> Vec<String> {
        cells.iter().map(|cell| self.cell(cell)).collect()
    }
}
