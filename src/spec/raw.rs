//! The experiment file as it is written: its keys and their types, nothing looked up or checked yet.
//!
//! A field that is a [`Node`] has several spellings, or parts that are read one by one so that each can fail alone; for
//! the schema it says what those are. The comments on keys are the descriptions that editors show.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{schema, source, written};
use crate::adapt::Split;
use crate::corpus::{Records, Sampling};
use crate::decompose::End;
use crate::model::shape::Shape;
use crate::yaml::{Node, Spanned};

/// An experiment of corda.
// `extends` and `sweep` are dealt with before this is read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "an experiment: a mapping with name, model, arms, discard and evaluate; or with heatmaps"
)]
pub(super) struct Experiment {
    /// Name of the results folder: letters, digits, `-`, `_` and `.`.
    #[schemars(extend("pattern" = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"))]
    pub name: Spanned<String>,
    /// One line for headings; default: the name.
    pub title: Option<Spanned<String>>,
    /// What the experiment is for.
    pub description: Option<String>,
    /// A name in the catalog (`corda list` shows them), or a model's own files.
    #[schemars(with = "written::Model")]
    pub model: Node,
    /// Where the forward pass runs: `cpu` (default), `cuda`, `cuda:N`, `metal` or `metal:N`.
    #[schemars(extend("pattern" = "^(cpu|(cuda|metal)(:[0-9]+)?)$"))]
    pub device: Option<Spanned<String>>,
    /// Which linears are decomposed: `decoder` (default), `all`, or a list of globs.
    #[schemars(with = "Option<written::Targets>")]
    pub targets: Option<Node>,
    /// Seed of every random choice that has none of its own; default 233, the official code's.
    pub seed: Option<u64>,
    /// Calibrations by name: the texts whose activations give the statistics.
    #[schemars(with = "Option<written::Named<Calibration>>")]
    pub calibrations: Option<Node>,
    /// The curves; with `discard` and, but for spectra, `evaluate`, which go together.
    #[schemars(schema_with = "schema::arms")]
    pub arms: Option<Node>,
    /// The points of each curve: how much is discarded.
    #[schemars(with = "Option<Discard>")]
    pub discard: Option<Node>,
    /// Test sets by name.
    #[schemars(with = "Option<written::Named<Evaluation>>")]
    pub evaluate: Option<Node>,
    /// What to tell of the components as LoRA adapters.
    #[schemars(with = "Option<Adapters>")]
    pub adapters: Option<Node>,
    /// Heat maps of the covariances at the targets' inputs.
    #[schemars(with = "Option<HeatMaps>")]
    pub heatmaps: Option<Node>,
    /// Singular values of every target under every arm; with it, `evaluate` may be left out.
    #[schemars(with = "Option<Spectra>")]
    pub spectra: Option<Node>,
    /// Fine-tuning: adapters that start from the arms' components, and whatever learns beside them. With it, `evaluate` and
    /// `questions` measure the trained models.
    #[schemars(with = "Option<Train>")]
    pub train: Option<Node>,
    /// Sets of questions by name, asked before and after fine-tuning.
    #[schemars(with = "Option<written::Named<Questions>>")]
    pub questions: Option<Node>,
    /// Name of a file in `published/` to show beside our numbers.
    pub published: Option<Spanned<String>>,
}

/// A model that is not in the catalog: `{path: FOLDER}`, `{path: FILE, shape: {...}}`, `{source: {...}, shape: {...}}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "the name of a model in the catalog, or {path: FOLDER}")]
pub(super) struct InlineModel {
    /// A folder in Hugging Face format, or a GGUF file, relative to this file.
    #[schemars(with = "Option<String>")]
    pub path: Option<Node>,
    /// Where the files are fetched from.
    #[schemars(with = "Option<source::Written>")]
    pub source: Option<Node>,
    /// Its dimensions; needed with `source`, read from the files with `path`.
    #[schemars(with = "Option<Shape>")]
    pub shape: Option<Node>,
}

/// One calibration pass.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a calibration: {corpus: NAME/SPLIT, samples: N, length: N}")]
pub(super) struct Calibration {
    /// `NAME/SPLIT` of the catalog, or a file of your own.
    #[schemars(with = "written::Corpus")]
    pub corpus: Node,
    /// Number of samples.
    #[schemars(range(min = 1))]
    pub samples: Spanned<usize>,
    /// Tokens a sample.
    #[schemars(range(min = 1))]
    pub length: Spanned<usize>,
    /// How samples are picked; default `random-characters`, the official code's.
    pub sampling: Option<Sampling>,
    /// Seed of the picking; default: the experiment's.
    pub seed: Option<u64>,
}

