//! Warnings: what is allowed but probably not meant.

use std::fmt;

use miette::{Diagnostic, LabeledSpan, Severity, SourceCode};
use serde::{Serialize, Serializer};

use super::{Experiment, Variant};
use crate::yaml::{Key, Span};

/// A warning, shown before work starts and in the report. Its text is `FILE:LINE:COLUMN: message`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{span}: {kind}")]
pub struct Warning {
    /// What it is.
    pub kind: WarningKind,
    /// Where in the spec.
    pub span: Span,
}

/// The kinds of warnings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WarningKind {
    /// Nothing uses this calibration.
    UnusedCalibration {
        /// Its name.
        calibration: String,
    },
    /// No arm is measured on this evaluation.
    UnusedEvaluation {
        /// Its name.
        evaluation: String,
    },
    /// Fewer tokens than dimensions: the covariance of the widest input cannot have full rank.
    SmallCalibration {
        /// The statistics concerned.
        thin: Vec<Thin>,
        /// Largest d_in of the targets.
        widest: usize,
        /// A linear of that width.
        linear: String,
    },
    /// Samples that are shorter than requested because the text ends.
    ShortSamples {
        /// Name of the calibration.
        calibration: String,
        /// Number of samples.
        samples: usize,
        /// How many of them are shorter.
        short: usize,
        /// Tokens of the shortest and of the longest.
        tokens: (usize, usize),
        /// Tokens requested.
        length: usize,
    },
    /// Samples with more tokens in total than the text has: they overlap.
    OverlappingSamples {
        /// Name of the calibration.
        calibration: String,
        /// Number of samples.
        samples: usize,
        /// Their tokens.
        tokens: usize,
        /// Tokens of the text.
        text: usize,
    },
    /// An arm is calibrated and measured on the same text.
    SameText {
        /// Name of the calibration.
        calibration: String,
        /// Name of the evaluation.
        evaluation: String,
        /// `corpus/split`.
        text: String,
    },
    /// A model with a beginning-of-text token is measured on windows without it.
    WithoutBos {
        /// Name of the evaluation.
        evaluation: String,
        /// Whether losses of the model mean nothing without it.
        each: bool,
    },
    /// Something that holds for some variants of a sweep.
    OfVariants {
        /// The labels of the variants.
        labels: Vec<String>,
        /// What it is.
        kind: Box<WarningKind>,
    },
    /// A calibration reads the text of questions that are asked.
    SameQuestions {
        /// Name of the calibration.
        calibration: String,
        /// Name of the questions.
        questions: String,
        /// `corpus/part`.
        text: String,
    },
}

/// The most variants that a warning names.
const LISTED: usize = 4;

/// Statistics of fewer tokens than dimensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thin {
    /// Name of the calibration.
    pub calibration: String,
    /// Samples used.
    pub samples: usize,
    /// Their tokens.
    pub tokens: usize,
    /// Whether the samples were counted; if not, they have as many tokens at most.
    pub counted: bool,
    /// The arms that use the covariance of these samples.
    pub arms: Vec<String>,
}

impl fmt::Display for Thin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calibration, samples, tokens, counted, arms } = self;
        let most = if *counted { "" } else { "at most " };
        let arms = if let [arm] = arms.as_slice() { format!("arm {arm}") } else { format!("arms {}", arms.join(", ")) };
        let samples = if *samples == 1 { "1 sample".into() } else { format!("{samples} samples") };
        write!(f, "calibration `{calibration}` has {most}{tokens} tokens in {samples} ({arms})")
    }
}

