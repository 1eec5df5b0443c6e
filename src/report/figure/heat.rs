//! The figure `heatmaps`, of covariances: one row per linear with its own logarithmic colour scale, one column per calibration.

use plotters::style::RGBColor;

use super::super::study::distinct;
use super::super::{Meta, ReportError, number};
use super::{Anchor, Area, Canvas, GREY, Header, INK, MARGIN, Point, Stroke, Type, draw};
use crate::results::HeatRow;

/// A map's side.
const SIDE: f64 = 224.0;
/// Between maps.
const GAP: f64 = 18.0;
/// Right of a row: its colour scale and that scale's ends.
const SCALE: f64 = 120.0;
const SCALE_WIDTH: f64 = 16.0;
/// Above the maps.
const HEADING: f64 = 30.0;

const COLUMN: Type = Type::bold(18.0);
const ROW: Type = Type::regular(17.0, INK);
const END: Type = Type::regular(15.0, GREY);

/// Colours from low to high, evenly apart: from dark to light, so that print and colour-blind readers keep the order.
const SCALE_COLOURS: [u32; 6] = [0x0d0887, 0x6a00a8, 0xb12a90, 0xe16462, 0xfca636, 0xf0f921];
/// Steps of the scale; cells of one step are drawn as one.
pub const STEPS: usize = 64;

/// The maps of one linear.
struct Line {
    /// The linear's short name.
    name: String,
    /// log10 of the smallest and largest positive value, over all calibrations.
    ends: (f64, f64),
    /// Values by calibration, row-major.
    maps: Vec<Vec<f64>>,
}

/// The figure of all heat maps as SVG.
pub fn svg(cells: &[HeatRow], meta: &Meta) -> Result<String, ReportError> {
    let columns = distinct(cells.iter().map(|cell| cell.calibration.as_str()));
    let linears = distinct(cells.iter().map(|cell| cell.linear.as_str()));
    let lines: Vec<Line> = linears.into_iter().map(|linear| line(cells, linear, &columns)).collect();
    if lines.is_empty() {
        return Err(ReportError::Empty);
    }
    let left = MARGIN + ROW.widest(lines.iter().map(|line| line.name.as_str())) + 14.0;
    let width = left + columns.len() as f64 * (SIDE + GAP) + SCALE + MARGIN;
    let subtitle = "Means of |C| over cells; every row has its own logarithmic colour scale.";
    let header = Header::new(meta, subtitle, width);
    let top = header.height + HEADING;
    let height = top + lines.len() as f64 * (SIDE + GAP) - GAP + MARGIN;
    let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
    let description = format!(
        "Heat maps of the covariance at the inputs of {}, for the calibrations {}.",
        names.join(", "),
        columns.join(", ")
    );
    draw((width, height), &meta.title, &description, |canvas| {
        header.paint(canvas);
        for (i, column) in columns.iter().enumerate() {
            let x = left + i as f64 * (SIDE + GAP) + 0.5 * SIDE;
            canvas.text(column, (x, top - 0.5 * HEADING), Anchor::Middle, COLUMN);
        }
        for (j, line) in lines.iter().enumerate() {
            let y = top + j as f64 * (SIDE + GAP);
            canvas.text(&line.name, (left - 14.0, y + 0.5 * SIDE), Anchor::End, ROW);
            for (i, map) in line.maps.iter().enumerate() {
                paint_map(canvas, (left + i as f64 * (SIDE + GAP), y), map, line.ends);
            }
            paint_scale(canvas, (left + columns.len() as f64 * (SIDE + GAP), y), line.ends);
        }
    })
}

/// `layer 0  k_proj` of `model.layers.0.self_attn.k_proj`.
pub fn short(linear: &str) -> String {
    match block_and_kind(linear) {
        (Some(layer), kind) => format!("layer {layer}  {kind}"),
        (None, name) => name.to_string(),
    }
}

