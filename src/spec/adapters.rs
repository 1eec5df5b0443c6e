//! The `adapters`, `heatmaps` and `spectra` keys.

use super::{Adapters, HeatMaps, Spectra, raw};
use crate::model::shape::Linear;
use crate::yaml::{self, Error, Errors, Node};

/// Default number of cells per side of a heat map: the paper's.
pub(super) const CELLS: usize = 32;
/// Default number of the smallest components whose energy is marked in spectra.
pub(super) const LAST: usize = 16;

/// Resolves `adapters` against the names of calibrations.
pub(super) fn resolve(node: &Node, calibrations: &[&str], errors: &mut Errors) -> Option<Adapters> {
    let raw: raw::Adapters = errors.keep(yaml::from_node(node))?;
    let energy = raw.energy.map_or(Vec::new(), |list| names(&list, calibrations, errors));
    Some(Adapters { energy, split: raw.split, lora: raw.lora })
}

/// Resolves `heatmaps` against the names of calibrations and the targets, if they are known.
pub(super) fn heatmaps(
    node: &Node,
    calibrations: &[&str],
    linears: Option<&[Linear]>,
    errors: &mut Errors,
) -> Option<HeatMaps> {
    let raw: raw::HeatMaps = errors.keep(yaml::from_node(node))?;
    let columns = match raw.calibrations {
        Some(list) => names(&list, calibrations, errors),
        None => calibrations.iter().map(|name| (*name).to_string()).collect(),
    };
    if columns.is_empty() {
        errors.at(&node.span, "heat maps need a calibration: add one under `calibrations`");
    }
    let size = raw.size.as_ref().map_or(CELLS, |size| **size);
    let narrowest = linears.and_then(|linears| linears.iter().map(|l| l.d_in).min()).unwrap_or(usize::MAX);
    if !(1..=narrowest.min(256)).contains(&size) {
        let span = raw.size.as_ref().map_or(&node.span, |size| &size.span);
        errors.at(
            span,
            format!("`size` is {size}; it must be from 1 to 256 cells, and at most the width of the narrowest input"),
        );
    }
    Some(HeatMaps { calibrations: columns, size })
}

/// Resolves `spectra` against the targets, if they are known.
pub(super) fn spectra(node: &Node, linears: Option<&[Linear]>, errors: &mut Errors) -> Option<Spectra> {
    let raw: raw::Spectra = errors.keep(yaml::from_node(node))?;
    let last = raw.last.as_ref().map_or(LAST, |last| **last);
    let narrowest = linears.and_then(|linears| linears.iter().map(Linear::rank).min()).unwrap_or(usize::MAX);
    if !(1..narrowest).contains(&last) {
        let span = raw.last.as_ref().map_or(&node.span, |last| &last.span);
        errors.at(
            span,
            format!("`last` is {last}; it must be at least 1 and below the smallest rank of the targets, {narrowest}"),
        );
    }
    Some(Spectra { last })
}

/// A list of calibrations' names, each known.
fn names(list: &Node, known: &[&str], errors: &mut Errors) -> Vec<String> {
    let mut found = Vec::new();
    for node in errors.keep(list.elements("a list of calibrations' names")).unwrap_or_default() {
        let Some(name) = errors.keep(yaml::from_node::<String>(node)) else { continue };
        if !known.contains(&name.as_str()) {
            errors.push(Error::unknown(&node.span, "calibration", &name, known.iter().copied()));
        } else if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
