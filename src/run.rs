//! Runs an experiment: what the plan asks for and the cache lacks, then results and report.
//!
//! | rooms | modules |
//! |---|---|
//! | a kind of stage each: computing it, its cost | `calibrate`, `decompose`, `energy`, `evaluate`, `finetune/{train, measure}` |
//! | walking the graph of stages | `stage`, `shard`, `work` |
//! | a product each: its rows, files, tables and figures | `study`, `linears`, `adapters`, `heatmaps`, `spectra`, `finetune/product` |
//! | results folders: written, up to date, drawn again, owned | `outcome`, `current`, `draw`, `redraw`, `owner` |
//! | before anything is computed: assets, what texts have | `sources`, `texts` |
//! | the commands about adapters as files | `adapt` |

use std::path::PathBuf;
use std::rc::Rc;

use crate::results::provenance::Asset;
use crate::spec::Loaded;
use texts::Patience;

pub mod adapt;
mod adapters;
mod calibrate;
mod context;
mod current;
mod decompose;
mod draw;
mod energy;
mod error;
mod evaluate;
mod experiment;
mod extent;
mod finetune;
mod heatmaps;
mod linears;
mod lock;
mod meta;
mod opened;
pub mod outcome;
pub mod owner;
mod product;
mod products;
mod redraw;
mod saved;
mod session;
mod shard;
pub mod sources;
mod spectra;
mod stage;
mod study;
pub mod sweep;
pub mod texts;
mod weights;
pub mod work;

pub use context::Context;
pub use error::RunError;
pub use opened::check_model;
pub use shard::Shard;
pub use stage::Selection;

/// What a run did.
#[derive(Debug, PartialEq)]
pub enum Done {
    /// Everything was there already.
    Nothing,
    /// Results were written.
    Ran,
    /// The selected stages are in the cache.
    Selected,
}

/// Runs an experiment, or the variants of a sweep, to its results folder; or the selected stages into the cache.
///
/// # Errors
/// Whatever ends a run; the results that were there stay.
pub fn run(loaded: &Loaded, context: &Context, selection: Selection) -> Result<Done, RunError> {
    if selection == Selection::All {
        owner::check(&loaded.experiment, context)?;
    }
    match &loaded.sweep {
        Some(sweep) => sweep::run(loaded, sweep, context, selection),
        None => {
            // Known once the texts are there.
            let look = || {
                let (known, warnings) = texts::look_all(loaded, context, Patience::Run)?;
                context.warn(&warnings);
                Ok(known.into_iter().next().unwrap_or_default())
            };
            experiment::one(&loaded.experiment, &look, context, selection, &Rc::default())
        }
    }
}

/// Whether a run would find everything complete, results included.
///
/// # Errors
/// As [`sources::identities`]; a journal that cannot be read.
pub fn is_current(loaded: &Loaded, context: &Context) -> Result<bool, RunError> {
    if let Some(sweep) = &loaded.sweep {
        return sweep::is_current(loaded, sweep, context);
    }
    let experiment = &loaded.experiment;
    let plan = sources::plan(experiment, &context.store)?;
    current::is_current(&plan, experiment, context, &context.results.join(experiment.folder()))
}

/// Downloads and verifies the assets of an experiment, of a sweep those of all variants.
///
/// # Errors
/// Assets that cannot be fetched, or do not have the pinned content.
pub fn fetch(loaded: &Loaded, context: &Context) -> Result<Vec<Asset>, RunError> {
    sweep::fetch(loaded, context)
}

/// Draws tables, figures and pages again from saved results; no model is needed.
///
/// # Errors
/// Results of another spec or of other settings, or results that are there in part.
pub fn report(loaded: &Loaded, context: &Context) -> Result<Vec<PathBuf>, RunError> {
    owner::check_drawn(&loaded.experiment, context)?;
    match &loaded.sweep {
        Some(sweep) => sweep::report(loaded, sweep, context),
        None => redraw::one(&loaded.experiment, context),
    }
}

/// Files of an experiment's results folder; of a sweep, those over all variants.
pub fn files(loaded: &Loaded) -> Vec<&'static str> {
    match &loaded.sweep {
        Some(sweep) => sweep::files(loaded, sweep),
        None => outcome::files(&loaded.experiment),
    }
}
