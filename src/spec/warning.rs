//! What is allowed but probably not meant.

use std::fmt;

use miette::{Diagnostic, LabeledSpan, Severity, SourceCode};
use serde::{Serialize, Serializer};

use super::Experiment;
use crate::yaml::{Key, Span};

/// Something to say before work starts, and in the report. Its text is `FILE:LINE:COLUMN: message`.
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
        /// Name of the calibration.
        calibration: String,
        /// Tokens of the samples used, at most.
        tokens: usize,
        /// Largest d_in of the targets.
        widest: usize,
        /// A linear of that width.
        linear: String,
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
    /// Questions are asked whose text a calibration saw.
    SameQuestions {
        /// Name of the calibration.
        calibration: String,
        /// Name of the questions.
        questions: String,
        /// `corpus/part`.
        text: String,
    },
}

impl fmt::Display for WarningKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnusedCalibration { calibration } => write!(f, "nothing uses calibration `{calibration}`"),
            Self::UnusedEvaluation { evaluation } => write!(f, "no arm is measured on evaluation `{evaluation}`"),
            Self::SmallCalibration { calibration, tokens, widest, linear } => write!(
                f,
                "calibration `{calibration}` has {tokens} tokens here, fewer than the {widest} inputs of {linear}: too \
                 small for its width, the covariance is singular before damping"
            ),
            Self::SameText { calibration, evaluation, text } => write!(
                f,
                "calibration `{calibration}` and evaluation `{evaluation}` both read {text}: the result flatters"
            ),
            Self::SameQuestions { calibration, questions, text } => write!(
                f,
                "calibration `{calibration}` and questions `{questions}` both read {text}: the result flatters"
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

/// Looks an experiment over. The keys are those of its calibrations, evaluations and questions, the spans those of its arms.
pub(super) fn find(
    experiment: &Experiment,
    calibrations: &[Key],
    evaluations: &[Key],
    questions: &[Key],
    arms: &[Span],
) -> Vec<Warning> {
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
    found.extend(small(experiment, arms));
    found.extend(same_text(experiment, calibrations));
    found.extend(same_questions(experiment, questions));
    found
}

/// One warning for each set of questions whose very text a calibration saw.
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

/// One warning for each number of samples of a calibration that is too small.
fn small(experiment: &Experiment, arms: &[Span]) -> Vec<Warning> {
    let linears = experiment.linears();
    let Some(widest) = linears.iter().reduce(|a, b| if b.d_in > a.d_in { b } else { a }) else { return Vec::new() };
    let mut found: Vec<Warning> = Vec::new();
    for (arm, span) in experiment.arms.iter().zip(arms) {
        let (Some(calibration), Some(samples)) = (experiment.calibration(arm), arm.samples) else { continue };
        let tokens = samples.saturating_mul(calibration.length);
        let kind = WarningKind::SmallCalibration {
            calibration: calibration.name.clone(),
            tokens,
            widest: widest.d_in,
            linear: widest.name.clone(),
        };
        if tokens < widest.d_in && !found.iter().any(|warning| warning.kind == kind) {
            found.push(Warning { kind, span: span.clone() });
        }
    }
    found
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
