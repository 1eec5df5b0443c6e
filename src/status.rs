//! What `corda plan` shows: each value of each stage, whether the cache has it, and what the rest costs.

use std::fmt::Write;
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use comfy_table::{CellAlignment, Table};
use indicatif::HumanDuration;
use rayon::prelude::*;

use crate::model::kernel::{View, product};
use crate::plan::memory::{self, Layout};
use crate::plan::{Kind, Plan, Statistics};
use crate::run::sweep::shared_passes;
use crate::run::texts::{self, Known, Patience};
use crate::run::work::{Account, Cost, Value};
use crate::run::{self, Context, RunError, outcome, sources};
use crate::spec::{Experiment, Loaded};

/// The share of the product yardstick that forward passes reach, from the stages of `results/table6/provenance.json`:
/// calibration 0.72, evaluation 0.99, weighted by their operations.
const FORWARD_SHARE: f64 = 0.92;
/// The same for factorisations in f64, against the f32 yardstick.
const FACTORISATION_SHARE: f64 = 0.35;

/// A line of the plan.
struct Line {
    value: Value,
    /// The most bytes of memory that its stage takes.
    memory: u64,
    /// Whether a stage computes it; if not, it is made when results are written.
    is_of_a_stage: bool,
}

impl Line {
    fn is_open(&self) -> bool {
        self.is_of_a_stage && (self.value.all == 0 || self.value.done < self.value.all)
    }
}

/// What an experiment, or all variants of a sweep, take.
#[derive(Default)]
struct Lines {
    lines: Vec<Line>,
    /// The largest memory of any stage, and its name.
    peak: Option<(u64, String)>,
    /// Bytes on disk while a calibration is under way.
    passing: u64,
}

impl Lines {
    /// Adds the stages of an experiment that satisfy `wanted`. `of` says of which variant; what is there already stays out.
    fn add(&mut self, of: Option<&str>, account: &Account, wanted: &dyn Fn(&Kind) -> bool) -> Result<(), RunError> {
        let mut lines = Vec::new();
        for stage in account.plan.stages.iter().filter(|stage| wanted(&stage.kind)) {
            let (memory, values) = (stage.memory(account), stage.values(account)?);
            // A calibration that nothing uses is not passed.
            if !values.is_empty() {
                self.peak = self.peak.take().max(Some((memory, named(of, &stage.id))));
            }
            lines.extend(values.into_iter().map(|value| Line { value, memory, is_of_a_stage: true }));
        }
        self.passing = self.passing.max(passing(account.experiment, account.plan));
        self.extend(of, lines);
        Ok(())
    }

    /// Adds what is made when the results of an experiment are written.
    fn add_drawn(&mut self, of: Option<&str>, account: &Account, current: bool) -> Result<(), RunError> {
        let key = outcome::results_key(account.plan, account.experiment)?;
        let line = |(name, all, unit): (&str, usize, &'static str)| {
            let (name, done, cost) = (name.to_owned(), if current { all } else { 0 }, Cost::default());
            let value = Value { name, key: key.clone(), done, all, unit, cost, disk: 0 };
            Line { value, memory: 0, is_of_a_stage: false }
        };
        self.extend(of, outcome::drawn(account.plan, account.experiment).into_iter().map(line).collect());
        Ok(())
    }

    fn extend(&mut self, of: Option<&str>, lines: Vec<Line>) {
        // Variants share what has the same key.
        let shared = |line: &Line| of.is_some() && self.lines.iter().any(|other| other.value.key == line.value.key);
        let new: Vec<Line> = lines.into_iter().filter(|line| !shared(line)).collect();
        self.lines.extend(new.into_iter().map(|line| {
            let value = Value { name: named(of, &line.value.name), ..line.value };
            Line { value, ..line }
        }));
    }
}

fn named(of: Option<&str>, name: &str) -> String {
    of.map_or(name.to_owned(), |of| format!("{of}: {name}"))
}

/// The plan of an experiment as text; of a sweep, of all its variants, each stage that they share once.
///
/// # Errors
/// Texts that are too short, where that is known; files of the cache that cannot be read.
pub fn describe(loaded: &Loaded, context: &Context) -> Result<String, RunError> {
    let experiment = &loaded.experiment;
    let (known, warnings) = texts::look_all(loaded, context, Patience::Check)?;
    let current = run::is_current(loaded, context)?;
    let Lines { lines, peak, passing } = lines(loaded, context, &known, current)?;
    let mut out = format!("{}: {}\n{}\n", experiment.name, experiment.title, table(&lines).trim_fmt());
    let mut say = |line: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{line}");
    };
    let resident = Layout::new(&experiment.model.shape, context.room).resident;
    let held = if resident { "weights stay in memory" } else { "blocks are read from disk as needed" };
    if let Some((peak, at)) = peak {
        let room = context.room.bytes;
        say(format!("memory: at most {} of {}, at `{at}`; {held}", bytes(peak), bytes(room)));
        if peak > room {
            say("this exceeds the available memory: use fewer or shorter samples, smaller ranks to train, or fewer \
                 threads (--threads)"
                .into());
        }
    }
    let disk = lines.iter().map(|line| line.value.disk).sum();
    say(format!("disk: {} in the cache at the end, {} more during calibration", bytes(disk), bytes(passing)));
    remaining(&lines, experiment, &known, current).into_iter().for_each(&mut say);
    if !warnings.is_empty() {
        let (count, path) = (warnings.len(), experiment.path.display());
        say(format!("{count} warning{}: `corda check {path}` shows them", if count == 1 { "" } else { "s" }));
    }
    Ok(out)
}

