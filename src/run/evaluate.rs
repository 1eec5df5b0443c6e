//! The evaluation stage: losses of the windows that the cache lacks, of the undamaged model or of an arm's points.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::adapt::{Adapter, Split};
use crate::cache::{Arrays, Journal, Measured, ReadArrays};
use crate::corpus::{Bos, windows_from};
use crate::evaluate::{Done, Window, resident_losses, streamed_losses};
use crate::model::shape::Linear;
use crate::model::weights::{Resident, Weights};
use crate::plan::{Evaluate, Losses, UNDAMAGED, cost};
use crate::progress::{Bar, Unit};
use crate::results::provenance::Outcome;

use super::RunError;
use super::session::Run;
use super::weights::{LastBlock, Taken, Truncated};
use super::work::{Account, Cost, Value, Work};

/// Windows still to be measured of one model on one test set.
pub(super) struct Todo<'a> {
    pub losses: &'a Losses,
    pub missing: Vec<usize>,
}

impl Work for Evaluate {
    fn run(&self, run: &Run) -> Result<Outcome, RunError> {
        let mut todo = Vec::new();
        let (mut cached, mut total) = (0, 0u64);
        for losses in &self.losses {
            let missing = run.missing(losses)?;
            cached += run.windows(losses.evaluation)? - missing.len();
            total += (missing.len() * run.experiment.evaluations[losses.evaluation].length) as u64;
            if !missing.is_empty() {
                todo.push(Todo { losses, missing });
            }
        }
        if todo.is_empty() {
            return Ok(Outcome::Cached);
        }
        let name = self.arm.as_ref().map_or(UNDAMAGED, |(arm, _)| run.experiment.arms[*arm].id.as_str());
        let bar = run.context.progress.bar(format!("evaluate {name}"), total, Unit::Count("tokens"));
        match &self.arm {
            None => run.measure(&[run.model()?.weights.weights()], &[None], &todo, &bar)?,
            Some((arm, decomposition)) => run.points((*arm, decomposition), &todo, &bar)?,
        }
        Ok(if cached > 0 { Outcome::Resumed } else { Outcome::Run })
    }

    /// One value for each point and test set.
    fn values(&self, account: &Account) -> Result<Vec<Value>, RunError> {
        self.losses.iter().map(|losses| self.value(losses, account)).collect()
    }

    fn memory(&self, account: &Account) -> u64 {
        let points = if self.arm.is_some() { account.experiment.discard.len() } else { 0 };
        account.evaluation(self.losses.iter(), points)
    }
}

impl Evaluate {
    fn value(&self, losses: &Losses, account: &Account) -> Result<Value, RunError> {
        let (experiment, spec) = (account.experiment, &account.experiment.evaluations[losses.evaluation]);
        // 0 where the length of the text is not known.
        let all = account.windows(losses.evaluation).unwrap_or(0);
        let measured = account.cache().journal(&losses.key).read()?;
        let done = measured.keys().filter(|window| all == 0 || **window < all).count();
        let (name, truncation) = match (&self.arm, losses.point) {
            (Some((arm, _)), Some(point)) => {
                let linears = experiment.linears();
                let truncation = linears.iter().map(|l| cost::truncation(l, experiment.discard.components(point, l)));
                let most = experiment.discard.named(point, &linears);
                (format!("evaluate {} r={most} on {}", experiment.arms[*arm].id, spec.name), truncation.sum())
            }
            _ => (format!("evaluate {UNDAMAGED} on {}", spec.name), 0.0),
        };
        let tokens = ((all - done.min(all)) * spec.length) as f64;
        let forward = tokens * (cost::forward_blocks(account.shape(), spec.length) + cost::head(account.shape()));
        let cost = Cost::single(if tokens > 0.0 { truncation + forward } else { 0.0 });
        // A window takes a line of the journal.
        Ok(Value { name, key: losses.key.clone(), done, all, unit: "windows", cost, disk: 45 * all as u64 })
    }
}

