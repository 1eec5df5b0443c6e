//! Reproducible experiments with CorDA, the context-oriented decomposition of language models.
//!
//! The `corda` program is a thin layer over this library. Its entry points work without a model or network: load an experiment
//! file, plan it, read results.
//!
//! ```
//! use std::path::Path;
//!
//! use corda::plan::{Identities, Plan};
//! use corda::results::{Row, read_rows};
//! use corda::spec::{self, Catalog};
//!
//! // An experiment file, checked and resolved. The last argument reads the shape of a model that the catalog does not have.
//! let catalog = Catalog::load(Path::new("experiments/catalog.yaml"))?;
//! let shape = |path: &Path| corda::model::read_shape(path).map_err(|error| error.to_string());
//! let loaded = spec::load(Path::new("experiments/table6.yaml"), &["evaluate.wiki.windows=4".into()], &catalog, &shape)?;
//!
//! // Its stages with their content keys; nothing is fetched or computed.
//! let plan = Plan::new(&loaded.experiment, &Identities::default());
//! assert!(plan.stages.iter().any(|stage| stage.id == "calibrate wiki"));
//!
//! // Results that were computed before.
//! let rows: Vec<Row> = read_rows(Path::new("results/table6/results.parquet"))?;
//! let best = rows.iter().filter(|row| row.discarded == 16).min_by(|a, b| a.nll.total_cmp(&b.nll));
//! assert_eq!(best.map(|row| row.method.as_str()), Some("corda"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The modules in the order in which data flows through them:
//!
//! | module | from | to |
//! |---|---|---|
//! | [`yaml`] | YAML text | a tree that knows file, line and column |
//! | [`spec`] | that tree and the catalog | an [`spec::Experiment`], checked and resolved |
//! | [`plan`] | an experiment and the identities of its assets | stages with content keys, their cost and memory |
//! | [`assets`] | an [`assets::Source`] | verified files in the cache |
//! | [`corpus`] | files | plain text, samples and windows |
//! | [`model`] | files | weights, tokenizer, a forward pass with observers at the linears' inputs |
//! | [`calibrate`] | samples passing through a model | statistics of every linear's input |
//! | [`decompose`] | W and its statistics | one factorisation per linear, serving every r |
//! | [`evaluate`] | a model and windows or questions | losses, answers, and their uncertainty |
//! | [`adapt`] | the components at one end | adapters and models in the files that other programs load |
//! | [`train`] | a start and examples | trained adapters or weights, step by step |
//! | [`results`] | measurements | rows, parquet, provenance |
//! | [`report`] | rows | tables, figures, pages |
//!
//! Around them:
//!
//! | module | what it does |
//! |---|---|
//! | [`run`] | runs the stages of a plan that are missing, then reports; the commands of the program |
//! | [`status`] | shows a plan: what is cached, and what the rest costs |
//! | [`snakemake`] | writes a plan as a Snakefile |
//! | [`cache`] | keeps intermediate results by content key |
//! | [`atomic`] | writes files and folders that appear whole or not at all |
//! | [`tensors`] | reads and writes safetensors files one array at a time |
//! | [`progress`] | reports progress, messages and errors to a person or a program |
//! | [`terminal`] | writes to standard output and standard error, which may be closed or full |
//! | [`names`] | makes names into identifiers and folder names without collisions |
//!
//! Which module may use which is a table in `src/tests.rs`, from the bottom to the top; a test holds the source against it.

pub mod adapt;
pub mod assets;
pub mod atomic;
pub mod cache;
pub mod calibrate;
pub mod corpus;
pub mod decompose;
#[cfg(test)]
mod docs;
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