fn table(lines: &[Line]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["stage", "key", "cached", "f32 FLOP", "f64 FLOP", "memory", "disk"]);
    for Line { value, memory, .. } in lines {
        let Value { name, key, done, all, unit, cost, disk } = value;
        let cached = if *all == 0 { format!("? {unit}") } else { format!("{done}/{all} {unit}") };
        let flop = [cost.single, cost.double].map(|flop| format!("{flop:.2e}"));
        let [single, double] = flop;
        table.add_row([name.clone(), key.clone(), cached, single, double, bytes(*memory), bytes(*disk)]);
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if i > 1 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn lines(loaded: &Loaded, context: &Context, known: &[Known], current: bool) -> Result<Lines, RunError> {
    let mut all = Lines::default();
    let experiments = loaded.experiments();
    let plans = experiments.iter().map(|e| sources::plan(e, &context.store)).collect::<Result<Vec<_>, _>>()?;
    if loaded.sweep.is_some() {
        let unknown = Known::default();
        for (experiment, plan) in shared_passes(experiments.iter().copied().zip(&plans)) {
            let account = Account::new(experiment, &plan, context, &unknown);
            all.add(Some("all variants"), &account, &|kind| matches!(kind, Kind::Calibrate(_)))?;
        }
    }
    for ((experiment, plan), known) in experiments.iter().zip(&plans).zip(known) {
        let account = Account::new(experiment, plan, context, known);
        let of = experiment.variant.as_deref();
        all.add(of, &account, &|_| true)?;
        all.add_drawn(of, &account, current)?;
    }
    Ok(all)
}

/// What is left to compute, and how long it takes.
fn remaining(lines: &[Line], experiment: &Experiment, known: &[Known], current: bool) -> Vec<String> {
    if current {
        return vec!["everything is cached, and the results are up to date".into()];
    }
    if !lines.iter().any(Line::is_open) {
        let why =
            "everything is cached, but some results are missing, damaged or of another spec: `corda run` writes them";
        return vec![why.into()];
    }
    let Cost { single, double } = lines.iter().map(|line| line.value.cost).sum();
    let rate = yardstick();
    let seconds = (single / FORWARD_SHARE + double / FACTORISATION_SHARE) / rate;
    let mut said = vec![format!(
        "to do: {single:.2e} operations in f32 and {double:.2e} in f64, about {} at {:.0} GFLOP/s on {} threads",
        HumanDuration(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)),
        rate / 1e9,
        rayon::current_num_threads()
    )];
    if experiment.train.is_some() && known.iter().any(|known| known.examples.is_none()) {
        said.push(
            "training is counted as if every example had the largest length; examples of whole parts are not counted"
                .into(),
        );
    }
    let asked = |known: &Known| (0..experiment.questions.len()).all(|i| known.questions(experiment, i).count.is_some());
    if !known.iter().all(asked) {
        said.push("not counted: questions of whole parts, whose number is known once they are fetched".into());
    }
    if lines.iter().any(|line| line.value.all == 0) {
        said.push("not counted: evaluations of whole texts, whose length is known once they are tokenised".into());
    }
    said
}

/// A number of bytes, short.
fn bytes(count: u64) -> String {
    ByteSize::b(count).display().iec().to_string()
}

/// Bytes on disk of the largest calibration's hidden states, which are kept while it is under way.
fn passing(experiment: &Experiment, plan: &Plan) -> u64 {
    let one = |(calibration, statistics): (usize, &Statistics)| {
        let length = experiment.calibrations[calibration].length;
        memory::pass_on_disk(&experiment.model.shape, statistics.snapshot.samples, length)
    };
    let all = plan.calibrations().flat_map(|pass| pass.statistics.iter().map(|one| (pass.calibration, one)));
    all.map(one).max().unwrap_or(0)
}

/// The rate of f32 products on all threads, in operations a second: a self-calibration of about a fifth of a second.
fn yardstick() -> f64 {
    const N: usize = 512;
    let a = vec![1.0f32; N * N];
    let threads = rayon::current_num_threads();
    let once = || {
        (0..threads).into_par_iter().with_max_len(1).for_each(|_| {
            let mut out = vec![0.0; N * N];
            product(&mut out, N, 0.0, View::new(&a, N, N, N), View::new(&a, N, N, N), 1.0);
        });
    };
    once();
    let start = Instant::now();
    let mut rounds = 0;
    while start.elapsed().as_millis() < 200 {
        once();
        rounds += 1;
    }
    (rounds * threads) as f64 * 2.0 * (N as f64).powi(3) / start.elapsed().as_secs_f64()
}
