//! The evaluation stage: losses of the windows that the cache lacks, of the undamaged model or of an arm's points.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Mutex, PoisonError};

use crate::adapt::{Adapter, Split};
use crate::cache::{Arrays, Journal, Measured, ReadArrays};
use crate::corpus::windows;
use crate::evaluate::{Done, Window, resident_losses, streamed_losses};
use crate::model::llama::{Resident, Weights};
use crate::model::shape::Linear;
use crate::plan::{DecomposeStage, EvaluateStage};
use crate::progress::{Bar, Unit};
use crate::results::provenance::Outcome;

use super::weights::{LastBlock, Taken, Truncated};
use super::{Run, RunError};

/// Windows still to be measured for one stage of the plan.
pub(super) struct Todo<'a> {
    pub stage: &'a EvaluateStage,
    pub missing: Vec<usize>,
}

/// Measures what is missing: of the undamaged model (`None`), or of one arm.
pub(super) fn run(run: &Run, arm: Option<&DecomposeStage>) -> Result<Outcome, RunError> {
    let plan = run.plan;
    let mut todo = Vec::new();
    let (mut cached, mut total) = (0, 0u64);
    for stage in plan.evaluate.iter().filter(|stage| stage.point.map(|(a, _)| a) == arm.map(|a| a.arm)) {
        let missing = run.missing(stage)?;
        cached += run.windows(stage.evaluation)? - missing.len();
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
        None => run.measure(&[run.model()?.weights.weights()], &[None], &todo, &bar)?,
        Some(arm) => run.points(arm, &todo, &bar)?,
    }
    Ok(if cached > 0 { Outcome::Resumed } else { Outcome::Run })
}

