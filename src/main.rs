//! The command line: parse, load, do.

mod console;
mod man;
mod project;
mod specs;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use corda::assets::Store;
use corda::cache::Cache;
use corda::plan::memory::Room;
use corda::progress::Progress;
use corda::results::machine;
use corda::run::{self, Context, Done, RunError, Share};
use corda::spec::{self, Loaded};
use corda::{out, outln, snakemake, status};
use specs::{Specs, each, each_of, load};

/// Reproducible experiments with CorDA, the context-oriented decomposition of language models.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    /// Folder with catalog.yaml and published/; by default `experiments` here, or in the nearest folder above that has it.
    #[arg(long, global = true, value_name = "FOLDER")]
    experiments: Option<PathBuf>,
    /// Folder that results are written below; by default `results` beside the folder of experiments.
    #[arg(long, global = true, value_name = "FOLDER")]
    results: Option<PathBuf>,
    /// Cache folder; by default CORDA_CACHE, else `.cache` beside the folder of experiments.
    #[arg(long, global = true, value_name = "FOLDER")]
    cache: Option<PathBuf>,
    /// Threads; by default one a core. No result depends on it.
    #[arg(long, global = true, value_name = "N")]
    threads: Option<usize>,
    /// Memory to plan with, e.g. 16GiB; by default most of what is free. No result depends on it.
    #[arg(long, global = true, value_name = "SIZE", value_parser = size)]
    memory: Option<u64>,
    /// Only errors.
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Tells progress, messages and errors as JSON on standard error, one object a line.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

/// How a plan is written.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// A table.
    Text,
    /// For the workflow engine Snakemake, which runs stages on many machines that share a file system.
    Snakemake,
}

