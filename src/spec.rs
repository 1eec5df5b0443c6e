//! The experiment file: read, checked, and resolved against the catalog.
//!
//! [`load`] turns a YAML file (with `extends` and `--set` overrides) into an [`Experiment`], or into errors that name
//! file, line and column. Nothing here fetches or computes; later stages never look at YAML again.

mod adapters;
mod arms;
mod catalog;
mod device;
mod discard;
mod learning;
mod model;
mod origin;
mod place;
mod published;
mod raw;
mod resolve;
mod schema;
mod scores;
mod source;
mod sweep;
mod targets;
#[cfg(test)]
mod tests;
mod text;
mod train;
mod warning;
mod written;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::adapt::Split;
use crate::assets::Source;
use crate::corpus::Format;
use crate::decompose::{End, METHODS, Method};
use crate::model::shape::Shape;

pub use crate::yaml::Errors as SpecErrors;
use crate::yaml::Scalar;
pub use catalog::{Catalog, CorpusEntry, ModelEntry};
pub use device::Device;
pub use learning::{Asks, Learner, Questions, Start, Train};
pub use model::ShapeReader;
pub use origin::{Origin, quoted};
pub use place::{Places, TextPlace};
pub use published::{Published, PublishedRow, PublishedTest};
#[cfg(test)]
pub(crate) use raw::ARM_KEYS;
use resolve::safe_name;
#[cfg(test)]
pub(crate) use schema::keys;
pub use schema::schema;
pub use scores::{Publication, ScoreColumn, ScoreRow, Scores, Tests};
pub use sweep::{Sweep, Variant};
pub use warning::{Thin, Warning, WarningKind, merge_warnings, thin};

/// A loaded experiment file: the experiment, its variants and its warnings.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The experiment; with a sweep, the one with the first value of every swept key.
    pub experiment: Experiment,
    /// The variants that its `sweep` asks for.
    pub sweep: Option<Sweep>,
    /// Warnings; with a sweep, each once for all variants.
    pub warnings: Vec<Warning>,
    /// Where the file makes demands on its texts; with a sweep, those of the first variant.
    pub places: Places,
}

/// Reads, checks and resolves a spec file. `overrides` are the arguments of `--set`, applied in order. `shape_reader` reads
/// the shape of a local model if the spec does not give it.
///
/// # Errors
/// If the YAML or the top level of the file is wrong, that one error; otherwise every error in its parts.
///
/// ```
/// use std::path::Path;
/// use corda::spec::{self, Catalog};
///
/// let catalog = Catalog::load(Path::new("experiments/catalog.yaml"))?;
/// let no_local_models = |_: &Path| Err("give the shape in the spec".to_string());
/// let loaded = spec::load(Path::new("experiments/smoke.yaml"), &[], &catalog, &no_local_models)?;
/// assert_eq!(loaded.experiment.name, "smoke");
///
/// // An error names its place.
/// let wrong = ["arms[0].method=plain-svt".to_string()];
/// let errors = spec::load(Path::new("experiments/smoke.yaml"), &wrong, &catalog, &no_local_models).unwrap_err();
/// assert!(errors.to_string().contains("did you mean `plain-svd`?"));
/// # Ok::<(), spec::SpecErrors>(())
/// ```
pub fn load(
    path: &Path,
    overrides: &[String],
    catalog: &Catalog,
    shape_reader: ShapeReader,
) -> Result<Loaded, SpecErrors> {
    resolve::load(path, overrides, catalog, shape_reader, METHODS)
}

/// A commented experiment file to start from.
///
/// # Errors
/// If the name is not valid as a file name.
pub fn starter(name: &str) -> Result<String, String> {
    resolve::check_name("experiment", name)?;
    let starter = include_str!("spec/starter.yaml").replace("experiments/NAME", &format!("experiments/{name}"));
    // `2024` without quotes is a number.
    let is_text = matches!(Scalar::plain(name), Scalar::String(_));
    Ok(starter.replace("NAME", &if is_text { name.to_string() } else { format!("'{name}'") }))
}

impl Loaded {
    /// The experiments to run: the variants of a sweep, or the one.
    pub fn experiments(&self) -> Vec<&Experiment> {
        match &self.sweep {
            Some(sweep) => sweep.variants.iter().map(|variant| &variant.experiment).collect(),
            None => vec![&self.experiment],
        }
    }
}

