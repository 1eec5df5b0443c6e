//! The experiment file as it is written: its keys and their types, before anything is looked up or checked.
//!
//! A field that is a [`Node`] has several spellings, or parts that are read one by one so that each can fail alone; the
//! `schemars` attribute gives their schema. The comments on keys are what users read: editors show them from
//! `experiments/schema.json`, and `docs/experiments.md` is generated from them. A comment says what the key does, its unit,
//! and where the paper has it; defaults and examples are attributes. A comment of one paragraph, without line breaks that mean
//! anything.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{adapters, resolve, schema, source, train, written};
use crate::adapt::Split;
use crate::corpus::{Bos, Records, Sampling};
use crate::decompose::End;
use crate::model::shape::Shape;
use crate::yaml::{Node, Spanned};

/// An experiment.
// `extends` and `sweep` are dealt with before this is read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "an experiment: a mapping with name, model, arms, discard and evaluate; or with heatmaps"
)]
pub(super) struct Experiment {
    /// Name of the results folder, `results/NAME/`: up to 64 letters, digits, `-`, `_` and `.`.
    #[schemars(extend("pattern" = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", "examples" = ["mine"]))]
    pub name: Spanned<String>,
    /// Title of the page and the tables, one line. Without it, the name is the title.
    pub title: Option<Spanned<String>>,
    /// What the experiment is for, shown at the top of its page.
    pub description: Option<String>,
    /// The model: a name in the catalog (`corda list` shows them), or files of your own.
    #[schemars(with = "written::Model", extend("examples" = ["smollm2-135m-instruct", {"path": "models/my-llama"}]))]
    pub model: Node,
    /// The device of the forward pass: `cpu`, or `cuda:N` or `metal:N` in a build with that feature. Statistics and
    /// decompositions are computed on the CPU in any case.
    #[schemars(extend("pattern" = "^(cpu|(cuda|metal)(:[0-9]+)?)$", "default" = "cpu", "examples" = ["cuda:0"]))]
    pub device: Option<Spanned<String>>,
    /// The linears that are decomposed. The paper's perplexity study (Table 6) decomposes `all`, its adapters (Tables 1 to 4)
    /// leave out `lm_head`.
    #[schemars(with = "Option<written::Targets>", extend("default" = "decoder", "examples" = [["*.q_proj", "model.layers.0.*"]]))]
    pub targets: Option<Node>,
    /// Seed of every random choice that has no seed of its own. The default is the official code's.
    #[schemars(extend("default" = resolve::SEED))]
    pub seed: Option<u64>,
    /// Calibrations by name: the texts whose activations X give the statistics of the linears' inputs, such as the covariance
    /// C = XᵀX. Names are of your choice; arms refer to them.
    #[schemars(with = "Option<written::Named<Calibration>>")]
    pub calibrations: Option<Node>,
    /// The curves: each is a decomposition SVD(W T) and the calibration that T comes from. In fine-tuning, the adapters start
    /// from them. `arms` and `discard` go together; without `train` or `spectra`, `evaluate` is needed as well.
    #[schemars(schema_with = "schema::arms")]
    pub arms: Option<Node>,
    /// The points of each curve: how many components are taken from each linear, the paper's r. In fine-tuning, the ranks of
    /// the adapters.
    #[schemars(with = "Option<Discard>")]
    pub discard: Option<Node>,
    /// Test sets by name: texts on which the perplexity is measured. Names are of your choice.
    #[schemars(with = "Option<written::Named<Evaluation>>")]
    pub evaluate: Option<Node>,
    /// Measures what the components that the arms take carry as LoRA adapters, before any training.
    #[schemars(with = "Option<Adapters>")]
    pub adapters: Option<Node>,
    /// Draws heat maps of the covariances at the targets' inputs (the paper's Figures 4 and 5).
    #[schemars(with = "Option<HeatMaps>")]
    pub heatmaps: Option<Node>,
    /// Draws the singular values of W T, for every target and every arm. `evaluate` may then be left out.
    #[schemars(with = "Option<Spectra>")]
    pub spectra: Option<Node>,
    /// Fine-tunes adapters that start from the arms' components, and others for comparison (the paper's Tables 1 to 4 and
    /// Figure 3). `evaluate` and `questions` then measure the trained models.
    #[schemars(with = "Option<Train>")]
    pub train: Option<Node>,
    /// Sets of questions by name, asked before and after fine-tuning. Names are of your choice.
    #[schemars(with = "Option<written::Named<Questions>>")]
    pub questions: Option<Node>,
    /// Results of a paper to show next to ours: the name of a file in `experiments/published/`, without `.yaml`.
    #[schemars(extend("examples" = ["corda-table6"]))]
    pub published: Option<Spanned<String>>,
}