/// A text that is not in the catalog.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a corpus: NAME/SPLIT, or {file: PATH, format: FORMAT}")]
pub(super) struct InlineText {
    /// The file, relative to this one.
    pub file: Spanned<PathBuf>,
    /// How it is read.
    pub format: Spanned<InlineFormat>,
    /// `jsonl`: the field with the text; or `fields`.
    pub field: Option<Spanned<String>>,
    /// `jsonl`: fields that make one document.
    pub fields: Option<Spanned<Vec<String>>>,
    /// `parquet`: the column with the text.
    pub column: Option<Spanned<String>>,
    /// `records`: the part to take; default: the whole file.
    pub split: Option<Spanned<String>>,
    /// Checksum to insist on.
    #[schemars(extend("pattern" = "^[0-9a-f]{64}$"))]
    pub sha256: Option<Spanned<String>>,
}

/// How an inline text's file is read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum InlineFormat {
    /// One document: the whole file.
    Text,
    /// One document a line.
    Lines,
    /// One JSON object a line; with `field` or `fields`.
    Jsonl,
    /// One row a document; with `column`.
    Parquet,
    /// Questions with answers, one document a record.
    Records(Box<Records>),
}

/// The keys of an arm that do not depend on its method; the others are the method's own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an arm: {method: NAME, ...}")]
pub(super) struct Arm {
    /// The decomposition; `corda list` shows them.
    pub method: Spanned<String>,
    /// Name of a calibration.
    pub calibration: Option<Spanned<String>>,
    /// How many of the calibration's samples it sees; default: all.
    #[schemars(range(min = 1))]
    pub samples: Option<Spanned<usize>>,
    /// Which components are taken away; default `smallest`.
    pub end: Option<End>,
    /// What tables and legends say; default: the method's title with samples and calibration.
    pub label: Option<Spanned<String>>,
    /// Names of evaluations; default: all.
    #[schemars(with = "Option<written::AtLeastOne<String>>")]
    pub evaluate: Option<Node>,
}

impl Arm {
    /// The names of these keys.
    pub const KEYS: &[&str] = &["method", "calibration", "samples", "end", "label", "evaluate"];
}

/// `{components: [...], cap: BOOL, except: {GLOB: r}}` or `{share: [...]}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "{components: [...]} or {share: [...]}")]
pub(super) struct Discard {
    /// Values of r, the same for every linear.
    #[schemars(with = "Option<written::AtLeastOne<usize>>")]
    pub components: Option<Node>,
    /// Leaves one component where r reaches a linear's rank, instead of refusing.
    pub cap: Option<Spanned<bool>>,
    /// Linears with an r of their own, by glob.
    #[schemars(with = "Option<std::collections::BTreeMap<String, usize>>")]
    pub except: Option<Node>,
    /// Shares of each linear's rank, from 0 to below 1.
    #[schemars(with = "Option<written::AtLeastOne<written::Share>>")]
    pub share: Option<Node>,
}

/// What to look at and write when the components an arm takes make an adapter.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "adapters: {energy: [CALIBRATION, ...], split: UV, lora: true}")]
#[derive(Default)]
pub(super) struct Adapters {
    /// Names of calibrations on whose text output shares are measured; default: none.
    #[schemars(with = "Option<Vec<String>>")]
    pub energy: Option<Node>,
    /// How the singular values are shared between B and A; default `UV`.
    pub split: Split,
    /// Whether plain LoRA of the same ranks stands beside; default false.
    pub lora: bool,
}

/// Heat maps of the covariances at the targets' inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "heatmaps: {calibrations: [NAME, ...], size: 32}")]
#[derive(Default)]
pub(super) struct HeatMaps {
    /// Names of calibrations, a column each; default: all.
    #[schemars(with = "Option<Vec<String>>")]
    pub calibrations: Option<Node>,
    /// Cells a side; default 32, the paper's.
    #[schemars(range(min = 1, max = 256))]
    pub size: Option<Spanned<usize>>,
}