/// One experiment: a study of curves (arms) over numbers of discarded components, heat maps of covariances, spectra of the
/// arms, or several of them.
#[derive(Debug, Clone, Serialize)]
pub struct Experiment {
    /// Name of the results folder, `results/<name>/`.
    pub name: String,
    /// Name of the variant of a sweep: its folder below that of the results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// One line for headings.
    pub title: String,
    /// What it is for, if the file says.
    pub description: Option<String>,
    /// The model whose linears are decomposed.
    pub model: Model,
    /// Where the forward pass runs.
    #[serde(skip_serializing_if = "Device::is_cpu")]
    pub device: Device,
    /// Which linears are decomposed.
    pub targets: Targets,
    /// Seed of every random choice that has no seed of its own.
    pub seed: u64,
    /// Calibration passes, in the order of the file.
    pub calibrations: Vec<Calibration>,
    /// Curves, in the order of the file; none in an experiment of heat maps only.
    pub arms: Vec<Arm>,
    /// The points of each curve.
    pub discard: Discard,
    /// Test sets, in the order of the file; none where nothing is measured: heat maps or spectra only.
    pub evaluations: Vec<Evaluation>,
    /// What to measure of the components as adapters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapters: Option<Adapters>,
    /// Heat maps to draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heatmaps: Option<HeatMaps>,
    /// Spectra to draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spectra: Option<Spectra>,
    /// Fine-tuning of adapters and others; adapters then start from the arms, and the trained models are measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<Train>,
    /// Questions asked before and after fine-tuning.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Questions>,
    /// Name of a file in `experiments/published/` (without `.yaml`) to show next to our results.
    pub published: Option<String>,
    /// The spec file as given on the command line.
    pub path: PathBuf,
    /// `--set` overrides as given, in order; then the settings of a variant.
    pub overrides: Vec<String>,
    /// How it was requested.
    #[serde(skip)]
    pub origin: Origin,
}

/// A model: where it is and what shape it has.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Model {
    /// Catalog name, or the path of an inline source.
    pub name: String,
    /// Where its files come from.
    pub source: Source,
    /// Its dimensions, known before any file is fetched.
    pub shape: Shape,
    /// Licence as an SPDX identifier or a name; empty for inline models.
    pub licence: String,
    /// Where the terms of its use are, beyond the licence's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
    /// How to cite it; empty for inline models.
    pub citation: String,
}

/// Which linears are decomposed.
#[derive(Debug, Clone, Serialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Targets {
    /// Every linear inside the blocks.
    Decoder,
    /// The decoder's and `lm_head` (untied first when tied): the paper's perplexity study.
    All,
    /// Linears whose Hugging Face name matches one of these globs, e.g. `*.self_attn.q_proj`, `model.layers.0.*`.
    Globs(Vec<String>),
}

/// A text: a corpus and one of its splits.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Corpus {
    /// `enwiki` of `enwiki/train`; for an inline file its path.
    pub name: String,
    /// `train` of `enwiki/train`; `all` for an inline file.
    pub split: String,
    /// Where its file comes from.
    pub source: Source,
    /// How its file is read.
    pub format: Format,
    /// Licence; empty for inline files.
    pub licence: String,
    /// How to cite it; empty for inline files.
    pub citation: String,
}

/// One calibration pass: the samples whose activations give the statistics.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Calibration {
    /// Its key in the spec.
    pub name: String,
    /// The text the samples come from.
    pub corpus: Corpus,
    /// Number of samples in the pass; arms may use fewer (a prefix).
    pub samples: usize,
    /// Length of a sample, in tokens (the last may be shorter at the end of a text, as in the official code).
    pub length: usize,
    /// How samples are picked.
    pub sampling: crate::corpus::Sampling,
    /// Seed of the picking.
    pub seed: u64,
}

