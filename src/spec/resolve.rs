//! From what was written to an [`Experiment`]: every part is looked up and checked, and all that is wrong is reported.

use std::path::Path;

use super::arms::{self, Known};
use super::model::{self, ShapeReader};
use super::text::{self, Context, Named};
use super::{
    Catalog, Discard, Experiment, Loaded, Origin, Places, SpecErrors, TextPlace, adapters, device, discard, published,
    raw, sweep, targets, train, warning,
};
use crate::decompose::Entry;
use crate::names;
use crate::yaml::{self, Error, Errors, Key, Node, Span};

/// The official code's seed.
pub(super) const SEED: u64 = 233;

/// [`super::load`] with the methods as an argument.
pub(super) fn load(
    path: &Path,
    overrides: &[String],
    catalog: &Catalog,
    shape_reader: ShapeReader,
    methods: &[Entry],
) -> Result<Loaded, SpecErrors> {
    let mut root = yaml::load(path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    // Arms may be named as before any override, or as after those applied so far.
    let mut before = arms::ids(&root);
    for text in overrides {
        let known = [before, arms::ids(&root)];
        root = yaml::override_with(root, text, folder, arm_names(&known))?;
        let [first, now] = known;
        let replaced = text.split_once('=').is_some_and(|(path, _)| path.trim() == "arms");
        before = if replaced || first.len() != now.len() { arms::ids(&root) } else { first };
    }
    let written = Written { path, overrides, catalog, shape_reader, methods };
    match yaml::take(&mut root, "sweep").filter(|sweep| !sweep.is_null()) {
        Some(sweep) => sweep::load(&root, &sweep, &|root| resolve(root, &written)),
        None => resolve(&root, &written),
    }
}

/// The names of arms, for paths.
pub(super) fn arm_names(of: &[Vec<String>]) -> yaml::Names<'_> {
    yaml::Names { list: "arms", what: "arm", of }
}

/// One experiment, without a sweep. Errors about keys that only an override's path has added name the missing parent.
fn resolve(root: &Node, written: &Written) -> Result<Loaded, SpecErrors> {
    resolve_parts(root, written).map_err(|errors| {
        let mut explained = Errors::default();
        errors.iter().for_each(|error| explained.push(explain(root, error).unwrap_or_else(|| error.clone())));
        explained
    })
}

/// `evaluate.x.windows=4` adds `x` if there is none, which then lacks its other keys: the error is about the name `x`.
fn explain(root: &Node, error: &Error) -> Option<Error> {
    let span = error.span()?;
    let yaml::Added { name, parent, beside } = yaml::added(root, span)?;
    let what = match parent.as_deref() {
        Some("evaluate") => "evaluation",
        Some("calibrations") => "calibration",
        Some("questions") => "set of questions",
        _ => "",
    };
    let lacks = match error.missing_key() {
        Some(key) => format!("; a new one would lack the key `{key}`"),
        None if error.is_unknown_key() && !what.is_empty() => String::new(),
        None => return None,
    };
    if what.is_empty() {
        let place = parent.map_or("in the file".into(), |parent| format!("under `{parent}`"));
        return Some(Error::at(span, format!("there is no `{name}` {place}, so no part of it can be changed{lacks}")));
    }
    let near = yaml::nearest(&name, beside.iter().map(String::as_str));
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let known = if beside.is_empty() { "there are none".into() } else { format!("there are: {}", beside.join(", ")) };
    let message = format!(
        "there is no {what} `{name}`{hint} ({known}){lacks}; to add it, set all its keys at once: \
         `{}.{name}={{corpus: ..., ...}}`",
        parent.unwrap_or_default()
    );
    Some(Error::at(span, message))
}

/// What a tree is resolved with.
struct Written<'a> {
    path: &'a Path,
    overrides: &'a [String],
    catalog: &'a Catalog,
    shape_reader: ShapeReader<'a>,
    methods: &'a [Entry],
}