impl Account<'_> {
    /// Most bytes that measuring takes, of so many models with components taken away (0: of the undamaged one).
    pub(super) fn evaluation<'b>(&self, losses: impl Iterator<Item = &'b Losses>, points: usize) -> u64 {
        let evaluations = &self.experiment.evaluations;
        let measured: BTreeSet<usize> = losses.map(|one| one.evaluation).collect();
        let specs: Vec<_> = measured.into_iter().map(|i| &evaluations[i]).collect();
        // Of a whole text, as many windows as pass the blocks together.
        let windows = specs.iter().map(|spec| spec.windows.unwrap_or(usize::MAX / 2)).fold(0, usize::saturating_add);
        let longest = specs.iter().map(|spec| spec.length).max().unwrap_or(1);
        self.layout.evaluation(&self.experiment.linears(), points, windows, longest)
    }
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

    /// Windows that the cache lacks.
    pub(super) fn missing(&self, losses: &Losses) -> Result<Vec<usize>, RunError> {
        let measured = self.context.cache.journal(&losses.key).read()?;
        Ok((0..self.windows(losses.evaluation)?).filter(|window| !measured.contains_key(window)).collect())
    }

    /// The components that an arm takes, as many as `count` says; the arm comes with the key of its decomposition.
    pub(super) fn taken<'b>(
        &'b self,
        (arm, key): (usize, &'b str),
        count: &'b (dyn Fn(&Linear) -> usize + Sync),
    ) -> Taken<'b> {
        let end = self.experiment.arms[arm].end;
        Taken { cache: &self.context.cache, key, end, parts: &self.plan.parts, count }
    }

    /// The points of an arm. One truncation serves every test set. In memory, several points are measured side by side, so
    /// that an odd number of windows leaves no thread idle; from disk, all points share each reading of a block.
    fn points(&self, arm: (usize, &str), todo: &[Todo], bar: &Bar) -> Result<(), RunError> {
        let (discard, base) = (&self.experiment.discard, self.model()?.weights.weights());
        let wanted = |point: &usize| todo.iter().any(|one| one.losses.point == Some(*point));
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
        let mut windows: BTreeMap<usize, Vec<Vec<u32>>> = BTreeMap::new();
        for one in todo {
            if let Entry::Vacant(entry) = windows.entry(one.losses.evaluation) {
                entry.insert(self.windows_of(one.losses.evaluation)?);
            }
        }
        let (mut all, mut places, mut longest) = (Vec::new(), Vec::new(), 1);
        for (model, point) in points.iter().enumerate() {
            for one in todo.iter().filter(|one| one.losses.point == *point) {
                let spec = &self.experiment.evaluations[one.losses.evaluation];
                let windows = &windows[&one.losses.evaluation];
                let journal = self.context.cache.journal(&one.losses.key);
                longest = longest.max(spec.length);
                for &index in &one.missing {
                    all.push(Window { model, id: places.len(), tokens: &windows[index] });
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
        let windows = self.windows_of(evaluation)?;
        let windows: Vec<Window> =
            windows.iter().enumerate().map(|(id, tokens)| Window { model: 0, id, tokens }).collect();
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
            None => Ok(self.tokens(evaluation)?.len() / spec.bos.of_text(spec.length)),
        }
    }

    /// The windows of an evaluation, as the model sees them.
    fn windows_of(&self, evaluation: usize) -> Result<Vec<Vec<u32>>, RunError> {
        let spec = &self.experiment.evaluations[evaluation];
        let bos = match spec.bos {
            Bos::Window => {
                let lacks =
                    || RunError::NoBos { evaluation: spec.name.clone(), model: self.experiment.model.name.clone() };
                Some(self.model()?.tokenizer.bos().ok_or_else(lacks)?)
            }
            Bos::Stream | Bos::None => None,
        };
        Ok(windows_from(&self.tokens(evaluation)?, spec.length, spec.windows, bos)?)
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
        let tokens = match spec.bos {
            Bos::Stream => opened.tokenizer.encode(&text)?,
            Bos::Window | Bos::None => opened.tokenizer.encode_plain(&text)?,
        };
        let each = spec.bos.of_text(spec.length);
        let (all, rows) = (tokens.len() / each, self.experiment.model.shape.vocabulary);
        let used = spec.windows.unwrap_or(all).min(all) * each;
        opened.tokenizer.check_ids(&format!("the text of the evaluation `{}`", spec.name), &tokens[..used], rows)?;
        {
            let mut arrays = Arrays::default();
            arrays.push_u32("tokens".into(), &[tokens.len()], tokens.iter().copied());
            arrays.write(&path)?;
        }
        Ok(tokens)
    }
}