/// Singular values of every target under every arm.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "spectra: {last: 16}")]
#[derive(Default)]
pub(super) struct Spectra {
    /// Number of the smallest components whose share of the energy is told; default 16.
    #[schemars(range(min = 1))]
    pub last: Option<Spanned<usize>>,
}

/// One test set.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an evaluation: {corpus: NAME/SPLIT, windows: N or all, length: N}")]
pub(super) struct Evaluation {
    /// `NAME/SPLIT` of the catalog, or a file of your own.
    #[schemars(with = "written::Corpus")]
    pub corpus: Node,
    /// Windows from the start of the text: a number, or `all`.
    #[schemars(with = "written::Windows")]
    pub windows: Node,
    /// Tokens a window.
    #[schemars(range(min = 2))]
    pub length: Spanned<usize>,
}

/// Fine-tuning. Defaults are the official settings but for batch and length.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "train: {corpus: NAME/PART, validation: {...}, rates: [...], seeds: [...]}"
)]
pub(super) struct Train {
    /// The examples to learn: a part of a corpus of records.
    #[schemars(with = "written::Corpus")]
    pub corpus: Node,
    /// How many of them, from the start of the part; default: all.
    #[schemars(range(min = 1))]
    pub examples: Option<Spanned<usize>>,
    /// What learning rates are chosen on.
    #[schemars(with = "Validation")]
    pub validation: Node,
    /// Longest example in tokens; longer ones are left out and counted. Default 512.
    #[schemars(range(min = 2))]
    pub length: Option<Spanned<usize>>,
    /// Passes over the examples; default 1.
    #[schemars(range(min = 1))]
    pub epochs: Option<Spanned<usize>>,
    /// Examples an optimiser step; default 16 (the paper's is 128).
    #[schemars(range(min = 1))]
    pub batch: Option<Spanned<usize>>,
    /// Peak learning rates to choose from, by the loss on the validation examples with the first seed.
    #[schemars(with = "written::AtLeastOne<written::Positive>")]
    pub rates: Node,
    /// Seeds of order and of random adapters; a run each.
    #[schemars(with = "written::AtLeastOne<u64>")]
    pub seeds: Node,
    /// Share of the steps over which the learning rate rises; default 0.03.
    #[schemars(range(min = 0, max = 1))]
    pub warmup: Option<Spanned<f64>>,
    /// AdamW's weight decay; default 0.
    #[schemars(range(min = 0))]
    pub weight_decay: Option<Spanned<f64>>,
    /// Largest norm of a gradient; 0 clips nothing. Default 1.
    #[schemars(range(min = 0))]
    pub clip: Option<Spanned<f64>>,
    /// What learns beside the arms.
    #[schemars(with = "Option<Vec<written::Beside>>")]
    pub beside: Option<Node>,
}

/// What learning rates are chosen on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "validation: {corpus: NAME/PART, examples: N}")]
pub(super) struct Validation {
    /// A part of a corpus of records, other than the examples to learn.
    #[schemars(with = "written::Corpus")]
    pub corpus: Node,
    /// How many of its examples, from the start; default: all.
    #[schemars(range(min = 1))]
    pub examples: Option<Spanned<usize>>,
}

/// What learns without a decomposition.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "full, lora, dora, or {method: NAME, rates: [...], label: ...}")]
pub(super) struct Beside {
    /// `full`: every weight; `lora`: adapters from random A and B = 0; `dora`: the same with a trained magnitude a row.
    pub method: Spanned<String>,
    /// Its own learning rates; default: those of `train`.
    #[schemars(with = "Option<written::AtLeastOne<written::Positive>>")]
    pub rates: Option<Node>,
    /// What tables and legends say.
    pub label: Option<Spanned<String>>,
}

/// A set of questions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "questions: {corpus: NAME/PART, examples: N, tokens: N}")]
pub(super) struct Questions {
    /// A part of a corpus of records.
    #[schemars(with = "written::Corpus")]
    pub corpus: Node,
    /// How many, from the start of the part; default: all.
    #[schemars(range(min = 1))]
    pub examples: Option<Spanned<usize>>,
    /// Longest answer to generate, in tokens.
    #[schemars(range(min = 1))]
    pub tokens: Spanned<usize>,
    /// What the questions are about: what is learned (`task`) or what should be kept (`knowledge`). Default: `task` where
    /// they are of the corpus that is learned.
    pub asks: Option<super::Asks>,
}