#[derive(Subcommand)]
enum Command {
    /// Runs what is missing, then reports.
    Run {
        #[command(flatten)]
        specs: Specs,
        /// Computes only part of it, e.g. 2/8, into a cache shared with the others; a run without this then finishes.
        #[arg(long, value_name = "I/N")]
        shard: Option<run::Shard>,
        /// Computes only this stage, e.g. "calibrate wiki", into the cache; `corda plan --format snakemake` uses it.
        #[arg(long, value_name = "NAME", conflicts_with = "shard")]
        stage: Option<String>,
        /// Replaces results that another spec, or the same with other overrides, has written.
        #[arg(long)]
        replace: bool,
    },
    /// Validates only.
    Check(Specs),
    /// Shows stages, what is cached, and what the rest costs: operations, memory, disk, time.
    Plan {
        #[command(flatten)]
        specs: Specs,
        /// For people, or a Snakefile with one rule a stage.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Downloads and verifies models and texts.
    Fetch(Specs),
    /// Rebuilds tables and figures from saved results.
    Report(Specs),
    /// Writes the components that arms take as LoRA adapters, in PEFT's files.
    Adapt {
        #[command(flatten)]
        specs: Specs,
        /// Folder that adapters are written below, as <experiment>/<arm>-r<r>/{base,adapter,converted}.
        #[arg(long, default_value = "adapters", value_name = "FOLDER")]
        out: PathBuf,
        /// Only this one, e.g. corda-ptb-32-r16; may be given several times.
        #[arg(long, value_name = "ARM-rR")]
        only: Vec<String>,
    },
    /// Turns a trained adapter into one for the untouched base model (rank 2r), as PEFT's conversion does.
    Convert {
        /// The trained adapter's folder.
        trained: PathBuf,
        /// The adapter it was trained from.
        #[arg(long, value_name = "FOLDER")]
        start: PathBuf,
        /// The base model, a folder or .gguf file.
        #[arg(long, value_name = "MODEL")]
        base: PathBuf,
        /// Where the converted adapter goes.
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
    },
    /// Merges an adapter into a model and measures both on the spec's test sets.
    Merge {
        #[command(flatten)]
        specs: Specs,
        /// The adapter's folder.
        #[arg(long, value_name = "FOLDER")]
        adapter: PathBuf,
        /// The model it is merged into, a path or a name of the catalog; without it the base that the adapter names.
        #[arg(long, value_name = "MODEL")]
        base: Option<PathBuf>,
        /// Writes the merged model here, in Hugging Face format.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
    /// Writes the logits of a text's first tokens as safetensors, for comparison with other programs.
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
    /// Compares two results, row by row; exit status 1 if they disagree.
    Compare {
        /// Results folder or parquet file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// Relative difference of perplexities that still counts as agreement.
        #[arg(long, default_value_t = 0.005)]
        tolerance: f64,
        /// Compares every bit of every table, figure and page too, except for times and other facts of the runs.
        #[arg(long, conflicts_with = "tolerance")]
        exact: bool,
    },
    /// Writes one page over all results, results/index.html.
    Index,
    /// Prints the tables of finished experiments.
    Results {
        /// Names of experiments; all by default.
        names: Vec<String>,
    },
    /// Writes a commented experiment file to start from.
    New {
        /// The experiment's name: the file is NAME.yaml in the folder of experiments.
        name: String,
    },
    /// Lists methods, models, corpora and experiments.
    List,
    /// Prints the JSON schema of experiment files, for editors.
    Schema,
    /// Prints the manual page, or writes one a subcommand.
    Man {
        /// Writes corda.1, corda-run.1, ... into this folder.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
    /// Prints a completion script.
    Completions {
        /// For this shell.
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    // candle splits each sum over threads of its own, which spin while they wait: ours are busy with other windows and groups.
    // SAFETY: no other thread runs yet.
    unsafe { std::env::set_var("CANDLE_NUM_THREADS", "1") };
    let mut cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return console::ended(console::answer(&error), &Progress::hidden()),
    };
    let progress = match (cli.json, cli.quiet) {
        (true, quiet) => Progress::json(!quiet),
        (false, true) => Progress::hidden(),
        (false, false) => Progress::terminal(),
    };
    let entered = project::enter(&mut cli, &progress);
    let said = progress.clone();
    if let Err(e) = ctrlc::set_handler(move || console::interrupted(&said)) {
        progress.say(&format!("note: interrupts are not announced ({e})"));
    }
    let code = match entered.map_err(RunError::from).and_then(|()| execute(cli, &progress)) {
        Ok(code) => code,
        Err(RunError::Spec(errors)) => {
            errors.iter().for_each(|error| progress.fail_at(error));
            ExitCode::from(2)
        }
        Err(error) => {
            progress.fail(&error.to_string());
            ExitCode::FAILURE
        }
    };
    console::ended(code, &progress)
}

fn execute(cli: Cli, progress: &Progress) -> Result<ExitCode, RunError> {
    // Parallelism is over linears, windows and tiles: inside a factorisation it would only make results depend on threads.
    faer::set_global_parallelism(faer::Par::Seq);
    if let Some(threads) = cli.threads {
        let built = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        if let Err(e) = built {
            progress.say(&format!("note: --threads {threads} has no effect: {e}"));
        }
    }
    let cache = cli.cache.clone().unwrap_or_else(Store::default_root);
    let context = Context {
        cache: Cache::new(&cache),
        store: Store::open(&cache),
        results: cli.results.clone().unwrap_or_else(|| "results".into()),
        experiments: cli.experiments.clone().unwrap_or_else(|| "experiments".into()),
        progress: progress.clone(),
        command: std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(),
        room: Room { bytes: cli.memory.unwrap_or_else(free_memory), threads: rayon::current_num_threads() },
        replace: matches!(cli.command, Command::Run { replace: true, .. }),
    };
    match cli.command {
        Command::Run { specs, shard, stage, .. } => {
            let share = match (shard, &stage) {
                (Some(shard), _) => Share::Shard(shard),
                (None, Some(stage)) => Share::Step(stage),
                (None, None) => Share::All,
            };
            let all = load(&specs, &context)?;
            if share == Share::All {
                run::owner::check_all(&all, &context)?;
            }
            each_of(&all, |loaded| run_one(loaded, &context, share))
        }
        Command::Check(specs) => each(&specs, &context, |loaded| {
            run::check_model(loaded, &context)?;
            let (_, warnings) = run::texts::look_all(loaded, &context, run::texts::Patience::Check)?;
            run::warn(&context, &warnings);
            console::print_checked(loaded);
            Ok(())
        }),
        Command::Plan { specs, format } => each(&specs, &context, |loaded| {
            let text = match format {
                Format::Text => status::describe(loaded, &context)?,
                Format::Snakemake => {
                    run::owner::check(&loaded.experiment, &context)?;
                    snakemake::snakefile(run::sweep::single(loaded)?, &context)?
                }
            };
            out!("{text}");
            // A run would stop for this; the plan itself is right.
            if let Err(error) = run::owner::check(&loaded.experiment, &context) {
                progress.say(&format!("note: {error}"));
            }
            Ok(())
        }),
        Command::Fetch(specs) => each(&specs, &context, |loaded| {
            for asset in run::sweep::fetch(loaded, &context)? {
                let bytes: u64 = asset.files.iter().map(|file| file.bytes).sum();
                outln!("{}: {} ({:.1} MB, verified)", asset.name, asset.origin, bytes as f64 / 1e6);
            }
            Ok(())
        }),
        Command::Report(specs) => each(&specs, &context, |loaded| {
            for path in run::report(loaded, &context)? {
                outln!("{}", path.display());
            }
            Ok(())
        }),
        Command::Adapt { specs, out, only } => each(&specs, &context, |loaded| {
            for folder in run::adapt::adapt(run::sweep::single(loaded)?, &context, &out, &only)? {
                outln!("{}", folder.display());
            }
            Ok(())
        }),
        Command::Convert { trained, start, base, out } => {
            run::adapt::convert(&trained, &start, &base, &out)?;
            outln!("{}", out.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Merge { specs, adapter, base, out } => each(&specs, &context, |loaded| {
            let measured =
                run::adapt::merge(run::sweep::single(loaded)?, &context, &adapter, base.as_deref(), out.as_deref())?;
            console::print_merged(&measured);
            Ok(())
        }),
        Command::Logits { model, adapter, text, tokens, out } => {
            run::adapt::write_logits(&model, adapter.as_deref(), &text, tokens, &out)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Compare { first, second, exact: true, .. } => Ok(console::compare_exactly(&first, &second, progress)),
        Command::Compare { first, second, tolerance, .. } => {
            Ok(console::compare_two(&first, &second, tolerance, progress))
        }
        Command::Index => {
            outln!("{}", corda::report::index::write(&context.results)?.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Results { names } => Ok(console::print_results(&context.results, &names, progress)),
        Command::New { name } => Ok(console::start_new(&context.experiments, &name, progress)),
        Command::List => {
            console::list(&context)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Schema => {
            outln!("{}", spec::schema());
            Ok(ExitCode::SUCCESS)
        }
        Command::Man { out } => Ok(man::write(Cli::command(), out.as_deref())?),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "corda", &mut script);
            out!("{}", String::from_utf8_lossy(&script));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Bytes from a number and a unit.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let unit = match text[digits..].trim() {
        "" | "B" => 1.0,
        "MB" => 1e6,
        "GB" => 1e9,
        "MiB" => f64::from(1 << 20),
        "GiB" => f64::from(1 << 30),
        other => return Err(format!("{other:?} is not a unit; use MB, GB, MiB or GiB")),
    };
    let number: f64 = text[..digits].parse().map_err(|_| format!("{text:?} is not a size; use e.g. 16GiB"))?;
    Ok((number * unit) as u64)
}

/// Nine tenths of what can be had without swapping; where the system does not say, 8 GiB.
fn free_memory() -> u64 {
    machine::available_memory().map_or(8 << 30, |free| free / 10 * 9)
}

fn run_one(loaded: &Loaded, context: &Context, share: Share) -> Result<(), RunError> {
    let name = &loaded.experiment.name;
    let folder = context.results.join(name);
    match run::run(loaded, context, share)? {
        Done::Share => outln!("{name}: this part is done; run without --shard or --stage once all are"),
        Done::Nothing => outln!("{name}: nothing to do, {} is up to date", folder.display()),
        Done::Ran => {
            outln!("{name}: done");
            let what = |file: &&str| match file.rsplit_once('.') {
                Some((_, "html")) => Some("page"),
                Some((_, "md")) => Some("table"),
                Some((_, "svg")) => Some("figure"),
                Some((_, "csv")) => Some("results"),
                Some((_, "json")) => Some("provenance"),
                _ => None,
            };
            for file in run::sweep::all_files(loaded) {
                if let Some(what) = what(&file) {
                    outln!("  {what:10} {}", folder.join(file).display());
                }
            }
        }
    }
    Ok(())
}
