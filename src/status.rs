//! What `corda plan` shows: each stage, whether the cache has it, and what the rest costs.

use std::fmt::Write;
use std::time::Instant;

use rayon::prelude::*;

use crate::model::kernel::{View, product};
use crate::model::shape::Linear;
use crate::plan::memory::{self, Layout};
use crate::plan::{CalibrateStage, DecomposeStage, EvaluateStage, Plan, cost};
use crate::run::sweep::shared_passes;
use crate::run::{Context, RunError, identities, steps, trained};
use crate::spec::{Experiment, Loaded};

/// A line of the account.
struct Line {
    name: String,
    key: String,
    done: usize,
    all: usize,
    unit: &'static str,
    /// Operations still to do, in f32 products and in f64 factorisations.
    flop: (f64, f64),
    /// Bytes that it leaves in the cache.
    disk: u64,
    /// The step that computes it.
    step: String,
}

/// Share of the product yardstick that each phase reaches, from the stages of `results/table6/provenance.json`:
/// calibration 0.72, evaluation 0.99, weighed by their operations.
const FORWARD_SHARE: f64 = 0.92;
/// The same for factorisations in f64, against the f32 yardstick.
const FACTORISATION_SHARE: f64 = 0.35;

/// Tokens of a question, for the estimate: what the shipped ones have about.
const QUESTION: usize = 32;

/// What a plan takes.
#[derive(Default)]
struct Account {
    lines: Vec<Line>,
    /// Most bytes of memory that each step takes.
    memory: Vec<(String, u64)>,
    /// Bytes on disk while a calibration is under way.
    passing: u64,
}

impl Account {
    /// Adds lines of an experiment and the steps they name; `of` says of which variant, and what is there already stays out.
    fn add(&mut self, of: Option<&str>, lines: Vec<Line>, experiment: &Experiment, plan: &Plan, context: &Context) {
        let named = |name: &str| of.iter().copied().chain([name]).collect::<Vec<_>>().join(": ");
        let layout = Layout::new(&experiment.model.shape, context.room);
        // Of a pass that variants share, the plan is right about the pass only.
        let pass = lines.iter().all(|line| line.step.starts_with("calibrate "));
        for step in steps::steps(experiment, plan) {
            if !pass || lines.iter().any(|line| line.step == step.name) {
                self.memory.push((named(&step.name), step.memory(experiment, plan, &layout)));
            }
        }
        let known = |line: &Line| of.is_some() && self.lines.iter().any(|other| other.key == line.key);
        let new: Vec<Line> = lines.into_iter().filter(|line| !known(line)).collect();
        self.lines.extend(new.into_iter().map(|line| Line {
            name: named(&line.name),
            step: named(&line.step),
            ..line
        }));
        self.passing = self.passing.max(passing(experiment, plan));
    }

    fn memory(&self, step: &str) -> u64 {
        self.memory.iter().find(|(name, _)| name == step).map_or(0, |(_, bytes)| *bytes)
    }
}

/// The plan of an experiment as text; of a sweep, of all its variants, each stage that they share once.
pub fn describe(loaded: &Loaded, context: &Context) -> Result<String, RunError> {
    let experiment = &loaded.experiment;
    let account = account(loaded, context)?;
    let lines = &account.lines;
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
    for Line { name, key, done, all, unit, flop, disk, step } in lines {
        let cached = if *all == 0 { format!("? {unit}") } else { format!("{done}/{all} {unit}") };
        let (memory, disk) = (bytes(account.memory(step)), bytes(*disk));
        say(format!("{name:44} {key:26} {cached:>16} {:>10.2e} {:>10.2e} {memory:>10} {disk:>10}", flop.0, flop.1));
    }
    let (peak, at) = account.memory.iter().map(|(name, bytes)| (*bytes, name)).max().unzip();
    let held = if layout.resident { "weights stay in memory" } else { "blocks are read from disk as needed" };
    if let (Some(peak), Some(at)) = (peak, at) {
        let room = context.room.bytes;
        say(format!("memory: at most {} of {}, at `{at}`; {held}", bytes(peak), bytes(room)));
        if peak > room {
            say("more memory than there is: use fewer or shorter samples, smaller ranks to train, or fewer threads (--threads)".into());
        }
    }
    let (disk, passing) = (lines.iter().map(|line| line.disk).sum(), account.passing);
    say(format!("disk: {} in the cache when all is done, {} more during calibration", bytes(disk), bytes(passing)));
    let (single, double) = lines.iter().fold((0.0, 0.0), |sum, l| (sum.0 + l.flop.0, sum.1 + l.flop.1));
    if single + double == 0.0 && lines.iter().all(|line| line.all > 0) {
        say("everything is cached".into());
    } else {
        let rate = yardstick();
        let seconds = (single / FORWARD_SHARE + double / FACTORISATION_SHARE) / rate;
        say(format!(
            "to do: {single:.2e} operations in f32 and {double:.2e} in f64, about {} at {:.0} GFLOP/s on {} threads",
            duration(seconds),
            rate / 1e9,
            rayon::current_num_threads()
        ));
        if experiment.train.is_some() {
            say("training is counted as if every example were as long as may be; examples of whole parts are not counted".into());
        }
        if lines.iter().any(|line| line.all == 0) {
            say("not counted: evaluations of whole texts, whose length is known once they are tokenised".into());
        }
    }
    Ok(out)
}