/// A model that is not in the catalog: `{path: FOLDER}`, `{path: FILE, shape: {...}}`, `{source: {...}, shape: {...}}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "the name of a model in the catalog, or {path: FOLDER}")]
pub(super) struct InlineModel {
    /// A folder in Hugging Face format (config.json, tokenizer.json, safetensors) or a GGUF file, relative to this file.
    #[schemars(with = "Option<String>", extend("examples" = ["models/my-llama", "models/my-llama.gguf"]))]
    pub path: Option<Node>,
    /// Where the files are fetched from, instead of `path`.
    #[schemars(with = "Option<source::Written>")]
    pub source: Option<Node>,
    /// The dimensions of the model. They are needed with `source`, so that an experiment can be planned before anything is
    /// fetched; with `path` they are read from the files.
    #[schemars(with = "Option<Shape>")]
    pub shape: Option<Node>,
}

/// A calibration: one pass of samples of a text through the model.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a calibration: {corpus: NAME/SPLIT, samples: N, length: N}")]
pub(super) struct Calibration {
    /// The text: `NAME/SPLIT` of the catalog (`corda list` shows them), or a file of your own.
    #[schemars(with = "written::Corpus", extend("examples" = ["enwiki/train", {"file": "my.txt", "format": "text"}]))]
    pub corpus: Node,
    /// Number of samples. Arms may use fewer of them: a prefix of the same pass. The paper uses 256 (and 32).
    #[schemars(range(min = 1))]
    pub samples: Spanned<usize>,
    /// Length of a sample, in tokens, at most the context of the model. The paper's is 2048. Samples at the end of a text may
    /// be shorter.
    #[schemars(range(min = 1))]
    pub length: Spanned<usize>,
    /// How samples are picked from the text.
    #[schemars(extend("default" = "random-characters"))]
    pub sampling: Option<Sampling>,
    /// Seed of the picking, for `random-characters`. Without it, the experiment's seed is used.
    pub seed: Option<u64>,
}

/// A text of your own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a corpus: NAME/SPLIT, or {file: PATH, format: FORMAT}")]
pub(super) struct InlineText {
    /// The file, relative to this one.
    #[schemars(extend("examples" = ["my.txt"]))]
    pub file: Spanned<PathBuf>,
    /// How the file is read. All text is UTF-8.
    pub format: Spanned<InlineFormat>,
    /// With `jsonl`: the field that holds the text. Give this or `fields`.
    #[schemars(extend("examples" = ["question"]))]
    pub field: Option<Spanned<String>>,
    /// With `jsonl`: the fields that make up one document, joined with a space.
    #[schemars(extend("examples" = [["passage", "question"]]))]
    pub fields: Option<Spanned<Vec<String>>>,
    /// With `parquet`: the column that holds the text.
    #[schemars(extend("examples" = ["text"]))]
    pub column: Option<Spanned<String>>,
    /// With `records`: the part to use. Without it, the whole file is used.
    #[schemars(extend("examples" = ["train"]))]
    pub split: Option<Spanned<String>>,
    /// The sha256 checksum that the file must have, 64 hexadecimal digits in lower case.
    #[schemars(extend("pattern" = "^[0-9a-f]{64}$"))]
    pub sha256: Option<Spanned<String>>,
}

/// How the file of a text of your own is read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum InlineFormat {
    /// One document: the whole file.
    Text,
    /// One document per line; blank lines are dropped.
    Lines,
    /// One JSON object per line; needs `field` or `fields`.
    Jsonl,
    /// One document per row; needs `column`.
    Parquet,
    /// Questions with answers, one document per record: `format: {records: {...}}`.
    Records(Box<Records>),
}

/// An arm, one curve. Further keys depend on its method.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an arm: {method: NAME, ...}")]
pub(super) struct Arm {
    /// The decomposition; `corda list` shows all of them.
    pub method: Spanned<String>,
    /// Name of the calibration that the statistics come from: required for methods that use statistics, refused for others.
    #[schemars(extend("examples" = ["wiki"]))]
    pub calibration: Option<Spanned<String>>,
    /// Number of the calibration's samples to use: the first so many of the same pass. Without it, all of them are used.
    #[schemars(range(min = 1))]
    pub samples: Option<Spanned<usize>>,
    /// The components that are taken away, or that make the adapter.
    #[schemars(extend("default" = "smallest"))]
    pub end: Option<End>,
    /// Label in tables and legends, one line. Without it, the title of the method with its samples and calibration is used.
    #[schemars(extend("examples" = ["CO-SVD (PTB)"]))]
    pub label: Option<Spanned<String>>,
    /// Names of the evaluations that this arm is measured on. Without it, all of them.
    #[schemars(with = "Option<written::AtLeastOne<String>>", extend("examples" = [["wiki"]]))]
    pub evaluate: Option<Node>,
}

