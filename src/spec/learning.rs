//! Fine-tuning as resolved: what is trained, on what, and which questions are asked before and after.

use serde::Serialize;

use super::Corpus;
use crate::corpus::Format;
use crate::corpus::records::Score;

/// Fine-tuning: every learner at the learning rate chosen for it, from every seed.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Train {
    /// The examples to learn; a part of a corpus of records.
    pub corpus: Corpus,
    /// How many of them, from the start of the part; `None` for all.
    pub examples: Option<usize>,
    /// What learning rates are chosen on; another part.
    pub validation: Corpus,
    /// How many of its examples; `None` for all.
    pub validation_examples: Option<usize>,
    /// Longest example, in tokens; longer ones are left out and counted.
    pub length: usize,
    /// Passes over the examples.
    pub epochs: usize,
    /// Examples per optimiser step.
    pub batch: usize,
    /// Share of the steps over which the learning rate rises.
    pub warmup: f64,
    /// AdamW's weight decay.
    pub weight_decay: f64,
    /// Largest norm of a gradient.
    pub clip: Option<f64>,
    /// Seeds of order and of random adapters, distinct, in the order of the file. Learning rates are chosen with the first.
    pub seeds: Vec<u64>,
    /// The learners: those of `beside` first, then each arm at each point of `discard`.
    pub learners: Vec<Learner>,
}

/// Something that is trained: adapters, or all weights.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Learner {
    /// Unique short name, e.g. `lora-r32`, `corda-nq-64-r32`, `full`.
    pub id: String,
    /// Its label in tables and legends.
    pub label: String,
    /// What it starts from.
    pub start: Start,
    /// Peak learning rates to choose from, ascending, distinct.
    pub rates: Vec<f64>,
}

/// What a learner starts from. Points are those of `discard`: the rank of each linear's adapter.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// The model itself; every weight is trained.
    Full,
    /// Adapters with random A and B = 0.
    Lora {
        /// Index of the point.
        point: usize,
    },
    /// The same, with a trained magnitude per row.
    Dora {
        /// Index of the point.
        point: usize,
    },
    /// Adapters made of the components that an arm takes, on the model without them.
    Components {
        /// Index of the arm.
        arm: usize,
        /// Index of the point.
        point: usize,
    },
}

impl Questions {
    /// How answers are compared, as the corpus says.
    pub fn score(&self) -> Score {
        match &self.corpus.format {
            Format::Records(records) => records.score,
            _ => Score::Text,
        }
    }
}

impl Start {
    /// The point of `discard` that gives the adapters' ranks; `None` without adapters.
    pub fn point(self) -> Option<usize> {
        match self {
            Self::Full => None,
            Self::Lora { point } | Self::Dora { point } | Self::Components { point, .. } => Some(point),
        }
    }
}

/// A set of questions asked before and after fine-tuning.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Questions {
    /// Its key in the spec.
    pub name: String,
    /// The questions; a part of a corpus of records.
    pub corpus: Corpus,
    /// How many, from the start of the part; `None` for all.
    pub examples: Option<usize>,
    /// Longest answer to generate, in tokens.
    pub tokens: usize,
    /// Whether they are about the task or about knowledge.
    pub asks: Asks,
}

/// What a set of questions is about.
#[derive(Debug, Clone, Copy, Serialize, serde::Deserialize, PartialEq, Eq, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Asks {
    /// The task that is learned.
    Task,
    /// Knowledge that should be kept.
    Knowledge,
}