fn resolve_parts(root: &Node, written: &Written) -> Result<Loaded, SpecErrors> {
    let Written { path, overrides, catalog, shape_reader, methods } = *written;
    let raw: raw::Experiment = yaml::from_node(root).map_err(|error| error.also_known(&["extends", "sweep"]))?;

    let mut errors = Errors::default();
    errors.keep(safe_name("experiment", &raw.name, &raw.name.span));
    if let Some(title) = raw.title.as_ref().filter(|title| title.trim().chars().any(char::is_control)) {
        errors.at(&title.span, "a title must be one line of text, without tabs or other control characters");
    }
    let model = errors.keep_all(model::resolve(&raw.model, catalog, shape_reader));
    let device = errors.keep(device::resolve(raw.device.as_ref()));
    let targets = errors.keep_all(targets::resolve(raw.targets.as_ref(), model.as_ref().map(|model| &model.shape)));
    let linears = model.as_ref().zip(targets.as_ref()).map(|(model, targets)| targets.of(&model.shape));
    let seed = raw.seed.unwrap_or(SEED);
    let context = Context { catalog, model: model.as_ref(), seed };
    let calibrations = text::calibrations(raw.calibrations.as_ref(), &context, &mut errors);
    let study = study(&raw, &root.span, &mut errors);
    let evaluations = study.evaluate.map_or(Vec::new(), |node| text::evaluations(node, &context, &mut errors));
    let known = Known { methods, calibrations: &calibrations, evaluations: &evaluations };
    let placed = study.arms.map_or(Vec::new(), |node| arms::resolve(node, &known, &mut errors));
    let (arms, arm_spans): (Vec<_>, Vec<Span>) = placed.into_iter().map(|placed| (placed.arm, placed.span)).unzip();
    let discard = match study.discard {
        Some(node) => errors.keep_all(discard::resolve(node, linears.as_deref())),
        None => Some(Discard::Share { values: Vec::new() }),
    };
    let names: Vec<&str> = calibrations.iter().map(|(key, _)| key.name.as_str()).collect();
    let adapters = raw.adapters.as_ref().and_then(|node| adapters::resolve(node, &names, &mut errors));
    let heatmaps =
        raw.heatmaps.as_ref().and_then(|node| adapters::heatmaps(node, &names, linears.as_deref(), &mut errors));
    let spectra = raw.spectra.as_ref().and_then(|node| adapters::spectra(node, linears.as_deref(), &mut errors));
    if let (Some(node), Some(discard), Some(linears)) =
        (raw.adapters.as_ref().or(raw.train.as_ref()), &discard, &linears)
        && let Some(r) = discard::same_name(discard, linears)
    {
        errors.at(&node.span, format!("two shares of `discard` make adapters of the same rank ({r}); keep one"));
    }
    let parts =
        train::Parts { arms: &arms, discard: discard.as_ref(), linears: linears.as_deref().unwrap_or_default() };
    let resolved_train = raw.train.as_ref().and_then(|node| train::resolve(node, &context, &parts, &mut errors));
    let (train, train_places) = match resolved_train {
        Some(resolved) => (Some(resolved.train), Some((resolved.examples, resolved.validation))),
        None => (None, None),
    };
    let questions = match &raw.questions {
        Some(node) => train::questions(node, train.as_ref(), &context, &mut errors),
        None => Vec::new(),
    };
    let mut places = Places { arms: arm_spans, ..Places::default() };
    (places.train, places.validation) = train_places.unzip();
    let mut question_keys = Vec::new();
    let mut asked = Vec::new();
    for (key, questions, place) in questions {
        question_keys.push(key);
        asked.push(questions);
        places.questions.push(place);
    }
    if let Some(name) = &raw.published {
        errors.keep_all(published::find(name, catalog));
    }

    let (Some(model), Some(device), Some(targets), Some(discard), true) =
        (model, device, targets, discard, errors.is_empty())
    else {
        return Err(errors);
    };
    let (calibration_keys, calibrations) = resolved(calibrations, &mut places.calibrations);
    let (evaluation_keys, evaluations) = resolved(evaluations, &mut places.evaluations);
    let experiment = Experiment {
        // A block of YAML ends with a line break.
        title: raw.title.map_or_else(|| raw.name.value.clone(), |title| title.trim().to_owned()),
        name: raw.name.value,
        variant: None,
        description: raw.description,
        model,
        device,
        targets,
        seed,
        calibrations,
        arms,
        discard,
        evaluations,
        adapters,
        heatmaps,
        spectra,
        train,
        questions: asked,
        published: raw.published.map(|name| name.value),
        path: path.to_owned(),
        overrides: overrides.to_vec(),
        origin: Origin::new(path, overrides, &catalog.folder),
    };
    let keys = warning::Keys {
        calibrations: &calibration_keys,
        evaluations: &evaluation_keys,
        questions: &question_keys,
        arms: &places.arms,
    };
    let warnings = warning::find(&experiment, &keys);
    Ok(Loaded { experiment, sweep: None, warnings, places })
}