/// The names of the keys of [`Arm`].
pub(crate) const ARM_KEYS: &[&str] = &["method", "calibration", "samples", "end", "label", "evaluate"];

/// How much is taken at each point: `components`, or `share`. The undamaged model (r = 0) is always measured.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "{components: [...]} or {share: [...]}")]
pub(super) struct Discard {
    /// Values of r, the same for every linear. The paper's Table 6 has 0, 16, 32, ..., 1024 for LLaMA-2-7B.
    #[schemars(with = "Option<written::AtLeastOne<usize>>", extend("examples" = [[0, 4, 16, 64]]))]
    pub components: Option<Node>,
    /// Whether an r that reaches the rank R of a linear takes R - 1 components of it, instead of being refused.
    #[schemars(extend("default" = false))]
    pub cap: Option<Spanned<bool>>,
    /// Linears with an r of their own at every point except r = 0, as globs on Hugging Face names. The first glob that matches
    /// counts.
    #[schemars(with = "Option<std::collections::BTreeMap<String, usize>>", extend("examples" = [{"*.k_proj": 8}]))]
    pub except: Option<Node>,
    /// Shares of each linear's rank R, from 0 to below 1, instead of `components`: r = R × share, rounded, at most R - 1.
    #[schemars(with = "Option<written::AtLeastOne<written::Share>>", extend("examples" = [[0.01, 0.1]]))]
    pub share: Option<Node>,
}

/// What is measured of the components that an arm takes, as a LoRA adapter B A with the residual W - B A.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "adapters: {energy: [CALIBRATION, ...], split: UV, lora: true}")]
#[derive(Default)]
pub(super) struct Adapters {
    /// Names of calibrations on whose text the share of each linear's output that its adapter carries is measured,
    /// ‖B A Xᵀ‖² / ‖W Xᵀ‖².
    #[schemars(with = "Option<Vec<String>>", extend("default" = [], "examples" = [["ptb", "wiki"]]))]
    pub energy: Option<Node>,
    /// How the singular values are divided between B and A.
    pub split: Split,
    /// Whether plain LoRA (random A, B = 0) of the same ranks is shown for comparison.
    pub lora: bool,
}

/// Heat maps of the covariances at the targets' inputs, one row per target and one column per calibration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "heatmaps: {calibrations: [NAME, ...], size: 32}")]
#[derive(Default)]
pub(super) struct HeatMaps {
    /// Names of calibrations, one column each. Without it, all of them are drawn.
    #[schemars(with = "Option<Vec<String>>")]
    pub calibrations: Option<Node>,
    /// Number of cells per side of a heat map. The default is the paper's.
    #[schemars(range(min = 1, max = 256), extend("default" = adapters::CELLS))]
    pub size: Option<Spanned<usize>>,
}

/// The singular values of W T, for every target and every arm.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "spectra: {last: 16}")]
#[derive(Default)]
pub(super) struct Spectra {
    /// Number of the smallest components whose share of the energy is marked and printed.
    #[schemars(range(min = 1), extend("default" = adapters::LAST))]
    pub last: Option<Spanned<usize>>,
}

/// An evaluation, one test set: non-overlapping windows from the start of a text.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an evaluation: {corpus: NAME/SPLIT, windows: N or all, length: N}")]
pub(super) struct Evaluation {
    /// The text: `NAME/SPLIT` of the catalog (`corda list` shows them), or a file of your own.
    #[schemars(with = "written::Corpus", extend("examples" = ["ptb/validation", {"file": "my.txt", "format": "text"}]))]
    pub corpus: Node,
    /// Number of windows from the start of the text, or `all` that fit. More windows give narrower confidence intervals.
    #[schemars(with = "written::Windows", extend("examples" = [4, "all"]))]
    pub windows: Node,
    /// Length of a window, in tokens, at most the context of the model. The paper's is 2048.
    #[schemars(range(min = 2))]
    pub length: Spanned<usize>,
    /// Where the beginning-of-text token stands. Without it, `stream`, the official protocol, or `window` for families whose
    /// losses mean nothing without that token (Gemma).
    #[schemars(extend("examples" = ["window"]))]
    pub bos: Option<Bos>,
}

