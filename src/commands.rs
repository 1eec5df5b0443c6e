//! What each command does: the arguments become calls of the library, and their outcome lines on standard output.

mod compare;
mod finished;
mod list;
mod man;
mod new;

use std::process::ExitCode;

use clap::CommandFactory;
use corda::assets::Store;
use corda::cache::Cache;
use corda::evaluate::uncertainty::Estimate;
use corda::plan::memory::Room;
use corda::progress::Progress;
use corda::results::machine;
use corda::run::{self, Context, Done, RunError, Selection};
use corda::spec::{self, Loaded};
use corda::{out, outln, snakemake, status};

use crate::cli::{Cli, Command, Format, Specs};
use crate::failure::Failure;
use crate::specs::{each, each_of, load};

/// Executes the command.
///
/// # Errors
/// [`Failure`], whose exit status is then that of the program.
pub fn execute(cli: Cli, progress: &Progress) -> Result<ExitCode, Failure> {
    // Parallelism is over linears, windows and tiles: inside a factorisation it would only make results depend on threads.
    faer::set_global_parallelism(faer::Par::Seq);
    if let Some(threads) = cli.threads {
        let built = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        if let Err(e) = built {
            progress.say(&format!("note: --threads {threads} has no effect: {e}"));
        }
    }
    let context = context(&cli, progress);
    match cli.command {
        Command::Run { specs, shard, stage, .. } => {
            let selection = match (shard, &stage) {
                (Some(shard), _) => Selection::Shard(shard),
                (None, Some(stage)) => Selection::Stage(stage),
                (None, None) => Selection::All,
            };
            run_all(&specs, &context, selection)?;
        }
        Command::Check(specs) => each(&specs, &context, |loaded| check(loaded, &context))?,
        Command::Plan { specs, format } => each(&specs, &context, |loaded| plan(loaded, &context, format))?,
        Command::Fetch(specs) => each(&specs, &context, |loaded| fetch(loaded, &context))?,
        Command::Report(specs) => each(&specs, &context, |loaded| {
            run::report(loaded, &context)?.iter().for_each(|path| outln!("{}", path.display()));
            Ok(())
        })?,
        Command::Adapt { specs, out, only } => each(&specs, &context, |loaded| {
            let folders = run::adapt::adapt(run::sweep::single(loaded)?, &context, &out, &only)?;
            folders.iter().for_each(|folder| outln!("{}", folder.display()));
            Ok(())
        })?,
        Command::Convert { trained, start, base, out } => {
            run::adapt::convert(&trained, &start, &base, &out)?;
            outln!("{}", out.display());
        }
        Command::Merge { specs, adapter, base, out } => each(&specs, &context, |loaded| {
            let experiment = run::sweep::single(loaded)?;
            let measured = run::adapt::merge(experiment, &context, &adapter, base.as_deref(), out.as_deref())?;
            print_merged(&measured);
            Ok(())
        })?,
        Command::Logits { model, adapter, text, tokens, out } => {
            run::adapt::write_logits(&model, adapter.as_deref(), &text, tokens, &out)?;
        }
        Command::Compare { first, second, exact: true, .. } => return compare::to_the_bit(&first, &second),
        Command::Compare { first, second, tolerance, .. } => return compare::by_row(&first, &second, tolerance),
        Command::Index => {
            let page = corda::report::index::write(&context.results).map_err(RunError::from)?;
            outln!("{}", page.display());
        }
        Command::Results { names } => finished::print(&context.results, &names)?,
        Command::New { name } => new::write(&context.experiments, &name)?,
        Command::List => list::print(&context.experiments)?,
        Command::Schema => outln!("{}", spec::schema()),
        Command::Man { out } => man::write(Cli::command(), out.as_deref()).map_err(RunError::from)?,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "corda", &mut script);
            out!("{}", String::from_utf8_lossy(&script));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn context(cli: &Cli, progress: &Progress) -> Context {
    let cache = cli.cache.clone().unwrap_or_else(Store::default_root);
    Context {
        cache: Cache::new(&cache),
        store: Store::open(&cache),
        results: cli.results.clone().unwrap_or_else(|| "results".into()),
        experiments: cli.experiments.clone().unwrap_or_else(|| "experiments".into()),
        progress: progress.clone(),
        command: std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(),
        room: Room { bytes: cli.memory.unwrap_or_else(free_memory), threads: rayon::current_num_threads() },
        replace: matches!(cli.command, Command::Run { replace: true, .. }),
    }
}

/// Nine tenths of what can be had without swapping; where the system does not say, 8 GiB.
fn free_memory() -> u64 {
    machine::available_memory().map_or(8 << 30, |free| free / 10 * 9)
}

fn run_all(specs: &Specs, context: &Context, selection: Selection) -> Result<(), RunError> {
    let all = load(specs, context)?;
    if selection == Selection::All {
        run::owner::check_all(&all, context)?;
    }
    each_of(&all, |loaded| run_one(loaded, context, selection))
}

fn run_one(loaded: &Loaded, context: &Context, selection: Selection) -> Result<(), RunError> {
    let name = &loaded.experiment.name;
    let folder = context.results.join(name);
    match run::run(loaded, context, selection)? {
        Done::Selected => outln!("{name}: this part is done; run without --shard or --stage once all parts are"),
        Done::Nothing => outln!("{name}: nothing to do, {} is up to date", folder.display()),
        Done::Ran => {
            outln!("{name}: done");
            for file in run::files(loaded) {
                let what = match file.rsplit_once('.') {
                    Some((_, "html")) => "page",
                    Some((_, "md")) => "table",
                    Some((_, "svg")) => "figure",
                    Some((_, "csv")) => "results",
                    Some((_, "json")) => "provenance",
                    _ => continue,
                };
                outln!("  {what:10} {}", folder.join(file).display());
            }
        }
    }
    Ok(())
}

fn check(loaded: &Loaded, context: &Context) -> Result<(), RunError> {
    run::check_model(loaded, context)?;
    let (_, warnings) = run::texts::look_all(loaded, context, run::texts::Patience::Check)?;
    context.warn(&warnings);
    let path = loaded.experiment.path.display();
    match &loaded.sweep {
        None => outln!("{path}: ok"),
        Some(sweep) => outln!("{path}: ok, {} variants of {}", sweep.variants.len(), sweep.keys.join(", ")),
    }
    Ok(())
}

fn plan(loaded: &Loaded, context: &Context, format: Format) -> Result<(), RunError> {
    let text = match format {
        Format::Text => status::describe(loaded, context)?,
        Format::Snakemake => {
            run::owner::check(&loaded.experiment, context)?;
            snakemake::snakefile(run::sweep::single(loaded)?, context)?
        }
    };
    out!("{text}");
    // A run would stop for this; the plan itself is right.
    if let Err(error) = run::owner::check(&loaded.experiment, context) {
        context.progress.say(&format!("note: {error}"));
    }
    Ok(())
}

fn fetch(loaded: &Loaded, context: &Context) -> Result<(), RunError> {
    for asset in run::fetch(loaded, context)? {
        let bytes: u64 = asset.files.iter().map(|file| file.bytes).sum();
        outln!("{}: {} ({:.1} MB, verified)", asset.name, asset.origin, bytes as f64 / 1e6);
    }
    Ok(())
}

/// How good the merged model is on each test set.
fn print_merged(measured: &[run::adapt::Measured]) {
    for one in measured {
        // A single window has no interval.
        let within = |low: f64, text: String| if low.is_nan() { String::new() } else { format!(" ({text})") };
        let perplexity = |e: &Estimate| {
            format!("{:.3}{}", e.mean.exp(), within(e.low, format!("{:.3} to {:.3}", e.low.exp(), e.high.exp())))
        };
        outln!("{}: {} predictions", one.evaluation, one.tokens);
        outln!("  base       {}", perplexity(&one.base));
        outln!("  merged     {}", perplexity(&one.merged));
        let delta = &one.delta;
        let ends = within(delta.low, format!("{:+.5} to {:+.5}", delta.low, delta.high));
        outln!("  difference {:+.5} nats per token{ends}", delta.mean);
    }
}
