//! The evaluation stage: losses of the windows that the cache lacks, of the undamaged model or of an arm's points.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::cache::{Arrays, Measured, ReadArrays};
use crate::corpus::windows;
use crate::evaluate::window_losses;
use crate::model::llama::Weights;
use crate::plan::{DecomposeStage, EvaluateStage};
use crate::progress::{Bar, Unit};
use crate::results::provenance::Outcome;

use super::weights::Truncated;
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
            for one in &todo {
                let tokens = run.tokens(one.stage.evaluation)?;
                run.measure(one, &tokens, None, &bar)?;
            }
        }
        Some(arm) => run.points(arm, &todo, &bar)?,
    }
    Ok(if cached > 0 { Outcome::Resumed } else { Outcome::Run })
}

impl Run<'_> {
    /// The points of an arm: one truncation serves every test set.
    fn points(&self, arm: &DecomposeStage, todo: &[Todo], bar: &Bar) -> Result<(), RunError> {
        let discard = &self.experiment.discard;
        for point in 0..discard.len() {
            let of_point: Vec<&Todo> =
                todo.iter().filter(|one| one.stage.point.map(|(_, p)| p) == Some(point)).collect();
            if of_point.is_empty() {
                continue;
            }
            let tokens = of_point.iter().map(|one| self.tokens(one.stage.evaluation)).collect::<Result<Vec<_>, _>>()?;
            let opened = self.model()?;
            let dropped = |rank: usize| discard.components(point, rank);
            let (cache, parts) = (&self.context.cache, &self.plan.parts);
            let truncated = Truncated::new(opened.weights.weights(), cache, &arm.key, parts, &dropped)?;
            let in_memory = if opened.weights.together() == 1 { Some(truncated.resident()?) } else { None };
            let weights: &dyn Weights = match &in_memory {
                Some(resident) => resident,
                None => &truncated,
            };
            for (one, tokens) in of_point.iter().zip(&tokens) {
                self.measure(one, tokens, Some(weights), bar)?;
            }
        }
        Ok(())
    }

    /// Measures windows and writes each to the journal as it is known.
    fn measure(&self, todo: &Todo, tokens: &[u32], weights: Option<&dyn Weights>, bar: &Bar) -> Result<(), RunError> {
        let opened = self.model()?;
        let weights = weights.unwrap_or_else(|| opened.weights.weights());
        let evaluation = &self.experiment.evaluations[todo.stage.evaluation];
        let all = windows(tokens, evaluation.length, evaluation.windows)?;
        let missing: Vec<(usize, &[u32])> = todo.missing.iter().map(|&i| (i, all[i])).collect();
        let journal = self.context.cache.journal(&todo.stage.key);
        let start = Instant::now();
        let last = AtomicU64::new(0);
        let done = |window: usize, nll: f64| {
            // Wall time since the window before, whoever computed it: the sum over windows is the stage's wall time.
            let now = start.elapsed().as_micros() as u64;
            let seconds = now.saturating_sub(last.swap(now, Ordering::Relaxed)) as f64 / 1e6;
            journal.append(window, Measured { nll, seconds })?;
            bar.advance(evaluation.length as u64);
            Ok::<_, RunError>(())
        };
        window_losses(weights, &missing, opened.weights.together(), &done)
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