fn account(loaded: &Loaded, context: &Context) -> Result<Account, RunError> {
    let plan =
        |experiment: &Experiment| Ok::<_, RunError>(Plan::new(experiment, &identities(experiment, &context.store)?));
    let mut all = Account::default();
    let Some(sweep) = &loaded.sweep else {
        let (experiment, plan) = (&loaded.experiment, plan(&loaded.experiment)?);
        all.add(None, lines(experiment, &plan, context)?, experiment, &plan, context);
        return Ok(all);
    };
    let experiments = loaded.experiments();
    let plans = experiments.iter().map(|experiment| plan(experiment)).collect::<Result<Vec<_>, _>>()?;
    for (experiment, plan) in shared_passes(experiments.iter().copied().zip(&plans)) {
        all.add(Some("all variants"), calibrate_lines(experiment, &plan, context), experiment, &plan, context);
    }
    for (variant, plan) in sweep.variants.iter().zip(&plans) {
        let experiment = &variant.experiment;
        all.add(Some(variant.name.as_str()), lines(experiment, plan, context)?, experiment, plan, context);
    }
    Ok(all)
}

fn lines(experiment: &Experiment, plan: &Plan, context: &Context) -> Result<Vec<Line>, RunError> {
    let mut lines = calibrate_lines(experiment, plan, context);
    for stage in &plan.decompose {
        lines.push(decompose_line(experiment, plan, context, stage));
    }
    for stage in &plan.evaluate {
        lines.push(evaluate_line(experiment, context, stage)?);
    }
    lines.extend(training_lines(experiment, plan, context));
    Ok(lines)
}

/// Lines of fine-tuning: a learner's runs, and what they are measured by.
fn training_lines(experiment: &Experiment, plan: &Plan, context: &Context) -> Vec<Line> {
    let Some(train) = &experiment.train else { return Vec::new() };
    let shape = &experiment.model.shape;
    let exists = |kind: &str, key: &str, part: &str| usize::from(context.cache.part(kind, key, part).exists());
    let asked = |keys: &[String]| keys.iter().map(|key| exists("answers", key, "answers")).sum::<usize>();
    let text = |stage: &&crate::plan::TrainStage| stage.seed == 0;
    let ask_flop = |models: usize| {
        let one = |q: &crate::spec::Questions| {
            let (most, tokens) = (q.examples.unwrap_or(0) as f64, (QUESTION + q.tokens) as f64);
            most * (2.0 * tokens * cost::forward_blocks(shape, QUESTION) + tokens * cost::head(shape))
        };
        models as f64 * experiment.questions.iter().map(one).sum::<f64>()
    };
    let mut lines = Vec::new();
    let (done, all) = (asked(&plan.answers), plan.answers.len());
    if all > 0 {
        lines.push(Line {
            name: "ask undamaged".into(),
            key: plan.answers[0].clone(),
            done,
            all,
            unit: "sets",
            flop: (if done < all { ask_flop(1) } else { 0.0 }, 0.0),
            disk: 0,
            step: "ask undamaged".into(),
        });
    }
    for (index, learner) in train.learners.iter().enumerate() {
        let stages: Vec<_> = plan.train.iter().filter(|stage| stage.learner == index).collect();
        // Every rate with the first seed; then the rate that was chosen with the others.
        let all = learner.rates.len() + train.seeds.len() - 1;
        let tried = stages.iter().copied().filter(text).map(|s| exists("validation", &s.validation, "loss"));
        let further = stages.iter().filter(|s| s.seed > 0).map(|s| exists("trained", &s.key, "weights"));
        let done = (tried.sum::<usize>() + further.sum::<usize>()).min(all);
        let parameters = trained::parameters(experiment, learner.start);
        let adapters = learner.start.point().map(|_| parameters);
        let tokens = (train.examples.unwrap_or(0) * train.epochs * train.length) as f64;
        let step = format!("train {}", learner.id);
        lines.push(Line {
            name: step.clone(),
            key: stages.first().map_or(String::new(), |stage| stage.key.clone()),
            done,
            all,
            unit: "runs",
            flop: ((all - done) as f64 * tokens * cost::training(shape, train.length, adapters), 0.0),
            disk: 4 * parameters * train.seeds.len() as u64,
            step,
        });
        let measures = experiment.evaluations.len() + experiment.questions.len();
        let measured = stages.iter().map(|stage| asked(&stage.answers)).sum::<usize>();
        let windows = experiment.evaluations.iter().map(|e| e.windows.unwrap_or(0) * e.length).sum::<usize>() as f64;
        let text = windows * (cost::forward_blocks(shape, train.length) + cost::head(shape));
        let models = train.seeds.len();
        let left = models - measured.checked_div(experiment.questions.len()).unwrap_or(0).min(models);
        lines.push(Line {
            name: format!("measure {}", learner.id),
            key: stages.first().and_then(|stage| stage.answers.first()).cloned().unwrap_or_default(),
            done: (models - left) * measures,
            all: models * measures,
            unit: "measures",
            flop: (left as f64 * text + ask_flop(left), 0.0),
            disk: 0,
            step: format!("measure {}", learner.id),
        });
    }
    lines
}