/// Index of the block and kind of a linear by its Hugging Face name; outside the blocks the name is the kind.
pub fn block_and_kind(linear: &str) -> (Option<u32>, &str) {
    let inside = || {
        let (layer, rest) = linear.split_once("layers.")?.1.split_once('.')?;
        Some((layer.parse().ok()?, rest.rsplit('.').next()?))
    };
    inside().map_or((None, linear), |(layer, kind)| (Some(layer), kind))
}

fn line(cells: &[HeatRow], linear: &str, columns: &[&str]) -> Line {
    let map = |calibration: &&str| -> Vec<f64> {
        let of_map = |cell: &&HeatRow| cell.linear == linear && cell.calibration == *calibration;
        let mut cells: Vec<&HeatRow> = cells.iter().filter(of_map).collect();
        cells.sort_by_key(|cell| (cell.row, cell.column));
        cells.into_iter().map(|cell| cell.value).collect()
    };
    let maps: Vec<Vec<f64>> = columns.iter().map(map).collect();
    let positive = maps.iter().flatten().copied().filter(|v| *v > 0.0 && v.is_finite()).map(f64::log10);
    let (low, high) = number::ends(positive).unwrap_or((0.0, 0.0));
    Line { name: short(linear), ends: if low < high { (low, high) } else { (low - 0.5, low + 0.5) }, maps }
}

/// The step of a value on the scale.
pub fn step(value: f64, (low, high): (f64, f64)) -> usize {
    let part = ((value.max(f64::MIN_POSITIVE).log10() - low) / (high - low)).clamp(0.0, 1.0);
    (part * (STEPS - 1) as f64).round() as usize
}

pub fn colour(step: usize) -> RGBColor {
    let along = step as f64 / (STEPS - 1) as f64 * (SCALE_COLOURS.len() - 1) as f64;
    let at = (along as usize).min(SCALE_COLOURS.len() - 2);
    let part = along - at as f64;
    let mix = |shift: u32| {
        let [a, b] = [at, at + 1].map(|at| f64::from((SCALE_COLOURS[at] >> shift) as u8));
        (a + part * (b - a)).round() as u8
    };
    RGBColor(mix(16), mix(8), mix(0))
}

fn paint_map(canvas: &Canvas, corner: Point, values: &[f64], ends: (f64, f64)) {
    /// How far a cell reaches under its neighbours, so that no background shows between them.
    const UNDER: f64 = 0.75;
    let size = (values.len() as f64).sqrt() as usize;
    let cell = SIDE / size.max(1) as f64;
    let reach = |end: usize| if end == size { 0.0 } else { UNDER };
    for (row, values) in values.chunks_exact(size.max(1)).enumerate() {
        let steps: Vec<usize> = values.iter().map(|value| step(*value, ends)).collect();
        let mut column = 0;
        for run in steps.chunk_by(|a, b| a == b) {
            let at = (corner.0 + column as f64 * cell, corner.1 + row as f64 * cell);
            column += run.len();
            canvas.rectangle(at, (run.len() as f64 * cell + reach(column), cell + reach(row + 1)), colour(run[0]));
        }
    }
}

/// The scale of colours in a frame, low to high from the left, or from the bottom if upright.
pub fn ramp(canvas: &Canvas, area: Area, upright: bool) {
    let Area { left, top, right, bottom } = area;
    let length = if upright { bottom - top } else { right - left };
    for step in 0..STEPS {
        // Each up to the high end, the next over it.
        let past = step as f64 * length / STEPS as f64;
        match upright {
            true => canvas.rectangle((left, top), (right - left, length - past), colour(step)),
            false => canvas.rectangle((left + past, top), (length - past, bottom - top), colour(step)),
        }
    }
    let frame = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
    canvas.line(&frame, Stroke::solid(GREY, 0.75));
}

fn paint_scale(canvas: &Canvas, corner: Point, (low, high): (f64, f64)) {
    let area = Area::new(corner, SCALE_WIDTH, SIDE);
    ramp(canvas, area, true);
    for (log, y) in [(high, area.top + 8.0), (low, area.bottom - 8.0)] {
        canvas.text(&number::scientific(10f64.powf(log)), (area.right + 7.0, y), Anchor::Start, END);
    }
}

#[cfg(test)]
mod tests;
