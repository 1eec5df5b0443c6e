//! The assets of an experiment: what identifies them, and their files.

use crate::assets::{Fetched, Source, Store};
use crate::plan::{Identities, Plan};
use crate::results::provenance::{Asset, AssetFile};
use crate::spec::{Corpus, Experiment};

use super::{Context, RunError};

/// How model files are understood; raised when the same files would be read as a different model. Files that are pinned in a
/// wheel were read correctly from the start.
const READING: u32 = 2;

/// The plan of an experiment, from the identities of its assets.
///
/// # Errors
/// As [`identities`].
pub fn plan(experiment: &Experiment, store: &Store) -> Result<Plan, RunError> {
    Ok(Plan::new(experiment, &identities(experiment, store)?))
}

/// The identities of an experiment's assets, for the plan. Nothing is fetched; only a user's own files are read, once.
///
/// # Errors
/// Assets whose content nothing pins yet; files of the user's that cannot be read.
pub fn identities(experiment: &Experiment, store: &Store) -> Result<Identities, RunError> {
    let model = &experiment.model.source;
    let mut identities = Identities { model: read_as(model, store.identity(model)?), ..Identities::default() };
    for corpus in corpora(experiment) {
        identities.corpora.insert(corpus.id(), store.identity(&corpus.source)?);
    }
    Ok(identities)
}

fn read_as(source: &Source, identity: String) -> String {
    match source {
        Source::Pypi { .. } => identity,
        Source::Hub { .. } | Source::Joined { .. } | Source::Path { .. } => format!("{identity} as {READING}"),
    }
}

/// Every text of an experiment, each once.
pub fn corpora(experiment: &Experiment) -> Vec<&Corpus> {
    let calibrations = experiment.calibrations.iter().map(|c| &c.corpus);
    let measured =
        experiment.evaluations.iter().map(|e| &e.corpus).chain(experiment.questions.iter().map(|q| &q.corpus));
    let learned = experiment.train.iter().flat_map(|train| [&train.corpus, &train.validation]);
    let mut all: Vec<&Corpus> = calibrations.chain(measured).chain(learned).collect();
    all.sort_by_cached_key(|corpus| (corpus.name.clone(), corpus.id()));
    all.dedup_by_key(|corpus| corpus.id());
    all
}

/// Downloads and verifies the assets of an experiment.
///
/// # Errors
/// Assets that cannot be fetched, or do not have the pinned content.
pub fn fetch(experiment: &Experiment, context: &Context) -> Result<Vec<Asset>, RunError> {
    let mut sources: Vec<(&str, &Source)> = vec![(&experiment.model.name, &experiment.model.source)];
    sources.extend(corpora(experiment).into_iter().map(|corpus| (corpus.name.as_str(), &corpus.source)));
    sources.dedup();
    sources
        .into_iter()
        .map(|(name, source)| {
            let Fetched { files, mut origin } = context.store.fetch(source, &context.progress)?;
            if let Source::Path { path, .. } = source {
                origin = format!("path:{}", experiment.origin.recorded(path));
            }
            let files =
                files.into_iter().map(|(path, file)| AssetFile { path, bytes: file.bytes, sha256: file.sha256 });
            Ok(Asset { name: name.into(), origin, files: files.collect() })
        })
        .collect()
}
