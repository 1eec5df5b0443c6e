//! Reproducible experiments with CorDA, the context-oriented decomposition of language models.
//!
//! The modules in the order data flows through them:
//!
//! | module | from | to |
//! |---|---|---|
//! | [`yaml`] | YAML text | a tree that remembers file, line and column |
//! | [`spec`] | that tree and the catalog | an [`spec::Experiment`], checked and resolved |
//! | [`assets`] | a [`assets::Source`] | verified files in the cache |
//! | [`corpus`] | files | plain text, samples and windows |
//! | [`model`] | files | weights, tokenizer, a Llama forward pass with observers |
//! | [`decompose`] | W and its statistics | one factorisation a linear, serving every r |
//! | [`adapt`] | the components at one end | adapters and models in the files other programs load |
//! | [`train`] | a start and examples | trained adapters or weights, step by step |
//! | [`results`] | measurements | rows, parquet, provenance |
//! | [`report`] | rows | table, figures, page |

pub mod adapt;
pub mod assets;
pub mod cache;
pub mod calibrate;
pub mod corpus;
pub mod decompose;
pub mod evaluate;
mod guard;
pub mod model;
pub mod names;
mod pages;
pub mod plan;
pub mod progress;
pub mod report;
pub mod results;
pub mod run;
pub mod snakemake;
pub mod spec;
pub mod status;
pub mod tensors;
pub mod terminal;
pub mod train;
pub mod yaml;
