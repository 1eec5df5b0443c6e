//! The command line: its commands and options, as clap reads and documents them. What a command does is in `commands.rs`.

use std::path::PathBuf;

use bytesize::ByteSize;
use clap::{Args, Parser, Subcommand, ValueEnum};
use corda::run::Shard;

/// What the exit status says; the codes themselves belong to the errors ([`Failure`](crate::failure::Failure)).
const EXIT_STATUS: &str = "\
Exit status: 0 on success; 1 if something failed, or if `compare` found a difference; 2 if the command line, an experiment \
file, or one of the results to compare is not usable; 130 if interrupted.";

/// Reproducible experiments with CorDA, the context-oriented decomposition of language models.
#[derive(Parser)]
#[command(version, about, after_help = EXIT_STATUS)]
pub struct Cli {
    /// The folder with catalog.yaml and published/. The default is `experiments` here, or in the nearest folder above that
    /// has one.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub experiments: Option<PathBuf>,
    /// The folder below which results are written. The default is `results` beside the folder of experiments.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub results: Option<PathBuf>,
    /// The cache folder. The default is CORDA_CACHE, or else `.cache` beside the folder of experiments.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub cache: Option<PathBuf>,
    /// The number of threads. The default is one per core. No result depends on it.
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<usize>,
    /// The memory to plan with, e.g. 16GiB. The default is most of what is free. No result depends on it.
    #[arg(long, global = true, value_name = "SIZE", value_parser = size)]
    pub memory: Option<u64>,
    /// Shows errors only.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Writes progress, messages and errors to standard error as JSON, one object per line.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How a plan is written.
#[derive(Clone, Copy, ValueEnum)]
pub enum Format {
    /// A table for people.
    Text,
    /// A Snakefile, with which the workflow engine Snakemake runs the stages on many machines that share a file system.
    Snakemake,
}

// No doc comment: clap would show it in place of the command's own.
#[derive(Args)]
pub struct Specs {
    /// Experiment files, or their names in the folder of experiments. A results folder stands for the spec and the overrides
    /// that wrote it.
    #[arg(required = true, value_name = "SPEC")]
    pub specs: Vec<PathBuf>,
    /// Overrides a key of the spec, e.g. --set evaluate.wiki.windows=4. The provenance records the override.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Gives the experiment another name: its results go to results/NAME, beside those of the original.
    #[arg(long = "as", value_name = "NAME")]
    pub name: Option<String>,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Computes what is missing, then writes the report.
    Run {
        #[command(flatten)]
        specs: Specs,
        /// Computes only part I of N, e.g. 2/8, into a cache that all parts share. A run without this option then completes the experiment.
        #[arg(long, value_name = "I/N")]
        shard: Option<Shard>,
        /// Computes only this stage, e.g. "calibrate wiki", into the cache. The rules of `corda plan --format snakemake` use it.
        #[arg(long, value_name = "NAME", conflicts_with = "shard")]
        stage: Option<String>,
        /// Replaces results that were written from another spec, or from the same spec with other overrides.
        #[arg(long)]
        replace: bool,
    },
    /// Validates experiment files without running them.
    Check(Specs),
    /// Shows the stages, which of them are cached, and what the others cost: operations, memory, disk space and time.
    Plan {
        #[command(flatten)]
        specs: Specs,
        /// Whether to print a table, or a Snakefile with one rule per stage.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Downloads and verifies models and texts.
    Fetch(Specs),
    /// Rebuilds the tables and figures from saved results.
    Report(Specs),
    /// Writes the components that the arms discard as LoRA adapters, in PEFT's format.
    Adapt {
        #[command(flatten)]
        specs: Specs,
        /// The folder below which adapters are written, as <experiment>/<arm>-r<r>/{base,adapter,converted}.
        #[arg(long, default_value = "adapters", value_name = "FOLDER")]
        out: PathBuf,
        /// Writes only this adapter, e.g. corda-ptb-32-r16. The option may be repeated.
        #[arg(long, value_name = "ARM-rR")]
        only: Vec<String>,
    },
    /// Converts a trained adapter into one for the original base model (rank 2r), as PEFT does.
    Convert {
        /// The folder of the trained adapter.
        trained: PathBuf,
        /// The folder of the adapter that it was trained from.
        #[arg(long, value_name = "FOLDER")]
        start: PathBuf,
        /// The base model, a folder or a .gguf file.
        #[arg(long, value_name = "MODEL")]
        base: PathBuf,
        /// The folder to write the converted adapter to.
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
    },
    /// Merges an adapter into a model and measures both on the test sets of the spec.
    Merge {
        #[command(flatten)]
        specs: Specs,
        /// The folder of the adapter.
        #[arg(long, value_name = "FOLDER")]
        adapter: PathBuf,
        /// The model to merge it into, a path or a name from the catalog. The default is the base that the adapter names.
        #[arg(long, value_name = "MODEL")]
        base: Option<PathBuf>,
        /// Writes the merged model to this folder, in Hugging Face format.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
    /// Writes the logits of the first tokens of a text as safetensors, for comparison with other programs.
    #[command(hide = true)]
    Logits {
        #[arg(long)]
        model: PathBuf,
        #[arg(long)]
        adapter: Option<PathBuf>,
        #[arg(long)]
        text: PathBuf,
        #[arg(long, default_value_t = 512)]
        tokens: usize,
        #[arg(long)]
        out: PathBuf,
    },
    /// Compares two results row by row. The exit status is 1 if they disagree.
    Compare {
        /// A results folder or a parquet file.
        first: PathBuf,
        /// The folder or file to compare it with.
        second: PathBuf,
        /// The relative difference up to which two perplexities agree.
        #[arg(long, default_value_t = 0.005)]
        tolerance: f64,
        /// Compares all tables, figures and pages to the bit, except for times and other facts about the runs.
        #[arg(long, conflicts_with = "tolerance")]
        exact: bool,
    },
    /// Writes a page that lists all results, results/index.html.
    Index,
    /// Prints the tables of finished experiments.
    Results {
        /// The names of the experiments. The default is all of them.
        names: Vec<String>,
    },
    /// Writes a commented experiment file to start from.
    New {
        /// The name of the experiment. The file is NAME.yaml in the folder of experiments.
        name: String,
    },
    /// Lists the methods, models, corpora and experiments.
    List,
    /// Prints the JSON schema of experiment files, for editors.
    Schema,
    /// Prints the manual page, or writes one page per command.
    Man {
        /// Writes corda.1, corda-run.1 and so on to this folder.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
    /// Prints a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Bytes from a number and a unit; without a unit, bytes.
fn size(text: &str) -> Result<u64, String> {
    let size: Result<ByteSize, _> = text.trim().parse();
    size.map(|size| size.as_u64())
        .map_err(|_| format!("{text:?} is not a size; use a number with a unit, e.g. 16GiB or 20GB"))
}

#[cfg(test)]
mod tests;
