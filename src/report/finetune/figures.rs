//! What the figures of trained models show: losses smoothed and averaged over seeds, points of task against knowledge.

use super::tables::losses;
use super::{Kind, Learner, Measure, Study};
use crate::report::figure::{kept, training};
use crate::report::spread::{mean, spread};
use crate::report::study::ascending;
use crate::report::{Meta, ReportError};
use crate::results::{StepRow, TrainedRow};

/// Share of questions answered below which answers are too few to show by exact match.
const ANSWERED: f64 = 0.05;

/// The figure `training`.
pub fn training(study: &Study, meta: &Meta) -> Result<String, ReportError> {
    let subtitle = format!("{}. {}", meta.model, training_caption(study));
    training::svg(&panels(study), meta, &subtitle)
}

/// How to read it.
pub fn training_caption(study: &Study) -> String {
    let of = match window(study.all.steps) {
        1 => "of each step".into(),
        width => format!("as a running mean over {width} steps"),
    };
    let seeds = study.seeds();
    if seeds == 1 {
        return format!("Training loss of the batches {of}.");
    }
    format!("Training loss of the batches {of}: mean over {seeds} seeds, shaded ± one standard deviation over them.")
}

/// Steps that a running mean covers: a twentieth of a run.
fn window(steps: &[StepRow]) -> usize {
    let last = steps.iter().map(|step| step.step).max().unwrap_or(0) as usize;
    (last / 20).max(1)
}

/// A panel a rank, the largest first; what has none, full fine-tuning, in each.
fn panels<'a>(study: &Study<'a>) -> Vec<training::Panel<'a>> {
    let mut ranks = ascending(study.learners.iter().map(|learner| learner.row.rank).filter(Option::is_some));
    ranks.reverse();
    if ranks.is_empty() {
        ranks.push(None);
    }
    let width = window(study.all.steps);
    let panel = |rank: Option<u32>| {
        let of_rank = study.learners.iter().filter(|learner| learner.row.rank.is_none() || learner.row.rank == rank);
        training::Panel {
            heading: rank.map_or(String::new(), |rank| format!("r = {rank}")),
            lines: of_rank.filter_map(|learner| line(study.all.steps, learner, width)).collect(),
        }
    };
    ranks.into_iter().map(panel).collect()
}

fn line<'a>(steps: &[StepRow], learner: &Learner<'a>, width: usize) -> Option<training::Line<'a>> {
    let runs = losses(steps, &learner.row.learner).into_iter().map(|(_, run)| running_mean(&run, width));
    let smooth: Vec<Vec<f64>> = runs.filter(|run| !run.is_empty()).collect();
    let length = smooth.iter().map(Vec::len).min()?;
    let points = (0..length).map(|at| {
        // A window stands at its middle; steps count from 1.
        (at as f64 + 0.5 * (width + 1) as f64, spread(&smooth.iter().map(|run| run[at]).collect::<Vec<_>>()))
    });
    Some(training::Line {
        label: &learner.row.label,
        method: &learner.row.method,
        family: learner.family(),
        points: points.collect(),
    })
}

/// Means over every whole window.
fn running_mean(values: &[f64], width: usize) -> Vec<f64> {
    values.windows(width).map(|window| mean(window.iter().copied())).collect()
}

/// The figure `kept`.
pub fn kept(study: &Study, meta: &Meta) -> Result<String, ReportError> {
    let subtitle = format!("{}. {}", meta.model, kept_caption(study));
    let task = *readable(study, &study.all.tested.task).first().ok_or(ReportError::Empty)?;
    let knowledge = readable(study, &study.all.tested.knowledge);
    let panels: Vec<kept::Panel> = knowledge.into_iter().map(|knowledge| panel(study, task, knowledge)).collect();
    kept::svg(&panels, meta, &subtitle)
}

/// How to read it.
pub fn kept_caption(study: &Study) -> String {
    let seeds = match study.seeds() {
        1 => "A point a learner".to_string(),
        seeds => format!(
            "A point a learner, the mean over {seeds} seeds, with a standard deviation each way; dots are seeds"
        ),
    };
    format!(
        "To the right: more of the task learned; up: more knowledge kept (axes of losses and perplexities run backwards). \
         {seeds}. Dashed: knowledge of the untrained model."
    )
}

/// For each name the measure that reads best: exact match where some learner answers at least 5%, else the loss.
fn readable<'a>(study: &Study<'a>, names: &[String]) -> Vec<Measure<'a>> {
    let of_name = |name: &String| {
        let all: Vec<Measure> = study.named(std::slice::from_ref(name)).collect();
        let answered = |measure: &&Measure| {
            let values = study.everyone().flat_map(|learner| learner.values(**measure));
            measure.kind == Kind::ExactMatch && values.fold(0.0, f64::max) >= ANSWERED
        };
        all.iter()
            .find(answered)
            .or(all.iter().find(|measure| measure.kind != Kind::ExactMatch))
            .or(all.first())
            .copied()
    };
    names.iter().filter_map(of_name).collect()
}

fn panel<'a>(study: &Study<'a>, task: Measure, knowledge: Measure<'a>) -> kept::Panel<'a> {
    let axis = |measure: Measure| kept::Axis {
        title: measure.heading(),
        logarithmic: measure.kind == Kind::Loss,
        reversed: measure.kind != Kind::ExactMatch,
    };
    let of = |learner: &Learner| -> Vec<(f64, f64)> {
        let pair = |row: &TrainedRow| {
            let other = learner.of(knowledge).find(|other| other.seed == row.seed)?;
            Some((task.shown(row.value), knowledge.shown(other.value)))
        };
        learner.of(task).filter_map(pair).collect()
    };
    let point = |learner: &Learner<'a>| kept::Point {
        label: &learner.row.label,
        method: &learner.row.method,
        learner: &learner.row.learner,
        seeds: of(learner),
    };
    kept::Panel {
        heading: knowledge.name,
        axes: (axis(task), axis(knowledge)),
        points: study.learners.iter().map(point).collect(),
        untrained: of(&study.untrained).first().copied(),
    }
}

#[cfg(test)]
mod tests;
