//! What `corda plan` shows: each stage, whether the cache has it, and what the rest costs.

use std::fmt::Write;
use std::time::Instant;

use rayon::prelude::*;

use crate::model::kernel::{View, product};
use crate::plan::memory::{self, Layout};
use crate::plan::{CalibrateStage, Plan};
use crate::run::sweep::shared_passes;
use crate::run::texts::{self, Known, Patience};
use crate::run::{self, Context, RunError, identities, steps};
use crate::spec::{Experiment, Loaded};

mod lines;

use lines::{Account, Line};

/// Share of the product yardstick that each phase reaches, from the stages of `results/table6/provenance.json`:
/// calibration 0.72, evaluation 0.99, weighed by their operations.
const FORWARD_SHARE: f64 = 0.92;
/// The same for factorisations in f64, against the f32 yardstick.
const FACTORISATION_SHARE: f64 = 0.35;

/// What a plan takes.
#[derive(Default)]
struct Plans {
    lines: Vec<Line>,
    /// Most bytes of memory that each step takes.
    memory: Vec<(String, u64)>,
    /// Bytes on disk while a calibration is under way.
    passing: u64,
}

impl Plans {
    /// Adds lines of an experiment and the steps they name; `of` says of which variant, and what is there already stays out.
    fn add(&mut self, of: Option<&str>, lines: Vec<Line>, account: &Account) {
        let Account { experiment, plan, context, known, .. } = *account;
        let named = |name: &str| of.iter().copied().chain([name]).collect::<Vec<_>>().join(": ");
        let layout = Layout::new(&experiment.model.shape, context.room);
        let steps_of = |line: &Line| line.step.clone();
        // Of a pass that variants share, the plan is right about the pass only.
        let pass = lines.iter().filter_map(steps_of).all(|step| step.starts_with("calibrate "));
        for step in steps::steps(experiment, plan) {
            if !pass || lines.iter().any(|line| line.step.as_ref() == Some(&step.name)) {
                self.memory.push((named(&step.name), step.memory(experiment, plan, &layout, known)));
            }
        }
        let there = |line: &Line| of.is_some() && self.lines.iter().any(|other| other.key == line.key);
        let new: Vec<Line> = lines.into_iter().filter(|line| !there(line)).collect();
        self.lines.extend(new.into_iter().map(|line| Line {
            name: named(&line.name),
            step: line.step.as_deref().map(named),
            ..line
        }));
        self.passing = self.passing.max(passing(experiment, plan));
    }

    fn memory(&self, line: &Line) -> u64 {
        let of = self.memory.iter().find(|(name, _)| Some(name) == line.step.as_ref());
        of.map_or(0, |(_, bytes)| *bytes)
    }
}

/// The plan of an experiment as text; of a sweep, of all its variants, each stage that they share once.
///
/// # Errors
/// Texts that are too short, where that is known; what cannot be read of the cache.
pub fn describe(loaded: &Loaded, context: &Context) -> Result<String, RunError> {
    let experiment = &loaded.experiment;
    let (known, warnings) = texts::look_all(loaded, context, Patience::Check)?;
    let current = run::is_current(loaded, context)?;
    let plans = plans(loaded, context, &known, current)?;
    let lines = &plans.lines;
    let layout = Layout::new(&experiment.model.shape, context.room);
    let mut out = String::new();
    let mut say = |line: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{line}");
    };
    say(format!("{}: {}", experiment.name, experiment.title));
    let heads = ("stage", "key", "cached", "f32 FLOP", "f64 FLOP", "memory", "disk");
    say(format!(
        "{:44} {:26} {:>16} {:>10} {:>10} {:>10} {:>10}",
        heads.0, heads.1, heads.2, heads.3, heads.4, heads.5, heads.6
    ));
    for line in lines {
        let Line { name, key, done, all, unit, flop, disk, .. } = line;
        let cached = if *all == 0 { format!("? {unit}") } else { format!("{done}/{all} {unit}") };
        let (memory, disk) = (bytes(plans.memory(line)), bytes(*disk));
        say(format!("{name:44} {key:26} {cached:>16} {:>10.2e} {:>10.2e} {memory:>10} {disk:>10}", flop.0, flop.1));
    }
    let (peak, at) = plans.memory.iter().map(|(name, bytes)| (*bytes, name)).max().unzip();
    let held = if layout.resident { "weights stay in memory" } else { "blocks are read from disk as needed" };
    if let (Some(peak), Some(at)) = (peak, at) {
        let room = context.room.bytes;
        say(format!("memory: at most {} of {}, at `{at}`; {held}", bytes(peak), bytes(room)));
        if peak > room {
            say("this exceeds the available memory: use fewer or shorter samples, smaller ranks to train, or fewer threads (--threads)".into());
        }
    }
    let (disk, passing) = (lines.iter().map(|line| line.disk).sum(), plans.passing);
    say(format!("disk: {} in the cache when all is done, {} more during calibration", bytes(disk), bytes(passing)));
    remaining(lines, experiment, &known, current).into_iter().for_each(&mut say);
    if !warnings.is_empty() {
        let (count, path) = (warnings.len(), experiment.path.display());
        say(format!("{count} warning{}: `corda check {path}` shows them", if count == 1 { "" } else { "s" }));
    }
    Ok(out)
}

