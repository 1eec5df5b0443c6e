//! The lines of `corda plan`: a stage each, how much of it the cache has, and what the rest costs.

use crate::cache::ReadArrays;
use crate::model::shape::Linear;
use crate::plan::{CalibrateStage, DecomposeStage, EnergyStage, EvaluateStage, Part, Plan, TrainStage, cost, memory};
use crate::run::finetune::rows;
use crate::run::texts::Known;
use crate::run::{Context, RunError};
use crate::spec::{Experiment, Questions, Train};

/// A line of the account.
pub(super) struct Line {
    pub name: String,
    pub key: String,
    pub done: usize,
    pub all: usize,
    pub unit: &'static str,
    /// Operations still to do, in f32 products and in f64 factorisations.
    pub flop: (f64, f64),
    /// Bytes that it leaves in the cache.
    pub disk: u64,
    /// The step that computes it; none for what is made with the results.
    pub step: Option<String>,
}

/// An experiment whose stages are accounted for.
pub(super) struct Account<'a> {
    pub experiment: &'a Experiment,
    pub plan: &'a Plan,
    pub context: &'a Context,
    /// What is known of its texts.
    pub known: &'a Known,
    /// Whether its results are there and up to date.
    pub current: bool,
}

impl Account<'_> {
    /// Every stage, in the order of a run.
    pub fn lines(&self) -> Result<Vec<Line>, RunError> {
        let mut lines = self.calibrations();
        lines.extend(self.plan.decompose.iter().map(|stage| self.decomposition(stage)));
        lines.extend(self.plan.energy.iter().map(|stage| self.energy(stage)));
        for stage in &self.plan.evaluate {
            lines.push(self.evaluation(stage)?);
        }
        if let Some(train) = &self.experiment.train {
            lines.extend(self.training(train)?);
        }
        lines.extend(self.drawings()?);
        Ok(lines)
    }

    fn has(&self, kind: &str, key: &str, part: &str) -> bool {
        self.context.cache.part(kind, key, part).exists()
    }

    fn parts_done(&self, kind: &str, key: &str) -> usize {
        self.plan.parts.iter().filter(|part| self.has(kind, key, &part.name())).count()
    }

    /// What a run makes of cached values when it writes the results.
    fn drawings(&self) -> Result<Vec<Line>, RunError> {
        let linears: usize = self.plan.parts.iter().map(|part| part.linears.len()).sum();
        let key = self.plan.results_key(self.experiment)?;
        let line = |name: &str, all: usize, unit| Line {
            name: name.into(),
            key: key.clone(),
            done: if self.current { all } else { 0 },
            all,
            unit,
            flop: (0.0, 0.0),
            disk: 0,
            step: None,
        };
        let heatmaps =
            self.experiment.heatmaps.iter().map(|_| line("heat maps", linears * self.plan.heatmaps.len(), "maps"));
        let spectra =
            self.experiment.spectra.iter().map(|_| line("spectra", linears * self.plan.decompose.len(), "spectra"));
        Ok(heatmaps.chain(spectra).collect())
    }

    pub fn calibrations(&self) -> Vec<Line> {
        let shape = &self.experiment.model.shape;
        let mut lines = Vec::new();
        for stage in &self.plan.calibrate {
            let calibration = &self.experiment.calibrations[stage.calibration];
            let (done, all) = (self.parts_done("statistics", &stage.key), self.plan.parts.len());
            let share = (all - done) as f64 / all as f64;
            let samples = stage.snapshot.samples;
            let counted =
                self.known.samples.get(stage.calibration).and_then(|lengths| lengths.as_ref()?.get(..samples));
            let tokens = match counted {
                Some(lengths) => lengths.iter().map(|tokens| f64::from(*tokens)).sum(),
                None => samples as f64 * calibration.length as f64,
            };
            let a_token = cost::forward_blocks(shape, calibration.length) + cost::covariances(shape);
            lines.push(Line {
                name: format!("calibrate {} ({samples} samples)", calibration.name),
                key: stage.key.clone(),
                done,
                all,
                unit: "parts",
                // A shorter prefix comes out of the longest pass at no further cost.
                flop: (if self.is_longest(stage) { share * tokens * a_token } else { 0.0 }, 0.0),
                disk: self.plan.parts.iter().map(|part| memory::statistics_on_disk(shape, part.inputs())).sum(),
                step: Some(format!("calibrate {}", calibration.name)),
            });
        }
        lines
    }

    fn is_longest(&self, stage: &CalibrateStage) -> bool {
        let same = self.plan.calibrate.iter().filter(|other| other.calibration == stage.calibration);
        same.map(|other| other.snapshot.samples).max() == Some(stage.snapshot.samples)
    }

    /// Components that the last point takes from a linear: as many are kept.
    fn deepest(&self, linear: &Linear) -> usize {
        self.experiment.discard.components(self.experiment.discard.len() - 1, linear)
    }

    fn linears(&self) -> impl Iterator<Item = &Linear> {
        self.plan.parts.iter().flat_map(|part| &part.linears).map(|(linear, _)| linear)
    }

    /// A line of a stage that leaves a file a part; `flop` of the f64 operations for a part.
    fn by_parts(&self, kind: &str, name: String, key: &str, disk: u64, flop: &dyn Fn(&Part) -> f64) -> Line {
        let missing = self.plan.parts.iter().filter(|part| !self.has(kind, key, &part.name()));
        Line {
            step: Some(name.clone()),
            name,
            key: key.to_owned(),
            done: self.parts_done(kind, key),
            all: self.plan.parts.len(),
            unit: "parts",
            // A sum of nothing would be -0.
            flop: (0.0, missing.map(flop).sum::<f64>() + 0.0),
            disk,
        }
    }

    fn decomposition(&self, stage: &DecomposeStage) -> Line {
        let dense = stage.statistics.is_some();
        let disk = self.linears().map(|linear| memory::decomposition_on_disk(linear, self.deepest(linear))).sum();
        let name = format!("decompose {}", self.experiment.arms[stage.arm].id);
        self.by_parts("decomposition", name, &stage.key, disk, &|part| {
            part.linears.iter().map(|(linear, _)| cost::decomposition(linear, dense)).sum()
        })
    }

    fn energy(&self, stage: &EnergyStage) -> Line {
        let texts = stage.texts.len();
        let arm = self.plan.decompose[stage.decompose].arm;
        let disk = self.linears().map(|linear| 8 * ((self.deepest(linear) + 1) * (texts + 1)) as u64).sum();
        let name = format!("energy {}", self.experiment.arms[arm].id);
        self.by_parts("energy", name, &stage.key, disk, &|part| {
            part.linears.iter().map(|(linear, _)| cost::energy(linear, self.deepest(linear), texts)).sum()
        })
    }

    fn evaluation(&self, stage: &EvaluateStage) -> Result<Line, RunError> {
        let (experiment, evaluation) = (self.experiment, &self.experiment.evaluations[stage.evaluation]);
        let shape = &experiment.model.shape;
        let measured = self.context.cache.journal(&stage.key).read()?;
        // 0 where the text's length is not known.
        let all = self.windows(stage.evaluation).unwrap_or(0);
        let done = measured.keys().filter(|window| all == 0 || **window < all).count();
        let of = stage.point.map_or("undamaged", |(arm, _)| &experiment.arms[arm].id);
        let (name, mut flop) = match stage.point {
            None => (format!("evaluate undamaged on {}", evaluation.name), 0.0),
            Some((arm, point)) => {
                let dropped = |linear: &Linear| experiment.discard.components(point, linear);
                let linears = experiment.linears();
                let truncation = linears.iter().map(|l| cost::truncation(l, dropped(l))).sum();
                let most = experiment.discard.named(point, &linears);
                (format!("evaluate {} r={most} on {}", experiment.arms[arm].id, evaluation.name), truncation)
            }
        };
        let tokens = ((all - done.min(all)) * evaluation.length) as f64;
        flop = if tokens > 0.0 { flop } else { 0.0 };
        flop += tokens * (cost::forward_blocks(shape, evaluation.length) + cost::head(shape));
        let (key, step) = (stage.key.clone(), Some(format!("evaluate {of}")));
        // A line of the journal a window.
        Ok(Line { name, key, done, all, unit: "windows", flop: (flop, 0.0), disk: 45 * all as u64, step })
    }

    /// Windows of an evaluation, if they are known.
    fn windows(&self, evaluation: usize) -> Option<usize> {
        self.known.windows.get(evaluation).copied().flatten().or(self.experiment.evaluations[evaluation].windows)
    }

    /// Operations to ask a model all questions.
    fn asking(&self) -> f64 {
        let shape = &self.experiment.model.shape;
        let one = |(index, questions): (usize, &Questions)| {
            let asked = self.known.questions(self.experiment, index);
            let tokens = asked.mean + questions.tokens as f64;
            let forward = cost::forward_blocks(shape, asked.longest);
            // Once to answer, once for the loss of the reference answer.
            asked.count.unwrap_or(0) as f64 * (2.0 * tokens * forward + tokens * cost::head(shape))
        };
        self.experiment.questions.iter().enumerate().map(one).sum()
    }

    /// Lines of fine-tuning: what is asked before, a learner's runs, and what they are measured by.
    fn training(&self, train: &Train) -> Result<Vec<Line>, RunError> {
        let mut lines = Vec::new();
        if let Some(first) = self.plan.answers.first() {
            let done = self.plan.answers.iter().filter(|key| self.has("answers", key, "answers")).count();
            let all = self.plan.answers.len();
            lines.push(Line {
                name: "ask undamaged".into(),
                key: first.clone(),
                done,
                all,
                unit: "sets",
                flop: ((all - done) as f64 / all as f64 * self.asking(), 0.0),
                disk: 0,
                step: Some("ask undamaged".into()),
            });
        }
        for (index, learner) in train.learners.iter().enumerate() {
            let stages: Vec<&TrainStage> = self.plan.train.iter().filter(|stage| stage.learner == index).collect();
            let Some(first) = stages.first() else { continue };
            let chosen = self.chosen(&stages, learner.rates.len());
            let chosen: Vec<&TrainStage> = stages.iter().copied().filter(|stage| Some(stage.rate) == chosen).collect();
            lines.push(self.runs(train, index, first, &stages, &chosen));
            lines.push(self.measures(train, index, first, &chosen)?);
        }
        Ok(lines)
    }

    /// The rate that a learner's validation losses choose, once all are known.
    fn chosen(&self, stages: &[&TrainStage], rates: usize) -> Option<usize> {
        let loss = |stage: &&TrainStage| {
            let file = ReadArrays::open(&self.context.cache.part("validation", &stage.validation, "loss")).ok()?;
            let losses = file.f64("losses").ok()?;
            // None where training broke down.
            Some((
                stage.rate,
                if losses.is_empty() { f64::INFINITY } else { losses.iter().sum::<f64>() / losses.len() as f64 },
            ))
        };
        let tried: Vec<(usize, f64)> = stages.iter().filter(|stage| stage.seed == 0).filter_map(loss).collect();
        let finite = tried.iter().filter(|(_, loss)| loss.is_finite());
        let best = finite.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(rate, _)| *rate);
        best.filter(|_| tried.len() == rates)
    }

    /// Every rate with the first seed; then the rate that was chosen with the others. Of the chosen one the weights are
    /// needed too.
    fn runs(
        &self,
        train: &Train,
        index: usize,
        first: &TrainStage,
        stages: &[&TrainStage],
        chosen: &[&TrainStage],
    ) -> Line {
        let (shape, learner) = (&self.experiment.model.shape, &train.learners[index]);
        let all = learner.rates.len() + train.seeds.len() - 1;
        let tried = |stage: &TrainStage| self.has("validation", &stage.validation, "loss");
        let weights = |stage: &TrainStage| self.has("trained", &stage.key, "weights");
        let is_chosen = |stage: &TrainStage| chosen.iter().any(|other| other.key == stage.key);
        let rates = stages.iter().filter(|s| s.seed == 0 && tried(s) && (!is_chosen(s) || weights(s))).count();
        let done = rates + chosen.iter().filter(|stage| stage.seed > 0 && weights(stage)).count();
        let parameters = rows::parameters(self.experiment, learner.start);
        let adapters = learner.start.point().map(|_| parameters);
        let tokens = match &self.known.examples {
            Some(lengths) => lengths.iter().map(|tokens| f64::from(*tokens)).sum::<f64>(),
            None => train.examples.unwrap_or(0) as f64 * train.length as f64,
        };
        let one = tokens * train.epochs as f64 * cost::training(shape, train.length, adapters);
        let step = format!("train {}", learner.id);
        Line {
            name: step.clone(),
            key: first.key.clone(),
            done,
            all,
            unit: "runs",
            flop: ((all - done) as f64 * one, 0.0),
            disk: 4 * parameters * train.seeds.len() as u64,
            step: Some(step),
        }
    }

    /// Texts and questions, of the model that each seed left.
    fn measures(
        &self,
        train: &Train,
        index: usize,
        first: &TrainStage,
        chosen: &[&TrainStage],
    ) -> Result<Line, RunError> {
        let shape = &self.experiment.model.shape;
        let (models, questions) = (train.seeds.len(), self.experiment.questions.len());
        let all = models * (self.experiment.evaluations.len() + questions);
        let (mut asked, mut measured, mut left) = (0, 0, 0.0);
        for (evaluation, spec) in self.experiment.evaluations.iter().enumerate() {
            // Of a text whose length is not known, nothing is done for certain.
            let windows = self.windows(evaluation);
            let cost = cost::forward_blocks(shape, spec.length) + cost::head(shape);
            let whole = windows.unwrap_or(0);
            left += (models * whole * spec.length) as f64 * cost;
            for stage in chosen {
                let journal = self.context.cache.journal(&stage.losses[evaluation]).read()?;
                let done = journal.keys().filter(|window| **window < whole).count();
                measured += usize::from(windows.is_some_and(|windows| windows == done));
                left -= (done * spec.length) as f64 * cost;
            }
        }
        for stage in chosen {
            asked += stage.answers.iter().filter(|key| self.has("answers", key, "answers")).count();
        }
        if questions > 0 {
            left += (models * questions - asked) as f64 / questions as f64 * self.asking();
        }
        let name = format!("measure {}", train.learners[index].id);
        let key = first.answers.first().or(first.losses.first());
        Ok(Line {
            step: Some(name.clone()),
            name,
            key: key.map_or("-", String::as_str).to_owned(),
            done: asked + measured,
            all,
            unit: "measures",
            flop: (left, 0.0),
            disk: 0,
        })
    }
}
