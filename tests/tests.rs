//! The integration tests, in one binary: each binary links polars, candle and faer anew, which takes longer than to compile it.
//!
//! The seeds of the fuzz targets (`seeds.rs`) stay a binary of their own: they run under an allocator that limits the memory
//! of the whole process, and the real model of other tests would count against it.
#![allow(clippy::panic, clippy::unwrap_used)]

mod adapters;
mod authoring;
mod cli;
mod families;
mod foreign;
mod generate;
mod gguf;
mod golden;
mod hub;
mod inputs;
mod llama;
mod results;
mod schema;
mod spectra;
mod streams;
mod sweep;
mod tiny;
mod train;
mod vocabularies;
