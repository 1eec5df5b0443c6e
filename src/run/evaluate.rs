//! The evaluation stage: losses of the windows that the cache lacks, of the undamaged model or of an arm's points.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::cache::{Arrays, Journal, Measured, ReadArrays};
use crate::corpus::windows;
use crate::evaluate::window_losses;
use crate::model::llama::{Resident, Weights};
use crate::model::shape::Linear;
use crate::plan::{DecomposeStage, EvaluateStage};
use crate::progress::{Bar, Unit};
use crate::results::provenance::Outcome;
use crate::spec::Evaluation;

use super::weights::{Taken, Truncated};
use super::{Run, RunError};

/// Windows still to be measured for one stage of the plan.
struct Todo<'a> {
    stage: &'a EvaluateStage,
    missing: Vec<usize>,
}

/// Measures what is missing: of the undamaged model (`None`), or of one arm.
pub(super) fn run(run: &Run, arm: Option<&DecomposeStage>) -> Result<Outcome, RunError> {
    let plan = run.plan;
    let mut todo = Vec::new();
    let (mut cached, mut total) = (0, 0u64);
    for stage in plan.evaluate.iter().filter(|stage| stage.point.map(|(a, _)| a) == arm.map(|a| a.arm)) {
        let count = run.windows(stage.evaluation)?;
        let measured = run.context.cache.journal(&stage.key).read()?;
        let missing: Vec<usize> = (0..count).filter(|window| !measured.contains_key(window)).collect();
        cached += count - missing.len();
        total += (missing.len() * run.experiment.evaluations[stage.evaluation].length) as u64;
        if !missing.is_empty() {
            todo.push(Todo { stage, missing });
        }
    }
    if todo.is_empty() {
        return Ok(Outcome::Cached);
    }
    let name = arm.map_or("undamaged", |a| run.experiment.arms[a.arm].id.as_str());
    let bar = run.context.progress.bar(format!("evaluate {name}"), total, Unit::Count("tokens"));
    match arm {
        None => {
            let opened = run.model()?;
            let jobs = todo.iter().map(|one| run.job(one, opened.weights.weights())).collect::<Result<Vec<_>, _>>()?;
            measure(&jobs, opened.weights.together(), &bar)?;
        }
        Some(arm) => run.points(arm, &todo, &bar)?,
    }
    Ok(if cached > 0 { Outcome::Resumed } else { Outcome::Run })
}