impl fmt::Display for WarningKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfVariants { labels, kind } => {
                let more = labels.len().saturating_sub(LISTED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                write!(f, "{}{more}: {kind}", labels[..labels.len().min(LISTED)].join(", "))
            }
            Self::UnusedCalibration { calibration } => write!(f, "nothing uses calibration `{calibration}`"),
            Self::UnusedEvaluation { evaluation } => write!(f, "no arm is measured on evaluation `{evaluation}`"),
            Self::SmallCalibration { thin, widest, linear } => {
                let all: Vec<String> = thin.iter().map(Thin::to_string).collect();
                write!(
                    f,
                    "{}: fewer than the {widest} inputs of {linear}, so the covariance is singular before damping",
                    all.join("; ")
                )
            }
            Self::ShortSamples { calibration, samples, short, tokens: (shortest, longest), length } => {
                write!(f, "calibration `{calibration}`: ")?;
                match (samples, shortest == longest) {
                    (1, _) => write!(f, "1 sample of {shortest} tokens (asked: {length})")?,
                    (_, true) => write!(f, "{samples} samples of {shortest} tokens (asked: {length})")?,
                    _ => write!(f, "{samples} samples of {shortest} to {longest} tokens (asked: {length})")?,
                }
                let how_many = match short {
                    _ if short == samples => "they end".into(),
                    1 => "1 of them ends".into(),
                    _ => format!("{short} of them end"),
                };
                write!(f, "; {how_many} where the text ends: use a longer text or a shorter `length`")
            }
            Self::WithoutBos { evaluation, each: true } => write!(
                f,
                "evaluation `{evaluation}`: a model of this family is made for texts that begin with its beginning-of-text \
                 token, and its losses mean little on windows without it: use `bos: window`"
            ),
            Self::WithoutBos { evaluation, each: false } => write!(
                f,
                "evaluation `{evaluation}` leaves out the beginning-of-text token, which the model's tokenizer puts before \
                 every text"
            ),
            Self::OverlappingSamples { calibration, samples, tokens, text } => write!(
                f,
                "calibration `{calibration}`: {samples} samples with {tokens} tokens together, of a text that has {text}: \
                 samples overlap, and more of them add nothing new"
            ),
            Self::SameText { calibration, evaluation, text } => write!(
                f,
                "calibration `{calibration}` and evaluation `{evaluation}` both read {text}: results will look better \
                 than they are"
            ),
            Self::SameQuestions { calibration, questions, text } => write!(
                f,
                "calibration `{calibration}` and questions `{questions}` both read {text}: results will look better \
                 than they are"
            ),
        }
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Diagnostic for Warning {
    fn severity(&self) -> Option<Severity> {
        Some(Severity::Warning)
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.span.file().as_ref())
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, self.span.first_line()))))
    }
}

/// Where the parts of an experiment were written, in the order of the experiment.
pub(super) struct Keys<'a> {
    pub calibrations: &'a [Key],
    pub evaluations: &'a [Key],
    pub questions: &'a [Key],
    pub arms: &'a [Span],
}

/// All warnings about an experiment.
pub(super) fn find(experiment: &Experiment, keys: &Keys) -> Vec<Warning> {
    let Keys { calibrations, evaluations, questions, arms } = *keys;
    let mut found = Vec::new();
    for key in calibrations {
        let looked_at = experiment.adapters.iter().flat_map(|a| &a.energy);
        let drawn = experiment.heatmaps.iter().flat_map(|h| &h.calibrations);
        let by_arms = experiment.arms.iter().filter_map(|arm| arm.calibration.as_ref());
        if !by_arms.chain(looked_at).chain(drawn).any(|name| *name == key.name) {
            let kind = WarningKind::UnusedCalibration { calibration: key.name.clone() };
            found.push(Warning { kind, span: key.span.clone() });
        }
    }
    for key in evaluations {
        // Trained models are measured on all.
        let used = experiment.arms.iter().any(|arm| arm.evaluations.contains(&key.name));
        if !used && experiment.train.is_none() {
            let kind = WarningKind::UnusedEvaluation { evaluation: key.name.clone() };
            found.push(Warning { kind, span: key.span.clone() });
        }
    }
    found.extend(thin(experiment, arms, &|_, _| None));
    found.extend(same_text(experiment, calibrations));
    found.extend(same_questions(experiment, questions));
    found
}

/// One warning for each set of questions whose text a calibration reads.
fn same_questions(experiment: &Experiment, keys: &[Key]) -> Vec<Warning> {
    let mut found = Vec::new();
    for (questions, key) in experiment.questions.iter().zip(keys) {
        for calibration in &experiment.calibrations {
            if calibration.corpus.id() == questions.corpus.id() {
                let kind = WarningKind::SameQuestions {
                    calibration: calibration.name.clone(),
                    questions: questions.name.clone(),
                    text: format!("{}/{}", questions.corpus.name, questions.corpus.split),
                };
                found.push(Warning { kind, span: key.span.clone() });
            }
        }
    }
    found
}

