//! `corda report`: tables, figures and pages drawn again from saved results; no model is needed.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::results;
use crate::results::folder::{self, KNOWN, PROVENANCE, Replacement};
use crate::results::provenance::Provenance;
use crate::spec::Experiment;

use super::{Context, RunError, draw};

/// Draws the results of one experiment again, or of one variant.
pub(super) fn one(experiment: &Experiment, context: &Context) -> Result<Vec<PathBuf>, RunError> {
    let folder = context.results.join(experiment.folder());
    let spec = experiment.recorded()?;
    again(&folder, &spec, |provenance, to| draw::draw(experiment, context, provenance, &folder, to).map(drop))
}

/// Draws a folder of saved results again: `draw` makes files in another folder, which then replace those there together.
///
/// # Errors
/// Among others, where `spec`, the experiment as it is now, is not the one that was computed.
pub(super) fn again(
    folder: &Path,
    spec: &Value,
    draw: impl FnOnce(&Provenance, &Path) -> Result<(), RunError>,
) -> Result<Vec<PathBuf>, RunError> {
    let mut provenance = Provenance::read(&folder.join(PROVENANCE))?;
    let path = folder.join(PROVENANCE);
    let bytes = std::fs::read(&path).map_err(|source| results::Error::Read { path, source })?;
    // Interrupted while they were drawn again, the rows are all of one run still.
    if folder::unfinished(folder).is_some_and(|marker| marker != bytes) {
        return Err(RunError::Unfinished(folder.into()));
    }
    if let Some((key, then, now)) = difference(&provenance.spec, spec, "") {
        return Err(RunError::Outdated { folder: folder.into(), key, then, now });
    }
    let new = Replacement::begin(folder)?;
    draw(&provenance, new.staging())?;
    if same_words(&provenance.spec, spec) {
        return Ok(new.commit(&bytes, &KNOWN)?);
    }
    // What the page says is recorded, so that a run notices when the spec says something else.
    TITLES.iter().for_each(|key| provenance.spec[*key] = spec[*key].clone());
    provenance.write(&new.staging().join(PROVENANCE))?;
    Ok(new.commit(&provenance.to_json()?, &KNOWN)?)
}

/// Keys of an experiment that stand in no row: what results are drawn with again may differ in them.
const TITLES: [&str; 3] = ["title", "description", "published"];

/// Keys that are recorded otherwise by other versions, or say where a spec came from.
const ORIGIN: [&str; 6] = ["path", "overrides", "variant", "licence", "terms", "citation"];

/// Whether results say the same in words as the spec.
pub(super) fn same_words(recorded: &Value, spec: &Value) -> bool {
    TITLES.iter().all(|key| recorded[*key] == spec[*key])
}

/// The first key whose value changed, and its values; words aside, and keys that one of the two does not know (of another
/// version of this program).
fn difference(then: &Value, now: &Value, key: &str) -> Option<(String, String, String)> {
    let below = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    let names = |all: &Map<String, Value>| all.keys().cloned().collect::<Vec<_>>().join(", ");
    match (then, now) {
        // Every variant counts.
        (Value::Object(then), Value::Object(now)) if key == "sweep.variants" => {
            (then != now).then(|| (key.to_owned(), names(then), names(now)))
        }
        (Value::Object(then), Value::Object(now)) => {
            let words = |name: &str| ORIGIN.contains(&name) || (key.is_empty() && TITLES.contains(&name));
            let mut known = then.iter().filter(|(name, _)| !words(name));
            known.find_map(|(name, value)| difference(value, now.get(name)?, &below(name)))
        }
        (Value::Array(then), Value::Array(now)) if then.len() == now.len() => {
            let mut pairs = then.iter().zip(now).enumerate();
            pairs.find_map(|(i, (then, now))| difference(then, now, &below(&i.to_string())))
        }
        (Value::Array(then), Value::Array(now)) => {
            const SHORT: usize = 60;
            let text = |all: &[Value]| Value::from(all).to_string();
            let long = |all: &[Value]| text(all).len() > SHORT;
            let count = |all: &[Value]| if long(all) { format!("a list of {}", all.len()) } else { text(all) };
            Some((key.to_owned(), count(then), count(now)))
        }
        _ if then == now || then.as_f64().is_some_and(|number| now.as_f64() == Some(number)) => None,
        _ => Some((key.to_owned(), then.to_string(), now.to_string())),
    }
}
