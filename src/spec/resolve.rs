//! From what was written to an [`Experiment`]: every part is looked up and checked, and all that is wrong is reported.

use std::path::Path;

use super::arms::{self, Known};
use super::model::{self, ShapeReader};
use super::text::{self, Context, Named};
use super::{Catalog, Experiment, Loaded, SpecErrors, discard, published, raw, targets, warning};
use crate::decompose::Entry;
use crate::yaml::{self, Error, Errors, Key, Span};

/// The official code's seed.
const SEED: u64 = 233;

/// [`super::load`] with the methods there are.
pub(super) fn load(
    path: &Path,
    overrides: &[String],
    catalog: &Catalog,
    shape_reader: ShapeReader,
    methods: &[Entry],
) -> Result<Loaded, SpecErrors> {
    let mut root = yaml::load(path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    for text in overrides {
        root = yaml::override_with(root, text, folder)?;
    }
    let raw: raw::Experiment = yaml::from_node(&root).map_err(|error| error.also_known(&["extends"]))?;

    let mut errors = Errors::default();
    errors.keep(safe_name("experiment", &raw.name, &raw.name.span));
    let model = errors.keep_all(model::resolve(&raw.model, catalog, shape_reader));
    let targets = errors.keep_all(targets::resolve(raw.targets.as_ref(), model.as_ref().map(|model| &model.shape)));
    let linears = model.as_ref().zip(targets.as_ref()).map(|(model, targets)| targets.of(&model.shape));
    let seed = raw.seed.unwrap_or(SEED);
    let context = Context { catalog, model: model.as_ref(), seed };
    let calibrations = text::calibrations(raw.calibrations.as_ref(), &context, &mut errors);
    let evaluations = text::evaluations(&raw.evaluate, &context, &mut errors);
    let known = Known { methods, calibrations: &calibrations, evaluations: &evaluations };
    let (arms, arm_spans): (Vec<_>, Vec<Span>) =
        arms::resolve(&raw.arms, &known, &mut errors).into_iter().map(|placed| (placed.arm, placed.span)).unzip();
    let discard = errors.keep_all(discard::resolve(&raw.discard, linears.as_deref()));
    if let Some(name) = &raw.published {
        errors.keep_all(published::find(name, catalog));
    }

    let (Some(model), Some(targets), Some(discard), true) = (model, targets, discard, errors.is_empty()) else {
        return Err(errors);
    };
    let (calibration_keys, calibrations) = resolved(calibrations);
    let (evaluation_keys, evaluations) = resolved(evaluations);
    let experiment = Experiment {
        title: raw.title.unwrap_or_else(|| raw.name.value.clone()),
        name: raw.name.value,
        description: raw.description,
        model,
        targets,
        seed,
        calibrations,
        arms,
        discard,
        evaluations,
        published: raw.published.map(|name| name.value),
        path: path.to_owned(),
        overrides: overrides.to_vec(),
    };
    let warnings = warning::find(&experiment, &calibration_keys, &evaluation_keys, &arm_spans);
    Ok(Loaded { experiment, warnings })
}

fn resolved<T>(named: Named<T>) -> (Vec<Key>, Vec<T>) {
    named.into_iter().filter_map(|(key, value)| Some((key, value?))).unzip()
}

/// Refuses a name that is no safe file name on every system.
pub(super) fn safe_name(what: &str, name: &str, span: &Span) -> Result<(), Error> {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && name.chars().all(safe) && name.len() <= 64 {
        return Ok(());
    }
    let message = format!(
        "`{name}` will not do as a name ({what}): use up to 64 letters, digits, `-`, `_` and `.`, and a letter or digit \
         first"
    );
    Err(Error::at(span, message))
}