/// Fine-tuning with AdamW, a cosine schedule, and the loss on the responses only. The defaults are the official settings,
/// except for `batch` and `length`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "train: {corpus: NAME/PART, validation: {...}, rates: [...], seeds: [...]}"
)]
pub(super) struct Train {
    /// The examples to learn: a part of a corpus of records (questions with answers).
    #[schemars(with = "written::Corpus", extend("examples" = ["asdiv-qa/train"]))]
    pub corpus: Node,
    /// Number of examples, from the start of the part. Without it, all of them are used.
    #[schemars(range(min = 1))]
    pub examples: Option<Spanned<usize>>,
    /// The examples that learning rates are chosen on.
    #[schemars(with = "Validation", extend("examples" = [{"corpus": "asdiv-qa/validation", "examples": 48}]))]
    pub validation: Node,
    /// Length of the longest example, in tokens. Longer ones are left out, and their number is reported.
    #[schemars(range(min = 2), extend("default" = train::LENGTH))]
    pub length: Option<Spanned<usize>>,
    /// Number of passes over the examples.
    #[schemars(range(min = 1), extend("default" = train::EPOCHS))]
    pub epochs: Option<Spanned<usize>>,
    /// Number of examples per optimiser step. The paper's is 128.
    #[schemars(range(min = 1), extend("default" = train::BATCH))]
    pub batch: Option<Spanned<usize>>,
    /// Peak learning rates to choose from. Each learner uses the one with the lowest loss on the validation examples, from the
    /// first seed. The paper's is 2e-5.
    #[schemars(with = "written::AtLeastOne<written::Positive>", extend("examples" = [[3e-4, 1e-3, 3e-3]]))]
    pub rates: Node,
    /// Seeds of the order of examples and of random adapters, one run each.
    #[schemars(with = "written::AtLeastOne<u64>", extend("examples" = [[1, 2, 3]]))]
    pub seeds: Node,
    /// Share of the steps over which the learning rate rises to its peak, from 0 to 1.
    #[schemars(range(min = 0, max = 1), extend("default" = train::WARMUP))]
    pub warmup: Option<Spanned<f64>>,
    /// Weight decay of AdamW.
    #[schemars(range(min = 0), extend("default" = train::WEIGHT_DECAY))]
    pub weight_decay: Option<Spanned<f64>>,
    /// Largest norm of a gradient; larger ones are scaled down to it. 0 disables clipping.
    #[schemars(range(min = 0), extend("default" = train::CLIP))]
    pub clip: Option<Spanned<f64>>,
    /// What is fine-tuned besides the arms, for comparison.
    #[schemars(with = "Option<Vec<written::Beside>>", extend("default" = [], "examples" = [["full", "lora", "dora"]]))]
    pub beside: Option<Node>,
}

/// The examples that learning rates are chosen on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "validation: {corpus: NAME/PART, examples: N}")]
pub(super) struct Validation {
    /// A part of a corpus of records, other than the examples to learn.
    #[schemars(with = "written::Corpus", extend("examples" = ["asdiv-qa/validation"]))]
    pub corpus: Node,
    /// Number of examples, from the start of the part. Without it, all of them are used.
    #[schemars(range(min = 1))]
    pub examples: Option<Spanned<usize>>,
}

/// A learner without a decomposition.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "full, lora, dora, or {method: NAME, rates: [...], label: ...}")]
pub(super) struct Beside {
    /// `full` trains every weight; `lora` trains adapters that start from a random A and B = 0; `dora` adds a trained magnitude
    /// per row to `lora`.
    pub method: Spanned<String>,
    /// Learning rates of its own. Without it, those of `train` are used.
    #[schemars(with = "Option<written::AtLeastOne<written::Positive>>", extend("examples" = [[1e-5, 3e-5, 1e-4]]))]
    pub rates: Option<Node>,
    /// Label in tables and legends, one line. Without it, the usual name is used, e.g. `LoRA`.
    pub label: Option<Spanned<String>>,
}

/// A set of questions with answers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "questions: {corpus: NAME/PART, examples: N, tokens: N}")]
pub(super) struct Questions {
    /// A part of a corpus of records (questions with answers), other than the examples to learn.
    #[schemars(with = "written::Corpus", extend("examples" = ["nq-open-qa/test"]))]
    pub corpus: Node,
    /// Number of questions, from the start of the part. Without it, all of them are asked.
    #[schemars(range(min = 1))]
    pub examples: Option<Spanned<usize>>,
    /// Length of the longest answer to generate, in tokens.
    #[schemars(range(min = 1))]
    pub tokens: Spanned<usize>,
    /// Whether the questions are about what is learned or about what should be kept. Without it, questions from the corpus
    /// that is learned are `task`, all others `knowledge`.
    pub asks: Option<super::Asks>,
}
