//! Where a file makes a demand on the length of a text, so that an error about a text that is too short can name the place.

use super::raw;
use crate::yaml::{Node, Span, Spanned};

/// The places of an experiment, each list in the order of the experiment's own.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// Of calibrations.
    pub calibrations: Vec<TextPlace>,
    /// Of evaluations.
    pub evaluations: Vec<TextPlace>,
    /// Of the examples to learn.
    pub train: Option<TextPlace>,
    /// Of the examples that learning rates are chosen on.
    pub validation: Option<TextPlace>,
    /// Of questions.
    pub questions: Vec<TextPlace>,
    /// Of arms: where the number of samples was written, or the arm.
    pub arms: Vec<Span>,
}

/// The demands on one text.
#[derive(Debug, Clone)]
pub struct TextPlace {
    /// The text.
    pub corpus: Span,
    /// How many samples, windows or examples; the text's place if the file does not say.
    pub count: Span,
    /// Tokens of each; the text's place if the file does not say.
    pub length: Span,
}

impl TextPlace {
    pub(super) fn calibration(raw: &raw::Calibration) -> Self {
        let [count, length] = [&raw.samples, &raw.length].map(|number| number.span.clone());
        Self { corpus: raw.corpus.span.clone(), count, length }
    }

    pub(super) fn evaluation(raw: &raw::Evaluation) -> Self {
        let (count, length) = (raw.windows.span.clone(), raw.length.span.clone());
        Self { corpus: raw.corpus.span.clone(), count, length }
    }

    /// Of records; the file may say neither how many nor how long they are.
    pub(super) fn records(corpus: &Node, count: Option<&Spanned<usize>>, length: Option<&Spanned<usize>>) -> Self {
        let or_corpus = |number: Option<&Spanned<usize>>| number.map_or(&corpus.span, |number| &number.span).clone();
        Self { corpus: corpus.span.clone(), count: or_corpus(count), length: or_corpus(length) }
    }
}
