//! Where the damage is: the loss that each variant of a sweep over `targets` costs, one column per variant,
//! one row per arm.
//!
//! One logarithmic colour scale for all, so that test sets and arms compare by eye.

use crate::report::figure::heat::{colour, ramp, step};
use crate::report::figure::{Anchor, Area, Canvas, GREY, Header, INK, MARGIN, Point, Type, draw};
use crate::report::{Meta, ReportError, number};

/// A cell's side.
const CELL: f64 = 31.0;
/// Between blocks and kinds of linears.
const GAP: f64 = 18.0;
const HEADING: f64 = 34.0;
const SCALE: (f64, f64) = (320.0, 16.0);
/// Smallest value that the scale tells apart, as a part of the largest.
const DEPTH: f64 = 1e-3;

const HEAD: Type = Type::bold(17.0);
const ROW: Type = Type::regular(16.0, INK);
const TICK: Type = Type::regular(14.0, GREY);

pub struct Damage {
    pub columns: Vec<Column>,
    /// Heading and lines of each test set.
    pub groups: Vec<(String, Vec<Line>)>,
}

pub struct Column {
    /// What it is called below the figure.
    label: String,
    /// Whether it is a block, whose labels are numbers.
    block: bool,
}

pub struct Line {
    pub label: String,
    /// Loss minus that of the undamaged model, nats per token, by column; absent where it was not measured.
    pub values: Vec<Option<f64>>,
}

impl Column {
    /// Of the globs of a variant: `12` of `model.layers.12.*`, `q_proj` of `*.q_proj`, others as they are.
    pub fn new(globs: &str) -> Self {
        let number = globs.strip_suffix(".*").and_then(|rest| rest.rsplit_once(".layers.")).map(|(_, number)| number);
        match number.filter(|number| number.bytes().all(|b| b.is_ascii_digit())) {
            Some(number) => Self { label: number.to_string(), block: true },
            None => Self { label: globs.trim_start_matches("*.").to_string(), block: false },
        }
    }
}

pub fn svg(damage: &Damage, meta: &Meta) -> Result<String, ReportError> {
    let lines = || damage.groups.iter().flat_map(|(_, lines)| lines);
    if lines().next().is_none() {
        return Err(ReportError::Empty);
    }
    let ends = ends(lines().flat_map(|line| line.values.iter().copied().flatten()));
    let left = MARGIN + ROW.widest(lines().map(|line| line.label.as_str())) + 14.0;
    let xs = places(&damage.columns);
    let width = (left + xs.last().map_or(0.0, |x| x + CELL) + MARGIN).max(2.0 * MARGIN + 2.5 * SCALE.0);
    let subtitle = "Loss minus that of the undamaged model when only these linears are truncated, nats per token.";
    let header = Header::new(meta, subtitle, width);
    let maps: f64 = damage.groups.iter().map(|(_, lines)| HEADING + lines.len() as f64 * CELL).sum();
    let words = damage.columns.iter().filter(|column| !column.block).map(|column| column.label.as_str());
    let axis = TICK.widest(words).max(24.0) + 24.0;
    let height = header.height + maps + axis + SCALE.1 + 34.0 + MARGIN;
    draw((width, height), &meta.title, &description(damage, meta), |canvas| {
        header.paint(canvas);
        let mut y = header.height;
        for (heading, lines) in &damage.groups {
            canvas.text(heading, (left, y + 0.5 * HEADING), Anchor::Start, HEAD);
            y += HEADING;
            for line in lines {
                canvas.text(&line.label, (left - 14.0, y + 0.5 * CELL), Anchor::End, ROW);
                for (value, x) in line.values.iter().zip(&xs) {
                    if let Some(value) = value.filter(|value| !value.is_nan()) {
                        canvas.rectangle((left + x, y), (CELL - 1.0, CELL - 1.0), colour(step(value, ends)));
                    }
                }
                y += CELL;
            }
        }
        paint_axis(canvas, &damage.columns, &xs, (left, y));
        paint_scale(canvas, (left, y + axis), ends);
    })
}

/// Left edges of the columns, with a gap where blocks end.
fn places(columns: &[Column]) -> Vec<f64> {
    let mut x = 0.0;
    let mut places = Vec::new();
    for (i, column) in columns.iter().enumerate() {
        if i > 0 {
            x += CELL + if column.block == columns[i - 1].block { 0.0 } else { GAP };
        }
        places.push(x);
    }
    places
}

/// log10 of the ends of the scale. Truncation cannot help but by chance, so what chance does, the largest decrease, is
/// where it starts.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut least, mut high, mut chance) = (f64::INFINITY, 0.0_f64, 0.0_f64);
    for value in values.filter(|value| value.is_finite()) {
        if value > 0.0 {
            (least, high) = (least.min(value), high.max(value));
        } else {
            chance = chance.max(-value);
        }
    }
    if high == 0.0 {
        return (-3.0, 0.0);
    }
    let low = least.max(DEPTH * high).max(chance).min(0.5 * high);
    (low.log10(), high.log10())
}

/// Numbers of blocks, and the other labels turned upwards.
fn paint_axis(canvas: &Canvas, columns: &[Column], xs: &[f64], (left, top): Point) {
    for (Column { label, block }, x) in columns.iter().zip(xs) {
        let x = left + x + 0.5 * CELL;
        match block {
            true => canvas.text(label, (x, top + 14.0), Anchor::Middle, TICK),
            false => canvas.text(label, (x, top + 8.0 + 0.5 * TICK.width(label)), Anchor::Upwards, TICK),
        }
    }
    let blocks: Vec<f64> = columns.iter().zip(xs).filter(|(column, _)| column.block).map(|(_, x)| *x).collect();
    if let (Some(first), Some(last)) = (blocks.first(), blocks.last()) {
        canvas.text("block", (left + 0.5 * (first + last + CELL), top + 34.0), Anchor::Middle, TICK);
    }
}

fn paint_scale(canvas: &Canvas, corner: Point, (low, high): (f64, f64)) {
    let area = Area::new(corner, SCALE.0, SCALE.1);
    ramp(canvas, area, false);
    for (place, anchor) in [(0.0, Anchor::Start), (0.5, Anchor::Middle), (1.0, Anchor::End)] {
        let value = number::scientific(10f64.powf(low + place * (high - low)));
        let text = if place == 0.0 { format!("≤ {value}") } else { value };
        canvas.text(&text, (area.x(place), area.bottom + 14.0), anchor, TICK);
    }
    canvas.text("nats per token, logarithmic", (area.right + 16.0, area.y(0.5)), Anchor::Start, TICK);
}

/// What a screen reader says after the title.
fn description(damage: &Damage, meta: &Meta) -> String {
    let largest = |line: &Line| {
        let values = line.values.iter().zip(&damage.columns).filter_map(|(value, column)| Some(((*value)?, column)));
        let (value, column) = values.max_by(|a, b| a.0.total_cmp(&b.0))?;
        Some(format!("{}: most at {} ({})", line.label, column.label, number::nats(value)))
    };
    let group = |(heading, lines): &(String, Vec<Line>)| {
        format!("{heading}. {}.", lines.iter().filter_map(largest).collect::<Vec<_>>().join("; "))
    };
    let groups: Vec<String> = damage.groups.iter().map(group).collect();
    format!("Loss added to {} by truncating only some linears. {}", meta.model, groups.join(" "))
}

#[cfg(test)]
mod tests;
