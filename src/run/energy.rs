//! The energy stage: how much of each target, and of its output on some texts, the components of an arm carry.

use rayon::prelude::*;

use crate::adapt::energy::Energy as Carried;
use crate::cache::{Arrays, CacheError};
use crate::calibrate::store as statistics_store;
use crate::model::shape::Linear;
use crate::plan::{Energy, Part, cost};
use crate::progress::Unit;
use crate::results::provenance::Outcome;

use super::RunError;
use super::session::Run;
use super::weights::in_f64;
use super::work::{Account, Cost, Value, Work};

impl Work for Energy {
    fn run(&self, run: &Run) -> Result<Outcome, RunError> {
        energy(run, self)
    }

    fn values(&self, account: &Account) -> Result<Vec<Value>, RunError> {
        let texts = self.texts.len();
        let sizes = account.linears().map(|linear| 8 * ((account.deepest(linear) + 1) * (texts + 1)) as u64);
        let name = format!("energy {}", account.experiment.arms[self.arm].id);
        let cost = |part: &Part| {
            let one = |(linear, _): &(Linear, _)| cost::energy(linear, account.deepest(linear), texts);
            Cost { double: part.linears.iter().map(one).sum(), ..Cost::default() }
        };
        Ok(vec![account.by_parts("energy", name, &self.key, sizes.sum(), &cost)])
    }

    fn memory(&self, account: &Account) -> u64 {
        let linears = account.experiment.linears();
        account.layout.energy(&linears, &|linear| account.deepest(linear), self.texts.len())
    }
}

/// Measures what is missing of one arm.
fn energy(run: &Run, stage: &Energy) -> Result<Outcome, RunError> {
    let cache = &run.context.cache;
    let path = |part: &Part| cache.part("energy", &stage.key, &part.name());
    let todo: Vec<&Part> = run.plan.parts.iter().filter(|part| !path(part).exists()).collect();
    if todo.is_empty() {
        return Ok(Outcome::Cached);
    }
    let weights = run.model()?.weights.weights();
    let taken = run.taken((stage.arm, &stage.decomposition), &|_| 0);
    let name = format!("energy {}", run.experiment.arms[stage.arm].id);
    let bar = run.context.progress.bar(name, todo.len() as u64, Unit::Count("parts"));
    todo.par_iter().with_max_len(1).try_for_each(|part| {
        let block = if part.head { None } else { Some(weights.block(part.layer)?) };
        let decomposed = taken.read(part)?;
        let mut arrays = Arrays::default();
        let mut push = |linear: &Linear, of: &str, energy: Carried| {
            arrays.push_f64(format!("{}/{of}/total", linear.name), &[1], std::iter::once(energy.total));
            let n = energy.components.len();
            arrays.push_f64(format!("{}/{of}/components", linear.name), &[n], energy.components.into_iter());
        };
        let statistics = stage
            .texts
            .iter()
            .map(|key| statistics_store::read_sites(&cache.part("statistics", key, &part.name()), part.sites()));
        let statistics = statistics.collect::<Result<Vec<_>, CacheError>>()?;
        for ((linear, one), (_, site)) in decomposed.iter().zip(&part.linears) {
            let w = in_f64(weights, block.as_ref(), linear)?;
            push(linear, "weights", Carried::of_weights(w.as_ref(), &one.truncation));
            for (text, statistics) in statistics.iter().enumerate() {
                let c = statistics[site].covariance.as_ref();
                push(linear, &text.to_string(), Carried::of_output(w.as_ref(), &one.truncation, c));
            }
        }
        arrays.write(&path(part))?;
        bar.advance(1);
        Ok::<_, RunError>(())
    })?;
    Ok(if todo.len() < run.plan.parts.len() { Outcome::Resumed } else { Outcome::Run })
}