impl Run<'_> {
    /// The components that an arm takes, as many as `count` says.
    pub(super) fn taken<'b>(
        &'b self,
        arm: &'b DecomposeStage,
        count: &'b (dyn Fn(&Linear) -> usize + Sync),
    ) -> Taken<'b> {
        let end = self.experiment.arms[arm.arm].end;
        Taken { cache: &self.context.cache, key: &arm.key, end, parts: &self.plan.parts, count }
    }

    /// The points of an arm: one truncation serves every test set, and several points are measured side by side, so that
    /// an odd number of windows leaves no thread idle.
    fn points(&self, arm: &DecomposeStage, todo: &[Todo], bar: &Bar) -> Result<(), RunError> {
        let opened = self.model()?;
        let (base, together) = (opened.weights.weights(), opened.weights.together());
        let wanted = |point: &usize| todo.iter().any(|one| one.stage.point.map(|(_, p)| p) == Some(*point));
        let points: Vec<usize> = (0..self.experiment.discard.len()).filter(wanted).collect();
        for points in points.chunks(opened.weights.models_at_once()) {
            let discard = &self.experiment.discard;
            let counts: Vec<_> = points.iter().map(|&p| move |linear: &Linear| discard.components(p, linear)).collect();
            let truncated = counts.iter().map(|count| Truncated::new(base, self.taken(arm, count)));
            let truncated = truncated.collect::<Result<Vec<_>, _>>()?;
            let resident = if together == 1 {
                truncated.iter().map(|weights| Resident::collect(weights)).collect::<Result<Vec<_>, _>>()?
            } else {
                Vec::new()
            };
            let mut jobs = Vec::new();
            for (i, &point) in points.iter().enumerate() {
                let weights: &dyn Weights = if together == 1 { &resident[i] } else { &truncated[i] };
                for one in todo.iter().filter(|one| one.stage.point.map(|(_, p)| p) == Some(point)) {
                    jobs.push(self.job(one, weights)?);
                }
            }
            measure(&jobs, together, bar)?;
        }
        Ok(())
    }

    /// What is missing of one stage, with the weights to measure it on.
    fn job<'b>(&'b self, todo: &'b Todo, weights: &'b dyn Weights) -> Result<Job<'b>, RunError> {
        let evaluation = &self.experiment.evaluations[todo.stage.evaluation];
        let journal = self.context.cache.journal(&todo.stage.key);
        Ok(Job { weights, evaluation, tokens: self.tokens(todo.stage.evaluation)?, missing: &todo.missing, journal })
    }

    /// The losses of an evaluation's windows on some weights, not kept anywhere.
    pub(super) fn losses(&self, evaluation: usize, weights: &dyn Weights, name: &str) -> Result<Vec<f64>, RunError> {
        let spec = &self.experiment.evaluations[evaluation];
        let tokens = self.tokens(evaluation)?;
        let all = windows(&tokens, spec.length, spec.windows)?;
        let numbered: Vec<(usize, &[u32])> = all.into_iter().enumerate().collect();
        let total = (numbered.len() * spec.length) as u64;
        let bar = self.context.progress.bar(format!("evaluate {name} on {}", spec.name), total, Unit::Count("tokens"));
        let losses = Mutex::new(vec![f64::NAN; numbered.len()]);
        window_losses(weights, &numbered, self.model()?.weights.together(), &|window, nll, _| {
            losses.lock().unwrap_or_else(PoisonError::into_inner)[window] = nll;
            bar.advance(spec.length as u64);
            Ok::<_, RunError>(())
        })?;
        Ok(losses.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Number of windows of an evaluation. For `all`, the text is tokenised the first time.
    pub(super) fn windows(&self, evaluation: usize) -> Result<usize, RunError> {
        let spec = &self.experiment.evaluations[evaluation];
        match spec.windows {
            Some(count) => Ok(count),
            None => Ok(self.tokens(evaluation)?.len() / spec.length),
        }
    }

    /// The token stream of an evaluation's text, from the cache after the first time.
    fn tokens(&self, evaluation: usize) -> Result<Vec<u32>, RunError> {
        let spec = &self.experiment.evaluations[evaluation];
        let path = self.context.cache.part("tokens", &self.plan.tokens[evaluation], "tokens");
        if path.exists() {
            return Ok(ReadArrays::open(&path)?.u32("tokens")?);
        }
        let text = self.text(&spec.corpus)?.joined();
        let tokens = self.model()?.tokenizer.encode(&text)?;
        let mut arrays = Arrays::default();
        arrays.push_u32("tokens".into(), &[tokens.len()], tokens.iter().copied());
        arrays.write(&path)?;
        Ok(tokens)
    }
}

/// Windows to measure on one model.
struct Job<'a> {
    weights: &'a dyn Weights,
    evaluation: &'a Evaluation,
    tokens: Vec<u32>,
    missing: &'a [usize],
    journal: Journal,
}

/// Measures all jobs side by side, each window written to its journal as it is known.
fn measure(jobs: &[Job], together: usize, bar: &Bar) -> Result<(), RunError> {
    jobs.par_iter().with_max_len(1).try_for_each(|job| {
        let length = job.evaluation.length;
        let all = windows(&job.tokens, length, job.evaluation.windows)?;
        let missing: Vec<(usize, &[u32])> = job.missing.iter().map(|&i| (i, all[i])).collect();
        window_losses(job.weights, &missing, together, &|window, nll, seconds| {
            job.journal.append(window, Measured { nll, seconds })?;
            bar.advance(length as u64);
            Ok::<_, RunError>(())
        })
    })
}
