//! The steps of a run: what is computed one after the other, what each needs, and which of them one process does.

use crate::model::shape::Linear;
use crate::plan::Plan;
use crate::plan::memory::{Layout, PassSize};
use crate::results::provenance::Outcome;
use crate::spec::{Experiment, Start, Train};

use super::finetune::rows::learns;
use super::finetune::{measure, train};
use super::texts::Known;
use super::{Run, RunError, Shard, calibrate, decompose, energy, evaluate};

/// What a step computes; indices are those of the [`Plan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Losses of the undamaged model.
    Undamaged,
    /// The pass of a calibration (index in the experiment).
    Calibrate(usize),
    /// An arm's decompositions (index in `plan.decompose`).
    Decompose(usize),
    /// What an arm's components carry (index in `plan.energy`).
    Energy(usize),
    /// Losses of an arm's points (index in `plan.decompose`).
    Evaluate(usize),
    /// The undamaged model's answers.
    Ask,
    /// Training of a learner (index in the spec's).
    Train(usize),
    /// Losses and answers of the models that a learner left.
    Measure(usize),
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is called: in messages, in the provenance, and after `--stage`.
    pub name: String,
    /// Steps that must be done before, by index.
    pub needs: Vec<usize>,
    kind: Kind,
}

/// What of an experiment one process computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share<'a> {
    /// Everything, and the results.
    All,
    /// Every n-th arm and what it needs, into the cache.
    Shard(Shard),
    /// The step of that name, into the cache; what it needs must be there, or is computed on the way.
    Step(&'a str),
}

/// The steps of an experiment in order.
pub fn steps(experiment: &Experiment, plan: &Plan) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    // First the undamaged model: a test set that is too short shows at once.
    if !plan.evaluate.is_empty() {
        steps.push(Step { name: "evaluate undamaged".into(), needs: Vec::new(), kind: Kind::Undamaged });
    }
    if !plan.answers.is_empty() {
        steps.push(Step { name: "ask undamaged".into(), needs: Vec::new(), kind: Kind::Ask });
    }
    let calibrations = steps.len();
    for (i, calibration) in experiment.calibrations.iter().enumerate() {
        let name = format!("calibrate {}", calibration.name);
        steps.push(Step { name, needs: Vec::new(), kind: Kind::Calibrate(i) });
    }
    let of_statistics = |i: &usize| calibrations + plan.calibrate[*i].calibration;
    let arm = |decompose: usize| &experiment.arms[plan.decompose[decompose].arm].id;
    let decompositions = steps.len();
    for (i, stage) in plan.decompose.iter().enumerate() {
        let needs = stage.statistics.iter().map(of_statistics).collect();
        steps.push(Step { name: format!("decompose {}", arm(i)), needs, kind: Kind::Decompose(i) });
    }
    for (i, stage) in plan.energy.iter().enumerate() {
        let mut needs = vec![decompositions + stage.decompose];
        needs.extend(stage.texts.iter().map(of_statistics));
        steps.push(Step { name: format!("energy {}", arm(stage.decompose)), needs, kind: Kind::Energy(i) });
    }
    for i in (0..plan.decompose.len()).filter(|_| experiment.train.is_none()) {
        let needs = vec![decompositions + i];
        steps.push(Step { name: format!("evaluate {}", arm(i)), needs, kind: Kind::Evaluate(i) });
    }
    for (i, learner) in experiment.train.iter().flat_map(|train| &train.learners).enumerate() {
        let decomposition = |arm| plan.decompose.iter().position(|stage| stage.arm == arm).map(|i| decompositions + i);
        let needs = match learner.start {
            Start::Components { arm, .. } => decomposition(arm).into_iter().collect(),
            Start::Full | Start::Lora { .. } | Start::Dora { .. } => Vec::new(),
        };
        steps.push(Step { name: format!("train {}", learner.id), needs, kind: Kind::Train(i) });
        let needs = vec![steps.len() - 1];
        steps.push(Step { name: format!("measure {}", learner.id), needs, kind: Kind::Measure(i) });
    }
    steps
}

