//! The experiment file as it is written: its keys and their types, nothing looked up or checked yet.
//!
//! A field that is a [`Node`] has several spellings, or parts that are read one by one so that each can fail alone.

use std::path::PathBuf;

use serde::Deserialize;

use crate::adapt::Split;
use crate::corpus::Sampling;
use crate::decompose::End;
use crate::yaml::{Node, Spanned};

/// The whole file. `extends` is dealt with before this is read.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an experiment: a mapping with name, model, arms, discard and evaluate; or with heatmaps"
)]
pub(super) struct Experiment {
    /// Name of the results folder.
    pub name: Spanned<String>,
    /// One line for headings; default: the name.
    pub title: Option<String>,
    /// What the experiment is for.
    pub description: Option<String>,
    /// A name in the catalog, or [`InlineModel`].
    pub model: Node,
    /// `cpu` (default), `cuda:N` or `metal:N`.
    pub device: Option<Spanned<String>>,
    /// `decoder` (default), `all`, or a list of globs.
    pub targets: Option<Node>,
    /// Default 233, the official code's.
    pub seed: Option<u64>,
    /// Name -> [`Calibration`].
    pub calibrations: Option<Node>,
    /// List of [`Arm`]; with `discard` and, but for spectra, `evaluate`, which go together.
    pub arms: Option<Node>,
    /// [`Discard`].
    pub discard: Option<Node>,
    /// Name -> [`Evaluation`].
    pub evaluate: Option<Node>,
    /// [`Adapters`].
    pub adapters: Option<Node>,
    /// [`HeatMaps`].
    pub heatmaps: Option<Node>,
    /// [`Spectra`]; with it, `evaluate` may be left out.
    pub spectra: Option<Node>,
    /// Name of a file in `published/` beside the catalog.
    pub published: Option<Spanned<String>>,
}

/// A model that is not in the catalog: `{path: FOLDER}`, `{path: FILE, shape: {...}}`, `{source: {...}, shape: {...}}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "the name of a model in the catalog, or {path: FOLDER}")]
pub(super) struct InlineModel {
    pub path: Option<Node>,
    pub source: Option<Node>,
    pub shape: Option<Node>,
}

/// One calibration pass.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a calibration: {corpus: NAME/SPLIT, samples: N, length: N}")]
pub(super) struct Calibration {
    /// `NAME/SPLIT`, or [`InlineText`].
    pub corpus: Node,
    pub samples: Spanned<usize>,
    /// Tokens a sample.
    pub length: Spanned<usize>,
    /// Default `random-characters`, the official code's.
    pub sampling: Option<Sampling>,
    /// Default: the experiment's.
    pub seed: Option<u64>,
}

/// A text that is not in the catalog.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a corpus: NAME/SPLIT, or {file: PATH, format: FORMAT}")]
pub(super) struct InlineText {
    pub file: Spanned<PathBuf>,
    pub format: Spanned<InlineFormat>,
    /// `jsonl`: the field with the text; or `fields`.
    pub field: Option<Spanned<String>>,
    /// `jsonl`: fields that make one document.
    pub fields: Option<Spanned<Vec<String>>>,
    /// `parquet`: the column with the text.
    pub column: Option<Spanned<String>>,
    /// Checksum to insist on.
    pub sha256: Option<Spanned<String>>,
}

/// How an inline text's file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum InlineFormat {
    Text,
    Lines,
    Jsonl,
    Parquet,
}

/// The keys of an arm that do not depend on its method; the others are the method's own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an arm: {method: NAME, ...}")]
pub(super) struct Arm {
    pub method: Spanned<String>,
    /// Name of a calibration.
    pub calibration: Option<Spanned<String>>,
    /// Default: the calibration's.
    pub samples: Option<Spanned<usize>>,
    /// Which components are taken away; default `smallest`.
    pub end: Option<End>,
    /// Default: the method's title with samples and calibration.
    pub label: Option<Spanned<String>>,
    /// Names of evaluations; default: all.
    pub evaluate: Option<Node>,
}

impl Arm {
    /// The names of these keys.
    pub const KEYS: &[&str] = &["method", "calibration", "samples", "end", "label", "evaluate"];
}

/// `{components: [...], cap: BOOL, except: {GLOB: r}}` or `{share: [...]}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "{components: [...]} or {share: [...]}")]
pub(super) struct Discard {
    pub components: Option<Node>,
    pub cap: Option<Spanned<bool>>,
    /// Glob -> components, for linears with an r of their own.
    pub except: Option<Node>,
    pub share: Option<Node>,
}

/// What to look at and write when the components an arm takes make an adapter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "adapters: {energy: [CALIBRATION, ...], split: UV, lora: true}")]
#[derive(Default)]
pub(super) struct Adapters {
    /// Names of calibrations; default: none.
    pub energy: Option<Node>,
    /// Default `UV`.
    pub split: Split,
    /// Whether plain LoRA of the same ranks stands beside; default false.
    pub lora: bool,
}

/// Heat maps of the covariances at the targets' inputs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "heatmaps: {calibrations: [NAME, ...], size: 32}")]
#[derive(Default)]
pub(super) struct HeatMaps {
    /// Names of calibrations, a column each; default: all.
    pub calibrations: Option<Node>,
    /// Cells a side; default 32, the paper's.
    pub size: Option<Spanned<usize>>,
}

/// Singular values of every target under every arm.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "spectra: {last: 16}")]
#[derive(Default)]
pub(super) struct Spectra {
    /// Number of the smallest components whose share of the energy is told; default 16.
    pub last: Option<Spanned<usize>>,
}

/// One test set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an evaluation: {corpus: NAME/SPLIT, windows: N or all, length: N}")]
pub(super) struct Evaluation {
    /// `NAME/SPLIT`, or [`InlineText`].
    pub corpus: Node,
    /// A number, or `all`.
    pub windows: Node,
    /// Tokens a window.
    pub length: Spanned<usize>,
}