/// One warning for all arms whose covariance has fewer tokens than the widest target has inputs. `counted` says how many
/// tokens the first samples of a calibration (by its index) have, where that is known.
pub fn thin(
    experiment: &Experiment,
    arms: &[Span],
    counted: &dyn Fn(usize, usize) -> Option<usize>,
) -> Option<Warning> {
    let linears = experiment.linears();
    let widest = linears.iter().reduce(|a, b| if b.d_in > a.d_in { b } else { a })?;
    let (mut all, mut first): (Vec<Thin>, Option<Span>) = (Vec::new(), None);
    for (arm, span) in experiment.arms.iter().zip(arms).filter(|(arm, _)| arm.method.uses_covariance()) {
        let name = arm.calibration.as_ref();
        let index = experiment.calibrations.iter().position(|calibration| Some(&calibration.name) == name);
        let (Some(index), Some(samples)) = (index, arm.samples) else { continue };
        let calibration = &experiment.calibrations[index];
        let known = counted(index, samples);
        let tokens = known.unwrap_or(samples.saturating_mul(calibration.length));
        if tokens >= widest.d_in {
            continue;
        }
        first.get_or_insert_with(|| span.clone());
        match all.iter_mut().find(|thin| (&thin.calibration, thin.samples) == (&calibration.name, samples)) {
            Some(thin) => thin.arms.push(arm.id.clone()),
            None => all.push(Thin {
                calibration: calibration.name.clone(),
                samples,
                tokens,
                counted: known.is_some(),
                arms: vec![arm.id.clone()],
            }),
        }
    }
    let kind = WarningKind::SmallCalibration { thin: all, widest: widest.d_in, linear: widest.name.clone() };
    Some(Warning { kind, span: first? })
}

/// The warnings of all variants of a sweep, each once: what is unused in some variants only is not unused, and all calibrations
/// that are too small for a model make one warning. What holds for some variants only names them.
pub fn merge_warnings<'a>(variants: &[Variant], warnings: impl Iterator<Item = &'a [Warning]>) -> Vec<Warning> {
    let mut all: Vec<(Warning, Vec<&Variant>)> = Vec::new();
    for (variant, warnings) in variants.iter().zip(warnings) {
        for warning in warnings {
            let is_small = |kind: &WarningKind| matches!(kind, WarningKind::SmallCalibration { .. });
            let of_model = |of: &[&Variant]| of.iter().all(|one| one.experiment.model == variant.experiment.model);
            let same = |(other, of): &&mut (Warning, Vec<&Variant>)| {
                other == warning || is_small(&other.kind) && is_small(&warning.kind) && of_model(of)
            };
            match all.iter_mut().find(same) {
                Some((other, of)) => {
                    of.push(variant);
                    other.kind.add(&warning.kind);
                }
                None => all.push((warning.clone(), vec![variant])),
            }
        }
    }
    let unused = |kind: &WarningKind| {
        matches!(kind, WarningKind::UnusedCalibration { .. } | WarningKind::UnusedEvaluation { .. })
    };
    // Variants with other targets have other widths: which of them are concerned is no news.
    let several_models = variants.iter().any(|variant| variant.experiment.model != variants[0].experiment.model);
    let stays = |(warning, of): (Warning, Vec<&Variant>)| match of.len() == variants.len() {
        true => Some(warning),
        false if unused(&warning.kind) => None,
        false if matches!(warning.kind, WarningKind::SmallCalibration { .. }) && !several_models => Some(warning),
        false => {
            let labels = of.iter().map(|variant| variant.label.clone()).collect();
            Some(Warning { kind: WarningKind::OfVariants { labels, kind: Box::new(warning.kind) }, ..warning })
        }
    };
    all.into_iter().filter_map(stays).collect()
}

impl WarningKind {
    /// Adds the calibrations of another warning that some are too small.
    fn add(&mut self, other: &Self) {
        let (
            Self::SmallCalibration { thin, widest, linear },
            Self::SmallCalibration { thin: more, widest: wider, linear: other },
        ) = (self, other)
        else {
            return;
        };
        if *wider > *widest {
            (*widest, *linear) = (*wider, other.clone());
        }
        for one in more {
            let same = |known: &&mut Thin| {
                (&known.calibration, known.samples, known.tokens) == (&one.calibration, one.samples, one.tokens)
            };
            match thin.iter_mut().find(same) {
                Some(known) => known
                    .arms
                    .extend(one.arms.iter().filter(|arm| !known.arms.contains(arm)).cloned().collect::<Vec<_>>()),
                None => thin.push(one.clone()),
            }
        }
    }
}

/// One warning for each calibration and evaluation that an arm uses together and that read the same text.
fn same_text(experiment: &Experiment, keys: &[Key]) -> Vec<Warning> {
    let mut found = Vec::new();
    for (calibration, key) in experiment.calibrations.iter().zip(keys) {
        for evaluation in &experiment.evaluations {
            let together = experiment.arms.iter().any(|arm| {
                arm.calibration.as_ref() == Some(&calibration.name) && arm.evaluations.contains(&evaluation.name)
            });
            let (a, b) = (&calibration.corpus, &evaluation.corpus);
            if together && a.source == b.source && a.split == b.split {
                let text = format!("{}/{}", a.name, a.split);
                let (calibration, evaluation) = (calibration.name.clone(), evaluation.name.clone());
                let kind = WarningKind::SameText { calibration, evaluation, text };
                found.push(Warning { kind, span: key.span.clone() });
            }
        }
    }
    found
}