fn calibrate_lines(experiment: &Experiment, plan: &Plan, context: &Context) -> Vec<Line> {
    let mut lines = Vec::new();
    let shape = &experiment.model.shape;
    for stage in &plan.calibrate {
        let calibration = &experiment.calibrations[stage.calibration];
        let missing = |part: &&crate::plan::Part| !context.cache.part("statistics", &stage.key, &part.name()).exists();
        let missing = plan.parts.iter().filter(missing).count();
        let share = missing as f64 / plan.parts.len() as f64;
        let tokens = (stage.snapshot.samples * calibration.length) as f64;
        let a_token = cost::forward_blocks(shape, calibration.length) + cost::covariances(shape);
        lines.push(Line {
            name: format!("calibrate {} ({} samples)", calibration.name, stage.snapshot.samples),
            key: stage.key.clone(),
            done: plan.parts.len() - missing,
            all: plan.parts.len(),
            unit: "parts",
            // A shorter prefix comes out of the longest pass at no further cost.
            flop: (if is_longest(plan, stage) { share * tokens * a_token } else { 0.0 }, 0.0),
            disk: plan.parts.iter().map(|part| memory::statistics_on_disk(shape, part.inputs())).sum(),
            step: format!("calibrate {}", calibration.name),
        });
    }
    lines
}

fn is_longest(plan: &Plan, stage: &crate::plan::CalibrateStage) -> bool {
    let same = plan.calibrate.iter().filter(|other| other.calibration == stage.calibration);
    same.map(|other| other.snapshot.samples).max() == Some(stage.snapshot.samples)
}

fn decompose_line(experiment: &Experiment, plan: &Plan, context: &Context, stage: &DecomposeStage) -> Line {
    let arm = &experiment.arms[stage.arm];
    let mut flop = 0.0;
    let mut done = 0;
    for part in &plan.parts {
        if context.cache.part("decomposition", &stage.key, &part.name()).exists() {
            done += 1;
        } else {
            flop += part.linears.iter().map(|(l, _)| cost::decomposition(l, stage.statistics.is_some())).sum::<f64>();
        }
    }
    let deepest = |linear: &Linear| experiment.discard.components(experiment.discard.len() - 1, linear);
    let linears = plan.parts.iter().flat_map(|part| &part.linears);
    let disk = linears.map(|(linear, _)| memory::decomposition_on_disk(linear, deepest(linear))).sum();
    let (name, key) = (format!("decompose {}", arm.id), stage.key.clone());
    Line { step: name.clone(), name, key, done, all: plan.parts.len(), unit: "parts", flop: (0.0, flop), disk }
}

fn evaluate_line(experiment: &Experiment, context: &Context, stage: &EvaluateStage) -> Result<Line, RunError> {
    let evaluation = &experiment.evaluations[stage.evaluation];
    let shape = &experiment.model.shape;
    let measured = context.cache.journal(&stage.key).read()?.len();
    let all = evaluation.windows.unwrap_or(0);
    let done = if all > 0 { measured.min(all) } else { measured };
    let of = stage.point.map_or("undamaged", |(arm, _)| &experiment.arms[arm].id);
    let (name, mut flop) = match stage.point {
        None => (format!("evaluate undamaged on {}", evaluation.name), 0.0),
        Some((arm, point)) => {
            let dropped = |linear: &Linear| experiment.discard.components(point, linear);
            let linears = experiment.linears();
            let truncation = linears.iter().map(|l| cost::truncation(l, dropped(l))).sum();
            let most = linears.iter().map(dropped).max().unwrap_or(0);
            (format!("evaluate {} r={most} on {}", experiment.arms[arm].id, evaluation.name), truncation)
        }
    };
    let tokens = ((all - done.min(all)) * evaluation.length) as f64;
    flop = if tokens > 0.0 { flop } else { 0.0 };
    flop += tokens * (cost::forward_blocks(shape, evaluation.length) + cost::head(shape));
    let (key, step) = (stage.key.clone(), format!("evaluate {of}"));
    // A line of the journal a window.
    Ok(Line { name, key, done, all, unit: "windows", flop: (flop, 0.0), disk: 45 * all as u64, step })
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
