//! Fine-tuning: what a model is trained on.

pub mod tokenised;