impl Share<'_> {
    /// Refuses the name of a step that is not there.
    pub(super) fn check(self, steps: &[Step]) -> Result<(), RunError> {
        let Self::Step(name) = self else { return Ok(()) };
        if steps.iter().any(|step| step.name == name) {
            return Ok(());
        }
        let known: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
        Err(RunError::NoSuchStage { name: name.into(), known: known.join("`, `") })
    }

    /// Whether this process does a step.
    pub(super) fn has(self, step: &Step, experiment: &Experiment, plan: &Plan) -> bool {
        match self {
            Self::All => true,
            Self::Step(name) => step.name == name,
            Self::Shard(shard) => match step.kind {
                Kind::Undamaged | Kind::Ask => shard.has(0),
                Kind::Calibrate(i) => shard.needs(i, experiment, plan),
                Kind::Decompose(i) => shard.has_arm(i, experiment, plan),
                Kind::Evaluate(i) | Kind::Train(i) | Kind::Measure(i) => shard.has(i),
                Kind::Energy(i) => shard.has(plan.energy[i].decompose),
            },
        }
    }
}

impl Step {
    /// The learner that it trains or measures.
    pub(super) fn learner(&self) -> Option<usize> {
        match self.kind {
            Kind::Train(i) | Kind::Measure(i) => Some(i),
            _ => None,
        }
    }

    /// Does it, as far as the cache lacks it.
    pub(super) fn run(&self, run: &Run) -> Result<Outcome, RunError> {
        match self.kind {
            Kind::Undamaged => evaluate::run(run, None),
            Kind::Calibrate(i) => calibrate::run(run, i),
            Kind::Decompose(i) => decompose::run(run, &run.plan.decompose[i]),
            Kind::Energy(i) => energy::run(run, &run.plan.energy[i]),
            Kind::Evaluate(i) => evaluate::run(run, Some(&run.plan.decompose[i])),
            Kind::Ask => measure::undamaged(run),
            Kind::Train(i) => train::run(run, i),
            Kind::Measure(i) => measure::learner(run, i),
        }
    }

    /// Most bytes of memory it takes, by the account of [`crate::plan::memory`] and what is known of the texts.
    pub fn memory(&self, experiment: &Experiment, plan: &Plan, layout: &Layout, known: &Known) -> u64 {
        let discard = &experiment.discard;
        let deepest = |linear: &Linear| discard.components(discard.len().saturating_sub(1), linear);
        let evaluation = |arm: Option<usize>, points: usize| {
            let stages = plan.evaluate.iter().filter(|stage| stage.point.map(|(a, _)| a) == arm);
            let mut seen: Vec<usize> = stages.map(|stage| stage.evaluation).collect();
            seen.sort_unstable();
            seen.dedup();
            let specs: Vec<_> = seen.into_iter().map(|i| &experiment.evaluations[i]).collect();
            // Of a whole text, as many windows as pass the blocks together.
            let windows =
                specs.iter().map(|spec| spec.windows.unwrap_or(usize::MAX / 2)).fold(0, usize::saturating_add);
            layout.evaluation(
                &experiment.linears(),
                points,
                windows,
                specs.iter().map(|spec| spec.length).max().unwrap_or(1),
            )
        };
        match self.kind {
            Kind::Undamaged => evaluation(None, 0),
            Kind::Calibrate(i) => layout.calibration(&PassSize::of(experiment, plan, i)),
            Kind::Decompose(i) => {
                let dense = plan.decompose[i].statistics.is_some();
                layout.decomposition(&plan.parts, &deepest, dense)
            }
            Kind::Energy(i) => {
                let texts = plan.energy[i].texts.len();
                layout.energy(&experiment.linears(), &deepest, texts)
            }
            Kind::Evaluate(i) => evaluation(Some(plan.decompose[i].arm), discard.len()),
            Kind::Ask => layout.asking(longest_answer(experiment, known)),
            Kind::Train(i) => experiment.train.as_ref().map_or(0, |spec| training(experiment, spec, i, layout)),
            Kind::Measure(_) => {
                // The trained model, its weights and its base at once; then its measures.
                let models = layout.merging();
                models.max(evaluation(None, 0)).max(layout.asking(longest_answer(experiment, known))) + layout.model()
            }
        }
    }
}

/// Tokens of the longest question with its answer, for the account.
fn longest_answer(experiment: &Experiment, known: &Known) -> usize {
    let all = experiment.questions.iter().enumerate();
    all.map(|(i, questions)| known.questions(experiment, i).longest + questions.tokens).max().unwrap_or(0)
}

/// Most bytes that training a learner takes.
fn training(experiment: &Experiment, train: &Train, learner: usize, layout: &Layout) -> u64 {
    let start = train.learners[learner].start;
    let (kind, adapters) = learns(experiment, start);
    layout.training(kind, &adapters, train.length, matches!(start, Start::Components { .. }))
}
