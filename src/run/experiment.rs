//! Runs one experiment: what its plan asks for and the cache lacks, then its results.

use std::rc::Rc;
use std::time::SystemTime;

use crate::results::provenance::timestamp;
use crate::spec::Experiment;

use super::session::{Held, Run};
use super::stage::Selection;
use super::texts::Known;
use super::{Context, Done, RunError, current, opened, outcome, sources};

/// Runs an experiment to its results folder, or the selected stages into the cache. `look` says what its texts have, once they
/// are fetched.
pub(super) fn one(
    experiment: &Experiment,
    look: &dyn Fn() -> Result<Known, RunError>,
    context: &Context,
    selection: Selection,
    held: &Rc<Held>,
) -> Result<Done, RunError> {
    let started = SystemTime::now();
    let plan = sources::plan(experiment, &context.store)?;
    let folder = context.results.join(experiment.folder());
    if selection == Selection::All && current::is_current(&plan, experiment, context, &folder)? {
        current::tidy(experiment, &folder)?;
        return Ok(Done::Nothing);
    }
    let git = held.git().clone();
    let mut run = Run::sharing(held.clone(), experiment, &plan, context);
    // A name that no stage has is refused before anything is fetched.
    selection.stages(&plan)?;
    let assets = run.fetched()?;
    opened::check_files(experiment, context)?;
    let known = look()?;
    run.compute_all(selection)?;
    if selection != Selection::All {
        return Ok(Done::Selected);
    }
    let header = outcome::Header { started: timestamp(started), git, assets };
    outcome::write(&mut run, &known, header, &folder)?;
    // A second run comes here again: results that lack a learner are not up to date.
    run.all_learned()?;
    Ok(Done::Ran)
}