/// The parts of a study: none in an experiment of heat maps only.
#[derive(Clone, Copy, Default)]
struct Study<'a> {
    arms: Option<&'a Node>,
    discard: Option<&'a Node>,
    evaluate: Option<&'a Node>,
}

/// The study. Its parts belong together, except that spectra need no test set and fine-tuning needs no arms. An incomplete
/// study, or an experiment without any product, is an error.
fn study<'a>(raw: &'a raw::Experiment, span: &Span, errors: &mut Errors) -> Study<'a> {
    let study = Study { arms: raw.arms.as_ref(), discard: raw.discard.as_ref(), evaluate: raw.evaluate.as_ref() };
    let missing = |name: &str| format!("missing key `{name}`");
    if let Some(train) = &raw.train {
        if study.arms.is_some() && study.discard.is_none() {
            errors.at(span, missing("discard"));
        }
        if study.evaluate.is_none() && raw.questions.is_none() {
            errors.at(&train.span, "nothing is measured: add `evaluate` (texts) or `questions`");
        }
        if let Some(node) = &raw.adapters {
            errors.at(&node.span, "`adapters` measures adapters before training: use it in a file without `train`");
        }
        return study;
    }
    if let Some(node) = &raw.questions {
        errors.at(&node.span, "`questions` are asked of models before and after fine-tuning: add `train`");
    }
    let parts = [("arms", study.arms), ("discard", study.discard), ("evaluate", study.evaluate)];
    // Adapters are reported with the perplexity of the model that they leave behind.
    let measured = raw.spectra.is_none() || raw.adapters.is_some();
    let needed = parts.iter().filter(|(name, _)| measured || *name != "evaluate");
    let lacking: Vec<&str> = needed.filter(|(_, node)| node.is_none()).map(|(name, _)| *name).collect();
    if lacking.is_empty() {
        return study;
    }
    let given = parts.iter().filter_map(|(_, node)| *node).chain(&raw.adapters).chain(&raw.spectra).next();
    if given.is_some() || raw.heatmaps.is_none() {
        lacking.into_iter().for_each(|name| errors.at(span, missing(name)));
    }
    Study::default()
}

fn resolved<T>(named: Named<T>, places: &mut Vec<TextPlace>) -> (Vec<Key>, Vec<T>) {
    let all = named.into_iter().filter_map(|(key, value)| {
        let (value, place) = value?;
        places.push(place);
        Some((key, value))
    });
    all.unzip()
}

/// Refuses a name that is not a safe file name on every system.
pub(super) fn safe_name(what: &str, name: &str, span: &Span) -> Result<(), Error> {
    check_name(what, name).map_err(|message| Error::at(span, message))
}

/// As [`safe_name`], without a place.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), String> {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !(starts_well && name.chars().all(safe) && name.len() <= 64) {
        return Err(format!(
            "`{name}` is not a valid name ({what}): use up to 64 letters (a-z, A-Z), digits, `-`, `_` and `.`, and a \
             letter or digit first"
        ));
    }
    // In file names, other names follow a word of ours.
    match names::unfit(name).filter(|_| what == "experiment") {
        None => Ok(()),
        Some(why) => Err(format!("`{name}` is not a valid name ({what}): {why}")),
    }
}