/// What is left to do, and how long it takes.
fn remaining(lines: &[Line], experiment: &Experiment, known: &[Known], current: bool) -> Vec<String> {
    let open = |line: &&Line| line.step.is_some() && (line.all == 0 || line.done < line.all);
    if current {
        return vec!["everything is cached, and the results are up to date".into()];
    }
    if lines.iter().filter(open).count() == 0 {
        return vec![
            "everything is cached; the results are not written yet, or are not of this spec: `corda run` writes them"
                .into(),
        ];
    }
    let mut said = Vec::new();
    let (single, double) = lines.iter().fold((0.0, 0.0), |sum, l| (sum.0 + l.flop.0, sum.1 + l.flop.1));
    let rate = yardstick();
    let seconds = (single / FORWARD_SHARE + double / FACTORISATION_SHARE) / rate;
    said.push(format!(
        "to do: {single:.2e} operations in f32 and {double:.2e} in f64, about {} at {:.0} GFLOP/s on {} threads",
        duration(seconds),
        rate / 1e9,
        rayon::current_num_threads()
    ));
    if experiment.train.is_some() && known.iter().any(|known| known.examples.is_none()) {
        said.push(
            "training is counted as if every example were as long as may be; examples of whole parts are not counted"
                .into(),
        );
    }
    let asked = |known: &Known| (0..experiment.questions.len()).all(|i| known.questions(experiment, i).count.is_some());
    if !known.iter().all(asked) {
        said.push("not counted: questions of whole parts, whose number is known once they are fetched".into());
    }
    if lines.iter().any(|line| line.all == 0) {
        said.push("not counted: evaluations of whole texts, whose length is known once they are tokenised".into());
    }
    said
}

fn plans(loaded: &Loaded, context: &Context, known: &[Known], current: bool) -> Result<Plans, RunError> {
    let plan =
        |experiment: &Experiment| Ok::<_, RunError>(Plan::new(experiment, &identities(experiment, &context.store)?));
    let mut all = Plans::default();
    let Some(sweep) = &loaded.sweep else {
        let (experiment, plan) = (&loaded.experiment, plan(&loaded.experiment)?);
        if let [known] = known {
            let account = Account { experiment, plan: &plan, context, known, current };
            all.add(None, account.lines()?, &account);
        }
        return Ok(all);
    };
    let experiments = loaded.experiments();
    let plans = experiments.iter().map(|experiment| plan(experiment)).collect::<Result<Vec<_>, _>>()?;
    let unknown = Known::default();
    for (experiment, plan) in shared_passes(experiments.iter().copied().zip(&plans)) {
        let account = Account { experiment, plan: &plan, context, known: &unknown, current };
        all.add(Some("all variants"), account.calibrations(), &account);
    }
    for ((variant, plan), known) in sweep.variants.iter().zip(&plans).zip(known) {
        let account = Account { experiment: &variant.experiment, plan, context, known, current };
        all.add(Some(variant.name.as_str()), account.lines()?, &account);
    }
    Ok(all)
}

/// Bytes on disk of the largest calibration's hidden states, which are kept while it is under way.
fn passing(experiment: &Experiment, plan: &Plan) -> u64 {
    let stages = plan.calibrate.iter();
    let one = |stage: &CalibrateStage| {
        let length = experiment.calibrations[stage.calibration].length;
        memory::pass_on_disk(&experiment.model.shape, stage.snapshot.samples, length)
    };
    stages.map(one).max().unwrap_or(0)
}

/// A number of bytes, short.
fn bytes(count: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.into_iter().find(|(_, shift)| count >> shift > 0) {
        Some((unit, shift)) => format!("{:.1} {unit}", count as f64 / f64::from(2u32).powi(shift)),
        None => format!("{count} B"),
    }
}

/// Rate of f32 products on all threads, in operations a second: a self-calibration of about a fifth of a second.
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

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} seconds"),
        s if s < 5400.0 => format!("{:.0} minutes", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} hours", s / 3600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}
