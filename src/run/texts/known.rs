//! What is known of an experiment's texts, and what stands for what is not known.

use crate::spec::{Experiment, Warning};

/// What is known of an experiment's texts; each list in the experiment's order, `None` where it is not known.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Tokens of each calibration's samples.
    pub samples: Vec<Option<Vec<u32>>>,
    /// Windows that each evaluation measures.
    pub windows: Vec<Option<usize>>,
    /// Tokens of each set's questions, without answers.
    pub prompts: Vec<Option<Vec<u32>>>,
    /// Tokens of the examples to learn, of those that are not too long.
    pub examples: Option<Vec<u32>>,
    /// The warnings of the file, and what the texts add to them.
    pub warnings: Vec<Warning>,
}

/// Tokens of a question of which nothing is known, for what asking takes: the shipped ones have fewer.
const QUESTION: usize = 128;

/// The questions of a set, as asking them is accounted for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asked {
    /// How many, if that is known.
    pub count: Option<usize>,
    /// Tokens of the longest.
    pub longest: usize,
    /// Tokens of one on average.
    pub mean: f64,
}

impl Known {
    /// The questions of the set `index` of an experiment.
    pub fn questions(&self, experiment: &Experiment, index: usize) -> Asked {
        match self.prompts.get(index).and_then(Option::as_deref) {
            Some(lengths) if !lengths.is_empty() => Asked {
                count: Some(lengths.len()),
                longest: lengths.iter().copied().max().map_or(QUESTION, |longest| longest as usize),
                mean: lengths.iter().map(|tokens| f64::from(*tokens)).sum::<f64>() / lengths.len() as f64,
            },
            _ => Asked { count: experiment.questions[index].examples, longest: QUESTION, mean: QUESTION as f64 },
        }
    }
}