/// One curve: a decomposition, and the statistics it sees.
#[derive(Debug, Clone, Serialize)]
pub struct Arm {
    /// Unique short name, e.g. `corda-wiki-64`.
    pub id: String,
    /// Its label in tables and legends.
    pub label: String,
    /// The decomposition with its parameters; its `name()` is the spec's name for it.
    #[serde(serialize_with = "method_as_written")]
    pub method: Arc<dyn Method>,
    /// Name of the calibration it uses; `None` for methods that use none.
    pub calibration: Option<String>,
    /// Number of samples of that calibration it uses (at most the calibration's own).
    pub samples: Option<usize>,
    /// Which components are taken away: the smallest (the paper's truncation, KPM adapters) or the largest (IPM adapters).
    #[serde(skip_serializing_if = "End::is_smallest")]
    pub end: End,
    /// Names of the evaluations this arm is measured on, in the order of the spec's `evaluate`; default all.
    pub evaluations: Vec<String>,
}

/// The numbers of components to discard; 0 (the undamaged model) is always measured.
#[derive(Debug, Clone, Serialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Discard {
    /// The same r for every linear. Ascending, distinct.
    Components {
        /// Values of r.
        values: Vec<usize>,
        /// What happens where a linear's rank R <= r: `false` refuses the spec, `true` discards R - 1 there.
        cap: bool,
        /// Linears with an r of their own at every point but 0; the first that matches counts.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        except: Vec<Exception>,
    },
    /// A share of each linear's rank R: r = floor(share R + 0.5), at most R - 1. Ascending, distinct, in [0, 1).
    Share {
        /// Values of the share.
        values: Vec<f64>,
    },
}

/// Components taken as LoRA adapters (B A, with the residual W - B A): every arm at every point.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Adapters {
    /// Calibrations on whose text the share of each linear's output that its adapter carries is measured.
    pub energy: Vec<String>,
    /// How the singular values are divided between B and A.
    pub split: Split,
    /// Whether plain LoRA (random A, zero B) of the same ranks is shown for comparison.
    pub lora: bool,
}

/// Heat maps of the covariances at the targets' inputs, one row per target and one column per calibration (the paper's
/// Figures 4 and 5).
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct HeatMaps {
    /// Names of calibrations.
    pub calibrations: Vec<String>,
    /// Cells per side.
    pub size: usize,
}

/// Singular values of every target under every arm, in figure and file.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Spectra {
    /// Number of the smallest components whose share of the energy is reported.
    pub last: usize,
}

/// Linears with an r of their own.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Exception {
    /// A glob of Hugging Face names.
    pub linears: String,
    /// Components.
    pub components: usize,
}

/// One test set: non-overlapping windows of a text.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Evaluation {
    /// Its key in the spec.
    pub name: String,
    /// The text.
    pub corpus: Corpus,
    /// Number of windows from the start of the text; `None` for all that fit.
    pub windows: Option<usize>,
    /// Length of a window, in tokens; it has `length - 1` predictions.
    pub length: usize,
    /// Where the beginning-of-text token stands.
    #[serde(skip_serializing_if = "crate::corpus::Bos::is_stream")]
    pub bos: crate::corpus::Bos,
}

impl Corpus {
    /// Identifies the text: its source and how it is read, not its name, which is as written.
    pub fn id(&self) -> String {
        serde_json::json!([self.source, self.split, self.format]).to_string()
    }
}

impl Experiment {
    /// The folder of its results below `results/`.
    pub fn folder(&self) -> PathBuf {
        self.variant.iter().fold(PathBuf::from(&self.name), |folder, variant| folder.join(variant))
    }

    /// The calibration that an arm uses.
    pub fn calibration(&self, arm: &Arm) -> Option<&Calibration> {
        let name = arm.calibration.as_ref()?;
        self.calibrations.iter().find(|calibration| calibration.name == *name)
    }

    /// The evaluations that an arm is measured on, in the order of the file.
    pub fn evaluations_of(&self, arm: &Arm) -> impl Iterator<Item = &Evaluation> {
        self.evaluations.iter().filter(|evaluation| arm.evaluations.contains(&evaluation.name))
    }
}

/// A method as its name and parameters. (serde's own `Arc` support is a cargo feature that would rebuild every dependency.)
fn method_as_written<S: serde::Serializer>(method: &Arc<dyn Method>, serializer: S) -> Result<S::Ok, S::Error> {
    method.as_ref().serialize(serializer)
}