impl Run<'_> {
    /// These components as adapters, a linear each.
    pub(super) fn adapters_of(&self, taken: &Taken, split: Split) -> Result<Vec<Adapter>, RunError> {
        let mut adapters = Vec::new();
        for part in &self.plan.parts {
            for (linear, decomposed) in taken.read(part)?.into_iter().filter(|(linear, _)| (taken.count)(linear) > 0) {
                adapters.push(Adapter::of_components(&decomposed, (taken.count)(&linear), split));
            }
        }
        Ok(adapters)
    }

    /// Windows of a stage that the cache lacks.
    pub(super) fn missing(&self, stage: &EvaluateStage) -> Result<Vec<usize>, RunError> {
        let measured = self.context.cache.journal(&stage.key).read()?;
        Ok((0..self.windows(stage.evaluation)?).filter(|window| !measured.contains_key(window)).collect())
    }

    /// The components that an arm takes, as many as `count` says.
    pub(super) fn taken<'b>(
        &'b self,
        arm: &'b DecomposeStage,
        count: &'b (dyn Fn(&Linear) -> usize + Sync),
    ) -> Taken<'b> {
        let end = self.experiment.arms[arm.arm].end;
        Taken { cache: &self.context.cache, key: &arm.key, end, parts: &self.plan.parts, count }
    }

    /// The points of an arm. One truncation serves every test set. In memory, several points are measured side by side, so
    /// that an odd number of windows leaves no thread idle; from disk, all points share each reading of a block.
    fn points(&self, arm: &DecomposeStage, todo: &[Todo], bar: &Bar) -> Result<(), RunError> {
        let (discard, base) = (&self.experiment.discard, self.model()?.weights.weights());
        let wanted = |point: &usize| todo.iter().any(|one| one.stage.point.map(|(_, p)| p) == Some(*point));
        let points: Vec<usize> = (0..discard.len()).filter(wanted).collect();
        let once = LastBlock::new(base);
        let at_once = if self.layout.resident { self.layout.models() } else { points.len() };
        for points in points.chunks(at_once.max(1)) {
            let counts: Vec<_> = points.iter().map(|&p| move |linear: &Linear| discard.components(p, linear)).collect();
            let base: &dyn Weights = if self.layout.resident { base } else { &once };
            let truncated = counts.iter().map(|count| Truncated::new(base, self.taken(arm, count)));
            let truncated = truncated.collect::<Result<Vec<_>, _>>()?;
            let numbers: Vec<Option<usize>> = points.iter().copied().map(Some).collect();
            if self.layout.resident {
                let resident = truncated.iter().map(|weights| Resident::collect(weights));
                let resident = resident.collect::<Result<Vec<_>, _>>()?;
                let models: Vec<&dyn Weights> = resident.iter().map(|weights| weights as &dyn Weights).collect();
                self.measure(&models, &numbers, todo, bar)?;
            } else {
                let models: Vec<&dyn Weights> = truncated.iter().map(|weights| weights as &dyn Weights).collect();
                self.measure(&models, &numbers, todo, bar)?;
            }
        }
        Ok(())
    }

    /// Measures what is missing of these models, each of the point beside it, and writes every window to its journal as it
    /// is known.
    pub(super) fn measure(
        &self,
        models: &[&dyn Weights],
        points: &[Option<usize>],
        todo: &[Todo],
        bar: &Bar,
    ) -> Result<(), RunError> {
        // Of the evaluations that have something to do, each read once.
        let mut tokens: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for one in todo {
            if let Entry::Vacant(entry) = tokens.entry(one.stage.evaluation) {
                entry.insert(self.tokens(one.stage.evaluation)?);
            }
        }
        let (mut all, mut places, mut longest) = (Vec::new(), Vec::new(), 1);
        for (model, point) in points.iter().enumerate() {
            for one in todo.iter().filter(|one| one.stage.point.map(|(_, p)| p) == *point) {
                let spec = &self.experiment.evaluations[one.stage.evaluation];
                let windows = windows(&tokens[&one.stage.evaluation], spec.length, spec.windows)?;
                let journal = self.context.cache.journal(&one.stage.key);
                longest = longest.max(spec.length);
                for &index in &one.missing {
                    all.push(Window { model, id: places.len(), tokens: windows[index] });
                    places.push((journal.clone(), index));
                }
            }
        }
        let done = |id: usize, nll, seconds| {
            let (journal, index): &(Journal, usize) = &places[id];
            journal.append(*index, Measured { nll, seconds })?;
            bar.advance(all[id].tokens.len() as u64);
            Ok::<_, RunError>(())
        };
        self.pass(models, &all, longest, &done)
    }

    /// Passes windows in the way that the layout says.
    fn pass(
        &self,
        models: &[&dyn Weights],
        windows: &[Window],
        longest: usize,
        done: Done<RunError>,
    ) -> Result<(), RunError> {
        if self.layout.resident {
            resident_losses(models, windows, done)
        } else {
            streamed_losses(models, windows, self.layout.windows(longest), done)
        }
    }

    /// The losses of an evaluation's windows on some weights, not kept anywhere.
    pub(super) fn losses(&self, evaluation: usize, weights: &dyn Weights, name: &str) -> Result<Vec<f64>, RunError> {
        let spec = &self.experiment.evaluations[evaluation];
        let tokens = self.tokens(evaluation)?;
        let windows = windows(&tokens, spec.length, spec.windows)?;
        let windows: Vec<Window> =
            windows.into_iter().enumerate().map(|(id, tokens)| Window { model: 0, id, tokens }).collect();
        let total = (windows.len() * spec.length) as u64;
        let bar = self.context.progress.bar(format!("evaluate {name} on {}", spec.name), total, Unit::Count("tokens"));
        let losses = Mutex::new(vec![f64::NAN; windows.len()]);
        self.pass(&[weights], &windows, spec.length, &|window, nll, _| {
            losses.lock().unwrap_or_else(PoisonError::into_inner)[window] = nll;
            bar.advance(spec.length as u64);
            Ok(())
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
        let opened = self.model()?;
        let tokens = opened.tokenizer.encode(&text)?;
        let (all, rows) = (tokens.len() / spec.length, self.experiment.model.shape.vocabulary);
        let used = spec.windows.unwrap_or(all).min(all) * spec.length;
        opened.tokenizer.check_ids(&format!("the text of the evaluation `{}`", spec.name), &tokens[..used], rows)?;
        {
            let mut arrays = Arrays::default();
            arrays.push_u32("tokens".into(), &[tokens.len()], tokens.iter().copied());
            arrays.write(&path)?;
        }
        Ok(tokens)
    }
}
