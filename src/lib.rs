//! Reproducible experiments with CorDA, the context-oriented decomposition of language models.
//!
//! The modules from the bottom to the top; each uses only modules above it in this table (`src/tests.rs` says which, and checks it).
//!
//! | module | what it is for |
//! |---|---|
//! | `guard`, `pages` | damaged files on which libraries panic or exhaust memory |
//! | [`names`] | names as identifiers and as files |
//! | [`terminal`] | standard output and standard error |
//! | [`atomic`] | files and folders that appear whole or not at all |
//! | [`tensors`] | safetensors files, one array at a time |
//! | [`cache`] | intermediate results by content key |
//! | [`yaml`] | YAML as a tree that remembers file, line and column |
//! | [`progress`] | progress, messages and errors, for people or as JSON |
//! | [`assets`] | from an [`assets::Source`] to verified files |
//! | [`corpus`] | from files to text, samples, windows and questions |
//! | [`model`] | weights, tokenizers, and the forward pass of Llama models with an observer at every linear |
//! | [`calibrate`] | from samples to the statistics of every linear input |
//! | [`decompose`] | from W and its statistics to one factorisation per linear, which serves every r |
//! | [`adapt`] | from components to adapters; adapters in PEFT's files, and merged into models |
//! | [`evaluate`] | losses, perplexity and answers, with their uncertainty |
//! | [`train`] | from a start and examples to trained adapters or weights, step by step |
//! | [`spec`] | from an experiment file and the catalog to an [`spec::Experiment`], checked and resolved |
//! | [`plan`] | from an experiment to stages with content keys, cost and memory |
//! | [`results`] | rows of measurements in parquet, their provenance, and comparison |
//! | [`report`] | from rows to tables, figures and pages |
//! | [`run`] | `corda run`: the stages, and the files they lead to |
//! | [`snakemake`], [`status`] | `corda plan`: a Snakefile, or what is cached and what the rest costs |

// A closed or full stream makes those macros panic; `terminal` writes for all.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod adapt;
pub mod assets;
pub mod atomic;
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

#[cfg(test)]
mod tests;
